"""What chapter 2 of the book has, beside what is right. The page is docs/errata.md."""

import itertools
import math

import numpy as np
import pytest
import torch
from torch import nn

from gradus.core.batches import Batches


@pytest.fixture
def rng():
    return np.random.default_rng(2)


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


# Wrong


def test_the_gradient_points_uphill():
    stretch = np.array([1.0, 9.0])  # the quadratic bowl of figure 2-2

    def error(w):
        return 0.5 * (stretch * w**2).sum()

    w, rate = np.array([2.0, 1.0]), 0.01
    gradient = stretch * w
    assert error(w + rate * gradient) > error(w)  # a step in the printed direction
    assert error(w - rate * gradient) < error(w)

    angles = np.linspace(0, 2 * np.pi, 3600, endpoint=False)
    around = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    steepest = min(around, key=lambda direction: error(w + 1e-6 * direction))
    assert steepest == pytest.approx(-gradient / np.linalg.norm(gradient), abs=2e-3)


def test_one_sigmoid_neuron_is_still_a_system_of_equations(rng):
    meals, prices = rng.integers(0, 5, size=(20, 3)).astype(float), np.array([0.3, -0.2, 0.1])
    targets = sigmoid(meals @ prices)

    def solve(t):
        return np.linalg.lstsq(meals, np.log(t / (1 - t)), rcond=None)[0]  # w·x = logit of t

    assert solve(targets) == pytest.approx(prices, abs=1e-12)

    # What is lost is the meaning of its least squares, once the targets contradict each other:
    # they are no longer those of the error E = ½ Σ (t - y)², whose gradient is not 0 there.
    noisy = np.clip(targets + 0.1 * rng.normal(size=20), 0.01, 0.99)
    y = sigmoid(meals @ solve(noisy))
    gradient = -meals.T @ (y * (1 - y) * (noisy - y))
    assert abs(gradient).max() > 1e-3


def test_a_flat_region_is_no_saddle_point():
    def saddle(w):
        return w[0] ** 2 - w[1] ** 2

    def flat(w):
        return torch.sigmoid(w).sum()

    at_saddle, on_plateau = torch.zeros(2), torch.full((2,), -30.0)
    curvature = torch.autograd.functional.hessian(saddle, at_saddle)
    assert torch.linalg.eigvalsh(curvature).tolist() == [-2, 2]
    assert torch.autograd.functional.hessian(flat, on_plateau).abs().max() < 1e-12

    def wander(f, start):
        w = start.clone().requires_grad_()
        for _ in range(100):
            (gradient,) = torch.autograd.grad(f(w), w)
            w = (w - 0.1 * gradient).detach().requires_grad_()
        return (w - start).norm().item()

    off = torch.tensor([0.0, 1e-6])
    assert wander(saddle, at_saddle + off) == pytest.approx(1e-6 * 1.2**100, rel=1e-3)  # 83
    assert wander(flat, on_plateau + off) == 0


@pytest.mark.parametrize("b", [16, 64, 128])  # the batch sizes of the book's own grid
def test_an_epoch_has_d_over_b_updates_rounded_up(b):
    d = 55_000  # the training set of TensorFlow's MNIST
    assert d / b != int(d / b)
    assert len(Batches((torch.empty(d),), b)) == math.ceil(d / b)
    assert len(torch.empty(d).split(b)) == math.ceil(d / b)
    assert d - b * int(d / b) > 0  # what is never seen if the number is rounded down


def test_a_grid_is_made_of_combinations():
    rates, sizes = [0.001, 0.01, 0.1], [16, 64, 128]
    assert len(list(itertools.product(rates, sizes))) == 9
    assert len(list(itertools.permutations(rates + sizes))) == 720


def test_l2_decays_by_a_constant_factor_and_l1_in_a_straight_line():
    rate, strength, steps = 0.1, 0.5, 20
    l2, l1 = [1.0], [1.0]
    for _ in range(steps):
        l2.append(l2[-1] - rate * strength * l2[-1])  # the gradient of ½ λ w²
        l1.append(l1[-1] - rate * strength * np.sign(l1[-1]))  # the gradient of λ |w|
    line = 1 - rate * strength * np.arange(steps + 1)
    assert l1 == pytest.approx(line, abs=1e-12)
    assert l2 == pytest.approx((1 - rate * strength) ** np.arange(steps + 1), rel=1e-12)
    assert line[-1] == pytest.approx(0, abs=1e-12)
    assert l2[-1] == pytest.approx(0.358, abs=1e-3)  # the line would be at 0


def test_choosing_by_the_test_set_flatters(rng):
    """A hundred networks that guess, on two classes: the truth is 50 %."""
    told_by_test, told_by_validation = [], []
    for _ in range(300):
        validation, test = rng.binomial(200, 0.5, size=(2, 100)) / 200
        told_by_test.append(test.max())
        told_by_validation.append(test[validation.argmax()])
    assert np.mean(told_by_test) > 0.57
    assert np.mean(told_by_validation) == pytest.approx(0.5, abs=0.01)


