"""What chapter 1 of the book has, beside what is right. The page is docs/errata.md."""

import math

import numpy as np
import pytest


@pytest.fixture
def rng():
    return np.random.default_rng(1)


# Wrong


def test_relu_rectifies_and_restricts_nothing():
    z = np.linspace(-8, 8, 33)
    restricted = np.clip(z, 0, 1)  # what the printed name promises: a unit kept within bounds
    rectified = (z + abs(z)) / 2  # what the name stands for: half-wave rectification
    formula = np.maximum(0, z)  # the book's own formula
    assert np.array_equal(formula, rectified)
    assert formula.max() == 8
    assert restricted.max() == 1


def test_the_logits_sum_starts_at_one(rng):
    n, bias = 4, 0.7
    x = dict(zip(range(1, n + 1), rng.normal(size=n), strict=True))  # x_1 … x_n, as introduced
    w = dict(zip(range(1, n + 1), rng.normal(size=n), strict=True))
    right = sum(w[i] * x[i] for i in range(1, n + 1)) + bias
    assert right == pytest.approx(np.dot(list(w.values()), list(x.values())) + bias, rel=1e-12)

    with pytest.raises(KeyError):  # as printed, from 0: there is no x_0
        sum(w[i] * x[i] for i in range(n + 1))

    # An x_0 = 1 with w_0 = b can be added, but then the + b of the vector form counts it twice.
    x[0], w[0] = 1.0, bias
    printed = sum(w[i] * x[i] for i in range(n + 1)) + bias
    assert printed - right == pytest.approx(bias, rel=1e-12)


# To be read with care


def test_optimal_parameters_need_not_be_close():
    slept, studied = np.meshgrid(np.arange(9), np.arange(9))
    hours = np.stack([slept.ravel(), studied.ravel()])
    hours = hours[:, 3 * hours[0] + 4 * hours[1] != 24]

    def exam(theta, x):
        return np.where(theta[0] + theta[1] * x[0] + theta[2] * x[1] >= 0, 1, -1)

    theta = np.array([-24.0, 3.0, 4.0])
    for factor in (1e-3, 2.0, 1e6):  # every multiple makes the same predictions
        assert np.array_equal(exam(factor * theta, hours), exam(theta, hours))
    assert np.linalg.norm(1e6 * theta - theta) > 1e7

    few = np.array([[2, 3, 7, 8], [2, 1, 6, 7]])  # with little data the lines differ as well
    other = np.array([-14.0, 3.0, 1.0])
    assert np.array_equal(exam(other, few), exam(theta, few))
    assert exam(other, (6, 0)) != exam(theta, (6, 0))


def test_a_sigmoid_is_near_zero_where_the_logit_is_very_negative_not_where_it_is_small():
    def sigmoid(z):
        return 1 / (1 + math.exp(-z))

    assert sigmoid(1e-9) == pytest.approx(0.5)
    assert sigmoid(-30) < 1e-12


def test_the_layers_input_is_a_column(rng):
    n, m = 5, 3
    weight, bias = rng.normal(size=(n, m)), rng.normal(size=m)
    row = rng.normal(size=(1, n))  # printed as a row [x_1 … x_n]
    with pytest.raises(ValueError, match="mismatch"):
        weight.T @ row
    assert (weight.T @ row.T + bias[:, None]).shape == (m, 1)


# Right


def test_wt_x_plus_b_is_the_layer_of_neurons(rng):
    n, m = 5, 3
    weight, x, bias = rng.normal(size=(n, m)), rng.normal(size=n), rng.normal(size=m)
    neurons = [sum(weight[i, j] * x[i] for i in range(n)) + bias[j] for j in range(m)]
    assert weight.T @ x + bias == pytest.approx(np.array(neurons), rel=1e-12)


def test_linear_layers_collapse_into_one(rng):
    first, second = rng.normal(size=(4, 6)), rng.normal(size=(6, 2))
    x = rng.normal(size=(10, 4))
    assert x @ first @ second == pytest.approx(x @ (first @ second), rel=1e-9)
