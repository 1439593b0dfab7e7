"""Tags that depend on those before: against all sequences counted out, and Viterbi's recursion.

The room: gradus.sequence.tagging.chain.
"""

import itertools

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from gradus.sequence.tagging.chain import TagChain, decode, local_loss, sequence_loss
from gradus.sequence.tagging.tagger import Tagger

TAGS = 3


def some(seed, lengths):
    torch.manual_seed(seed)
    chain = TagChain(Tagger(4, 2, 1, (3,), TAGS), TAGS).double()
    for table in (chain.one, chain.two):
        torch.nn.init.normal_(table.weight)
    logits = torch.randn(sum(lengths), TAGS, dtype=torch.float64, requires_grad=True)
    gold = [np.random.default_rng(seed + i).integers(0, TAGS, n) for i, n in enumerate(lengths)]
    return chain, logits, gold


def score(chain, logits, tags, normalise=False):
    """The sum of ρ over a sequence, in a loop."""
    total, before = torch.zeros((), dtype=torch.float64), (TAGS, TAGS)
    for z, tag in zip(logits, tags, strict=True):
        rho = z + chain.one.weight[before[0]] + chain.two.weight[before[1]]
        total = total + (rho.log_softmax(0) if normalise else rho)[tag]
        before = (int(tag), before[0])
    return total


def every(chain, logits, normalise=False):
    """Every sequence of tags, with its score."""
    sequences = list(itertools.product(range(TAGS), repeat=len(logits)))
    return sequences, torch.stack([score(chain, logits, s, normalise) for s in sequences])


@given(st.integers(0, 99), st.lists(st.integers(1, 4), min_size=1, max_size=3), st.booleans())
@settings(max_examples=15)
def test_a_wide_beam_finds_the_very_best(seed, lengths, normalise):
    chain, logits, _ = some(seed, lengths)
    found = decode(chain, logits, np.array(lengths), TAGS**4, normalise=normalise)
    for z, tags in zip(logits.split(lengths), found, strict=True):
        sequences, scores = every(chain, z, normalise)
        assert tuple(tags) == sequences[int(scores.argmax())]


@given(st.integers(0, 99), st.booleans())
@settings(max_examples=10)
def test_a_beam_of_one_is_greedy(seed, normalise):
    chain, logits, _ = some(seed, [6])
    before, greedy = (TAGS, TAGS), []
    for z in logits:
        tag = int((z + chain.one.weight[before[0]] + chain.two.weight[before[1]]).argmax())
        greedy.append(tag)
        before = (tag, before[0])
    (found,) = decode(chain, logits, np.array([6]), 1, normalise=normalise)
    assert found.tolist() == greedy


def test_the_local_loss_is_that_of_each_word_after_the_right_tags():
    chain, logits, gold = some(0, [3, 1, 2])
    parts = zip(logits.split([3, 1, 2]), gold, strict=True)
    expected = -sum(score(chain, z, g, normalise=True) for z, g in parts) / 6
    torch.testing.assert_close(local_loss(chain, logits, gold), expected)


def test_with_all_sequences_on_the_beam_the_global_loss_is_exact():
    """That of a conditional random field: the sum over all sequences."""
    chain, logits, gold = some(1, [3, 1])
    losses = sequence_loss(chain, logits, gold, TAGS**3)
    for loss, z, g in zip(losses, logits.split([3, 1]), gold, strict=True):
        _, scores = every(chain, z)
        torch.testing.assert_close(loss, scores.logsumexp(0) - score(chain, z, g))


@pytest.mark.parametrize("beam", [1, 2, 27])
def test_the_gradient_of_the_global_loss_is_the_numeric_one(beam):
    chain, logits, gold = some(2, [3, 2])

    def loss(z):
        return sequence_loss(chain, z, gold, beam).sum()

    assert torch.autograd.gradcheck(loss, logits)
