from itertools import pairwise

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from gradus.core.errors import UsageError
from gradus.surface.conjugate_gradient import ConjugateGradient
from gradus.surface.functions import LANDSCAPES, quadratic
from tests.surface.closures import closure_of, run


def linear_conjugate_gradients(matrix, minimum, x, iterations):
    """Nocedal & Wright's algorithm 5.2, with r = A x - b = A (x - x*)."""
    r = matrix @ (x - minimum)
    p, path = -r, [x]
    for _ in range(iterations):
        alpha = (r @ r) / (p @ matrix @ p)
        x = x + alpha * p
        after = r + alpha * matrix @ p
        p, r = -after + (after @ after) / (r @ r) * p, after
        path.append(x)
    return path


def exact(params, **settings):
    return ConjugateGradient(params, line_search="exact", tolerance_grad=0, **settings)


# Rounding makes the directions less and less conjugate, as it does for the linear method: with
# condition numbers of 1,000 and more, n and a few more iterations are needed. With 10 numbers and
# 100 it hangs on the processor whether the last bits take one more.
@pytest.mark.parametrize(
    ("n", "condition", "iterations"),
    [(1, 1.0, 1), (2, 1e4, 2), (5, 100.0, 5), (10, 100.0, 11), (20, 10.0, 20)],
)
def test_a_quadratic_of_n_numbers_takes_n_iterations(n, condition, iterations):
    bowl = quadratic(n, condition, seed=n)
    point, value, calls = run(lambda p: exact(p, max_iter=iterations), bowl, [0.0] * n)
    assert calls <= 1 + 2 * iterations
    assert value < 1e-16 * bowl(torch.zeros(n, dtype=torch.float64)).item()
    assert point.numpy() == pytest.approx(bowl.minimum.numpy(), abs=1e-8)


@given(n=st.integers(1, 8), condition=st.floats(1, 100), seed=st.integers(0, 10**6))
def test_any_quadratic_takes_at_most_n_and_one_iterations(n, condition, seed):
    bowl = quadratic(n, condition, seed)
    _, value, _ = run(lambda p: exact(p, max_iter=n + 1), bowl, [0.0] * n)
    assert value <= 1e-10 * bowl(torch.zeros(n, dtype=torch.float64)).item()


def test_its_path_over_a_quadratic_is_that_of_linear_conjugate_gradients():
    bowl = quadratic(6, 30.0, seed=4)
    expected = linear_conjugate_gradients(
        bowl.matrix.numpy(), bowl.minimum.numpy(), np.zeros(6), iterations=6
    )
    point = torch.zeros(6, dtype=torch.float64, requires_grad=True)
    optimiser = exact([point], max_iter=1)
    for place in expected[1:]:
        optimiser.step(closure_of(bowl, point, optimiser))
        assert point.detach().numpy() == pytest.approx(place, abs=1e-9)


def test_with_the_inexact_search_n_iterations_come_near():
    for n in (2, 5, 10, 20):
        bowl = quadratic(n, 100.0, seed=n)
        first = bowl(torch.zeros(n, dtype=torch.float64)).item()
        _, after_n, _ = run(lambda p, n=n: ConjugateGradient(p, max_iter=n), bowl, [0.0] * n)
        _, after_2n, _ = run(lambda p, n=n: ConjugateGradient(p, max_iter=2 * n), bowl, [0.0] * n)
        assert after_n < 1e-3 * first
        assert after_2n < 1e-5 * first


def directions(optimiser, function, point, iterations):
    found = []
    for _ in range(iterations):
        before = point.detach().clone()
        optimiser.step(closure_of(function, point, optimiser))
        found.append((point.detach() - before).numpy())
    return found


def test_polak_ribieres_direction_by_hand():
    """Two iterations on Rosenbrock's valley, from the gradients at the places visited."""
    function = LANDSCAPES["rosenbrock"]
    point = torch.tensor([-1.2, 1.0], dtype=torch.float64, requires_grad=True)
    optimiser = ConjugateGradient([point], max_iter=1, restart_every=100, c2=1e-3)

    def gradient():
        place = point.detach().clone().requires_grad_()
        function(place).backward()
        return place.grad.numpy()

    g0 = gradient()
    d0 = -g0
    optimiser.step(closure_of(function, point, optimiser))
    g1 = gradient()
    assert abs(g1 @ g0) < 0.1 * (g1 @ g1)  # no restart of Powell's
    beta = sum(a * (a - b) for a, b in zip(g1, g0, strict=True)) / sum(b * b for b in g0)
    d1 = [-a + max(beta, 0.0) * d for a, d in zip(g1, d0, strict=True)]
    (step,) = directions(optimiser, function, point, 1)
    assert step / np.linalg.norm(step) == pytest.approx(d1 / np.linalg.norm(d1), abs=1e-9)


def test_restarting_every_iteration_is_steepest_descent():
    bowl = quadratic(4, 20.0, seed=0)
    point = torch.zeros(4, dtype=torch.float64, requires_grad=True)
    steps = directions(exact([point], max_iter=1, restart_every=1), bowl, point, 5)
    x = np.zeros(4)
    matrix = bowl.matrix.numpy()
    for step in steps:
        g = matrix @ (x - bowl.minimum.numpy())
        assert step == pytest.approx(-(g @ g) / (g @ matrix @ g) * g, abs=1e-12)
        x = x + step
    turns = [a @ b / np.linalg.norm(a) / np.linalg.norm(b) for a, b in pairwise(steps)]
    assert turns == pytest.approx([0] * 4, abs=1e-9)  # the right angles of the zigzag


def test_conjugate_gradients_beat_steepest_descent():
    bowl = quadratic(10, 100.0, seed=7)
    _, conjugate, _ = run(lambda p: exact(p, max_iter=12), bowl, [0.0] * 10)
    _, steepest, _ = run(lambda p: exact(p, max_iter=120, restart_every=1), bowl, [0.0] * 10)
    assert conjugate < 1e-6 * steepest


def test_powells_restart():
    """Where two gradients are far from orthogonal, the next direction is -g again."""
    function = LANDSCAPES["beale"]
    point = torch.tensor([1.0, 1.0], dtype=torch.float64, requires_grad=True)
    optimiser = ConjugateGradient([point], max_iter=1, restart_every=1000)
    seen = {"powell": 0, "conjugate": 0}
    before = None
    for _ in range(12):
        place = point.detach().clone().requires_grad_()
        function(place).backward()
        g = place.grad.numpy()
        if np.linalg.norm(g) < 1e-6:
            break
        optimiser.step(closure_of(function, point, optimiser))
        step = (point.detach() - place.detach()).numpy()
        cosine = -(step @ g) / np.linalg.norm(step) / np.linalg.norm(g)
        if before is not None and abs(g @ before) >= 0.1 * (g @ g):
            assert cosine == pytest.approx(1, abs=1e-9)
            seen["powell"] += 1
        elif before is not None and cosine < 0.999:
            seen["conjugate"] += 1
        before = g
    assert min(seen.values()) >= 1


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"restart_every": 0}, "restart_every must be ≥ 1, got 0"),
        ({"line_search": "golden"}, "line_search must be one of strong_wolfe, exact, got 'golden'"),
        ({"c2": 0.5}, "c2 must be between 1e-4 and ½, got 0.5"),
        ({"c2": 0.0}, "c2 must be between"),
    ],
)
def test_settings_that_cannot_work_are_refused(settings, message):
    with pytest.raises(UsageError, match=message):
        ConjugateGradient([torch.zeros(2, requires_grad=True)], **settings)
