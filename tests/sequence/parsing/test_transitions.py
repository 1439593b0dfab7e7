"""The arc-standard system against a naive one, and the oracle's sequences."""

import os

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gradus.sequence.conllu import cycle
from gradus.sequence.parsing.compiled import PLACES, SEEN_LABELS
from gradus.sequence.parsing.oracle import oracle, replay
from gradus.sequence.parsing.transitions import NOTHING, SHIFT, begin, steps_of
from gradus.sequence.parsing.trees import is_projective
from tests.sequence.parsing.small import LABELS, trees


class Naive:
    """The same system with lists, one sentence; what it sees is named after Chen and Manning."""

    def __init__(self, words):
        self.stack, self.buffer = list(range(1, words + 1))[:2], list(range(3, words + 1))
        self.heads, self.labels, self.words = {}, {}, words

    def allowed(self):
        arcs = range(1, 2 * LABELS + 1) if len(self.stack) > 1 else ()
        return [*([SHIFT] if self.buffer else []), *arcs]

    def take(self, action):
        if action == SHIFT:
            self.stack.append(self.buffer.pop(0))
        elif action <= LABELS:
            child = self.stack.pop(-2)
            self.heads[child], self.labels[child] = self.stack[-1], action
        else:
            child = self.stack.pop()
            self.heads[child], self.labels[child] = self.stack[-1], action - LABELS

    def children(self, word, left):
        found = [c for c, h in self.heads.items() if h == word and (c < word) == left]
        return [*sorted(found, reverse=not left), 0, 0]

    def sees(self):
        stack, buffer = [*self.stack[::-1], 0, 0, 0], [*self.buffer, 0, 0, 0]
        places = [*stack[:3], *buffer[:3]]
        for top in stack[:2]:
            left, right = self.children(top, True), self.children(top, False)
            inner = self.children(left[0], True)[0], self.children(right[0], False)[0]
            places += [left[0], right[0], left[1], right[1], *inner]
        return places, [self.labels.get(p, 0) for p in places[6:]]


@settings(max_examples=30, deadline=None)
@given(st.lists(st.integers(1, 8), min_size=1, max_size=4), st.data())
def test_many_at_once_do_what_one_with_lists_does(lengths, data):
    states, naive = begin(np.array(lengths), LABELS), [Naive(n) for n in lengths]
    for step in range(max(steps_of(np.array(lengths)))):
        for row, one in enumerate(naive):
            places, labels = states.describe()
            assert (places[row].tolist(), labels[row].tolist()) == one.sees()
            assert np.flatnonzero(states.legal[row]).tolist() == one.allowed()
            assert states.steps_left[row] == max(0, 2 * one.words - 3 - step)
        actions = [data.draw(st.sampled_from(o.allowed() or [NOTHING])) for o in naive]
        states.advance(np.array(actions))
        for one, action in zip(naive, actions, strict=True):
            if action != NOTHING:
                one.take(action)
    assert not states.legal.any()
    for row, one in enumerate(naive):
        heads, labels = states.tree(row)
        assert heads == [one.heads.get(w, 0) for w in range(1, one.words + 1)]
        assert labels == [one.labels.get(w, 0) for w in range(1, one.words + 1)]
        assert heads.count(0) == 1
        assert cycle([0, *heads]) is None
        assert is_projective(heads)


@settings(max_examples=100, deadline=None)
@given(trees(), st.data())
def test_the_oracle_is_legal_and_rebuilds_the_tree(heads, data):
    labels = [data.draw(st.integers(1, LABELS)) if h else 0 for h in heads]
    actions = oracle(heads, labels, LABELS)
    one = Naive(len(heads))
    for action in actions:
        assert action in one.allowed()
        one.take(action)
    words = range(1, len(heads) + 1)
    assert [one.heads.get(w, 0) for w in words] == heads
    assert [one.labels.get(w, 0) for w in words] == labels


@settings(max_examples=100, deadline=None)
@given(trees(projective=False))
def test_the_oracle_finds_actions_for_projective_trees_alone(heads):
    found = oracle(heads, [1] * len(heads), LABELS)
    assert (found is not None) == is_projective(heads)


def test_replay_goes_through_the_states_of_every_sentence():
    sentences = [[2, 0], [0], [2, 0, 2, 3], [3, 1, 0]]
    actions = [oracle(h, [2] * len(h), LABELS) for h in sentences]
    seen = replay(actions, [len(h) for h in sentences], LABELS)
    assert seen.starts.tolist() == [0, 1, 1, 6, 9]
    assert seen.actions.tolist() == [a for several in actions for a in several]
    for number, (heads, taken) in enumerate(zip(sentences, actions, strict=True)):
        one = Naive(len(heads))
        for step, action in enumerate(taken):
            at = seen.starts[number] + step
            assert (seen.places[at].tolist(), seen.labels[at].tolist()) == one.sees()
            one.take(action)
    assert seen.places.shape == (9, PLACES)
    assert seen.labels.shape == (9, SEEN_LABELS)


@pytest.mark.parametrize(
    ("action", "said"), [(0, "1 words are on the stack, 0 in the buffer"), (1, "on the stack")]
)
def test_what_a_state_does_not_allow_is_refused(action, said):
    with pytest.raises(ValueError, match=rf"action {action} is not allowed in state 1: .*{said}"):
        begin(np.array([3, 1]), LABELS).advance(np.array([NOTHING, action]))
    with pytest.raises(ValueError, match="action 7 is not allowed in state 0"):
        begin(np.array([3]), LABELS).advance(np.array([2 * LABELS + 1]))


def test_copies_of_rows_are_independent():
    states = begin(np.array([3, 4]), LABELS)
    copies = states.take(np.array([1, 1, 0]))
    copies.advance(np.array([0, 1, 4]))
    assert copies.sizes.tolist() == [[3, 4, 4], [1, 3, 4], [1, 3, 3]]
    assert states.sizes.tolist() == [[2, 3, 3], [2, 3, 4]]
    assert len(copies) == 3


@pytest.mark.data
def test_the_oracle_rebuilds_every_projective_tree_of_the_treebank():
    if "GRADUS_DATA" not in os.environ:
        pytest.skip("set GRADUS_DATA")
    from gradus.sequence.parsing.course import read_part

    sentences = read_part("ewt", "test")
    kept = [s.heads for s in sentences if is_projective(s.heads)]
    assert len(kept) / len(sentences) > 0.97
    actions = [oracle(heads, [1] * len(heads), 1) for heads in kept]
    states = begin(np.array([len(h) for h in kept]), 1)
    for step in range(max(map(len, actions))):
        taken = [a[step] if step < len(a) else NOTHING for a in actions]
        states.advance(np.array(taken))
    assert [states.tree(row)[0] for row in range(len(kept))] == kept
