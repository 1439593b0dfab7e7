"""The static oracle: the actions that build a known tree, and the states on the way."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Int

from gradus.sequence.parsing.compiled import PLACES, SEEN_LABELS, follow
from gradus.sequence.parsing.transitions import NOTHING, NUMBER, begin

AT_ONCE = 512
"""Sentences that are replayed together."""


@dataclass(frozen=True)
class Examples:
    """The states on the way to some trees, sentence by sentence, and the right action in each.

    Attributes:
        starts: where each sentence's states begin, and where the last one's end.
        places: the words that a state is described by, numbered in their sentence; 0: none.
        labels: the labels of the last 12 of them.
        actions: the right action.
    """

    starts: Int[np.ndarray, "bounds"]
    places: Int[np.ndarray, "states 18"]
    labels: Int[np.ndarray, "states 12"]
    actions: Int[np.ndarray, "states"]


def oracle(heads: Sequence[int], labels: Sequence[int], number: int) -> list[int] | None:
    """The actions that build a tree; None if it is not projective.

    An arc is drawn as soon as it can be: to the left when the word below the top hangs on the top;
    to the right when the top hangs on the word below and has all its own children.

    Args:
        heads: for each word the number of its head, counted from 1; 0 for the root's.
        labels: for each word the number of its label, counted from 1; the root's does not matter.
        number: how many labels there are.
    """
    actions = np.empty(max(0, 2 * len(heads) - 3), NUMBER)
    with_zero = [np.array([0, *values], NUMBER) for values in (heads, labels)]
    room = np.empty((2, len(heads) + 1), NUMBER)
    return actions.tolist() if follow(*with_zero, number, *room, actions) else None


def replay(actions: Sequence[Sequence[int]], lengths: Sequence[int], labels: int) -> Examples:
    """The states that actions lead through.

    Args:
        actions: those of each sentence.
        lengths: words of each sentence.
        labels: how many labels there are.

    Raises:
        ValueError: an action is not allowed where it is taken.
    """
    steps = np.array([len(a) for a in actions], np.int64)
    starts = np.concatenate([[0], steps.cumsum()])
    places = np.zeros((starts[-1], PLACES), NUMBER)
    seen = np.zeros((starts[-1], SEEN_LABELS), NUMBER)
    flat = np.array([a for several in actions for a in several], NUMBER)
    order = np.argsort(steps, kind="stable")
    for first in range(0, len(order), AT_ONCE):
        rows = order[first : first + AT_ONCE]
        states = begin(np.array(lengths)[rows], labels)
        for step in range(steps[rows].max(initial=0)):
            going = steps[rows] > step
            at = starts[rows[going]] + step
            words, their_labels = states.describe()
            places[at], seen[at] = words[going], their_labels[going]
            taken = np.full(len(rows), NOTHING, NUMBER)
            taken[going] = flat[at]
            states.advance(taken)
    return Examples(starts, places, seen, flat)
