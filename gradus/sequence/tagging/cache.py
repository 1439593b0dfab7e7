"""Vectors of words from a file, as far as a text needs them, kept in an embedded database (LMDB).

A file of pre-trained vectors holds millions of words, and a text has thousands. The file is gone
through once; what the text needs is kept, and the next start reads that alone. A filling that is
killed goes on where it last committed.

Source: the book's chapter 7, "Implementing a Part-of-Speech Tagger", which uses LevelDB.
"""

import contextlib
import hashlib
import json
import os
import shutil
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float

from gradus.core.download import cache_folder
from gradus.core.errors import DataError, UsageError
from gradus.core.extras import extra
from gradus.data.vector_files import Place, read_rows
from gradus.sequence.tagging.features import normal_form

COMMIT_EVERY = 20_000
"""Words of the file between two commits."""
STATE = b"state"
FOUND, DRAWN = b"v:", b"r:"
"""Before the words that are in the file, and before those whose vector was drawn."""
RANGE = 0.25
"""A word that the file lacks gets numbers drawn evenly from ± this, as in the book."""
LONGEST_KEY = 500
"""Bytes: LMDB takes keys of at most 511."""
NO_WORD, NO_VECTOR = "", 0
"""Number 0 of a table: its vector is zero."""


@lru_cache(maxsize=1 << 16)
def form_of(word: str) -> str:
    """A word as Google's news vectors have it: each digit as #, dashes as underscores."""
    return normal_form(word).replace("-", "_")


def candidates(sentence: Sequence[str]) -> Iterator[str]:
    """Every key under which a vector for a word of the sentence might be found."""
    before = ""
    for word in sentence:
        form = form_of(word)
        yield form
        if "_" in form:
            yield from _pieces(form)
        if word[:1].isupper():
            if before:
                yield f"{before}_{form}"
            before = form
        else:
            before = ""


def keys_of(sentence: Sequence[str], known: set[str] | dict[str, int]) -> list[str]:
    """The key of each word's vector, by the book's rules.

    Two capitalised words whose joined form is known are one name: both get its vector (New_York).
    Else a word's own form; where that is unknown and has dashes, the last of its pieces that is
    known. A word for which nothing is known keeps its form.

    (The book joins words where they have the same *tag*, which a text to be tagged does not have
    yet, and looks for the joined form with a space, which its file never has.)

    Args:
        sentence: its words.
        known: the words of the file.
    """
    found: list[str] = []
    before = ""  # the word before, if it is capitalised and part of no name yet
    for word in sentence:
        form, joined = form_of(word), ""
        if word[:1].isupper():
            joined = f"{before}_{form}" if before else ""
            if joined and joined in known:
                found[-1] = form = joined
                before = ""
            else:
                before = form
        else:
            before = ""
        if "_" in form and form not in known:
            form = next((piece for piece in reversed(_pieces(form)) if piece in known), form)
        found.append(form)
    return found


def _pieces(form: str) -> list[str]:
    """What stands between the underscores of a word."""
    return [piece for piece in form.split("_") if piece]


@dataclass(frozen=True)
class Vectors:
    """The vectors that a text needs.

    Attributes:
        keys: of each vector; the first is `NO_WORD`.
        table: "keys dimensions", float32; the first row is zero.
        found: how many keys stand in the file; the others' vectors were drawn.
    """

    keys: list[str]
    table: Float[np.ndarray, "keys dimensions"]
    found: int


def load_vectors(path: str, sentences: Sequence[Sequence[str]]) -> Vectors:
    """The vectors of a text's words: from the cache, which is filled from the file if need be.

    Args:
        path: a file as `gradus.data.vector_files.read_rows` takes. Once the cache is filled for a
            text the file is not opened again, and need not be there.
        sentences: the words of the text.

    Raises:
        UsageError: there is no such file, or lmdb is not installed.
        DataError: the file is damaged.
    """
    file = Path(os.path.expanduser(path)).resolve()
    wanted = sorted({key for sentence in sentences for key in candidates(sentence)})
    digest = hashlib.sha256("\n".join([str(file), *wanted]).encode()).hexdigest()
    folder = cache_folder() / "vectors" / digest[:16]
    if _is_of_another_file(folder, file):
        shutil.rmtree(folder)
    with _opened(folder, len(wanted)) as database:
        if not _state(database).get("done"):
            fill(database, file, wanted)
        return _read(database, sentences)


