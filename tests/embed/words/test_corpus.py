"""Texts of every packing and form, their vocabularies and numbers; what is no text is refused.

The rooms: gradus.data.texts, gradus.embed.words.corpus, gradus.embed.words.toy.
"""

import gzip
import io
import tarfile
import zipfile
from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gradus.core.errors import DataError, UsageError
from gradus.data import texts
from gradus.data.texts import find_text, read_file, read_reviews, read_text, words_of
from gradus.embed.words.corpus import load_corpus, read_vocabulary, vocabulary_text
from gradus.embed.words.toy import toy_analogies, toy_pairs, toy_text
from gradus.embed.words.windows import END
from tests.commands import offline

TEXT = "The cat's hat – the HAT!\n\nA naïve cat; 3 hats\nthe end"
WORDS = ["the", "cat's", "hat", "the", "hat", "a", "naïve", "cat", "3", "hats", "the", "end"]


@pytest.fixture(autouse=True)
def _offline(monkeypatch, tmp_path):
    offline(monkeypatch, tmp_path)


def written(tmp_path, kind, text=TEXT):
    data = text.encode()
    path = tmp_path / f"text.{kind}"
    if kind == "zip":
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("text.txt", data)
    else:
        path.write_bytes(gzip.compress(data) if kind == "gz" else data)
    return path


@pytest.mark.parametrize("kind", ["txt", "gz", "zip"])
def test_a_file_is_read_however_it_is_packed(tmp_path, kind):
    assert lines(read_file(written(tmp_path, kind))) == [WORDS[:5], [], WORDS[5:10], WORDS[10:]]


def lines(pieces):
    """The pieces of each line put together."""
    found = [[]]
    for words, ended in pieces:
        found[-1] += words
        if ended:
            found.append([])
    return found


@pytest.mark.parametrize("size", [1, 2, 3, 7, 64])
def test_where_blocks_end_does_not_matter(tmp_path, monkeypatch, size):
    """Within words, within letters of two bytes, at line ends."""
    path = written(tmp_path, "txt")
    monkeypatch.setattr(texts, "BLOCK", 10_000)
    whole = lines(read_file(path))

    class Slow(io.BufferedReader):
        def read(self, n=-1):
            return super().read(min(size, n) if n > 2 else n)

    monkeypatch.setattr(texts, "open", lambda p, mode: Slow(io.FileIO(p)), raising=False)
    assert lines(read_file(path)) == whole


@given(st.text(alphabet="ab é'\n\t", max_size=60))
def test_words_are_those_of_the_whole_text(text):
    found = words_of(text)
    assert found == [w for line in text.split("\n") for w in words_of(line)]
    assert all(w == w.lower() and not any(c.isspace() for c in w) for w in found)


def test_a_text_without_a_space_is_cut_not_held(tmp_path, monkeypatch):
    monkeypatch.setattr(texts, "BLOCK", 100)
    path = tmp_path / "long.txt"
    path.write_text("x" * 1000)
    pieces = [words for words, _ in read_file(path)]
    assert "".join(w for words in pieces for w in words) == "x" * 1000
    assert len(pieces) == 10


def archive_of(tmp_path, reviews):
    path = tmp_path / "imdb.tar.gz"
    with tarfile.open(path, "w:gz") as archive:
        for name, text in reviews.items():
            info = tarfile.TarInfo(name)
            info.size = len(text.encode())
            archive.addfile(info, io.BytesIO(text.encode()))
    return path


def test_reviews_are_a_line_each(tmp_path):
    path = archive_of(
        tmp_path,
        {
            "aclImdb/train/pos/0_9.txt": "Good.<br /><br />Very\ngood!",
            "aclImdb/train/urls_pos.txt": "http://left.out",
            "aclImdb/test/neg/3_1.txt": "Bad",
        },
    )
    assert list(read_reviews(path)) == [(["good", "very", "good"], True), (["bad"], True)]
    path.write_bytes(path.read_bytes()[:60])
    with pytest.raises(DataError, match="damaged"):
        list(read_reviews(path))
    with pytest.raises(DataError, match="holds no reviews"):
        list(read_reviews(archive_of(tmp_path, {"a.txt": "b"})))


