"""What becomes of text: sentences, trees, drawings; and how parses are judged."""

import itertools
import json
import subprocess
import sys
import xml.etree.ElementTree as ET

import pytest
from hypothesis import given, settings

import gradus
from gradus import cli
from gradus.core.errors import DataError, RunError, UsageError
from gradus.core.experiment import train
from gradus.core.plot import new_figure
from gradus.sequence.conllu import parse_conllu, sentence_of, write_sentence
from gradus.sequence.parsing.course import find_treebank, make_course, read_part
from gradus.sequence.parsing.drawing import colour_of, draw_svg, draw_tree
from gradus.sequence.parsing.evaluation import attached, label_rows, labelled, universal
from gradus.sequence.parsing.figures import FIGURES
from gradus.sequence.parsing.layout import SMALL, lay_out
from gradus.sequence.parsing.output import conllu, plain, stacked, svg
from gradus.sequence.parsing.predict import load_parser, open_parser
from gradus.sequence.parsing.recipes import PARSER_GLOBAL, PARSER_GREEDY
from gradus.sequence.parsing.run_figures import GARDEN_PATH, drawn_twice
from gradus.sequence.parsing.toy import toy_sentences
from gradus.sequence.parsing.treebank import (
    encode_sentences,
    learn_vocabulary,
    read_vocabulary,
    shape_of,
    word_of,
)
from tests.sequence.parsing.small import trees

WORDS = ["I", "took", "the", "<taxi>", "."]
TAGS = ["PRON PRP", "VERB VBD", "DET DT", "NOUN NN", "PUNCT ."]
HEADS, LABELS = [2, 0, 4, 2, 2], ["nsubj", "root", "det", "obj", "punct"]
STARTS = [0, 2, 7, 11, 17]
ANSWERS = [
    {
        "input": "I took the <taxi>.",
        "sentences": [
            [
                {"word": w, "tag": t, "head": h, "label": name, "start": s, "end": s + len(w)}
                for w, t, h, name, s in zip(WORDS, TAGS, HEADS, LABELS, STARTS, strict=True)
            ]
        ],
    }
]


def test_a_tree_to_read():
    assert [line.plain for line in plain(ANSWERS)] == [
        "took  VERB VBD  root",
        "├─ I  PRON PRP  nsubj",
        "├─ <taxi>  NOUN NN  obj",
        "│  └─ the  DET DT  det",
        "└─ .  PUNCT .  punct",
        "",
    ]


def test_conllu_out_is_conllu():
    text = "".join(f"{line.plain}\n" for line in conllu(ANSWERS))
    (made,) = parse_conllu(text.encode().splitlines(), "x")
    assert made.text == "I took the <taxi>."
    assert made.heads == HEADS
    assert [row.xpos for row in made.words] == ["PRP", "VBD", "DT", "NN", "."]
    assert [row.upos for row in made.words][:2] == ["PRON", "VERB"]
    assert [row.space_after for row in made.words] == [True, True, True, False, True]


@settings(max_examples=60, deadline=None)
@given(trees(projective=False, most=12))
def test_nothing_in_a_drawing_overlaps(heads):
    forms = [chr(97 + i) * (1 + 5 * i % 7) for i in range(len(heads))]
    labels = [("a", "label", "long:label")[i % 3] for i in range(len(heads))]
    layout = lay_out(forms, ["X"] * len(heads), heads, labels)
    boxes = [
        ((a.head + a.word) / 2, a.level, SMALL * len(a.label) / 2, sorted((a.head, a.word)))
        for a in layout.arcs
    ]
    for (x, level, half, ends), (y, other, reach, others) in itertools.combinations(boxes, 2):
        if level == other:
            assert abs(x - y) >= half + reach
            assert ends[1] < others[0] or others[1] < ends[0]
    assert all(half * 2 < ends[1] - ends[0] for _, _, half, ends in boxes)
    points = [p for a in layout.arcs for p in (a.head, a.word)] + [x for x, _ in layout.roots]
    assert len({round(p, 3) for p in points}) == len(points)
    assert layout.centres == sorted(layout.centres)
    assert 0 < min(points) <= max(points) < layout.width


