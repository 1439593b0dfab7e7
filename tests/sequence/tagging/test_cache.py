"""Vectors from a file, kept in a database: the book's rules, a filling that is killed.

The room: gradus.sequence.tagging.cache.
"""

from dataclasses import replace

import numpy as np
import pytest

import gradus
from gradus.core.errors import DataError, UsageError
from gradus.core.experiment import train
from gradus.core.task import build_task
from gradus.data.vector_files import Place, read_rows, write_vectors
from gradus.data.vectors import WordVectors
from gradus.sequence.tagging import cache
from gradus.sequence.tagging.cache import candidates, form_of, keys_of, load_vectors
from tests.commands import offline

WORDS = ["the", "New_York", "York", "##.#", "based", "of", "Ann", "long_term"]
TEXT = [
    ["the", "New", "York", "York", "Ann"],
    ["12.5", "New-York-based", "long-term", "nowhere", "of"],
]
KEYS = [
    ["the", "New_York", "New_York", "York", "Ann"],
    ["##.#", "based", "long_term", "nowhere", "of"],
]


@pytest.fixture(autouse=True)
def alone(request, monkeypatch, tmp_path):
    if "real_data" not in request.fixturenames:
        offline(monkeypatch, tmp_path)
    monkeypatch.setenv("GRADUS_CACHE", str(tmp_path / "cache"))


@pytest.fixture
def file(tmp_path):
    vectors = np.random.default_rng(0).normal(size=(len(WORDS), 6)).astype(np.float32)
    write_vectors(WordVectors(WORDS, vectors), tmp_path / "some.bin")
    return tmp_path / "some.bin"


def same(one, other):
    assert one.keys == other.keys
    np.testing.assert_array_equal(one.table, other.table)


def test_the_books_rules():
    assert form_of("No.-1") == "No._#"
    assert [keys_of(sentence, set(WORDS)) for sentence in TEXT] == KEYS
    assert {key for sentence in KEYS for key in sentence} <= {
        c for sentence in TEXT for c in candidates(sentence)
    }
    assert keys_of(["New", "york"], {"New_york"}) == ["New", "york"]  # names alone are joined
    assert keys_of([], set()) == []


@pytest.mark.parametrize("ending", ["bin", "txt", "bin.gz", "txt.gz"])
def test_vectors_are_the_files_and_unknown_words_keep_theirs(tmp_path, ending):
    vectors = np.random.default_rng(0).normal(size=(len(WORDS), 6)).astype(np.float32)
    path = tmp_path / f"some.{ending}"
    write_vectors(WordVectors(WORDS, vectors), path)
    found = load_vectors(str(path), TEXT)
    assert set(found.keys) == {"", *(key for sentence in KEYS for key in sentence)}
    assert found.found == len(found.keys) - 2
    for key, row in zip(found.keys, found.table, strict=True):
        if key in WORDS:
            np.testing.assert_array_equal(row, vectors[WORDS.index(key)])
        elif key:
            assert np.abs(row).max() <= 0.25
            assert np.ptp(row) > 0
        else:
            assert not row.any()


def test_the_second_start_reads_the_cache_alone(file, monkeypatch):
    first = load_vectors(str(file), TEXT)
    monkeypatch.setattr(cache, "read_rows", None)
    monkeypatch.setattr(cache, "_draw", None)
    same(load_vectors(str(file), TEXT), first)
    file.unlink()
    same(load_vectors(str(file), TEXT), first)


def test_another_file_of_that_name_is_seen(file):
    first = load_vectors(str(file), TEXT)
    write_vectors(WordVectors(WORDS[:3], np.ones((3, 6), np.float32)), file)
    again = load_vectors(str(file), TEXT)
    assert again.found == 3 - 0 < first.found
    assert again.table[again.keys.index("the")].tolist() == [1] * 6


@pytest.mark.parametrize("ending", ["bin", "txt", "bin.gz"])
def test_a_filling_that_is_killed_goes_on_where_it_was(tmp_path, monkeypatch, ending):
    vectors = np.random.default_rng(0).normal(size=(len(WORDS), 6)).astype(np.float32)
    path = tmp_path / f"some.{ending}"
    write_vectors(WordVectors(WORDS, vectors), path)
    monkeypatch.setattr(cache, "COMMIT_EVERY", 2)
    starts, broken = [], []

    def rows(given, start):
        starts.append(start.number)
        for number, row in enumerate(read_rows(given, start), start.number):
            if number == 5 and not broken:
                broken.append(number)
                raise KeyboardInterrupt
            yield row

    monkeypatch.setattr(cache, "read_rows", rows)
    with pytest.raises(KeyboardInterrupt):
        load_vectors(str(path), TEXT)
    found = load_vectors(str(path), TEXT)
    assert starts == [0, 4]
    monkeypatch.setenv("GRADUS_CACHE", str(tmp_path / "another"))
    same(found, load_vectors(str(path), TEXT))


def test_rows_from_any_place(file):
    rows = list(read_rows(file))
    assert [word for word, _, _ in rows] == WORDS
    for number, (_, _, place) in enumerate(rows, 1):
        assert place.number == number
        rest = list(read_rows(file, place))
        assert [word for word, _, _ in rest] == WORDS[number:]
    assert rows[0][2] > Place()


def test_bad_files(tmp_path, file):
    with pytest.raises(UsageError, match=r"none\.bin.*no such file"):
        load_vectors(str(tmp_path / "none.bin"), TEXT)
    with pytest.raises(DataError, match="has none of the words"):
        load_vectors(str(file), [["zz"]])
    file.write_bytes(file.read_bytes()[:-7])
    with pytest.raises(DataError, match="the file ends in 8"):
        load_vectors(str(file), TEXT)


def test_a_tagger_begins_with_them_and_answers_without_the_file(tmp_path, monkeypatch):
    from gradus.sequence.tagging.data import load_text

    text = load_text("toy", 50, 150)
    words = sorted({w for s in text.train for w in s.words if "-" not in w})[:20]
    path = tmp_path / "toy.bin"
    write_vectors(WordVectors(words, np.ones((20, 16), np.float32)), path)
    recipe = replace(gradus.catalog.recipe("tagger-book"), figures="tests.tiny:FIGURES")
    config = recipe.configure(**{**recipe.smoke, "epochs": 1, "vectors": str(path)})
    run = train(recipe, config, path=tmp_path / "run")
    with pytest.raises(UsageError, match="dimensions must be 16"):
        build_task(recipe, replace(config, dimensions=8))
    path.unlink()
    again = gradus.open(tmp_path / "run")
    weights = again.load_weights()["given.weight"]
    keys = (run.path / "vectors.txt").read_text().split("\n")
    assert (weights[keys.index(words[0])] == 1).all()
    assert len(again.predict("A dref soaned.")[0]["sentences"][0]) == 4


@pytest.mark.data
def test_real_vectors(real_data):
    path = next((real_data / "word2vec-small").glob("*.word2vec.bin"))
    found = load_vectors(str(path), [["of", "the", "year", "qqqq"]])
    assert found.table.shape == (5, 300)
    assert found.found == 3
    assert np.linalg.norm(found.table[1]) == pytest.approx(1, abs=1e-4)
