import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from gradus.surface.critical import critical_point, kind_of
from gradus.surface.curvature import expand, expand_task
from tests.surface.small import dense_hessian, quadratic, small_task


def bowl(x):
    return x.square().sum()


def saddle(x):
    return x[0] ** 2 - x[1] ** 2


def monkey_saddle(x):
    return x[0] ** 3 - 3 * x[0] * x[1] ** 2


def trough(x):
    return x[0] ** 2 + 0 * x[1]


@pytest.mark.parametrize(
    ("function", "kind", "smallest", "largest"),
    [
        (bowl, "minimum", 2, 2),
        (lambda x: -bowl(x), "maximum", -2, -2),
        (saddle, "saddle", -2, 2),
        (monkey_saddle, "degenerate", 0, 0),
        (lambda x: x.pow(4).sum(), "degenerate", 0, 0),  # a minimum, but H does not show it
        (trough, "degenerate", 0, 2),
        (lambda x: -trough(x), "degenerate", -2, 0),
    ],
)
def test_small_functions_at_zero(function, kind, smallest, largest):
    found = critical_point(expand(function, torch.zeros(2, dtype=torch.float64)))
    assert found.kind == kind
    assert found.gradient_norm == 0
    assert found.smallest == pytest.approx(smallest, abs=1e-12)
    assert found.largest == pytest.approx(largest, abs=1e-12)


@pytest.mark.parametrize("function", [bowl, saddle, monkey_saddle])
def test_away_from_zero_they_are_not_critical(function):
    found = critical_point(expand(function, torch.tensor([0.3, -0.2])))
    assert found.kind == "not critical"
    assert found.gradient_norm > 0.1


def test_the_tolerances_are_what_they_say():
    assert kind_of(1e-3, 1, 2) == "minimum"
    assert kind_of(1.01e-3, 1, 2) == "not critical"
    assert kind_of(0.5, 1, 2, gradient_tolerance=0.5) == "minimum"
    assert kind_of(0, 1.01e-4, 1) == "minimum"
    assert kind_of(0, 1e-4, 1) == "degenerate"
    assert kind_of(0, -1e-4, 1) == "degenerate"
    assert kind_of(0, -1.01e-4, 1) == "saddle"
    assert kind_of(0, -0.1, 1, flat=0.2) == "degenerate"


@given(
    values=st.lists(st.sampled_from([-3.0, -0.5, 0.0, 0.25, 2.0]), min_size=2, max_size=7),
    seed=st.integers(0, 50),
)
def test_the_kind_is_that_of_the_eigenvalues(values, seed):
    generator = torch.Generator().manual_seed(seed)
    n = len(values)
    axes = torch.linalg.qr(torch.randn(n, n, generator=generator, dtype=torch.float64)).Q
    matrix = axes @ torch.diag(torch.tensor(values, dtype=torch.float64)) @ axes.T
    signs = {np.sign(v) for v in values}
    expected = "saddle" if {-1, 1} <= signs else "degenerate" if 0 in signs else "minimum"
    expected = "maximum" if signs == {-1} else expected
    point = torch.zeros(n, dtype=torch.float64)
    assert critical_point(expand(quadratic(matrix), point), seed=seed).kind == expected


def test_a_nets_start_is_judged_as_by_its_dense_hessian():
    task = small_task()
    found = critical_point(expand_task(task, task.test()), gradient_tolerance=10)
    values = torch.linalg.eigvalsh(dense_hessian(task, task.test()))
    assert values[0] < -1e-3 * values[-1]  # it curves both ways
    assert found.kind == "saddle"
    assert found.smallest == pytest.approx(values[0].item(), abs=1e-4 * values[-1].item())
    assert found.largest == pytest.approx(values[-1].item(), rel=1e-4)
