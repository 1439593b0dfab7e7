"""Texts in, tags out: the predictor, the forms of its answers, the command line, bad input.

The rooms: gradus.sequence.tagging.predict, gradus.sequence.tagging.output,
gradus.sequence.tagging.data, gradus.sequence.tagging.train, gradus.sequence.tagging.recipes.
"""

import io
import json
import sys

import pytest
import torch

import gradus
from gradus.core.errors import RunError, UsageError
from gradus.data.conll import Tagged, read_columns, to_columns
from gradus.sequence import Tagger
from gradus.sequence.tagging import predict as module
from gradus.sequence.tagging.data import load_text, read_ewt, tags_of
from gradus.sequence.tagging.output import FORMATS, colour_of
from gradus.sequence.tagging.predict import load_tagger, open_tagger
from gradus.sequence.tagging.train import NO_TAG, SENTENCE, tensors
from tests.commands import call, offline, one_line

TEXT = "The dref quickly soaned. It's\nfor Ann 😀!"
WORDS = ["The", "dref", "quickly", "soaned", ".", "It", "'s", "for", "Ann", "😀", "!"]


def test_an_answer_says_where_each_word_stands(run):
    answers = load_tagger(run)(TEXT, "", "One.")
    assert [a["input"] for a in answers] == [TEXT, "", "One."]
    tokens = [token for sentence in answers[0]["sentences"] for token in sentence]
    assert [t["word"] for t in tokens] == WORDS
    assert all(TEXT[t["start"] : t["end"]] == t["word"] for t in tokens)
    assert all(t["tag"] in run.info["facts"]["classes"] for t in tokens)
    assert all(0 < t["probability"] <= 1 for t in tokens)
    assert answers[1]["sentences"] == []
    assert len(answers[2]["sentences"][0]) == 2


def test_tags_are_the_likeliest_of_the_model_whatever_is_computed_together(tagger, monkeypatch):
    sentences = [list(s.words) for s in load_text("toy", 50, 40).train] + [[], ["a"]]
    found = tagger.tag(sentences)
    assert [len(tags) for tags in found] == [len(words) for words in sentences]
    rows = tagger.reader.windows(sentences).rows()
    probability, best = tagger.model(rows).softmax(1).max(1)
    pairs = [pair for tags in found for pair in tags]
    assert [tag for tag, _ in pairs] == [tagger.tags[i] for i in best.tolist()]
    assert [p for _, p in pairs] == pytest.approx(probability.tolist(), abs=1e-5)
    monkeypatch.setattr(module, "AT_ONCE", 7)
    monkeypatch.setattr(module, "TEXT_AT_ONCE", 30)
    again = [pair for tags in tagger.tag(sentences) for pair in tags]
    assert [tag for tag, _ in again] == [tag for tag, _ in pairs]
    assert tagger.tag([]) == []


def test_a_sentence_of_10_000_words(tagger):
    assert isinstance(tagger.model, Tagger)
    assert len(tagger.tag([["dref"] * 10_000])[0]) == 10_000


def test_answers_as_lines(run):
    answers = load_tagger(run)(TEXT)
    plain = [line.plain for line in FORMATS["plain"](answers)]
    assert [len(line.split(" ")) for line in plain] == [5, 6]
    assert [pair.rsplit("/", 1)[0] for pair in " ".join(plain).split(" ")] == WORDS
    columns = "".join(f"{line.plain}\n" for line in FORMATS["conll"](answers))
    expected = [
        Tagged(tuple(t["word"] for t in s), tuple(t["tag"] for t in s))
        for s in answers[0]["sentences"]
    ]
    assert columns == to_columns(expected)


def test_colours_go_by_the_kind_of_word():
    assert colour_of("NNPS") == colour_of("NOUN") != colour_of("VBZ") == colour_of("AUX")
    assert colour_of(",") == ""


