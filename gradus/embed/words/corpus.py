"""A text as numbers: its vocabulary, and the number of each word in a file mapped into memory."""

import hashlib
import json
import os
import shutil
import tempfile
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Int, Int64

from gradus.core.download import cache_folder
from gradus.core.errors import UsageError
from gradus.data.texts import READABLE, Piece, find_text, read_text
from gradus.embed.words.toy import toy_text
from gradus.embed.words.windows import END

FORMAT = 1
"""Version of what is kept in the cache."""
LEAST = 3
"""Different words that a text must have."""
BLOCK = 1 << 22
"""Numbers renumbered at once."""


@dataclass(frozen=True)
class Corpus:
    """A text as numbers.

    Attributes:
        words: the vocabulary, the most frequent word first.
        counts: how often each stands in the text.
        text: the number of each word of the text that is in the vocabulary, in order, END (−1)
            where a line ends; on disk, mapped into memory.
        read: words of the text, those outside the vocabulary among them.
    """

    words: list[str]
    counts: Int64[np.ndarray, "words"]
    text: Int[np.ndarray, "n"]
    read: int


def load_corpus(data: str, min_count: int = 1, vocabulary: int = 0, limit: int = 0) -> Corpus:
    """A text's vocabulary and numbers: made once, then kept in the cache.

    Args:
        data: `toy`, or what `gradus.data.texts.read_text` takes.
        min_count: how often a word must stand in the text to be in the vocabulary.
        vocabulary: how many words the vocabulary has, the most frequent ones; 0: all.
        limit: how many words of the text are read; 0: all.

    Raises:
        UsageError: there is no such text, it is empty or no text, or has too few words.
        DataError: a file is damaged.
    """
    paths = [] if data == "toy" else find_text(data)
    stats = [(str(p.resolve()), p.stat().st_size, p.stat().st_mtime_ns) for p in paths]
    name = data if data in ("toy", *READABLE) else ""
    made_of = json.dumps([FORMAT, name, stats, min_count, vocabulary, limit])
    folder = cache_folder() / "words" / hashlib.sha256(made_of.encode()).hexdigest()[:16]
    if not folder.is_dir():
        pieces = toy_text() if data == "toy" else read_text(data)
        _make(folder, name or data, pieces, min_count, vocabulary, limit)
    return _open(folder)


def _make(
    folder: Path, name: str, pieces: Iterable[Piece], min_count: int, vocabulary: int, limit: int
) -> None:
    """Read a text and keep its vocabulary and numbers in `folder`, which is whole or not there."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".part-") as scratch:
        part = Path(scratch) / "part"
        part.mkdir()
        words, counts = _number(pieces, part / "raw", limit)
        order = np.argsort(-counts, kind="stable")
        order = order[counts[order] >= min_count]
        _check(name, len(words), int(counts.sum()), len(order), min_count, vocabulary)
        order = order[:vocabulary] if vocabulary else order
        _renumber(part / "raw", part / "text", order, len(words))
        (part / "raw").unlink()
        write_vocabulary(part / "vocabulary.tsv", [words[i] for i in order], counts[order])
        (part / "read").write_text(str(counts.sum()))
        if not folder.is_dir():  # another process may have been faster
            os.rename(part, folder)
        shutil.rmtree(part, ignore_errors=True)


def _number(pieces: Iterable[Piece], path: Path, limit: int) -> tuple[list[str], np.ndarray]:
    """Write a number for each word, in the order in which they are first seen; words and counts."""
    numbers: defaultdict[str, int] = defaultdict()
    numbers.default_factory = numbers.__len__
    counts, done = np.zeros(0, np.int64), 0
    with open(path, "wb") as file:
        for words, ended in pieces:
            if limit and done + len(words) >= limit:
                words, ended = words[: limit - done], True
            found = np.fromiter((numbers[w] for w in words), np.int32, len(words))
            if len(numbers) > len(counts):
                counts = np.concatenate([counts, np.zeros(len(numbers) + 1000, np.int64)])
            np.add.at(counts, found, 1)
            file.write(found.tobytes())
            if ended:
                file.write(np.int32(END).tobytes())
            done += len(words)
            if limit and done >= limit:
                break
    return list(numbers), counts[: len(numbers)]


def _check(
    name: str, different: int, read: int, frequent: int, min_count: int, vocabulary: int
) -> None:
    """Refuse a text that has too few words."""
    if not read:
        raise UsageError(f"{name} holds no words")
    if frequent < max(vocabulary, LEAST):
        often = f"that stand in it at least {min_count} times (--min-count)"
        wanted = f"vocabulary={vocabulary:,}" if vocabulary > LEAST else f"at least {LEAST}"
        raise UsageError(
            f"{name} has {different:,} different words, {frequent:,} of them {often}, and {wanted} "
            "are asked for: lower --vocabulary (0: all) or --min-count, or take a longer text"
        )


def _renumber(source: Path, target: Path, order: Int64[np.ndarray, "kept"], words: int) -> None:
    """Write the text anew with the numbers of the vocabulary; what is not in it is left out."""
    new = np.full(words + 1, END - 1, np.int32)
    new[order] = np.arange(len(order))
    new[END] = END
    with open(source, "rb") as old, open(target, "wb") as file:
        while block := old.read(BLOCK * 4):
            found = new[np.frombuffer(block, np.int32)]
            file.write(found[found >= END].tobytes())


def _open(folder: Path) -> Corpus:
    """What is kept in a folder of the cache."""
    words, counts = read_vocabulary((folder / "vocabulary.tsv").read_text())
    text = np.memmap(folder / "text", np.int32, "c")  # changes would not reach the file
    return Corpus(words, counts, text, int((folder / "read").read_text()))


def write_vocabulary(path: Path, words: list[str], counts: Int64[np.ndarray, "words"]) -> None:
    """Write a vocabulary, a word and its count on each line."""
    path.write_text(vocabulary_text(words, counts), encoding="utf-8")


def vocabulary_text(words: Iterable[str], counts: Int64[np.ndarray, "words"]) -> str:
    """A vocabulary as text, a word and its count on each line."""
    return "".join(f"{word}\t{count}\n" for word, count in zip(words, counts, strict=True))


def read_vocabulary(text: str) -> tuple[list[str], Int64[np.ndarray, "words"]]:
    """The words and counts of `vocabulary_text`."""
    rows: Iterator[list[str]] = (line.split("\t") for line in text.split("\n")[:-1])
    words, counts = zip(*rows, strict=True)
    return list(words), np.array(counts, np.int64)
