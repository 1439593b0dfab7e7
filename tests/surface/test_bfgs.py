import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from gradus.surface.bfgs import BFGS, _learn, bfgs_update
from gradus.surface.functions import LANDSCAPES, quadratic
from tests.surface.closures import closure_of, run


def update_in_loops(H, s, y):
    """(I - ρ s yᵀ) H (I - ρ y sᵀ) + ρ s sᵀ, one number at a time."""
    n = len(s)
    rho = 1 / sum(y[i] * s[i] for i in range(n))
    left = [[(i == j) - rho * s[i] * y[j] for j in range(n)] for i in range(n)]
    half = [[sum(left[i][k] * H[k][j] for k in range(n)) for j in range(n)] for i in range(n)]
    return [
        [sum(half[i][k] * left[j][k] for k in range(n)) + rho * s[i] * s[j] for j in range(n)]
        for i in range(n)
    ]


def random_update(n, seed):
    rng = np.random.default_rng(seed)
    root = rng.normal(size=(n, n))
    H, s = root @ root.T + np.eye(n), rng.normal(size=n)
    y = rng.normal(size=n)
    if s @ y < 0.1:
        y = y + (0.1 + abs(s @ y)) * s / (s @ s) * 2
    return H, s, y


@pytest.mark.parametrize("n", [1, 2, 5, 8])
def test_the_update_equals_loops(n):
    H, s, y = random_update(n, n)
    after = bfgs_update(*(torch.from_numpy(array) for array in (H, s, y))).numpy()
    assert after == pytest.approx(np.array(update_in_loops(H, s, y)), rel=1e-9, abs=1e-9)


@given(n=st.integers(1, 8), seed=st.integers(0, 10**6))
def test_the_update_is_symmetric_positive_definite_and_keeps_the_secant_equation(n, seed):
    H, s, y = random_update(n, seed)
    after = bfgs_update(*(torch.from_numpy(array) for array in (H, s, y))).numpy()
    size = np.abs(after).max()
    assert after == pytest.approx(after.T, abs=1e-9 * size)
    assert after @ y == pytest.approx(s, abs=1e-9 * size * (1 + np.abs(y).max()))
    assert np.linalg.eigvalsh(after).min() > -1e-9 * size


@pytest.mark.parametrize("scale", [True, False])
def test_three_iterations_by_hand(scale):
    """H and the directions are those of equations 6.17 and 6.20, along the path it walked."""
    function = LANDSCAPES["rosenbrock"]
    point = torch.tensor([-1.2, 1.0], dtype=torch.float64, requires_grad=True)
    optimiser = BFGS([point], max_iter=1, scale=scale)

    def place():
        x = point.detach().clone().requires_grad_()
        function(x).backward()
        return x.detach().numpy(), x.grad.numpy()

    H = None
    for _ in range(4):
        x, g = place()
        d = -g if H is None else -np.array(H) @ g
        optimiser.step(closure_of(function, point, optimiser))
        after, g_after = place()
        s, y = after - x, g_after - g
        assert s / np.linalg.norm(s) == pytest.approx(d / np.linalg.norm(d), abs=1e-7)
        if H is None:
            H = np.eye(2) * ((s @ y) / (y @ y) if scale else 1)
        H = update_in_loops(H, s, y)
        assert optimiser.state[point]["H"].numpy() == pytest.approx(np.array(H), rel=1e-7)


def test_n_updates_with_exact_searches_find_the_inverse_hessian_of_a_quadratic():
    """Nocedal & Wright, theorem 6.4."""
    n, bowl = 6, quadratic(6, 20.0, seed=5)
    H, x = torch.eye(n, dtype=torch.float64), torch.zeros(n, dtype=torch.float64)
    for _ in range(n):
        g = bowl.matrix @ (x - bowl.minimum)
        d = -H @ g
        s = -(g @ d) / (d @ bowl.matrix @ d) * d
        H, x = bfgs_update(H, s, bowl.matrix @ s), x + s
    assert H.numpy() == pytest.approx(np.linalg.inv(bowl.matrix.numpy()), abs=1e-9)


def test_first_scaling_makes_it_independent_of_the_units_of_the_loss():
    bowl = quadratic(8, 100.0, seed=6)

    def path(unit, scale):
        return run(
            lambda p: BFGS(p, max_iter=10, tolerance_grad=0, scale=scale),
            lambda p: unit * bowl(p),
            [0.0] * 8,
        )[0]

    for unit in (2.0**-20, 2.0**20):  # powers of two: no rounding
        assert torch.equal(path(unit, scale=True), path(1.0, scale=True))
        assert not torch.equal(path(unit, scale=False), path(1.0, scale=False))


@pytest.mark.parametrize("y", [(0.0, 0.0), (-1.0, 0.0), (1e-17, 1.0)])
def test_a_step_that_shows_no_positive_curvature_is_not_learnt_from(y):
    s, y = torch.tensor([1.0, 0.0], dtype=torch.float64), torch.tensor(y, dtype=torch.float64)
    known = torch.eye(2, dtype=torch.float64)
    for before in ({}, {"H": known}):
        state = dict(before)
        _learn(state, s, y, scale=True)
        assert state == before


def test_over_a_line_without_curvature_it_walks_on():
    point = torch.zeros(2, dtype=torch.float64, requires_grad=True)
    optimiser = BFGS([point], max_iter=2)
    for _ in range(3):  # no search can succeed: E falls for ever
        optimiser.step(closure_of(lambda x: -x[0], point, optimiser))
    assert point[0] > 1e6
    assert point.isfinite().all()


def test_it_starts_again_from_the_gradient_where_h_leads_up():
    function = LANDSCAPES["rosenbrock"]
    point = torch.tensor([-1.2, 1.0], dtype=torch.float64, requires_grad=True)
    optimiser = BFGS([point], max_iter=40)
    state = optimiser.state[point]
    state["H"], state["decrease"] = -torch.eye(2, dtype=torch.float64), 1.0  # not positive
    optimiser.step(closure_of(function, point, optimiser))
    assert function(point).item() < 1e-12
    assert torch.linalg.eigvalsh(state["H"]).min() > 0
