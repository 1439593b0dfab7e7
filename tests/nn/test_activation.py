import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from gradus.core.errors import UsageError
from gradus.nn.activation import ACTIVATIONS, SLOPES, find_activation, softmax, threshold

FORMULAS = {
    "linear": lambda z: z,
    "sigmoid": lambda z: 1 / (1 + math.exp(-z)),
    "tanh": lambda z: (math.exp(z) - math.exp(-z)) / (math.exp(z) + math.exp(-z)),
    "relu": lambda z: max(0.0, z),
    "threshold": lambda z: -1.0 if z < 0 else 1.0,
}
LOGITS = torch.tensor([-30.0, -2.5, -1.0, -1e-3, -0.0, 0.0, 1e-3, 1.0, 2.5, 30.0]).double()


def logits(bound: float):
    return arrays.arrays(
        np.float64,
        arrays.array_shapes(min_dims=1, max_dims=3, max_side=7),
        elements=st.floats(-bound, bound),
    ).map(torch.from_numpy)


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_activations_follow_the_books_formulas(name):
    expected = [FORMULAS[name](z) for z in LOGITS.tolist()]
    torch.testing.assert_close(
        ACTIVATIONS[name](LOGITS),
        torch.tensor(expected, dtype=torch.float64),
        rtol=1e-12,
        atol=1e-15,
    )


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_slopes_from_the_output_equal_autograd(name):
    z = LOGITS.clone().requires_grad_()
    y = ACTIVATIONS[name](z)
    if name == "threshold":
        expected = torch.zeros_like(z)
    else:
        (expected,) = torch.autograd.grad(y.sum(), z)
    torch.testing.assert_close(SLOPES[name](y.detach()), expected, rtol=1e-12, atol=1e-15)


def test_threshold_at_zero_is_plus_one_and_keeps_the_dtype():
    z = torch.tensor([0.0, -0.0, -1e-300], dtype=torch.float64)
    assert threshold(z).tolist() == [1.0, 1.0, -1.0]
    assert threshold(z).dtype == torch.float64
    assert threshold(z.float()).dtype == torch.float32


def test_an_unknown_activation_is_answered_by_the_list():
    with pytest.raises(UsageError, match=r"one of linear, .*, got 'rleu': did you mean relu"):
        find_activation("rleu")


@given(z=logits(1e4))
@settings(deadline=None, max_examples=100)
def test_softmax_is_a_distribution_for_logits_of_ten_thousand(z):
    y = softmax(z)
    assert ((y >= 0) & (y <= 1)).all()
    torch.testing.assert_close(y.sum(-1), torch.ones_like(y.sum(-1)), rtol=1e-12, atol=0)
    torch.testing.assert_close(y, torch.softmax(z, dim=-1), rtol=1e-12, atol=1e-300)


@given(z=logits(20), shift=st.floats(-1e3, 1e3))
@settings(deadline=None, max_examples=50)
def test_softmax_equals_the_books_quotient_and_ignores_a_shift(z, shift):
    quotient = z.exp() / z.exp().sum(-1, keepdim=True)
    torch.testing.assert_close(softmax(z), quotient, rtol=1e-9, atol=1e-15)
    torch.testing.assert_close(softmax(z + shift), quotient, rtol=1e-9, atol=1e-15)


def test_softmax_of_plus_and_minus_ten_thousand_in_float32():
    y = softmax(torch.tensor([[1e4, -1e4], [-1e4, -1e4]]))
    assert y.tolist() == [[1.0, 0.0], [0.5, 0.5]]


def test_softmax_has_the_right_gradient():
    z = torch.tensor([[0.3, -2.0, 5.0], [1e4, -1e4, 0.0]], dtype=torch.float64, requires_grad=True)
    weights = torch.tensor([1.0, 2.0, 3.0], dtype=torch.float64)
    (ours,) = torch.autograd.grad((softmax(z) * weights).sum(), z)
    (theirs,) = torch.autograd.grad((torch.softmax(z, -1) * weights).sum(), z)
    torch.testing.assert_close(ours, theirs, rtol=1e-9, atol=1e-12)
