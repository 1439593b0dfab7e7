"""Losses: the sample's correction, its expectation against the full softmax, buckets."""

import math

import numpy as np
import pytest
import torch

from gradus.sequence.translation.losses import (
    Sampler,
    bucket_metrics,
    expected_counts,
    log_uniform,
    perplexity,
    sampled_losses,
    translation_loss,
)
from gradus.sequence.translation.seq2seq import Seq2Seq


def test_log_uniform_by_hand():
    found = log_uniform(3)
    assert found == pytest.approx([math.log(k) / math.log(4) for k in (2, 3 / 2, 4 / 3)])
    assert log_uniform(40_000).sum() == pytest.approx(1)


def test_counts_are_those_of_drawing_until_so_many_differ():
    p, samples = log_uniform(30), 8
    q = expected_counts(p, samples)
    assert q.sum() == pytest.approx(samples, rel=1e-6)
    assert (np.diff(q) < 0).all()
    torch.manual_seed(0)
    sampler = Sampler(30, samples)
    drawn = torch.stack([sampler() for _ in range(4000)])
    assert all(len(set(row)) == samples for row in drawn[:50].tolist())
    shares = drawn.flatten().bincount(minlength=30) / 4000
    np.testing.assert_allclose(shares.numpy(), q, atol=0.06)  # Q is the usual approximation


def test_sampled_losses_equal_the_loops():
    true, others = torch.tensor([0.5, -1.0]), torch.tensor([[1.0, 0.2, -0.3], [0.0, 2.0, 1.0]])
    wanted, words = torch.tensor([4, 2]), torch.tensor([1, 2, 3])
    log_q = torch.tensor([0.9, 0.8, 0.5, 0.3, 0.2]).log()
    found = sampled_losses(true, others, wanted, words, log_q)
    for i in range(2):
        scores = [float(true[i] - log_q[wanted[i]])]
        for j, word in enumerate(words.tolist()):
            if word != wanted[i]:  # the true word does not count twice
                scores.append(float(others[i, j] - log_q[word]))
        expected = math.log(sum(map(math.exp, scores))) - scores[0]
        assert float(found[i]) == pytest.approx(expected, rel=1e-5)


def mean_gradient(logits, wanted, weights, samples, corrected=True, times=200):
    """Of sampled losses with respect to the logits, over many samples."""
    torch.manual_seed(0)
    logits = logits.clone().requires_grad_()
    sampler = Sampler(len(logits), samples)
    log_q = sampler.log_q.double() * corrected
    for _ in range(times):
        words = sampler()
        others = logits[words].expand(len(wanted), -1)
        losses = sampled_losses(logits[wanted], others, wanted, words, log_q)
        (weights * losses).sum().backward()
    return logits.grad / times


def test_the_expected_gradient_is_about_the_full_softmaxs():
    logits = torch.randn(60, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    wanted, weights = torch.tensor([7]), torch.ones(1, dtype=torch.float64)
    full = logits.softmax(0) - torch.eye(60)[7]

    def apart(samples, corrected=True):
        found = mean_gradient(logits, wanted, weights, samples, corrected)
        return float((found - full).norm() / full.norm())

    assert apart(40) < 0.04
    assert apart(20) < 0.08
    assert apart(20) < apart(20, corrected=False) / 2


def test_where_the_full_softmax_rests_the_sampled_one_rests_too():
    p = torch.from_numpy(log_uniform(60))
    wanted = torch.arange(60)
    rest = mean_gradient(p.log(), wanted, p, 20)  # probabilities as the words' frequencies
    moving = mean_gradient(p.log(), wanted, p, 20, corrected=False)
    assert float(rest.norm()) < 0.02
    assert float(rest.norm()) < float(moving.norm()) / 5


def batch():
    wanted = torch.tensor([4, 5, 2, 6, 2])
    source, lengths = torch.tensor([[4, 5], [6, 0]]), torch.tensor([2, 1])
    given, steps = torch.tensor([[1, 4, 5], [1, 6, 0]]), torch.tensor([3, 2])
    return wanted, source, lengths, given, steps


def test_smoothing_and_sampling_are_for_training_alone():
    torch.manual_seed(0)
    model = Seq2Seq(8, 8, 4, 4)
    plain = translation_loss()(model.eval(), batch())[0]
    for special in (translation_loss(0.1), translation_loss(0.0, Sampler(8, 3))):
        assert special(model.eval(), batch())[0] == plain
        assert special(model.train(), batch())[0] != plain
    wanted, source, lengths, given, steps = batch()
    logits = model.output(model(source, given, lengths, steps))
    p = logits.log_softmax(1)
    expected = -(0.9 * p[torch.arange(5), wanted] + 0.1 * p.mean(1)).mean()
    torch.testing.assert_close(translation_loss(0.1)(model.train(), batch())[0], expected)


def test_buckets_add_up():
    losses = torch.tensor([1.0, 2.0, 3.0, 4.0, 5.0])
    *_, lengths, _, steps = batch()
    found = {
        k: float(v().mean())
        for k, v in bucket_metrics(losses, lengths, steps, [(1, 2), (2, 3)]).items()
    }
    assert found == pytest.approx(
        {"nats 1-2": 9 / 5, "tokens 1-2": 2 / 5, "nats 2-3": 6 / 5, "tokens 2-3": 3 / 5}
    )
    assert perplexity(found["nats 1-2"], found["tokens 1-2"]) == pytest.approx(math.exp(4.5))
    assert math.isnan(perplexity(0.0, 0.0))