# To be read with care


def test_the_sum_of_the_text_and_the_mean_of_the_listings_differ_by_the_batch_size(rng):
    x, t, w = rng.normal(size=(100, 3)), rng.normal(size=100), rng.normal(size=3)
    of_text = x.T @ (t - x @ w)  # Δw / ε of the minibatch rule
    model = torch.tensor(w, requires_grad=True)
    error = 0.5 * (torch.tensor(t) - torch.tensor(x) @ model) ** 2
    error.mean().backward()  # the loss of the listings in chapter 3 averages
    assert of_text == pytest.approx(-100 * model.grad.numpy(), rel=1e-9)


def test_l2_is_weight_decay_for_plain_gradient_descent_only():
    rate, strength = 0.1, 0.25

    def trained(optimizer, penalty, decay, **settings):
        w = nn.Parameter(torch.tensor([1.0, -2.0], dtype=torch.float64))
        rule = optimizer([w], lr=rate, **settings)
        for _ in range(5):
            rule.zero_grad()
            (((w - 3) ** 2).sum() + penalty / 2 * (w**2).sum()).backward()
            w.data *= 1 - rate * decay
            rule.step()
        return w.detach().numpy()

    plain = torch.optim.SGD
    assert trained(plain, strength, 0) == pytest.approx(trained(plain, 0, strength), rel=1e-12)
    adam = torch.optim.Adam
    assert abs(trained(adam, strength, 0) - trained(adam, 0, strength)).max() > 0.01
    decayed = trained(torch.optim.AdamW, 0, 0, weight_decay=strength)
    assert trained(adam, 0, strength) == pytest.approx(decayed, rel=1e-12)


# Right


@pytest.mark.parametrize("neuron", ["linear", "sigmoid"])
def test_the_delta_rules_are_right(neuron, rng):
    x, t, w = rng.normal(size=(20, 3)), rng.uniform(size=20), rng.normal(size=3)
    rate = 0.1
    y = x @ w if neuron == "linear" else sigmoid(x @ w)
    slope = np.ones_like(y) if neuron == "linear" else y * (1 - y)
    printed = [sum(rate * x[i, k] * slope[i] * (t[i] - y[i]) for i in range(20)) for k in range(3)]
    model = torch.tensor(w, requires_grad=True)
    z = torch.tensor(x) @ model
    output = z if neuron == "linear" else torch.sigmoid(z)
    (0.5 * (torch.tensor(t) - output) ** 2).sum().backward()
    assert printed == pytest.approx(-rate * model.grad.numpy(), rel=1e-12)


def test_the_backpropagation_formulas_are_right(rng):
    x, t = rng.normal(size=4), rng.uniform(size=2)
    w1, w2 = rng.normal(size=(4, 3)), rng.normal(size=(3, 2))
    hidden = sigmoid(w1.T @ x)
    output = sigmoid(w2.T @ hidden)
    d_output = -(t - output)
    d_hidden = [
        sum(w2[i, j] * output[j] * (1 - output[j]) * d_output[j] for j in range(2))
        for i in range(3)
    ]
    d_w1 = np.outer(x, hidden * (1 - hidden) * d_hidden)

    first = torch.tensor(w1, requires_grad=True)
    y = torch.sigmoid(torch.tensor(w2).T @ torch.sigmoid(first.T @ torch.tensor(x)))
    (0.5 * (torch.tensor(t) - y) ** 2).sum().backward()
    assert d_w1 == pytest.approx(first.grad.numpy(), rel=1e-9)


def test_the_small_mnist_net_has_nearly_25_000_parameters():
    net = nn.Sequential(nn.Linear(784, 30), nn.Linear(30, 30), nn.Linear(30, 10))
    assert sum(p.numel() for p in net.parameters()) == 24_790


def test_both_forms_of_dropout_keep_the_expected_output():
    x, keep = 3.0, 0.25
    outcomes, chances = np.array([x, 0.0]), np.array([keep, 1 - keep])
    assert outcomes @ chances == pytest.approx(keep * x)  # plain: scale by p at test time
    assert (outcomes / keep) @ chances == pytest.approx(x)  # inverted: nothing left to do


def test_max_norm_bounds_the_weights_after_any_step(rng):
    w, c = np.zeros(5), 3.0
    for _ in range(50):
        before = w
        w = w + 1e6 * rng.normal(size=5)  # a learning rate that is far too high
        w = w * min(1, c / np.linalg.norm(w))
        assert np.linalg.norm(w) <= c * (1 + 1e-12)
        assert np.linalg.norm(w - before) <= 2 * c * (1 + 1e-12)
