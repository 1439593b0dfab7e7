"""A finished run at the command line: translations, the prompt, the map, what is refused."""

import io
import json

import numpy as np
import pytest
import torch

from gradus import catalog
from gradus.core.errors import RunError, UsageError
from gradus.core.experiment import train
from gradus.core.progress import Silent, reporting
from gradus.sequence.translation.batches import by_length, pair_batches
from gradus.sequence.translation.decode import attention_of
from gradus.sequence.translation.drawing import attention_map, steps_back
from gradus.sequence.translation.figures import FIGURES
from gradus.sequence.translation.predict import Translator
from gradus.sequence.translation.reversal import attention_right, sequences
from gradus.sequence.translation.scores import bleu, translate
from gradus.sequence.translation.seq2seq import Seq2Seq
from gradus.sequence.translation.tokens import SPECIAL, UNK, Listed
from tests.commands import call
from tests.figures import assert_readable

SENTENCE = "The red car follows a dog."


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    recipe = catalog.recipe("translate-book")
    config = recipe.configure(**{**recipe.smoke, "epochs": 1, "buckets": (5, 10, 8, 12)})
    return train(recipe, config, path=tmp_path_factory.mktemp("runs") / "book", test=False)


def test_translations_are_said_alone(run, capsys, monkeypatch, tmp_path):
    said = call(capsys, "predict", run.path, SENTENCE, "--json")
    (answer,) = json.loads(said.out)["answers"]
    assert answer["input"] == SENTENCE
    monkeypatch.setattr("sys.stdin", io.StringIO(f"{SENTENCE}\n\n{SENTENCE}\n"))
    assert call(capsys, "predict", run.path).out == f"{answer['text']}\n" * 2
    target = tmp_path / "map.png"
    drawn = call(capsys, "predict", run.path, SENTENCE, "--attention", target)
    assert drawn.out == f"{answer['text']}\n"
    assert target.read_bytes().startswith(b"\x89PNG")
    assert call(capsys, "predict", run.path, "a", "b", "--attention", target).code == 2


def test_a_prompt_answers_until_it_is_closed(run, capsys, monkeypatch):
    class Terminal(io.StringIO):
        def isatty(self):
            return True

    lines = iter([SENTENCE, "  "])

    def typed(prompt):
        assert prompt == "> "
        try:
            return next(lines)
        except StopIteration:
            raise EOFError from None

    monkeypatch.setattr("sys.stdin", Terminal())
    monkeypatch.setattr("builtins.input", typed)
    said = call(capsys, "predict", run.path)
    assert said.code == 0
    assert len(said.out.splitlines()) == 1


def test_a_sentence_too_long_is_cut_and_told(run):
    told = []

    class Noted(Silent):
        def note(self, text):
            told.append(text)

    with reporting(Noted):
        long, short = Translator(run)(f"{SENTENCE} {SENTENCE}", SENTENCE)
    assert long["cut"] == 6
    assert "cut" not in short
    assert "has 14 tokens, the longest of the training had 8: the last 6 are left out" in told[0]


def test_a_vocabulary_of_another_run_is_refused(run, tmp_path, monkeypatch):
    path = run.path / "target.json"
    kept = path.read_text()
    try:
        path.write_text(Listed("word", SPECIAL).dump())
        with pytest.raises(RunError, match=r"target.json has 4 entries, the network was trained"):
            Translator(run)
        path.unlink()
        with pytest.raises(RunError, match="cannot be read"):
            Translator(run)
    finally:
        path.write_text(kept)


def test_maps_can_be_read_and_need_attention(run):
    translator = Translator(run)
    assert_readable(translator.draw(SENTENCE))
    with pytest.raises(UsageError, match="got an empty one"):
        translator.draw(" ")
    weights = np.eye(3)[[0, 2, 1]]
    assert steps_back(weights) == 1
    assert steps_back(np.full((3, 3), 1 / 3)) == 0
    fig = attention_map(weights, ["a", "black", "cat"], ["un", "chat", "noir"])
    finding = fig.texts[0].get_text().replace("\n", " ")
    assert finding == "The attention turns back once; 100 % of it is on one token at a time"
    assert set(FIGURES) == {"7-27", "7-31", "7-33"}


def test_only_what_has_attention_draws_it(capsys, tmp_path):
    recipe = catalog.recipe("exam-perceptron")
    done = train(recipe, recipe.configure(**recipe.smoke), path=tmp_path / "exam", test=False)
    said = call(capsys, "predict", done.path, "7,5", "--attention", tmp_path / "x.png")
    assert said.code == 2
    assert "exam-perceptron has no attention to draw: leave --attention out" in said.err


def test_bleu_is_sacrebleus():
    assert bleu(["Un chat noir dort là."], ["Un chat noir dort là."]) == pytest.approx(100)
    assert bleu(["un chat noir dort là."], ["Un chat noir dort là."]) < 100  # capitals count


def test_an_unk_becomes_the_word_looked_at():
    class Certain(Seq2Seq):
        """Says UNK, then the end."""

        def output(self, said, words=None):
            logits = super().output(said, words) * 0
            logits[..., UNK if self.first else 2] = 9
            self.first = False
            return logits

    model = Certain(6, 6, 4, 4).eval()
    model.first = True
    source = Listed("word", [*SPECIAL, "zebra"])
    texts, found = translate(model, (source, source), [[4]], False, 1, 1.0)
    assert found[0].tokens == [UNK]
    assert texts == ["zebra"]


def test_the_mark_of_a_reversal_by_hand():
    config = catalog.recipe("reverse-attention").configure(symbols=3, shortest=2, longest=4)
    pairs = sequences(config, 6, (0,))
    batches = pair_batches(pairs, by_length(pairs.lengths, 6, None), 6)
    model = Seq2Seq(7, 7, 4, 4).eval()
    found = attention_right(model, batches)
    shares = []
    for row in range(6):
        source = torch.from_numpy(pairs.source[row].astype("int64"))
        weights = attention_of(model, source, source.flip(0).tolist())
        shares += [weights[t, len(source) - 1 - t].item() for t in range(len(source))]
        assert pairs.target[row].tolist() == source.tolist()[::-1]
    assert found == pytest.approx(np.mean(shares), rel=1e-5)


@pytest.mark.learn
def test_attention_finds_the_right_place(tmp_path):
    recipe = catalog.recipe("reverse-attention")
    done = train(recipe, recipe.configure(quick=True), path=tmp_path / "run")
    assert done.results["test"]["attention right"] >= 0.95
    assert done.results["test"]["exact greedy"] >= 0.95
