"""The arc-standard system (Nivre 2004): states as arrays, many sentences at once.

A state is a stack of words, a buffer of those that are still to come and the arcs drawn so far. As
the book has it, the first two words begin on the stack, and a sentence of n words is parsed when
the buffer is empty and one word, the root, is left: after max(0, 2n − 3) actions. So every parse
has one root, and all parses of a sentence are equally long.

Actions are numbers; with L labels, numbered from 1:

    0           SHIFT: the buffer's first word goes onto the stack
    l           LEFT ARC: the word on top becomes the head of the one below, with label l
    L + l       RIGHT ARC: the word below the top becomes the head of the top, with label l
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Int

from gradus.sequence.parsing.compiled import (
    DEPTH,
    HEAD,
    LABEL,
    NEXT,
    PLACES,
    SEEN_LABELS,
    STACK,
    WORDS,
    advance,
    describe,
)

SHIFT = 0
NOTHING = -1
"""The action that leaves a state as it is."""
NUMBER = np.int32
"""The type of all these numbers."""


@dataclass
class States:
    """The states of many hypotheses, a row each; n is the longest sentence's number of words.

    Attributes:
        links: for each word, numbered from 1, in the columns of `compiled`: its head, its label,
            its outermost children to the left and right and the next ones, 0 for none; and in
            column STACK the stack from its bottom.
        sizes: how many words are on the stack, the buffer's first word, words of the sentence.
        labels: how many labels there are.
    """

    links: Int[np.ndarray, "rows 7 entries"]
    sizes: Int[np.ndarray, "rows 3"]
    labels: int

    def __len__(self) -> int:
        """How many states there are."""
        return len(self.sizes)

    def take(self, rows: Int[np.ndarray, "some"]) -> "States":
        """Copies of some rows, in their order; a row may be taken several times."""
        return States(self.links[rows], self.sizes[rows], self.labels)

    @property
    def steps_left(self) -> Int[np.ndarray, "rows"]:
        """How many actions are still to come: a shift for each word, and an arc for all but one."""
        waiting = self.sizes[:, WORDS] + 1 - self.sizes[:, NEXT]
        return np.maximum(0, 2 * waiting + self.sizes[:, DEPTH] - 1)

    @property
    def legal(self) -> Bool[np.ndarray, "rows actions"]:
        """Which actions each state allows."""
        allowed = np.empty((len(self), 1 + 2 * self.labels), bool)
        allowed[:, SHIFT] = self.sizes[:, NEXT] <= self.sizes[:, WORDS]
        allowed[:, 1:] = (self.sizes[:, DEPTH] >= 2)[:, None]
        return allowed

    def advance(self, actions: Int[np.ndarray, "rows"]) -> None:
        """Take an action in each state, in place; NOTHING leaves it as it is.

        Raises:
            ValueError: a state does not allow its action; the states are then of no use.
        """
        bad = advance(self.links, self.sizes, actions.astype(NUMBER, copy=False), self.labels)
        if bad >= 0:
            depth, front, words = self.sizes[bad].tolist()
            raise ValueError(
                f"action {actions[bad]} is not allowed in state {bad}: {depth} words are on the "
                f"stack, {words + 1 - front} in the buffer"
            )

    def describe(self) -> tuple[Int[np.ndarray, "rows 18"], Int[np.ndarray, "rows 12"]]:
        """The words that each state is described by (0: none), and the labels of the last 12."""
        places = np.empty((len(self), PLACES), NUMBER)
        seen = np.empty((len(self), SEEN_LABELS), NUMBER)
        describe(self.links, self.sizes, places, seen)
        return places, seen

    def tree(self, row: int) -> tuple[list[int], list[int]]:
        """The heads and labels of a sentence's words, in order; 0 where they have none (yet)."""
        words = slice(1, self.sizes[row, WORDS] + 1)
        return self.links[row, HEAD, words].tolist(), self.links[row, LABEL, words].tolist()


def begin(lengths: Int[np.ndarray, "rows"], labels: int) -> States:
    """The first state of sentences of so many words each.

    Args:
        lengths: words of each sentence, ≥ 1.
        labels: how many labels there are.
    """
    lengths = np.asarray(lengths, NUMBER)
    links = np.zeros((len(lengths), 7, int(lengths.max(initial=1)) + 1), NUMBER)
    links[:, STACK, 0] = 1
    links[lengths > 1, STACK, 1] = 2
    depth = np.minimum(lengths, 2)
    return States(links, np.stack([depth, depth + 1, lengths], 1).astype(NUMBER), labels)


def steps_of(lengths: Int[np.ndarray, "rows"]) -> Int[np.ndarray, "rows"]:
    """How many actions the parse of a sentence of so many words takes."""
    return np.maximum(0, 2 * np.asarray(lengths) - 3)