def test_a_drawing_is_xml_with_every_word_and_label():
    root = ET.fromstring(draw_svg(WORDS, TAGS, HEADS, LABELS))
    told = [node.text for node in root.iter("{http://www.w3.org/2000/svg}text")]
    assert sorted(told) == sorted([*WORDS, *TAGS, *LABELS])
    together = "\n".join(line.plain for line in svg(ANSWERS * 2))
    assert len(list(ET.fromstring(together).iter("{http://www.w3.org/2000/svg}svg"))) == 3
    assert ET.fromstring(stacked([])).get("height") == "0"
    assert colour_of("VBD") == colour_of("VERB") != colour_of("NN")
    _, (ax,) = new_figure()
    draw_tree(ax, WORDS, TAGS, HEADS, LABELS)
    assert {text.get_text() for text in ax.texts} >= {*WORDS, *LABELS}


def test_wide_letters_get_more_room():
    narrow, wide = (lay_out([w, w], ["", ""], [0, 1], ["r", "x"]) for w in ("aaaa", "字字字字"))
    assert wide.centres[1] > narrow.centres[1]
    assert lay_out(["🌊"], ["SYM"], [0], ["root"]).levels == 0


# Scores -------------------------------------------------------------------------------------------


def test_words_are_counted_as_in_the_shared_task():
    gold = [([2, 0, 4, 2, 2], ["nsubj", "root", "det", "nmod:poss", "punct"]), ([0], ["root"])]
    found = [([2, 0, 2, 2, 3], ["nsubj", "root", "det", "nmod", "obj"]), ([0], ["root"])]
    assert attached(gold, found).tolist() == [True, True, False, True, False, True]
    assert labelled(gold, found).tolist() == [True, True, True, True, False, True]
    assert universal("nmod:poss") == "nmod"
    rows = {row["label"]: row for row in label_rows(gold, found)}
    assert list(rows) == ["root", "det", "nmod", "nsubj", "punct", "obj"]
    assert rows["root"] == {
        "label": "root", "words": 2, "precision": 1.0, "recall": 1.0, "F1": 1.0, "taken for": ""
    }  # fmt: skip
    assert rows["det"]["recall"] == 0.0
    assert (rows["punct"]["taken for"], rows["obj"]["words"], rows["obj"]["F1"]) == ("obj", 0, 0.0)


# Vocabulary and treebanks -------------------------------------------------------------------------


def test_a_vocabulary_knows_what_is_frequent_and_survives_its_file():
    sentences = toy_sentences(50)
    vocabulary = learn_vocabulary(sentences, 10, "both")
    assert read_vocabulary(vocabulary.text()) == vocabulary
    assert vocabulary.words[0] in ("the", "a", ".")
    assert "DET DT" in vocabulary.tags
    assert "root" not in vocabulary.labels
    the, strange = vocabulary.token("The", "DET DT"), vocabulary.token("Zzz", "?")
    assert the[0] == vocabulary.words.index("the") + 2
    assert strange == [1, 1, 1, 1, vocabulary.token("The")[4], 1]
    assert (word_of("ABC12"), shape_of("McDonald's"), shape_of("")) == ("abc00", "XxXxx'x", "")
    bank = encode_sentences(sentences, learn_vocabulary(sentences, 1, "none"))
    assert bank.kinds.shape[1] == 5
    assert bank.kinds[0].tolist() == [0] * 5
    assert (bank.kinds[1:] > 1).all()


def test_the_toy_treebank_is_one():
    for sentence in toy_sentences(40, seed=3):
        assert list(parse_conllu(write_sentence(sentence).encode().split(b"\n"), "toy")) == [
            sentence
        ]
    assert toy_sentences(5) == toy_sentences(5) != toy_sentences(5, 1)


def own_treebank(folder):
    for number, part in enumerate(("train", "dev", "test")):
        text = "".join(map(write_sentence, toy_sentences(12, number)))
        (folder / f"my-{part}.conllu").write_text(text)
    return folder


def test_a_treebank_of_ones_own(tmp_path):
    own_treebank(tmp_path)
    config = PARSER_GREEDY.configure(**{**PARSER_GREEDY.smoke, "data": str(tmp_path)})
    assert len(make_course(config).vocabulary.labels) == 7
    assert find_treebank(str(tmp_path), "dev").name == "my-dev.conllu"
    assert len(read_part(str(tmp_path), "train", 5)) == 5


def test_a_treebank_that_is_not_whole_is_refused(tmp_path):
    own_treebank(tmp_path)
    (tmp_path / "my-train.conllu").write_text("1\tx\n")
    with pytest.raises(DataError, match=r"my-train\.conllu:1: a row must have 10 columns"):
        read_part(str(tmp_path), "train")
    (tmp_path / "my-dev.conllu").write_text("")
    with pytest.raises(UsageError, match="holds no sentence"):
        read_part(str(tmp_path), "dev")
    (tmp_path / "other-test.conllu").touch()
    with pytest.raises(UsageError, match=r"must hold one file .*found 2"):
        read_part(str(tmp_path), "test")
    with pytest.raises(UsageError, match="data must be ewt, toy or a folder"):
        read_part("etw", "test")


