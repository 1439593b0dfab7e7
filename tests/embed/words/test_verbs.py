"""`neighbors`, `analogy`, `vectors`, and `predict` with words, through the front door.

The rooms: gradus.verbs.neighbors, gradus.embed.words.predict.
"""

import json

import numpy as np
import pytest

from gradus import catalog
from gradus.core.experiment import train
from gradus.data.vector_files import read_vectors
from gradus.embed.words.predict import load_vectors
from tests.commands import call, offline, one_line


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("words")
    with pytest.MonkeyPatch.context() as patch:
        offline(patch, folder)
        recipe = catalog.recipe("word2vec")
        config = recipe.configure(**{**recipe.smoke, "epochs": 20, "lr": 0.1})
        return train(recipe, config, path=folder / "run", test=False)


def test_neighbors(run, capsys):
    said = call(capsys, "neighbors", run.path, "Paris", "cat", "--number", 3)
    assert said.code == 0
    lines = said.out.splitlines()
    assert [line.split(":")[0] for line in lines] == ["Paris", "cat"]
    assert all(line.count("(") == 3 for line in lines)
    said = call(capsys, "neighbors", run.path, "paris", "--number", 3, "--json")
    (near,) = json.loads(said.out)["neighbours"].values()
    expected = load_vectors(run).neighbours("paris", 3)
    assert [n["word"] for n in near] == [n.word for n in expected]


def test_analogy(run, capsys):
    said = call(capsys, "analogy", run.path, "france", "paris", "italy", "--json")
    found = json.loads(said.out)
    assert found["asked"] == ["france", "paris", "italy"]
    assert len(found["answers"]) == 5
    said = call(capsys, "analogy", run.path, "france", "paris", "italy")
    assert said.out.startswith("france : paris = italy : ")
    assert found["answers"][0]["word"] in said.out


@pytest.mark.parametrize("end", ["txt", "bin", "bin.gz", "kv"])
def test_vectors_are_written_and_asked_again(run, tmp_path, capsys, end):
    path = tmp_path / f"out.{end}"
    said = call(capsys, "vectors", run.path, path)
    assert said.code == 0
    assert "words of 16 numbers" in said.out
    np.testing.assert_array_equal(read_vectors(path).vectors, load_vectors(run).vectors)
    asked = [call(capsys, "neighbors", where, "cairo").out for where in (run.path, path)]
    assert asked[0] == asked[1]


def test_predict_takes_words(run, capsys):
    said = call(capsys, "predict", run.path, "rome")
    assert said.code == 0
    assert said.out.startswith("rome: ")
    assert said.out.count("(") == 8
    assert one_line(call(capsys, "predict", run.path, "rmoe"), 2, "did you mean rome")


MISTAKES = {
    "neighbors RUN pariss": ("'pariss' is not among the", "did you mean paris"),
    "neighbors RUN paris --number 0": ("number must be in [1,", "got 0"),
    "neighbors RUN": ("WORD",),
    "neighbors nowhere paris": ("nowhere: no such file of word vectors",),
    "neighbors LIE paris": ("its header says 3 words, but there are 2",),
    "neighbors TEXT paris": ("what is no number",),
    "neighbors . paris": ("is not a run folder",),
    "analogy RUN france paris itly": ("did you mean italy",),
    "vectors RUN no/where/out.txt": ("cannot write no/where/out.txt",),
    "train word2vec --data EMPTY": ("holds no words",),
    "train word2vec --data BINARY": ("is not a text file: it holds a zero byte",),
    "train word2vec --data nowhere.txt": ("data must be a text file or one of imdb",),
    "train word2vec --data TEXT --min-count 1 --vocabulary 500": ("vocabulary=500 are asked for",),
    "train word2vec --data TEXT --min-count 1": ("a text of 9 words is too short",),
    "train word2vec --optimizer adam": ("choose --engine torch",),
    "train word2vec --window 0": ("window must be ≥ 1, got 0",),
}


@pytest.mark.parametrize("words", MISTAKES)
def test_a_mistake_gets_one_line(run, tmp_path, monkeypatch, capsys, words):
    offline(monkeypatch, tmp_path)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "LIE").write_text("3 2\na 1 2\nb 3 4\n")
    (tmp_path / "TEXT").write_text("no vectors in here\nbut some words\n")
    (tmp_path / "EMPTY").write_text("")
    (tmp_path / "BINARY").write_bytes(b"\x89PNG\0\0\0")
    given = [str(run.path) if w == "RUN" else w for w in words.split()]
    line = one_line(call(capsys, *given), 2)
    for part in MISTAKES[words]:
        assert part in line
