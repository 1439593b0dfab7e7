"""What a word shows by itself: its form, its beginning and end, how it is written.

A word becomes one row number for each of these columns, and its vector is the sum of the rows: so
a word that the training never had still gets a vector (Bojanowski et al. 2017, "Enriching Word
Vectors with Subword Information", equation 1 of section 3.2, with other parts).
"""

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

from gradus.core.errors import RunError

UNKNOWN, EDGE = 0, 1
"""Rows of what the training did not have, and of the places before and after a sentence."""
LONGEST_SHAPE = 8
DIGIT, REPEATED = re.compile(r"\d"), re.compile(r"(.)\1+")
LEXICAL = 2
"""How many of the first columns know the word itself: as it is written, and in lower case."""


def normal_form(word: str) -> str:
    """The word with each digit as #: numbers of one form are one word."""
    return DIGIT.sub("#", word)


def shape_of(word: str) -> str:
    """How a word is written: X upper and x lower case, d a digit, the rest as it is.

    What is repeated stands twice, and after eight signs the shape ends.

    >>> shape_of("McDonald's"), shape_of("1,234.5")
    ("XxXxx'x", 'd,dd.d')
    """
    signs = "".join(
        "d" if c.isdigit() else "X" if c.isupper() else "x" if c.islower() else c for c in word
    )
    return REPEATED.sub(r"\1\1", signs)[:LONGEST_SHAPE]


def features(word: str, prefixes: int, suffixes: int) -> list[str]:
    """A word's features, one for each column; "" where it is too short to have one.

    Args:
        word: as it stands in the text.
        prefixes: longest beginning, in letters, ≥ 0.
        suffixes: longest end, in letters, ≥ 0.

    Returns:
        form, lower-case form, shape, the beginnings of 1 … prefixes and ends of 1 … suffixes
        letters; the kind of each comes before a colon.

    >>> features("Cats", 1, 2)
    ['word:Cats', 'lower:cats', 'shape:Xxx', '^1:c', '$1:s', '$2:ts']
    """
    form = normal_form(word)
    lower = form.lower()
    n = len(lower)
    return [
        f"word:{form}",
        f"lower:{lower}",
        f"shape:{shape_of(word)}",
        *(f"^{k}:{lower[:k]}" if n >= k else "" for k in range(1, prefixes + 1)),
        *(f"${k}:{lower[-k:]}" if n >= k else "" for k in range(1, suffixes + 1)),
    ]


@dataclass(frozen=True)
class Lexicon:
    """The features that have a row, each with its number.

    Attributes:
        names: the features; the first two stand for `UNKNOWN` and `EDGE`.
        prefixes: longest beginning.
        suffixes: longest end.
    """

    names: Sequence[str]
    prefixes: int
    suffixes: int

    @cached_property
    def numbers(self) -> dict[str, int]:
        """Feature -> its row."""
        return {name: number for number, name in enumerate(self.names)}

    @property
    def columns(self) -> int:
        """Features of a word."""
        return 3 + self.prefixes + self.suffixes

    @property
    def edge(self) -> list[int]:
        """The rows of the place before or after a sentence."""
        return [EDGE, *[UNKNOWN] * (self.columns - 1)]

    def rows(self, word: str) -> list[int]:
        """The rows of a word's features; 0 for what the training did not have."""
        numbers = self.numbers
        return [numbers.get(f, UNKNOWN) for f in features(word, self.prefixes, self.suffixes)]

    def knows(self, word: str) -> bool:
        """Whether the training had the word, its digits aside."""
        return f"word:{normal_form(word)}" in self.numbers

    def text(self) -> str:
        """The lexicon as a file: a feature a line, after a line with the longest affixes."""
        return "\n".join([f"{self.prefixes} {self.suffixes}", *self.names[2:], ""])


def make_lexicon(words: Iterable[str], prefixes: int, suffixes: int, min_count: int = 1) -> Lexicon:
    """The features that stand at least `min_count` times in a text, the most frequent first."""
    counts: Counter[str] = Counter()
    for word, n in Counter(words).items():
        for feature in features(word, prefixes, suffixes):
            counts[feature] += n
    del counts[""]
    kept = sorted((f for f, n in counts.items() if n >= min_count), key=lambda f: (-counts[f], f))
    return Lexicon(["<unknown>", "<edge>", *kept], prefixes, suffixes)


def read_lexicon(text: str, name: str) -> Lexicon:
    """The inverse of `Lexicon.text`.

    Raises:
        RunError: the text is no such file; `name` says which.
    """
    head, *names = text.removesuffix("\n").split("\n")
    try:
        prefixes, suffixes = map(int, head.split())
    except ValueError as error:
        raise RunError(f"{name} is damaged: its first line is {head[:40]!r}") from error
    return Lexicon(["<unknown>", "<edge>", *names], prefixes, suffixes)
