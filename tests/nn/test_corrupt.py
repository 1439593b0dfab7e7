"""Masked inputs: what is left is what it was, and the share is the one asked for."""

import torch
from hypothesis import given
from hypothesis import strategies as st

from gradus.nn.corrupt import corrupt


@given(share=st.floats(0, 1), seed=st.integers(0, 2**31))
def test_inputs_are_kept_or_zero(share, seed):
    x = torch.rand(20, 50, dtype=torch.float64) + 0.1
    found = corrupt(x, share, torch.Generator().manual_seed(seed))
    zero = found == 0
    assert torch.equal(found[~zero], x[~zero])
    assert abs(float(zero.double().mean()) - share) < 0.08


def test_none_and_all():
    x = torch.rand(5, 7)
    assert torch.equal(corrupt(x, 0), x)
    assert not corrupt(x, 1).any()


def test_the_generator_alone_decides_and_the_global_one_stands_in():
    x = torch.rand(6, 8)
    one, other = (corrupt(x, 0.5, torch.Generator().manual_seed(3)) for _ in range(2))
    assert torch.equal(one, other)
    torch.manual_seed(0)
    first, second = corrupt(x, 0.5), corrupt(x, 0.5)
    assert not torch.equal(first, second)
    torch.manual_seed(0)
    assert torch.equal(corrupt(x, 0.5), first)
