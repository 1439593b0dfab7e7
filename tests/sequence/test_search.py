"""Beam search and the global loss on a problem small enough to go through every sequence."""

import itertools

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from gradus.core.errors import UsageError
from gradus.sequence.globally import global_loss
from gradus.sequence.search import NOTHING, beam_search

ACTIONS = 3


class Tags:
    """A tagger's states: how many words are tagged and the last two tags (ACTIONS: none yet)."""

    def __init__(self, rows):
        self.rows = np.array(rows)

    def take(self, rows):
        return Tags(self.rows[rows])

    def advance(self, actions):
        went = actions != NOTHING
        self.rows[went] = np.stack([self.rows[:, 0] + 1, self.rows[:, 2], actions], 1)[went]

    def describe(self):
        return (self.rows,)


def begin(sentences):
    return Tags([[0, ACTIONS, ACTIONS]] * sentences)


def table(seed, sentences, longest=4):
    """A score for each sentence, word, last two tags and next tag."""
    draw = np.random.default_rng(seed)
    shape = (sentences, longest, ACTIONS + 1, ACTIONS + 1, ACTIONS)
    return torch.from_numpy(draw.normal(size=shape) * 2).requires_grad_()


def scorer_of(scores):
    return lambda rows, sentence: scores[sentence, rows[:, 0], rows[:, 1], rows[:, 2]]


def every_sequence(scores, sentence, steps, normalise):
    """The score of each sequence of actions, by going through all."""
    found = {}
    for sequence in itertools.product(range(ACTIONS), repeat=steps):
        total, before = 0.0, (ACTIONS, ACTIONS)
        for word, action in enumerate(sequence):
            row = scores[sentence, word, before[0], before[1]]
            total = total + (row.log_softmax(0) if normalise else row)[action]
            before = (before[1], action)
        found[sequence] = total
    return found


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 1000), st.lists(st.integers(1, 3), min_size=1, max_size=3), st.booleans())
def test_a_beam_that_holds_every_sequence_finds_the_best(seed, steps, normalise):
    scores = table(seed, len(steps)).detach()
    found = beam_search(
        begin(len(steps)),
        np.array(steps),
        scorer_of(scores),
        ACTIONS ** max(steps),
        normalise=normalise,
    )
    for sentence, n in enumerate(steps):
        expected = sorted(float(s) for s in every_sequence(scores, sentence, n, normalise).values())
        there = found.scores[sentence][torch.isfinite(found.scores[sentence])]
        assert there.tolist() == pytest.approx(expected[::-1])


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 1000), st.booleans())
def test_a_beam_of_one_is_greedy(seed, normalise):
    steps, scores = np.array([4, 2, 3]), table(seed, 3).detach()
    found = beam_search(begin(3), steps, scorer_of(scores), 1, normalise=normalise)
    states = begin(3)
    for step in range(4):
        best = (
            scorer_of(scores)(torch.from_numpy(states.rows), torch.arange(3)).argmax(1)
            if (step < 4)
            else None
        )
        states.advance(np.where(steps > step, best.numpy(), NOTHING))
    assert found.best.rows.tolist() == states.rows.tolist()


def test_what_is_not_allowed_is_never_taken():
    scores = torch.full((1, 4, ACTIONS + 1, ACTIONS + 1, ACTIONS), -torch.inf)
    scores[..., 1] = 1.0
    found = beam_search(begin(1), np.array([3]), scorer_of(scores), 4, normalise=False)
    assert found.scores.tolist() == [[3.0, -torch.inf, -torch.inf, -torch.inf]]
    assert found.best.rows.tolist() == [[3, 1, 1]]


def test_no_sentence_and_no_step():
    scores = table(0, 2).detach()
    found = beam_search(begin(2), np.array([0, 1]), scorer_of(scores), 2, normalise=False)
    assert found.scores[0].tolist() == [0.0, -torch.inf]
    assert found.best.rows[0].tolist() == [0, ACTIONS, ACTIONS]
    with pytest.raises(UsageError, match="beam must be ≥ 1, got 0"):
        beam_search(begin(1), np.array([1]), scorer_of(scores), 0, normalise=False)


GOLD = np.array([[0, 1, 2, 0], [2, 2, NOTHING, NOTHING], [1, NOTHING, NOTHING, NOTHING]])


@pytest.mark.parametrize("seed", range(3))
def test_with_every_sequence_on_the_beam_the_loss_is_exact(seed):
    scores = table(seed, 3)
    losses, beam = global_loss(begin(3), GOLD, scorer_of(scores), ACTIONS**4)
    assert not beam.fallen.any()
    expected = []
    for sentence, row in enumerate(GOLD):
        gold = tuple(a for a in row.tolist() if a != NOTHING)
        found = every_sequence(scores, sentence, len(gold), normalise=False)
        expected.append(torch.stack(list(found.values())).logsumexp(0) - found[gold])
    torch.testing.assert_close(losses, torch.stack(expected), rtol=1e-9, atol=1e-9)
    (by_search,) = torch.autograd.grad(losses.sum(), scores, retain_graph=True)
    (by_hand,) = torch.autograd.grad(sum(expected), scores)
    torch.testing.assert_close(by_search, by_hand, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("width", [1, 2, 3])
def test_early_update_cuts_where_the_correct_sequence_falls_off(width):
    scores = table(5, 3)
    losses, beam = global_loss(begin(3), GOLD, scorer_of(scores), width)
    for sentence, row in enumerate(GOLD):
        gold = [a for a in row.tolist() if a != NOTHING]
        hypotheses, fell = {(): 0.0}, False
        for step in range(len(gold)):
            longer = {
                (*h, a): every_sequence(scores, sentence, step + 1, False)[(*h, a)]
                for h in hypotheses
                for a in range(ACTIONS)
            }
            kept = sorted(longer, key=lambda h, s=longer: -s[h].item())[:width]
            hypotheses = {h: longer[h] for h in kept}
            right = tuple(gold[: step + 1])
            if fell := right not in hypotheses:
                break
        correct = every_sequence(scores, sentence, len(right), False)[right]
        together = torch.stack([*hypotheses.values(), *([correct] if fell else [])])
        assert bool(beam.fallen[sentence]) == fell
        expected = together.logsumexp(0) - correct
        assert losses[sentence].item() == pytest.approx(expected.item())


def test_the_loss_is_finite_where_scores_are_huge():
    scores = (table(1, 3).detach() * 1e4).requires_grad_()
    losses, _ = global_loss(begin(3), GOLD, scorer_of(scores), 2)
    losses.sum().backward()
    assert torch.isfinite(losses).all()
    assert torch.isfinite(scores.grad).all()
    assert (losses >= 0).all()
