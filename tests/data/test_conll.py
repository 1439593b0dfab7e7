"""Tagged words in columns, and where the public texts are.

The rooms: gradus.data.conll, gradus.data.treebanks.
"""

import gzip

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gradus.core.errors import DataError, UsageError
from gradus.data.conll import CONLL2000, Tagged, find, read_columns, read_conll2000, to_columns
from gradus.data.treebanks import UD_EWT, find_ewt
from tests.commands import offline

TWO = b"He PRP B-NP\nreckons VBZ B-VP\n. . O\n\n\nYes UH\n"
SENTENCES = [Tagged(("He", "reckons", "."), ("PRP", "VBZ", ".")), Tagged(("Yes",), ("UH",))]


@pytest.mark.parametrize(
    "data",
    [TWO, TWO.replace(b" ", b"\t"), TWO.replace(b"\n", b"\r\n"), gzip.compress(TWO), TWO[:-1]],
    ids=["spaces", "tabs", "carriage returns", "packed", "no line end"],
)
def test_sentences_are_read(tmp_path, data):
    (tmp_path / "some.txt").write_bytes(data)
    assert read_columns(tmp_path / "some.txt") == SENTENCES


words = st.text(st.characters(exclude_categories=["Cs", "Zs", "Zl", "Zp", "Cc"]), min_size=1)


@given(st.lists(st.lists(st.tuples(words, words), min_size=1, max_size=4), min_size=1, max_size=3))
def test_what_is_written_is_read(tmp_path_factory, pairs):
    sentences = [Tagged(*map(tuple, zip(*sentence, strict=True))) for sentence in pairs]
    path = tmp_path_factory.mktemp("columns") / "some.txt"
    path.write_text(to_columns(sentences), encoding="utf-8", newline="")
    assert read_columns(path) == sentences


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"He PRP\nreckons\n", r"some.txt:2: a line must be a word and its tag, got 'reckons'"),
        (b"He PRP\n\xff\xfe NN\n", r"some.txt:2: this line is not UTF-8"),
        (b"\n \n", "holds no tagged word"),
        (gzip.compress(TWO)[:-9], "cannot be read"),
    ],
    ids=["no tag", "not UTF-8", "empty", "packed and cut"],
)
def test_a_bad_file_is_named_with_its_line(tmp_path, data, said):
    (tmp_path / "some.txt").write_bytes(data)
    with pytest.raises(DataError, match=said):
        read_columns(tmp_path / "some.txt")


def test_no_file():
    with pytest.raises(UsageError, match="no such file of tagged words"):
        read_columns("nowhere.txt")


def test_a_word_with_a_space_is_no_column():
    with pytest.raises(UsageError, match="no white space"):
        to_columns([Tagged(("New York",), ("NNP",))])


def test_published_files_come_first_and_packed_ones_will_do(tmp_path, monkeypatch):
    offline(monkeypatch, tmp_path)
    (tmp_path / "data" / "conll2000").mkdir(parents=True)
    monkeypatch.setenv("GRADUS_DATA", str(tmp_path / "data"))
    packed = tmp_path / "data" / "conll2000" / "test.txt.gz"
    packed.write_bytes(gzip.compress(TWO))
    assert find(CONLL2000, "test.txt") == packed
    assert read_conll2000("test") == SENTENCES
    packed.with_suffix("").write_bytes(TWO)  # now the file itself, with wrong bytes
    with pytest.raises(DataError, match="truncated"):
        read_conll2000("test")
    with pytest.raises(DataError, match="could not be downloaded"):
        find_ewt("dev")


@pytest.mark.data
def test_the_real_ones(real_data):
    train, test = read_conll2000("train"), read_conll2000("test")
    assert (len(train), len(test)) == (8936, 2012)
    assert sum(len(s.words) for s in train) == 211_727
    assert sum(len(s.words) for s in test) == 47_377
    assert len({tag for s in train for tag in s.tags}) == 44
    assert all(find_ewt(part).is_file() for part in ("train", "dev", "test"))
    assert [file.size for file in UD_EWT.files] == [14_203_025, 1_805_545, 1_804_515]
