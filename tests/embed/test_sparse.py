"""The penalty against its formula in loops, the k largest against sorting."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from gradus.core.errors import UsageError
from gradus.embed.sparse import KLargest, active, kl_penalty


@pytest.mark.parametrize("target", [0.05, 0.5, 0.9])
def test_the_penalty_is_the_divergence(target):
    code = torch.rand(9, 6, dtype=torch.float64)
    expected = 0.0
    for j in range(6):
        mean = sum(float(h) for h in code[:, j]) / 9
        expected += target * math.log(target / mean)
        expected += (1 - target) * math.log((1 - target) / (1 - mean))
    assert float(kl_penalty(code, target)) == pytest.approx(expected, rel=1e-12)


def test_it_is_least_on_target_and_its_gradient_leads_there():
    code = torch.full((4, 3), 0.2, dtype=torch.float64, requires_grad=True)
    assert kl_penalty(code, 0.2).item() == pytest.approx(0, abs=1e-15)
    assert torch.autograd.gradcheck(lambda c: kl_penalty(c, 0.1), (code,))
    (gradient,) = torch.autograd.grad(kl_penalty(code, 0.1), code)
    assert (gradient > 0).all()


@pytest.mark.parametrize("value", [0.0, 1.0])
def test_units_that_are_never_or_always_on_have_a_finite_penalty(value):
    code = torch.full((4, 3), value, requires_grad=True)
    penalty = kl_penalty(code, 0.05)
    penalty.backward()
    assert torch.isfinite(penalty)
    assert torch.isfinite(code.grad).all()


@given(batch=st.integers(1, 6), units=st.integers(1, 12), data=st.data())
def test_the_k_largest_are_those_of_sorting(batch, units, data):
    k = data.draw(st.integers(1, units))
    seed = data.draw(st.integers(0, 2**31))
    z = np.random.default_rng(seed).normal(size=(batch, units))
    expected = np.zeros_like(z)
    for row, values in enumerate(z):
        for j in sorted(range(units), key=lambda j: -values[j])[:k]:
            expected[row, j] = values[j]
    found = KLargest(k)(torch.from_numpy(z))
    np.testing.assert_array_equal(found, expected)
    assert float(active(found).max()) * units == pytest.approx(k)


def test_never_more_than_k_are_left_and_the_others_pass_no_gradient():
    z = torch.zeros(3, 8, requires_grad=True)
    KLargest(2)(z + 1).sum().backward()
    assert z.grad.sum(1).tolist() == [2, 2, 2]
    x = torch.randn(4, 6, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(KLargest(3), (x,))


def test_wrong_numbers_are_refused():
    with pytest.raises(UsageError, match="k must be ≥ 1, got 0"):
        KLargest(0)
    with pytest.raises(UsageError, match=r"k must be in \[1, 3\], the units of the code, got 5"):
        KLargest(5)(torch.zeros(2, 3))
    for target in (0.0, 1.0):
        with pytest.raises(UsageError, match=r"target must be in \(0, 1\)"):
            kl_penalty(torch.rand(2, 2), target)
    assert "k=4" in repr(KLargest(4))