# Runs ---------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs")
    config = PARSER_GREEDY.configure(**PARSER_GREEDY.smoke)
    return train(PARSER_GREEDY, config, path=folder / "greedy", test=False)


def test_sentences_of_any_kind_are_parsed(run):
    predict = load_parser(run)
    texts = ["", "🌊 emoji 👍🏽!", "dog " * 400, GARDEN_PATH]
    answers = predict(*texts)
    assert answers[0] == {"input": "", "sentences": []}
    assert sum(len(s) for s in answers[2]["sentences"]) == 400
    for answer in answers:
        for words in answer["sentences"]:
            assert [w["head"] for w in words].count(0) == 1
            assert all(answer["input"][w["start"] : w["end"]] == w["word"] for w in words)
    assert open_parser(run).parse([]) == []
    given = open_parser(run).parse([["a", "dog"]], [["DET DT", "NOUN NN"]], beam=3)[0]
    assert given.tags == ["DET DT", "NOUN NN"]
    fig = drawn_twice(
        ["a", "dog"] * 2, [("x", open_parser(run).parse([["a", "dog"] * 2])[0])] * 2, ""
    )
    assert "both trees are the same" in " ".join(t.get_text() for t in fig.texts).replace("\n", " ")


def test_the_command_line_answers_in_every_form(run, capsys):
    for form in ("plain", "conllu", "svg"):
        assert cli.main(["predict", str(run.path), "The dog ran.", "--format", form]) == 0
        assert "dog" in capsys.readouterr().out
    assert cli.main(["predict", str(run.path), "The dog ran.", "--json"]) == 0
    assert len(json.loads(capsys.readouterr().out)["answers"]) == 1
    assert cli.main(["predict", str(run.path), "x", "--format", "pdf"]) == 2
    assert "format must be one of plain, conllu, svg" in capsys.readouterr().err


def test_global_training_goes_on_from_a_run(run, tmp_path):
    smoke = {**PARSER_GLOBAL.smoke, "start": str(run.path), "lr": 1e-9}
    found = train(PARSER_GLOBAL, PARSER_GLOBAL.configure(**smoke), path=tmp_path / "g", test=False)
    assert found.info["pretraining"]["start"] == str(run.path)
    before, after = run.load_weights(), found.load_weights()
    assert all((before[name] - after[name]).abs().max() < 1e-4 for name in before)


@pytest.mark.parametrize(
    ("settings", "said"),
    [({"start": "nowhere"}, "finished run of a parser"), ({"tags": "xpos"}, "vocabulary differs"),
     ({"hidden": (17,)}, "network differs")],
)  # fmt: skip
def test_a_start_that_does_not_fit_is_refused(run, tmp_path, settings, said):
    smoke = {**PARSER_GLOBAL.smoke, "start": str(run.path), **settings}
    with pytest.raises(UsageError, match=said):
        train(PARSER_GLOBAL, PARSER_GLOBAL.configure(**smoke), path=tmp_path / "g", test=False)


def test_a_damaged_vocabulary_is_told(run, tmp_path):
    import shutil

    copy = tmp_path / "copy"
    shutil.copytree(run.path, copy)
    (copy / "vocabulary.json").write_text("{}")
    with pytest.raises(RunError, match=r"vocabulary\.json is damaged or missing"):
        open_parser(gradus.open(copy))


def test_settings_that_cannot_be_meant_are_refused():
    for given_settings, said in [
        ({"beam": 0}, "beam must be ≥ 1"),
        ({"context": -1}, "context must be ≥ 0"),
        ({"dropout": 1.0}, r"dropout must be in \[0, 1\)"),
        ({"hidden": ()}, "hidden must be one or more numbers"),
    ]:
        with pytest.raises(UsageError, match=said):
            PARSER_GREEDY.configure(**given_settings)
    with pytest.raises(UsageError, match="local_lr must be > 0"):
        PARSER_GLOBAL.configure(local_lr=0.0)


def test_the_package_is_imported_without_torch():
    code = "import sys, gradus.sequence.parsing.recipes; print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


def test_sentences_of_words():
    assert sentence_of(["a"]).words[0].form == "a"


@pytest.mark.parametrize("name", FIGURES)
def test_figures_of_the_book_are_drawn(name):
    assert FIGURES[name]().axes