def fill(database: Any, file: Path, wanted: Iterable[str]) -> None:
    """Go through a file of vectors, or through the rest of it, and keep the words that are wanted.

    Args:
        database: an open LMDB environment.
        file: of the vectors.
        wanted: the words to keep.

    Raises:
        UsageError: there is no such file.
        DataError: it is damaged; what was found before that is kept.
    """
    wanted, state = set(wanted), _state(database)
    stamp = _stamp(file)
    batch: list[tuple[bytes, bytes]] = []
    place = start = Place(*state.get("place", Place()))
    dimensions = state.get("dimensions", 0)
    for word, vector, place in read_rows(file, start):
        if word in wanted:
            dimensions = len(vector)
            batch.append((_key(FOUND, word), _packed(word, vector)))
        if place.number % COMMIT_EVERY == 0:
            _commit(database, batch, {"place": place, "dimensions": dimensions, "file": stamp})
            batch = []
    if not dimensions:
        raise DataError(f"{file} has none of the words of this text")
    done = {"place": place, "dimensions": dimensions, "file": stamp, "done": True}
    _commit(database, batch, done)


def _read(database: Any, sentences: Sequence[Sequence[str]]) -> Vectors:
    """The vectors of a text; for a word without one it is drawn, and kept for the next time."""
    with database.begin() as transaction:
        found = {}
        for _, value in _under(transaction, FOUND):
            word, vector = _unpacked(value)
            found[word] = vector
        drawn = dict(_unpacked(value) for _, value in _under(transaction, DRAWN))
    known, d = set(found), int(_state(database)["dimensions"])
    keys = list(dict.fromkeys(key for s in sentences for key in keys_of(s, known)))
    lacking = [key for key in keys if key not in found and key not in drawn]
    new = {key: _draw(key, d) for key in lacking}
    _commit(database, [(_key(DRAWN, k), _packed(k, v)) for k, v in new.items()], {})
    every = {**drawn, **new, **found}
    rows = [np.zeros(d, np.float32), *(every[key] for key in keys)]
    return Vectors([NO_WORD, *keys], np.stack(rows), sum(key in found for key in keys))


def _draw(key: str, dimensions: int) -> Float[np.ndarray, "dimensions"]:
    """The vector of a word that the file lacks: random, the same for the same word."""
    seed = int.from_bytes(hashlib.sha256(key.encode()).digest()[:8], "big")
    generator = np.random.default_rng(seed)
    return generator.uniform(-RANGE, RANGE, dimensions).astype(np.float32)


# The database -------------------------------------------------------------------------------------


@contextlib.contextmanager
def _opened(folder: Path, words: int) -> Iterator[Any]:
    """A database with room for so many words, several vectors each.

    Raises:
        UsageError: lmdb is not installed.
    """
    lmdb = extra("lmdb", "text")
    folder.mkdir(parents=True, exist_ok=True)
    room = (1 << 26) + words * (1 << 14)  # the file grows only as far as it is used
    database = lmdb.open(str(folder), map_size=room)
    try:
        yield database
    finally:
        database.close()


def _is_of_another_file(folder: Path, file: Path) -> bool:
    """Whether the file changed since the cache was begun."""
    if not (folder / "data.mdb").exists() or not file.exists():
        return False
    with _opened(folder, 0) as database:
        state = _state(database)
    return bool(state) and state["file"] != _stamp(file)


def _stamp(file: Path) -> list[int]:
    """Size and time of a file.

    Raises:
        UsageError: there is no such file.
    """
    if not file.is_file():
        raise UsageError(f"vectors must be a file of word vectors, got {str(file)!r}: no such file")
    stat = file.stat()
    return [stat.st_size, stat.st_mtime_ns]


def _state(database: Any) -> dict[str, Any]:
    """How far the filling is; empty before the first commit."""
    with database.begin() as transaction:
        return json.loads(transaction.get(STATE, b"{}"))


def _commit(database: Any, batch: list[tuple[bytes, bytes]], state: dict[str, Any]) -> None:
    """Keep some words, and how far the filling is, both or neither."""
    with database.begin(write=True) as transaction:
        for key, value in batch:
            transaction.put(key, value, overwrite=False)
        if state:
            transaction.put(STATE, json.dumps(state).encode())


def _under(transaction: Any, kind: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Keys that begin so, and their values."""
    cursor = transaction.cursor()
    if cursor.set_range(kind):
        for key, value in cursor:
            if not key.startswith(kind):
                return
            yield key, value


def _key(kind: bytes, word: str) -> bytes:
    """A word as a key; a long one by its digest."""
    data = word.encode()
    return kind + (data if len(data) <= LONGEST_KEY else hashlib.sha256(data).digest())


def _packed(word: str, vector: Float[np.ndarray, "dimensions"]) -> bytes:
    """A word and its vector as a value."""
    data = word.encode()
    return len(data).to_bytes(4, "little") + data + vector.astype("<f4").tobytes()


def _unpacked(value: bytes) -> tuple[str, Float[np.ndarray, "dimensions"]]:
    """The inverse of `_packed`."""
    end = 4 + int.from_bytes(value[:4], "little")
    return value[4:end].decode(), np.frombuffer(value[end:], "<f4")
