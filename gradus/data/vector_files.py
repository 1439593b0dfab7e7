"""Files of word vectors: word2vec's text and binary formats, GloVe's, and gensim's KeyedVectors.

A file is read and written a word at a time, so that the vectors are in memory once.
"""

import contextlib
import gzip
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from gradus.core.errors import DataError, UsageError
from gradus.core.extras import extra
from gradus.core.files import PART
from gradus.data.vectors import WordVectors

LONGEST = 10_000
"""Bytes that a word may have at most."""
LARGEST = 1 << 40
"""Bytes of vectors that a header may promise at most."""


class Place(NamedTuple):
    """Where the next word of a file of vectors begins.

    Attributes:
        offset: in bytes; of a packed file, of what is in it.
        number: words before it.
    """

    offset: int = 0
    number: int = 0


START = Place()


def read_vectors(path: Path, limit: int = 0) -> WordVectors:
    """Word vectors from a file.

    Args:
        path: word2vec's text or binary format, or GloVe's text, which has no header; packed by gzip
            or not. Or gensim's KeyedVectors, if the name ends in .kv.
        limit: how many words are read at most; 0: all.

    Raises:
        UsageError: there is no such file, or it is none of these.
        DataError: it is damaged, or does not hold what its header says.
    """
    if path.suffix == ".kv" and path.is_file():
        return from_gensim(_gensim().load(str(path)))
    with _opened(path) as file:
        rows, n, d = _begin(file, path, START)
        return _stack(rows, path, n, d, limit)


def read_rows(path: Path, start: Place = START) -> Iterator[tuple[str, np.ndarray, Place]]:
    """The words of a file one after another, for what is larger than memory.

    Args:
        path: as `read_vectors`, but for KeyedVectors.
        start: a place that was given before: what comes before it is not read again.

    Yields:
        (word, vector, place of the next). A word that is not UTF-8 comes with � in it.

    Raises:
        UsageError, DataError: as `read_vectors`.
    """
    with _opened(path) as file:
        rows, _, d = _begin(file, path, start)
        for number, (word, vector) in enumerate(rows, start.number + 1):
            if d and len(vector) != d:
                raise DataError(
                    f"{path}: its header says {d:,} numbers a word, but word {number:,} has "
                    f"{len(vector):,}"
                )
            yield word.decode(errors="replace"), vector, Place(file.tell(), number)


@contextlib.contextmanager
def _opened(path: Path) -> Iterator[Any]:
    """The bytes of a file, unpacked.

    Raises:
        UsageError: there is no such file.
        DataError: it cannot be read or unpacked.
    """
    if not path.is_file():
        raise UsageError(f"{path}: no such file of word vectors")
    try:
        with open(path, "rb") as raw:
            packed = raw.read(2) == b"\x1f\x8b"
        with gzip.open(path, "rb") if packed else open(path, "rb") as file:
            yield file
    except (OSError, EOFError) as error:
        raise DataError(f"{path} cannot be read: {error}") from error


def _begin(
    file: Any, path: Path, start: Place
) -> tuple[Iterator[tuple[bytes, np.ndarray]], int, int]:
    """The rows of an open file from a place on, and its header's n words and d dimensions.

    Which format it has is seen from its first line and bytes; without a header n and d are 0.
    """
    head = file.readline(LONGEST)
    n, d = _header(head) or (0, 0)
    if n * d * 4 > LARGEST:
        raise DataError(
            f"{path}: its header says {n:,} words of {d:,} numbers, too many to be true"
        )
    binary = bool(d) and _is_binary(file.peek(1)[: LONGEST + 4 * d], d)
    if start.offset:
        file.seek(start.offset)
        head = b""
    if binary:
        return _binary_rows(file, path, n, d, start.number), n, d
    return _text_rows(file, path, b"" if d else head, start.number), n, d


def _header(line: bytes) -> tuple[int, int] | None:
    """Words and dimensions from word2vec's first line; None where it is no such line."""
    parts = line.split()
    if len(parts) != 2 or not all(p.isdigit() for p in parts) or int(parts[1]) < 1:
        return None
    return int(parts[0]), int(parts[1])


def _is_binary(start: bytes, d: int) -> bool:
    """Whether what follows the header are words with raw numbers: the first line tells."""
    line, ended, _ = start.partition(b"\n")
    parts = line.split()
    if len(parts) < 2:
        return True
    try:
        _numbers(parts[1:] if ended else parts[1:-1])  # without its end the last may be cut
    except ValueError:
        return True
    return False


def _numbers(parts: list[bytes]) -> np.ndarray:
    return np.array([float(p) for p in parts], np.float32)


def _text_rows(
    file: Any, path: Path, first: bytes, before: int
) -> Iterator[tuple[bytes, np.ndarray]]:
    """Words and vectors from lines of text."""
    number = before + 1
    line = first or file.readline()
    while line:
        word, *parts = line.rstrip().split(b" ")
        try:
            yield word, _numbers(parts)
        except ValueError as error:
            raise DataError(f"{path}: line of word {number:,} holds what is no number") from error
        number, line = number + 1, file.readline()


