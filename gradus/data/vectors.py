"""Words and their vectors: nearest neighbours and analogies by the cosine."""

from dataclasses import dataclass
from difflib import get_close_matches
from functools import cached_property
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from gradus.core.errors import UsageError


class Neighbour(NamedTuple):
    """A word, and the cosine of the angle between its vector and the one asked about."""

    word: str
    similarity: float


@dataclass(frozen=True)
class WordVectors:
    """A vocabulary with a vector for each word.

    Attributes:
        words: the words, all different.
        vectors: float32, "words dimensions".
    """

    words: list[str]
    vectors: Float[np.ndarray, "words dimensions"]

    def __post_init__(self) -> None:
        """Refuse a number of vectors that is not the number of words."""
        if len(self.words) != len(self.vectors):
            raise UsageError(
                f"there must be a vector for each of the {len(self.words):,} words, "
                f"got {len(self.vectors):,}"
            )

    @cached_property
    def numbers(self) -> dict[str, int]:
        """Word -> its row."""
        return {word: number for number, word in enumerate(self.words)}

    @cached_property
    def unit(self) -> Float[np.ndarray, "words dimensions"]:
        """The vectors divided by their lengths: the root of the sum of squares of each."""
        length = np.linalg.norm(self.vectors, axis=1, keepdims=True)
        return self.vectors / np.maximum(length, 1e-12)

    def __getitem__(self, word: str) -> Float[np.ndarray, "dimensions"]:
        """The vector of a word.

        Raises:
            UsageError: it is not in the vocabulary; the closest spellings are given.
        """
        return self.vectors[self.number(word)]

    def number(self, word: str) -> int:
        """The row of a word, as it is written or in lower case.

        Raises:
            UsageError: it is not in the vocabulary; the closest spellings are given.
        """
        for form in (word, word.lower()):
            if form in self.numbers:
                return self.numbers[form]
        near = get_close_matches(word.lower(), self.words, n=3, cutoff=0.6)
        hint = f": did you mean {' or '.join(near)}?" if near else ""
        raise UsageError(
            f"{word!r} is not among the {len(self.words):,} words of this vocabulary{hint}"
        )

    def neighbours(self, word: str, n: int = 8) -> list[Neighbour]:
        """The n words nearest to a word, without itself, nearest first.

        Raises:
            UsageError: the word is unknown, or n is not in [1, words − 1].
        """
        row = self.number(word)
        return self._nearest(self.unit[row], [row], n)

    def analogy(self, a: str, b: str, c: str, n: int = 8) -> list[Neighbour]:
        """The n words that are to c as b is to a: nearest to b − a + c, without these three.

        Source: Mikolov et al. 2013, "Linguistic Regularities in Continuous Space Word
        Representations"; the vectors are of length 1 first.

        Raises:
            UsageError: a word is unknown, or n is not in [1, words − 3].
        """
        rows = [self.number(word) for word in (a, b, c)]
        wanted = self.unit[rows[1]] - self.unit[rows[0]] + self.unit[rows[2]]
        return self._nearest(wanted / max(float(np.linalg.norm(wanted)), 1e-12), rows, n)

    def _nearest(
        self, wanted: Float[np.ndarray, "dimensions"], without: list[int], n: int
    ) -> list[Neighbour]:
        """The n words whose vectors point most nearly where `wanted`, of length 1, does."""
        most = len(self.words) - len(set(without))
        if not 1 <= n <= most:
            raise UsageError(f"number must be in [1, {most:,}], got {n}")
        cosine = self.unit @ wanted
        cosine[without] = -np.inf
        best = np.argpartition(-cosine, n - 1)[:n]
        best = best[np.argsort(-cosine[best], kind="stable")]
        return [Neighbour(self.words[i], float(cosine[i])) for i in best]
