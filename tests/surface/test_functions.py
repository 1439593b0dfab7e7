import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import rosen

from gradus.core.errors import UsageError
from gradus.surface.functions import LANDSCAPES, quadratic

coordinate = st.floats(-3, 3)
each = pytest.mark.parametrize("name", LANDSCAPES)

BY_HAND = {
    "bowl": lambda x, y: 0.5 * (x * x + y * y),
    "ravine": lambda x, y: 0.5 * (x * x + 25 * y * y),
    "saddle": lambda x, y: 0.5 * x * x - 0.5 * y * y + 0.25 * y * y * y * y,
    "rosenbrock": lambda x, y: rosen([x, y]),
    "beale": lambda x, y: sum(
        (c - x * (1 - y**i)) ** 2 for i, c in ((1, 1.5), (2, 2.25), (3, 2.625))
    ),
}


@each
@given(x=coordinate, y=coordinate)
def test_the_formula(name, x, y):
    value = LANDSCAPES[name](torch.tensor([x, y], dtype=torch.float64)).item()
    assert value == pytest.approx(BY_HAND[name](x, y), rel=1e-9, abs=1e-9)


@each
def test_minima_have_no_slope_and_lie_below_everything_in_the_window(name):
    landscape = LANDSCAPES[name]
    (left, right), (bottom, top) = landscape.window
    x, y = torch.meshgrid(
        torch.linspace(left, right, 101), torch.linspace(bottom, top, 101), indexing="ij"
    )
    everywhere = landscape(torch.stack([x, y], dim=-1))
    assert everywhere.shape == (101, 101)
    for minimum in landscape.minima:
        point = torch.tensor(minimum, dtype=torch.float64, requires_grad=True)
        value = landscape(point)
        value.backward()
        assert point.grad.abs().max() < 1e-12
        hessian = torch.autograd.functional.hessian(landscape.function, point.detach())
        assert torch.linalg.eigvalsh(hessian).min() > 0
        assert value.item() <= everywhere.min().item() + 1e-6


@each
def test_start_and_minima_are_in_the_window(name):
    landscape = LANDSCAPES[name]
    for point in (landscape.start, *landscape.minima):
        for number, (low, high) in zip(point, landscape.window, strict=True):
            assert low < number < high


def test_the_saddle_is_one():
    hessian = torch.autograd.functional.hessian(LANDSCAPES["saddle"].function, torch.zeros(2))
    assert hessian.tolist() == [[1, 0], [0, -1]]


@given(n=st.integers(1, 10), condition=st.floats(1, 1e6), seed=st.integers(0, 1000))
def test_a_quadratic_has_its_condition_and_its_minimum(n, condition, seed):
    bowl = quadratic(n, condition, seed)
    curvatures = np.linalg.eigvalsh(bowl.matrix.numpy())
    assert curvatures[0] == pytest.approx(1, rel=1e-6)
    assert curvatures[-1] == pytest.approx(condition if n > 1 else 1, rel=1e-9)
    point = bowl.minimum.clone().requires_grad_()
    bowl(point).backward()
    assert point.grad.abs().max() == 0
    x = bowl.minimum + torch.randn(n, dtype=torch.float64)
    away = (x - bowl.minimum).numpy()
    assert bowl(x).item() == pytest.approx(0.5 * away @ bowl.matrix.numpy() @ away, rel=1e-9)


def test_a_quadratic_depends_on_its_seed_alone():
    one, same, other = (quadratic(4, 10.0, seed) for seed in (1, 1, 2))
    assert torch.equal(one.matrix, same.matrix)
    assert torch.equal(one.minimum, same.minimum)
    assert not torch.equal(one.matrix, other.matrix)
    assert quadratic(4, 10.0, 1, dtype=torch.float32).matrix.dtype == torch.float32


@pytest.mark.parametrize(
    ("n", "condition", "message"),
    [(0, 1.0, "n must be ≥ 1, got 0"), (2, 0.5, "≥ 1 and finite"), (2, math.inf, "finite")],
)
def test_impossible_quadratics_are_refused(n, condition, message):
    with pytest.raises(UsageError, match=message):
        quadratic(n, condition, 0)