def test_a_corpus_is_numbered_by_frequency(tmp_path):
    path = written(tmp_path, "txt")
    corpus = load_corpus(str(path))
    counts = Counter(WORDS)
    assert corpus.words[:2] == ["the", "hat"]
    assert dict(zip(corpus.words, corpus.counts.tolist(), strict=True)) == counts
    assert corpus.read == len(WORDS)
    assert [corpus.words[i] for i in corpus.text if i != END] == WORDS
    assert np.flatnonzero(corpus.text == END).tolist() == [5, 6, 12]
    corpus.text[0] = 1
    assert load_corpus(str(path)).text[0] == 0
    with pytest.raises(
        UsageError, match="9 different words, 2 of them that stand in it at least 2"
    ):
        load_corpus(str(path), min_count=2)


def test_rare_words_are_left_out_before_windows_are_made(tmp_path):
    path = tmp_path / "text.txt"
    path.write_text("a b c x a b c\n" * 3 + "y a b c\n")
    corpus = load_corpus(str(path), vocabulary=3)
    assert corpus.words == ["a", "b", "c"]
    assert corpus.text.tolist() == [0, 1, 2, 0, 1, 2, END] * 3 + [0, 1, 2, END]
    assert load_corpus(str(path), limit=8).read == 8


def test_the_cache_is_used_until_the_file_changes(tmp_path, monkeypatch):
    path = written(tmp_path, "txt")
    load_corpus(str(path))
    with monkeypatch.context() as patch:
        patch.setattr("gradus.embed.words.corpus.read_text", None)
        assert load_corpus(str(path)).read == len(WORDS)
    path.write_text(TEXT + " more")
    assert load_corpus(str(path)).read == len(WORDS) + 1
    assert not list((tmp_path / "cache" / "words").glob(".part*"))


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "holds no words"),
        (b"... !!\n", "holds no words"),
        (b"one\0two", "is not a text file: it holds a zero byte"),
        (b"caf\xe9 noir", "is not text in UTF-8: byte 0xe9"),
        (b"one two one two", "has 2 different words, 2 of them"),
        (b"\x1f\x8bnot really gzip", "cannot be read"),
    ],
)
def test_what_is_no_text_is_refused(tmp_path, data, said):
    path = tmp_path / "bad"
    path.write_bytes(data)
    with pytest.raises((UsageError, DataError), match=said):
        load_corpus(str(path))
    assert not list((tmp_path / "cache").rglob("vocabulary.tsv"))


def test_more_words_than_there_are_cannot_be_had(tmp_path):
    path = written(tmp_path, "txt")
    with pytest.raises(UsageError, match=r"9 different words.*vocabulary=50 .*lower --vocab"):
        load_corpus(str(path), vocabulary=50)


def test_an_unknown_text_is_told_with_the_nearest_names():
    with pytest.raises(UsageError, match="did you mean text8"):
        find_text("text9")
    with pytest.raises(UsageError, match="no such file"):
        find_text("nowhere/x.txt")


def test_a_vocabulary_survives_its_file():
    words, counts = ["the", "naïve", "cat’s"], np.array([5, 2, 1])
    again, same = read_vocabulary(vocabulary_text(words, counts))
    assert again == words
    np.testing.assert_array_equal(same, counts)


def test_the_made_up_text_has_what_is_asked_about():
    seen = Counter(w for words, _ in toy_text() for w in words)
    asked = {w for pair in toy_pairs() for w in pair[:2]}
    asked |= {w for four in toy_analogies() for w in four}
    assert min(seen[w] for w in asked) > 50
    assert list(toy_text()) == list(toy_text())


def test_every_public_text_says_what_it_is():
    assert set(texts.READABLE) < set(texts.TEXTS)
    for name, remote in texts.TEXTS.items():
        assert remote.name == name
        assert remote.licence
        assert remote.about
        assert remote.source.startswith("http")
        for file in remote.files:
            assert len(file.sha256) == 64
            assert all(url.startswith("http") for url in file.urls)


@pytest.mark.data
def test_real_texts(real_data, monkeypatch):
    monkeypatch.setenv("GRADUS_DATA", str(real_data))
    words = [w for piece, _ in read_text("ptb") for w in piece]
    assert len(words) == 887_521
    assert len(set(words)) == 9_999
    piece, ended = next(iter(read_text("imdb")))
    assert ended
    assert len(piece) > 5
