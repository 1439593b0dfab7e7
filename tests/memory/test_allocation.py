"""Usage and allocation: the book's numbers, loops, properties, edges."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from gradus.memory.allocation import allocation, retention, usage

SHARES = hnp.arrays(np.float64, 6, elements=st.floats(0, 1))


def t(*values):
    return torch.tensor(values, dtype=torch.float64)


def by_loops(used):
    """a[φ_j] = (1 - u[φ_j]) ∏_{i<j} u[φ_i], with usages moved into [ε, 1]."""
    used = used * (1 - 1e-6) + 1e-6
    found, product = np.zeros_like(used), 1.0
    for place in np.argsort(used, kind="stable"):
        found[place] = (1 - used[place]) * product
        product *= used[place]
    return found


def test_the_allocation_of_the_book():
    found = allocation(t([1.0, 0.7, 0.2, 0.4]))[0]
    assert found.tolist() == pytest.approx([0, 0.024, 0.8, 0.12], abs=2e-6)


@given(SHARES)
def test_allocation_equals_the_loops_and_sums_to_at_most_one(used):
    found = allocation(torch.from_numpy(used)[None])[0]
    np.testing.assert_allclose(found.numpy(), by_loops(used), atol=1e-12)
    assert (found >= 0).all()
    assert found.sum() <= 1 + 1e-9


def test_a_fully_used_memory_allocates_nothing_and_has_finite_gradients():
    used = torch.ones(1, 5, requires_grad=True)
    found = allocation(used)
    assert found.tolist() == [[0.0] * 5]
    found.sum().backward()
    assert torch.isfinite(used.grad).all()


def test_an_empty_memory_allocates_its_first_location_and_has_finite_gradients():
    used = torch.zeros(1, 5, requires_grad=True)
    found = allocation(used)
    assert found[0].tolist() == pytest.approx([1, 0, 0, 0, 0], abs=2e-6)
    found[0, 1].backward()
    assert used.grad[0].tolist() == pytest.approx([1, 0, 0, 0, 0], abs=1e-5)


def test_one_location():
    assert allocation(t([0.25])).item() == pytest.approx(0.75, abs=1e-6)


def test_retention_by_hand():
    free, where = t([1.0, 0.5]), t([[0.5, 0.5, 0.0], [0.0, 1.0, 0.0]])
    found = retention(free, where)[0]
    assert found.tolist() == [0.5, 0.25, 1.0]  # (1 - 0.5), (1 - 0.5)(1 - 0.5), 1


def test_usage_by_hand():
    found = usage(t([0.5, 0.0, 1.0]), t([0.5, 1.0, 0.5]), t([1.0, 1.0, 0.25]))[0]
    assert found.tolist() == [0.75, 1.0, 0.25]  # (0.5 + 0.5 - 0.25), 1, 1 · 0.25


@given(SHARES, SHARES, SHARES)
def test_usage_stays_between_0_and_1(before, written, retained):
    found = usage(*(torch.from_numpy(x)[None] for x in (before, written, retained)))
    assert (found >= 0).all()
    assert (found <= 1).all()
    expected = (before + written - before * written) * retained
    np.testing.assert_allclose(found[0].numpy(), expected, atol=1e-12)


def test_gradients():
    generator = torch.Generator().manual_seed(0)
    used = torch.rand(2, 6, dtype=torch.float64, generator=generator).requires_grad_()
    assert torch.autograd.gradcheck(allocation, (used,))
    free = torch.rand(2, 3, dtype=torch.float64, generator=generator).requires_grad_()
    where = torch.rand(2, 3, 6, dtype=torch.float64, generator=generator).requires_grad_()
    assert torch.autograd.gradcheck(retention, (free, where))
