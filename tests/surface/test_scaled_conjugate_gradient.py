import math
from itertools import pairwise

import numpy as np
import pytest
import torch

from gradus.core.errors import UsageError
from gradus.surface.functions import LANDSCAPES, quadratic
from gradus.surface.scaled_conjugate_gradient import ScaledConjugateGradient
from tests.surface.closures import closure_of


def moller(E, gradient, w, iterations, sigma=1e-4, lam=1e-7):
    """The algorithm of the paper's page 530, step by step as it is printed."""
    path = [w.copy()]
    lam_bar, k, success, N = 0.0, 1, True, len(w)
    p = r = -gradient(w)
    delta = 0.0
    while k <= iterations:
        size2 = sum(x * x for x in p)
        if success:  # 2
            sigma_k = sigma / math.sqrt(size2)
            s = (gradient(w + sigma_k * p) - gradient(w)) / sigma_k
            delta = sum(a * b for a, b in zip(p, s, strict=True))
        delta = delta + (lam - lam_bar) * size2  # 3
        if delta <= 0:  # 4
            lam_bar = 2 * (lam - delta / size2)
            delta = -delta + lam * size2
            lam = lam_bar
        mu = sum(a * b for a, b in zip(p, r, strict=True))  # 5
        alpha = mu / delta
        comparison = 2 * delta * (E(w) - E(w + alpha * p)) / mu**2  # 6
        if comparison >= 0:  # 7
            w = w + alpha * p
            r_after = -gradient(w)
            lam_bar, success = 0.0, True
            if k % N == 0:
                p = r_after
            else:
                beta = (r_after @ r_after - r_after @ r) / mu
                p = r_after + beta * p
            r = r_after
            if comparison >= 0.75:
                lam = lam / 4
        else:
            lam_bar, success = lam, False
        if comparison < 0.25:  # 8
            lam = lam + delta * (1 - comparison) / size2
        path.append(w.copy())
        k += 1  # 9
    return path


def assert_same_path(function, start, iterations, tolerance):
    def E(w):
        return function(torch.from_numpy(w)).item()

    def gradient(w):
        point = torch.from_numpy(w).clone().requires_grad_()
        function(point).backward()
        return point.grad.numpy()

    expected = moller(E, gradient, np.array(start, dtype=float), iterations)
    point = torch.tensor(start, dtype=torch.float64, requires_grad=True)
    optimiser = ScaledConjugateGradient([point], max_iter=1, tolerance_grad=0)
    stayed = 0
    for before, place in pairwise(expected):
        optimiser.step(closure_of(function, point, optimiser))
        assert point.detach().numpy() == pytest.approx(place, abs=tolerance)
        stayed += np.array_equal(before, place)
    return stayed


@pytest.mark.parametrize(("n", "condition"), [(1, 1.0), (3, 10.0), (8, 50.0)])
def test_it_is_the_papers_algorithm_on_quadratics(n, condition):
    assert_same_path(quadratic(n, condition, seed=n), [0.0] * n, n + 1, tolerance=1e-7)


def test_it_is_the_papers_algorithm_where_steps_fail():
    stayed = assert_same_path(LANDSCAPES["rosenbrock"], [-1.2, 1.0], 40, tolerance=1e-5)
    assert stayed >= 3  # Δ < 0 was met, and λ raised


def test_it_is_the_papers_algorithm_over_negative_curvature():
    saddle = LANDSCAPES["saddle"]
    assert_same_path(saddle, [0.2, 0.1], 12, tolerance=1e-7)


def test_a_quadratic_takes_about_twice_n_iterations():
    bowl = quadratic(10, 100.0, seed=0)
    point = torch.zeros(10, dtype=torch.float64, requires_grad=True)
    first = bowl(point).item()
    optimiser = ScaledConjugateGradient([point], max_iter=20, tolerance_grad=0)
    optimiser.step(closure_of(bowl, point, optimiser))
    assert bowl(point).item() < 1e-10 * first


def test_an_iteration_costs_two_evaluations():
    bowl = quadratic(6, 10.0, seed=1)
    point, calls = torch.zeros(6, dtype=torch.float64, requires_grad=True), []
    optimiser = ScaledConjugateGradient([point], max_iter=4)
    optimiser.step(closure_of(bowl, point, optimiser, calls))
    assert len(calls) == 1 + 2 * 4


def test_a_step_to_where_the_loss_is_not_finite_is_taken_back():
    def walled(point):
        return -torch.log(1 - point[0]) - 3 * point[0] + 1e-3 * point[0] ** 2

    point = torch.tensor([-50.0], dtype=torch.float64, requires_grad=True)
    optimiser = ScaledConjugateGradient([point], max_iter=200, tolerance_grad=1e-9)
    optimiser.step(closure_of(walled, point, optimiser))
    x = point.item()
    assert 1 / (1 - x) - 3 + 2e-3 * x == pytest.approx(0, abs=1e-8)


@pytest.mark.parametrize(
    ("name", "value"), [("sigma", 0.0), ("sigma", 1e-3), ("lambda_", 0.0), ("lambda_", 1e-3)]
)
def test_the_papers_ranges_are_kept(name, value):
    with pytest.raises(UsageError, match=f"{name} .*in \\(0, 1e-"):
        ScaledConjugateGradient([torch.zeros(2, requires_grad=True)], **{name: value})
