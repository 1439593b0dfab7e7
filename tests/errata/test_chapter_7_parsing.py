"""Errata of chapter 7, dependency parsing: wrong beside right."""

from math import comb

import numpy as np
import pytest

from gradus.sequence.parsing.transitions import begin


def sequences(words, labels):
    """How many sequences of actions parse a sentence, by going through all."""
    waiting, found = [begin(np.array([words]), labels)], 0
    while waiting:
        states = waiting.pop()
        if not states.legal.any():
            found += 1
        for action in np.flatnonzero(states.legal[0]):
            after = states.take(np.array([0]))
            after.advance(np.array([action]))
            waiting.append(after)
    return found


def counted(words, labels):
    """The same by formula: ways to bracket the words, times a label and a side for each arc."""
    brackets = comb(2 * (words - 1), words - 1) // words
    return brackets * (2 * labels) ** (words - 1)


@pytest.mark.parametrize(("words", "labels"), [(1, 2), (2, 3), (3, 1), (4, 1), (4, 2), (5, 1)])
def test_sequences_of_actions_are_brackets_times_labels(words, labels):
    assert sequences(words, labels) == counted(words, labels)


def test_ten_words_have_ten_to_the_fourteenth_parses_not_ten_to_the_fifteenth():
    printed = 1_000_000_000_000_000
    assert printed == 10**15  # words to the power of actions
    assert 15**10 == 576_650_390_625  # actions to the power of words, which is no count either:
    assert 2 * 10 - 3 == 17  # 10 words take 17 actions, of which not all are allowed each time
    assert counted(10, 7) == 4862 * 14**9 == 100_454_009_463_808
