"""Each word of a text with those around it, as row numbers."""

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
import torch
from jaxtyping import Int
from torch import Tensor

from gradus.sequence.tagging.cache import NO_VECTOR, keys_of
from gradus.sequence.tagging.features import Lexicon


class Windows(NamedTuple):
    """A text's different words, and which of them stand in the window of each place.

    Attributes:
        words: the rows of each different word's features; number 0 is the edge of a sentence.
        places: for each word of the text, in order, the numbers of the words of its window.
    """

    words: Int[Tensor, "types columns"]
    places: Int[Tensor, "tokens window"]

    def rows(self) -> Int[Tensor, "tokens window columns"]:
        """The windows written out: what `gradus.sequence.tagging.tagger.Tagger` takes."""
        return self.words[self.places]


@dataclass(frozen=True)
class Reader:
    """Makes a tagger's inputs of sentences.

    Attributes:
        lexicon: the features of words.
        before: words before the tagged one, ≥ 0: n − 1 of the book's n-gram.
        after: words after it, ≥ 0.
        keys: of vectors from a file, where there are any: the last column says which a word has.
    """

    lexicon: Lexicon
    before: int
    after: int
    keys: Sequence[str] = ()

    @cached_property
    def numbers(self) -> dict[str, int]:
        """Key of a vector -> its row."""
        return {key: number for number, key in enumerate(self.keys)}

    def windows(self, sentences: Sequence[Sequence[str]]) -> Windows:
        """The windows of a text's words."""
        rows, edge = self.lexicon.rows, self.lexicon.edge
        if not self.keys:
            return make_windows(sentences, rows, edge, self.before, self.after)
        pairs = [list(zip(s, keys_of(s, self.numbers), strict=True)) for s in sentences]

        def both(pair: tuple[str, str]) -> list[int]:
            return [*rows(pair[0]), self.numbers.get(pair[1], NO_VECTOR)]

        return make_windows(pairs, both, [*edge, NO_VECTOR], self.before, self.after)


def make_windows(
    sentences: Sequence[Sequence[Any]],
    rows: Callable[[Any], list[int]],
    edge: list[int],
    before: int,
    after: int,
) -> Windows:
    """The window of each word: the words before it, itself, the words after it.

    No window reaches into another sentence: there stands the edge instead. (The book's listing
    takes all sentences as one long text, so that a window spans their borders.)

    Args:
        sentences: of words, or of whatever `rows` takes; those that are empty have no window.
        rows: word -> row numbers of its features.
        edge: those of the places outside a sentence.
        before: words before, ≥ 0: n − 1 of the book's n-gram.
        after: words after, ≥ 0.
    """
    numbers: dict[Hashable, int] = {}
    left, right = [0] * before, [0] * after
    line: list[int] = []
    where: list[np.ndarray] = []
    for sentence in sentences:
        line += left
        where.append(np.arange(len(line), len(line) + len(sentence)))
        for word in sentence:
            number = numbers.get(word)
            if number is None:
                number = numbers[word] = len(numbers) + 1
            line.append(number)
        line += right
    table = torch.tensor([edge, *map(rows, numbers)], dtype=torch.int32)
    at = np.concatenate([*where, np.empty(0, int)]).astype(np.int64)
    text = np.array([*line, 0], np.int32)
    places = (
        text[at[:, None] + np.arange(-before, after + 1)]
        if len(at)
        else np.empty((0, before + 1 + after), np.int32)
    )
    return Windows(table, torch.from_numpy(places.astype(np.int64)))