def test_on_the_command_line(run, capsys, monkeypatch):
    def said(text, *words):
        monkeypatch.setattr(sys, "stdin", io.StringIO(text))
        return call(capsys, "predict", run.path, *words)

    assert said(TEXT).out.count("/") == len(WORDS)
    assert said(TEXT).out.count("\n") == 2
    assert said(TEXT, "--format", "conll").out.splitlines()[5] == ""
    found = json.loads(said(TEXT, "--json").out)["answers"]
    assert [len(a["sentences"]) for a in found] == [2]
    assert call(capsys, "predict", run.path, "One.", "Two.").out.count("\n") == 2
    one_line(said(TEXT, "--format", "svg"), 2, "format must be one of plain, conll, got 'svg'")
    one_line(said(" \n"), 2, "nothing to answer about")
    bad = io.TextIOWrapper(io.BytesIO(b"ab\xff"), encoding="utf-8")
    monkeypatch.setattr(sys, "stdin", bad)
    one_line(call(capsys, "predict", run.path), 2, "not text in UTF-8 (byte 2)")


def test_evaluate_tells_each_tag(run, capsys):
    shown = call(capsys, "evaluate", run.path).out
    assert "accuracy, new words" in shown
    assert "taken for" in shown
    found = json.loads(call(capsys, "evaluate", run.path, "--json").out)
    rows = found["details"]
    assert {row["tag"] for row in rows} <= set(run.info["facts"]["classes"])
    right = sum(row["recall"] * row["words"] for row in rows)
    assert right / sum(row["words"] for row in rows) == pytest.approx(found["test"]["accuracy"])


def test_the_books_sentence_is_told_after_each_epoch(run):
    (line,) = run.task().remarks(run.task().model)
    assert [pair.rsplit("/", 1)[0] for pair in line.split(" ")] == SENTENCE


@pytest.mark.parametrize("name", ["features.txt", "run.json"])
def test_a_missing_file_is_named(run, tmp_path, name):
    import shutil

    copy = tmp_path / "copy"
    shutil.copytree(run.path, copy)
    (copy / name).unlink()
    with pytest.raises((RunError, UsageError), match=r"missing|not a run"):
        open_tagger(gradus.open(copy))


# Texts --------------------------------------------------------------------------------------------


def test_ones_own_text(tmp_path):
    for part, n in (("train", 40), ("test", 10)):
        text = load_text("toy", 1, n).train
        (tmp_path / f"{part}.txt").write_text(to_columns(text))
    text = load_text(str(tmp_path), 10)
    assert (len(text.train), len(text.validation), len(text.test())) == (30, 10, 10)
    assert sorted(text.train + text.validation) == sorted(read_columns(tmp_path / "train.txt"))
    assert load_text(str(tmp_path), 10).validation == text.validation
    assert len(load_text(str(tmp_path), 10, 7).train) == 7
    assert len(load_text(str(tmp_path), 900).validation) == 20


def test_no_text(tmp_path, monkeypatch):
    offline(monkeypatch, tmp_path)
    with pytest.raises(UsageError, match="data must be conll2000, ewt, toy or a folder"):
        load_text("nothing", 10)
    with pytest.raises(UsageError, match=r"must hold train\.txt"):
        load_text(str(tmp_path), 10)
    (tmp_path / "train.txt").write_text("a DT\n")
    (tmp_path / "test.txt").write_text("a DT\n")
    with pytest.raises(UsageError, match="two sentences or more"):
        load_text(str(tmp_path), 10)


def test_a_tag_that_the_training_had_not_is_missed(tagger):
    unseen = [Tagged(("a", "dref"), ("DT", "XX"))]
    _, labels, known = tensors(unseen, tagger.reader, tagger.tags, {"a"})
    assert labels.tolist() == [tagger.tags.index("DT"), NO_TAG]
    assert known.tolist() == [True, False]


def test_tags_are_in_order():
    assert tags_of([Tagged(("a", "b"), ("X", "B")), Tagged(("c",), ("X",))]) == ["B", "X"]


@pytest.mark.data
def test_the_web_treebank(real_data):
    dev = read_ewt("dev", "upos")
    assert len(dev) == 2001
    assert len(tags_of(dev)) == 17


@pytest.mark.learn
@pytest.mark.data
def test_the_book_s_text_is_learned(real_data, tmp_path):
    run = gradus.train("tagger-best", run_dir=tmp_path / "run", quick=True)
    assert run.results["test"]["accuracy"] > 0.95


@pytest.mark.learn
def test_the_toy_text_is_learned(tmp_path):
    settings = {"data": "toy", "dimensions": 32, "hidden": (64, 32), "epochs": 8}
    run = gradus.train("tagger-best", run_dir=tmp_path / "run", batch_size=100, **settings)
    assert run.results["test"]["accuracy"] > 0.95
    assert torch.isfinite(run.load_weights()["first.weight"]).all()
