"""IMDB's reviews as numbers: read once, then kept in the cache in two or four bytes a word."""

import hashlib
import itertools
import json
import os
import tempfile
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Int, Int64
from torch import Tensor

from gradus.core.download import cache_folder
from gradus.core.errors import DataError, UsageError
from gradus.data.texts import find_text, read_labelled_reviews
from gradus.sequence.sentiment.toy import toy_reviews

CLASSES = ("negative", "positive")
LABELS = {"neg": 0, "pos": 1}
NONE, UNKNOWN = 0, 1
"""Numbers that are no word: what fills a row up, and a word that is not in the vocabulary."""
FIRST = 2
"""Number of the most frequent word."""
FORMAT = 2
"""Version of what is kept in the cache."""

Labelled = tuple[str, str, int, list[str]]
"""Part (`train` or `test`), label (`pos` or `neg`), number, words."""


@dataclass(frozen=True)
class Part:
    """Reviews of different lengths, one after the other: bad before good ones, each by number.

    Attributes:
        numbers: of all words of all reviews, 2 bytes each, or 4 where 2 are too few.
        starts: where each review begins in `numbers`, and after the last one where it ends.
        labels: index into `CLASSES` of each review.
    """

    numbers: Int[Tensor, "words"]
    starts: Int64[Tensor, "n_plus_1"]
    labels: Int64[Tensor, "n"]

    def __len__(self) -> int:
        """How many reviews."""
        return len(self.labels)

    @property
    def lengths(self) -> Int64[Tensor, "n"]:
        """Words of each review."""
        return self.starts.diff()

    def pick(self, rows: Int64[Tensor, "m"]) -> "Part":
        """Some of the reviews."""
        spans = [self.numbers[self.starts[i] : self.starts[i + 1]] for i in rows.tolist()]
        starts = torch.cat([torch.zeros(1, dtype=torch.int64), self.lengths[rows].cumsum(0)])
        return Part(torch.cat(spans), starts, self.labels[rows])


@dataclass(frozen=True)
class Reviews:
    """Reviews as numbers.

    Attributes:
        words: the vocabulary, the most frequent word of the training reviews first; the number of
            a word is its place + 2.
        train: the reviews to learn from.
        test: those to test on.
    """

    words: list[str]
    train: Part
    test: Part


def load_reviews(data: str, vocabulary: int) -> Reviews:
    """The labelled reviews of IMDB, or of an archive of the same form: read once, then cached.

    Args:
        data: `imdb`, the path of an archive that holds `train/pos/*.txt` and so on, or `toy`.
        vocabulary: how many words have a number, the most frequent ones, ≥ 1.

    Raises:
        UsageError: there is no such archive.
        DataError: it is damaged, or lacks one of its four folders.
    """
    paths = [] if data == "toy" else find_text(data)
    stats = [(str(p.resolve()), p.stat().st_size, p.stat().st_mtime_ns) for p in paths]
    made_of = json.dumps([FORMAT, stats, vocabulary])
    path = cache_folder() / "reviews" / f"{hashlib.sha256(made_of.encode()).hexdigest()[:16]}.npz"
    if not path.is_file():
        _make(path, read_labelled_reviews(paths[0]) if paths else toy_reviews(), data, vocabulary)
    with np.load(path) as kept:
        parts = [
            Part(
                *(
                    torch.from_numpy(kept[f"{part}_{what}"])
                    for what in ("numbers", "starts", "labels")
                )
            )
            for part in ("train", "test")
        ]
        return Reviews(str(kept["words"]).split("\n"), *parts)


def _make(path: Path, reviews: Iterable[Labelled], data: str, vocabulary: int) -> None:
    """Read reviews and keep them at `path`, which is whole or not there."""
    seen: defaultdict[str, int] = defaultdict(itertools.count().__next__)  # word -> first come
    read: dict[str, list[tuple[int, int, np.ndarray]]] = {"train": [], "test": []}
    for part, label, number, words in reviews:
        found = np.array([seen[word] for word in words or ("",)], np.int32)
        read[part].append((LABELS[label], number, found))
    for part, those in read.items():
        if {label for label, _, _ in those} != {0, 1}:
            raise DataError(
                f"{data} must hold reviews in {part}/pos and in {part}/neg: one has none"
            )
        those.sort(key=lambda review: review[:2])
    counts = np.bincount(np.concatenate([r[2] for r in read["train"]]), minlength=len(seen))
    if "" in seen:
        counts[seen[""]] = 0
    order = np.argsort(-counts, kind="stable")[:vocabulary]
    order = order[counts[order] > 0]
    new = np.full(len(seen), UNKNOWN, np.int32)
    new[order] = np.arange(FIRST, FIRST + len(order))
    kind = np.int16 if FIRST + len(order) <= 2**15 else np.int32
    names = list(seen)
    kept: dict[str, Any] = {"words": np.array("\n".join(names[i] for i in order))}
    for part, those in read.items():
        kept[f"{part}_numbers"] = new[np.concatenate([r[2] for r in those])].astype(kind)
        kept[f"{part}_starts"] = np.cumsum([0, *(len(r[2]) for r in those)], dtype=np.int64)
        kept[f"{part}_labels"] = np.array([r[0] for r in those], np.int64)
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=path.parent, prefix=".part-") as scratch:
        made = Path(scratch) / "made.npz"
        np.savez(made, **kept)
        os.replace(made, path)


def encode(words: Sequence[str], numbers: dict[str, int]) -> Int64[Tensor, "words"]:
    """The numbers of a review's words; those that are not known are `UNKNOWN`.

    Args:
        words: at least one.
        numbers: word -> number, as `numbered` gives it.

    Raises:
        UsageError: there are no words.
    """
    if not words:
        raise UsageError("a review must hold words, got none")
    return torch.tensor([numbers.get(word, UNKNOWN) for word in words])


def numbered(words: Sequence[str]) -> dict[str, int]:
    """Word -> number, of a vocabulary."""
    return {word: number for number, word in enumerate(words, FIRST)}
