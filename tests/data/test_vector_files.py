"""Files of word vectors: round trips with gensim, real files, and headers that lie.

The room: gradus.data.vector_files.
"""

import gzip

import numpy as np
import pytest
from gensim.models import KeyedVectors
from hypothesis import given
from hypothesis import strategies as st

from gradus.core.errors import DataError, UsageError
from gradus.data.vector_files import from_gensim, read_vectors, to_gensim, write_vectors
from gradus.data.vectors import WordVectors

FOUND = WordVectors(
    ["the", "naïve", "7", "cat’s"],
    np.random.default_rng(0).normal(size=(4, 5)).astype(np.float32) * [[1], [1e-9], [1e9], [1]],
)
FOUND = WordVectors(FOUND.words, FOUND.vectors.astype(np.float32))
ENDS = ["txt", "vec", "bin", "txt.gz", "bin.gz", "kv"]


def same(one, other):
    assert one.words == other.words
    np.testing.assert_array_equal(one.vectors, other.vectors)


@pytest.mark.parametrize("end", ENDS)
def test_what_is_written_is_read_again_to_the_bit(tmp_path, end):
    path = tmp_path / f"vectors.{end}"
    write_vectors(FOUND, path)
    same(read_vectors(path), FOUND)
    assert [p.name for p in tmp_path.iterdir()] == [path.name]


@pytest.mark.parametrize("binary", [False, True])
def test_gensim_reads_what_we_write(tmp_path, binary):
    path = tmp_path / ("vectors.bin" if binary else "vectors.txt")
    write_vectors(FOUND, path)
    same(from_gensim(KeyedVectors.load_word2vec_format(path, binary=binary)), FOUND)


@pytest.mark.parametrize("binary", [False, True])
def test_we_read_what_gensim_writes(tmp_path, binary):
    path = tmp_path / "vectors"
    to_gensim(FOUND).save_word2vec_format(path, binary=binary)
    same(read_vectors(path), FOUND)
    packed = tmp_path / "packed"
    packed.write_bytes(gzip.compress(path.read_bytes()))
    same(read_vectors(packed), FOUND)


def test_glove_has_no_header(tmp_path):
    path = tmp_path / "glove.txt"
    path.write_text("the 0.5 1\n7 2 -3e-2\n")
    found = read_vectors(path)
    assert found.words == ["the", "7"]
    np.testing.assert_array_equal(found.vectors, np.float32([[0.5, 1], [2, -0.03]]))
    assert read_vectors(path, limit=1).words == ["the"]


@given(st.binary(min_size=8, max_size=24).map(lambda b: b[: len(b) // 4 * 4]))
def test_any_number_survives_the_binary_format(tmp_path_factory, raw):
    values = np.nan_to_num(np.frombuffer(raw, "<f4"), nan=1.0, posinf=2.0, neginf=-2.0)
    path = tmp_path_factory.mktemp("any") / "v.bin"
    write_vectors(WordVectors(["a", "b"], np.stack([values, values])), path)
    np.testing.assert_array_equal(read_vectors(path).vectors[1], values)


def text(header, *rows):
    return "\n".join([header, *rows, ""]).encode()


A, B = "a 1 2 3", "b 4 5 6"
ROW = b"a " + np.float32([1, 2, 3]).tobytes() + b"\n"
LIES = {
    "too many": (text("3 3", A, B), "says 3 words, but there are 2"),
    "too few": (text("1 3", A, B), "says 1 words, but there are more"),
    "wide": (text("2 4", A, B), "says 4 numbers a word, but word 1 has 3"),
    "narrow": (text("2 2", A, B), "says 2 numbers a word, but word 1 has 3"),
    "uneven": (text("2 3", A, "b 4 5"), "word 2 has 2"),
    "no number": (text("2 3", A, "b 4 five 6"), "what is no number"),
    "twice": (text("2 3", A, A), "'a' stands in it twice"),
    "nan": (text("2 3", A, "b 4 nan 6"), "word 2 holds NaN or infinity"),
    "huge": (text("9999999999 999999999", A), "too many to be true"),
    "binary short": (b"3 3\n" + ROW, "says 3 words, but the file ends in 2"),
    "binary more": (b"1 3\n" + ROW + ROW, "but there are more"),
    "binary wide": (b"1 5\n" + ROW, "the file ends in 1"),
    "binary endless": (b"1 3\n" + b"\xff" * 20_000, "word 1 does not end"),
    "empty": (b"", "holds no word vectors"),
    "headless": (b"just some text\nof no use\n", "no number"),
    "not UTF-8": (b"1 1\n\xe9 1\n", "word 1 is not UTF-8"),
}


@pytest.mark.parametrize("lie", LIES)
def test_a_file_that_lies_is_refused_in_a_line(tmp_path, lie):
    data, said = LIES[lie]
    path = tmp_path / "vectors"
    path.write_bytes(data)
    with pytest.raises(DataError, match=said) as found:
        read_vectors(path)
    assert "\n" not in str(found.value)
    assert str(path) in str(found.value)


def test_what_cannot_be_read_or_written(tmp_path):
    with pytest.raises(UsageError, match="no such file"):
        read_vectors(tmp_path / "nowhere.bin")
    with pytest.raises(UsageError, match="cannot write"):
        write_vectors(FOUND, tmp_path / "no" / "folder.bin")
    with pytest.raises(UsageError, match="word with a space"):
        write_vectors(WordVectors(["a b"], np.zeros((1, 2), np.float32)), tmp_path / "x.txt")
    path = tmp_path / "half.gz"
    path.write_bytes(gzip.compress(text("2 3", A, B))[:20])
    with pytest.raises(DataError, match="cannot be read"):
        read_vectors(path)


@pytest.mark.data
def test_real_files(real_data):
    folder = real_data / "word2vec-small"
    name = "googlenews-top1000-normalized.word2vec"
    binary, packed = (read_vectors(folder / f"{name}.{end}") for end in ("bin", "txt.gz"))
    assert binary.words == packed.words
    assert binary.vectors.shape == (1000, 300)
    np.testing.assert_allclose(binary.vectors, packed.vectors, atol=1e-6)
    same(
        binary, from_gensim(KeyedVectors.load_word2vec_format(folder / f"{name}.bin", binary=True))
    )
    assert binary.analogy("son", "daughter", "father", 1)[0].word == "mother"
    assert read_vectors(folder / "glove.6B.300d.sample.txt.gz").vectors.shape == (100, 300)