def _binary_rows(
    file: Any, path: Path, n: int, d: int, before: int
) -> Iterator[tuple[bytes, np.ndarray]]:
    """Words and vectors from word2vec's binary format: word, space, d little-endian float32."""
    for number in range(before + 1, n + 1):
        word = b""
        while (byte := file.read(1)) not in (b" ", b""):
            word += byte
            if len(word) > LONGEST:
                raise DataError(
                    f"{path}: word {number:,} does not end; its header says {d:,} numbers a word"
                )
        data = file.read(4 * d)
        if len(data) < 4 * d:
            raise DataError(f"{path}: its header says {n:,} words, but the file ends in {number:,}")
        yield word.lstrip(b"\n"), np.frombuffer(data, "<f4")
    if file.read(2).strip():
        raise DataError(f"{path}: its header says {n:,} words of {d:,} numbers, but there are more")


def _stack(
    rows: Iterator[tuple[bytes, np.ndarray]], path: Path, n: int, d: int, limit: int
) -> WordVectors:
    """All rows, checked against the header's n words and d dimensions, where there is a header."""
    words: list[str] = []
    vectors = np.zeros((0, d), np.float32)
    for raw, vector in rows:
        if not words and not d:
            d = len(vector)
        if len(vector) != d or not d:
            said = "its header says" if n else "its first line has"
            raise DataError(
                f"{path}: {said} {d:,} numbers a word, but word {len(words) + 1:,} has "
                f"{len(vector):,}"
            )
        if n and len(words) == n:
            raise DataError(f"{path}: its header says {n:,} words, but there are more")
        if len(words) == len(vectors):
            grown = min(max(1024, 2 * len(words)), n or 1 << 62)
            vectors = np.concatenate(
                [vectors.reshape(-1, d), np.empty((grown - len(words), d), np.float32)]
            )
        vectors[len(words)] = vector
        try:
            words.append(raw.decode())
        except UnicodeDecodeError as error:
            raise DataError(f"{path}: word {len(words) + 1:,} is not UTF-8") from error
        if limit and len(words) == limit:
            n = 0
            break
    if n and len(words) < n:
        raise DataError(f"{path}: its header says {n:,} words, but there are {len(words):,}")
    if not words:
        raise DataError(f"{path} holds no word vectors")
    vectors = vectors[: len(words)]
    if len(set(words)) < len(words):
        twice = next(w for i, w in enumerate(words) if w in words[:i])
        raise DataError(f"{path}: the word {twice!r} stands in it twice")
    if not np.isfinite(vectors).all():
        bad = int(np.flatnonzero(~np.isfinite(vectors).all(1))[0])
        raise DataError(f"{path}: the vector of word {bad + 1:,} holds NaN or infinity")
    return WordVectors(words, vectors)


def write_vectors(found: WordVectors, path: Path) -> None:
    """Write word vectors, in the format that the name's end tells; in place by a rename.

    `.bin` is word2vec's binary format, `.kv` gensim's KeyedVectors, all else word2vec's text;
    `.gz` after either of the first packs it.

    Raises:
        UsageError: the file cannot be written.
    """
    packed = path.suffix == ".gz"
    kind = path.with_suffix("").suffix if packed else path.suffix
    if kind == ".kv":
        to_gensim(found).save(str(path))
        return
    part = path.with_name(f".{path.name}{PART}")
    try:
        with gzip.open(part, "wb") if packed else open(part, "wb") as file:
            _write(file, found, binary=kind == ".bin")
        os.replace(part, path)
    except OSError as error:
        part.unlink(missing_ok=True)
        raise UsageError(f"cannot write {path}: {error.strerror}") from error


def _write(file: Any, found: WordVectors, binary: bool) -> None:
    """Write header and rows; the digits of the text format give back the same float32."""
    n, d = found.vectors.shape
    file.write(f"{n} {d}\n".encode())
    for word, vector in zip(found.words, found.vectors, strict=True):
        if any(c.isspace() for c in word):
            raise UsageError(f"a word with a space cannot be written, got {word!r}")
        if binary:
            file.write(word.encode() + b" " + vector.astype("<f4").tobytes() + b"\n")
        else:
            file.write(f"{word} {' '.join(str(x) for x in vector)}\n".encode())


def from_gensim(vectors: Any) -> WordVectors:
    """Word vectors from gensim's KeyedVectors."""
    return WordVectors(list(vectors.index_to_key), np.asarray(vectors.vectors, np.float32))


def to_gensim(found: WordVectors) -> Any:
    """Gensim's KeyedVectors of these words and vectors.

    Raises:
        UsageError: gensim is not installed.
    """
    vectors = _gensim()(found.vectors.shape[1])
    vectors.add_vectors(found.words, found.vectors)
    return vectors


def _gensim() -> Any:
    """The class KeyedVectors."""
    return extra("gensim.models", "text").KeyedVectors
