"""What chapter 6 of the book has on word2vec, beside what is right. The page is docs/errata.md."""

import numpy as np
import pytest
import torch
from scipy.special import expit, log_expit

from gradus.data.vectors import WordVectors
from gradus.embed.words.losses import nce, negative_sampling
from gradus.embed.words.noise import noise_distribution
from gradus.embed.words.pairs import pairs_of
from gradus.embed.words.word2vec import Word2Vec
from tests.embed.words.small import plan


def printed(true, noise):
    """The probabilities of the noise words added, that of the context word taken off."""
    return torch.sigmoid(noise).sum(1) - torch.sigmoid(true)


# Wrong


def test_the_objective_is_a_sum_of_logarithms_not_of_probabilities():
    true, noise = torch.zeros(1), torch.zeros(1, 64)
    assert float(printed(true, noise)) == 31.5  # 64 · ½ − ½
    assert float(negative_sampling(true, noise)) == pytest.approx(65 * np.log(2))
    lowest = torch.full((1,), 50.0), torch.full((1, 64), -50.0)
    assert float(printed(*lowest)) == pytest.approx(-1)  # the book's −1
    assert float(negative_sampling(*lowest)) == pytest.approx(0, abs=1e-6)


def test_the_printed_objective_hardly_learns_from_its_worst_mistakes():
    true = torch.tensor([-12.0], requires_grad=True)
    noise = torch.zeros(1, 3)
    slope = [
        torch.autograd.grad(f(true, noise).sum(), true)[0].item()
        for f in (printed, negative_sampling)
    ]
    assert abs(slope[0]) < 1e-5
    assert slope[1] == pytest.approx(-1, abs=1e-4)


def test_the_printed_objective_does_not_find_probabilities():
    """Words a and b follow with probabilities 0.7 and 0.3; the noise has both equally."""
    p, q, k = np.array([0.7, 0.3]), np.array([0.5, 0.5]), 4

    def descend(loss):
        s = torch.zeros(2, dtype=torch.float64, requires_grad=True)
        for _ in range(3000):
            (gradient,) = torch.autograd.grad(loss(s), s)
            s = (s - gradient).detach().requires_grad_()
        return s.detach().numpy()

    weights = torch.from_numpy(p), torch.from_numpy(k * q)

    def right(s):
        shift, none = torch.from_numpy(np.log(k * q)), torch.zeros(2, 0)
        true = nce(s, none, shift, none)
        noise = torch.nn.functional.softplus(s - shift)
        return (true * weights[0] + noise * weights[1]).sum()

    def wrong(s):
        return (torch.sigmoid(s) * weights[1]).sum() - (torch.sigmoid(s) * weights[0]).sum()

    np.testing.assert_allclose(np.exp(descend(right)), p, rtol=1e-3)
    both = expit(descend(wrong))
    assert both.max() < 0.01  # k q > p for both: it calls every word noise


def test_noise_words_may_be_words_of_the_context():
    q = noise_distribution(np.arange(10_000, 0, -1), "log-uniform")  # what the listing draws from
    assert 1 - (1 - q[0]) ** 64 > 0.99  # the most frequent word is nearly always among the noise
    found = pairs_of(np.arange(4, dtype=np.int32), 0, 4, 0, 1, plan(nce=True, drawn=50), False)
    assert (found.noise[0] == found.outputs[0]).any()
    scores = torch.tensor([[1.0, 0.2]])
    hit = torch.tensor([[True, False]])
    left_out = negative_sampling(torch.ones(1), scores, ~hit)  # word2vec leaves such a word out
    assert float(left_out) == pytest.approx(float(-log_expit(1.0) - log_expit(-0.2)))


def test_the_average_cost_is_set_back_at_each_step():
    costs, every = np.linspace(5, 1, 100), 10

    def shown(reset_each_step):
        average, told = 0.0, []
        for step, cost in enumerate(costs, 1):
            average += cost / every
            if step % every == 0:
                told.append(average)
                average = 0.0
            if reset_each_step:
                average = 0.0
        return np.array(told)

    np.testing.assert_allclose(shown(False), costs.reshape(-1, every).mean(1))
    np.testing.assert_allclose(shown(True), costs[every - 1 :: every] / every)


# To be read with care


def test_a_row_of_a_table_is_a_product_with_a_one_hot_vector():
    model = Word2Vec(1000, 8).double()
    one_hot = torch.zeros(1000, dtype=torch.float64)
    one_hot[17] = 1
    table = model.inputs.weight.detach()
    torch.testing.assert_close(table.T @ one_hot, model(torch.tensor([[17]])).detach()[0])
    assert table.numel() == 1000 * table[17].numel()  # what the product reads, and what the look-up


def test_a_rate_of_a_tenth_is_a_thirty_second_of_that_for_a_pair():
    model = Word2Vec(40, 4, output_std=0.5)
    start = model.inputs.weight.detach().clone()
    inputs, outputs = torch.arange(32)[:, None], torch.full((32,), 39)
    true = model.scores(model(inputs), outputs[:, None])[:, 0]
    negative_sampling(true, true[:, None] - 1).mean().backward()
    moved = 0.1 * model.inputs.weight.grad[0]
    model.zero_grad()
    model.inputs.weight.data.copy_(start)
    true = model.scores(model(inputs[:1]), outputs[:1, None])[:, 0]
    negative_sampling(true, true[:, None] - 1).sum().backward()
    torch.testing.assert_close(moved, 0.1 / 32 * model.inputs.weight.grad[0])
    assert 0.1 / 32 < 0.025 / 7  # Mikolov's own rate, for each pair


# Looked at, and right


def test_vectors_are_divided_by_the_root_of_their_sum_of_squares():
    vectors = np.array([[1, 0], [3, 1], [0.2, 0.1]], np.float32)
    right = WordVectors(["a", "b", "c"], vectors)
    np.testing.assert_allclose(np.linalg.norm(right.unit, axis=1), 1, rtol=1e-6)
    assert [n.word for n in right.neighbours("a", 2)] == ["b", "c"]
    by_sum = vectors / np.square(vectors).sum(1, keepdims=True)  # the sum without its root
    order = np.argsort(-(by_sum @ by_sum[0]))
    assert ["abc"[i] for i in order if i] == ["c", "b"]


def test_a_window_of_one_gives_the_pairs_of_the_example():
    sentence = np.arange(6, dtype=np.int32)  # six words, whose ends have one neighbour each
    found = pairs_of(sentence, 0, 6, 0, 1, plan(window=1), False)
    pairs = sorted(zip(found.inputs[:, 0].tolist(), found.outputs.tolist(), strict=True))
    inner = [(i, j) for i in range(1, 5) for j in (i - 1, i + 1)]
    assert pairs == sorted([*inner, (0, 1), (5, 4)])
