"""Running text as sentences in their order: IMDB's reviews, a text file, or made-up stories."""

import hashlib
import random
import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np
from jaxtyping import Int64

from gradus.core.errors import UsageError
from gradus.data.texts import find_text, read_file, review_texts, words_of
from gradus.sequence.translation.corpus import Sentences
from gradus.sequence.translation.tokens import Listed, learn_listed

END = re.compile(r"(?<=[.!?])[\"')]*\s+")
"""Between two sentences."""
LABEL = re.compile(r"/(pos|neg)/")
FEWEST = 2
"""Words of a sentence that is kept."""
TOLD = 1000
"""Stories that are made up."""
HELD_OUT = 20
"""One passage in so many is for validation, and as many for the test."""

Passage = tuple[list[str], int]
"""Sentences, each its words with a space between; and 1 for praise, 0 for blame, −1 unknown."""


def sentences_of(text: str) -> list[str]:
    """The sentences of a text, in lower case, words alone; those of one word are left out.

    >>> sentences_of("What a film! I loved it. Really.")
    ['what a film', 'i loved it']
    """
    split = [words_of(part) for part in END.split(text.replace("<br />", " "))]
    return [" ".join(words) for words in split if len(words) >= FEWEST]


def read_passages(data: str, passages: int) -> list[Passage]:
    """The first passages of a text that have three sentences or more.

    Args:
        data: imdb (its reviews, praise and blame in turn), toy, or a text file, a passage a line.
        passages: how many, at most; 0: all.

    Raises:
        UsageError: there is no such text, or fewer than `HELD_OUT` such passages.
        DataError: a file is damaged.
    """
    found = [p for p in islice(_passages(data), passages or None) if len(p[0]) >= 3]
    if len(found) < HELD_OUT:
        raise UsageError(
            f"{data} has {len(found)} passages of three sentences or more, and {HELD_OUT} are "
            "needed: raise --passages or take a longer text"
        )
    return found


def _passages(data: str) -> Iterator[Passage]:
    if data == "toy":
        yield from toy_passages()
    elif data == "imdb":
        yield from _in_turn(find_text("imdb")[0])
    else:
        for path in find_text(data):
            for lines, _ in read_file(path, lambda line: [line]):
                for line in lines:
                    yield sentences_of(line), -1


def _in_turn(path: Path) -> Iterator[Passage]:
    """Reviews of IMDB's training part, praise and blame in turn."""
    waiting: dict[int, list[Passage]] = {0: [], 1: []}
    for name, text in review_texts(path):
        label = LABEL.search(name)
        if label is None or "/test/" in f"/{name}":
            continue
        kind = int(label[1] == "pos")
        waiting[kind].append((sentences_of(text), kind))
        while waiting[0] and waiting[1]:
            yield waiting[0].pop(0)
            yield waiting[1].pop(0)


NAMES = (
    *("mary", "john", "anna", "paul", "lucy", "mark", "rosa", "karl", "ella", "hugo", "nina"),
    *("otto", "iris", "emil", "vera", "adam", "lena", "ivan", "ruth", "noah", "olga", "leon"),
)
FOUND = {
    **{"kitchen": "cake", "garden": "rose", "office": "letter", "school": "book"},
    **{"cellar": "bottle", "attic": "trunk", "stable": "saddle", "harbour": "rope"},
    **{"forest": "mushroom", "market": "melon", "church": "candle", "tower": "bell"},
}
"""What there is in each place."""


def toy_passages() -> Iterator[Passage]:
    """Stories: who goes where, what is there, and how it was liked."""
    draw = random.Random(0)
    for _ in range(TOLD):
        name, place = draw.choice(NAMES), draw.choice(list(FOUND))
        good = draw.random() < 0.5
        thing, liked = FOUND[place], draw.choice(("lovely", "fine") if good else ("ugly", "bad"))
        yield (
            [
                f"{name} goes to the {place}",
                f"in the {place} {name} finds a {thing}",
                f"the {thing} is {liked}",
                f"{name} {'smiles and stays' if good else 'sighs and leaves'}",
            ],
            int(good),
        )


@dataclass(frozen=True)
class Passages:
    """Passages as numbers.

    Attributes:
        sentences: of all passages, in their order.
        firsts: where each passage begins among the sentences, and where the last ends.
        labels: of each passage.
    """

    sentences: Sentences
    firsts: Int64[np.ndarray, "passages_and_one"]
    labels: Int64[np.ndarray, "passages"]

    def middles(self) -> Int64[np.ndarray, "n"]:
        """The sentences that have one before and one after them in their passage."""
        inside = [
            np.arange(a + 1, b - 1) for a, b in zip(self.firsts, self.firsts[1:], strict=False)
        ]
        return np.concatenate(inside)


def number_passages(
    passages: list[Passage], tokenizer: Listed, longest: int
) -> dict[str, Passages]:
    """The passages of each part as numbers, sentences cut at `longest` words."""
    parts: dict[str, list[Passage]] = {"train": [], "validation": [], "test": []}
    for number, passage in enumerate(passages):
        parts[_part(passage[0], number)].append(passage)
    return {part: _number(some, tokenizer, longest) for part, some in parts.items()}


def _part(sentences: list[str], number: int) -> str:
    """The part a passage belongs to, by the hash of its sentences; the first two are held out."""
    digest = hashlib.blake2b(" ".join(sentences).encode(), digest_size=8).digest()
    draw = int.from_bytes(digest) % HELD_OUT if number > 1 else number
    return "validation" if draw == 0 else "test" if draw == 1 else "train"


def _number(passages: list[Passage], tokenizer: Listed, longest: int) -> Passages:
    rows = tokenizer.encode([s for sentences, _ in passages for s in sentences])
    rows = [row[:longest] for row in rows]
    starts = np.cumsum([0, *map(len, rows)])
    flat = np.concatenate([np.array(row, np.int32) for row in rows])
    firsts = np.cumsum([0, *(len(sentences) for sentences, _ in passages)])
    return Passages(
        Sentences(flat, starts), firsts, np.array([label for _, label in passages], np.int64)
    )


def learn_words(passages: list[Passage], vocabulary: int) -> Listed:
    """The most frequent words of passages, those for what is not a word first."""
    return learn_listed("word", (s for sentences, _ in passages for s in sentences), vocabulary)
