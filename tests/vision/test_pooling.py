"""Fractional max pooling against loops over its windows."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from gradus.core.errors import UsageError
from gradus.vision.pooling import FractionalPool


def starts(size, kernel, outputs, u):
    """Where each window begins (Graham 2014, section 2.1)."""
    if outputs == 1:
        return [size - kernel]
    alpha = (size - kernel) / (outputs - 1)
    first = [math.floor(alpha * (i + u)) - math.floor(alpha * u) for i in range(outputs - 1)]
    return [*first, size - kernel]


def pooled(x, kernel, outputs, u):
    """The maximum of each window of one map, by loops."""
    rows, columns = (starts(n, k, o, u) for n, k, o in zip(x.shape, kernel, outputs, strict=True))
    high, wide = kernel
    return [[x[r : r + high, c : c + wide].max() for c in columns] for r in rows]


@given(data=st.data(), seed=st.integers(0, 99))
def test_evaluation_takes_the_windows_of_the_formula(data, seed):
    kernel = data.draw(st.tuples(st.integers(1, 3), st.integers(1, 3)))
    size = data.draw(st.tuples(st.integers(4, 12), st.integers(4, 12)))
    outputs = tuple(data.draw(st.integers(1, n - k + 1)) for n, k in zip(size, kernel, strict=True))
    x = np.random.default_rng(seed).normal(size=size)
    found = FractionalPool(kernel, outputs).eval()(torch.from_numpy(x)[None, None])
    assert found[0, 0].tolist() == pooled(x, kernel, outputs, 0.5)


def test_windows_start_one_or_two_cells_apart_and_cover_the_map():
    apart = np.diff(starts(20, 2, 14, 0.5))
    assert set(apart) == {1, 2}
    assert starts(20, 2, 14, 0.3)[0] == 0
    assert starts(20, 2, 14, 0.3)[-1] == 18


def test_training_draws_other_windows_for_each_map_and_evaluation_does_not():
    x = torch.rand(1, 1, 16, 16, generator=torch.Generator().manual_seed(0)).repeat(2, 3, 1, 1)
    pool = FractionalPool((2, 2), (11, 11))
    torch.manual_seed(1)
    once, again = pool(x), pool(x)
    assert not torch.equal(once, again)
    assert not torch.equal(once[0, 0], once[0, 1])
    torch.manual_seed(1)
    assert torch.equal(pool(x), once)
    pool.eval()
    assert torch.equal(pool(x), pool(x))
    assert torch.equal(pool(x)[0, 0], pool(x)[1, 2])


def test_clips_are_pooled_along_three_axes():
    x = torch.rand(2, 3, 6, 9, 9, dtype=torch.float64, requires_grad=True)
    pool = FractionalPool((2, 2, 2), (4, 6, 6)).eval()
    assert pool(x).shape == (2, 3, 4, 6, 6)
    pool(x).sum().backward()
    assert x.grad.sum() == pool(x).numel()


def test_one_axis_is_pooled_as_one_row_of_a_map():
    x = torch.rand(2, 3, 20, generator=torch.Generator().manual_seed(3))
    found = FractionalPool((2,), (14,)).eval()(x)
    assert found.shape == (2, 3, 14)
    assert torch.equal(found, FractionalPool((1, 2), (1, 14)).eval()(x[:, :, None])[:, :, 0])
    first = starts(20, 2, 14, 0.5)
    assert found[1, 2].tolist() == [x[1, 2, i : i + 2].max().item() for i in first]


def test_other_axes_are_refused():
    for kernel, outputs in (((), ()), ((2, 2), (5,)), ((2,) * 4, (5,) * 4)):
        with pytest.raises(UsageError, match="kernel and outputs must have 1 to 3 axes alike"):
            FractionalPool(kernel, outputs)


def test_it_prints_its_sizes():
    assert "kernel=(2, 2), outputs=(5, 5)" in str(FractionalPool((2, 2), (5, 5)))
