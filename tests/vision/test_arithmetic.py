"""Sizes and parameters against torch's own layers, over random geometries."""

import pytest
import torch
from hypothesis import assume, given
from hypothesis import strategies as st
from torch import nn
from torch.nn import functional

from gradus.core.errors import UsageError
from gradus.vision.arithmetic import conv_parameters, dense_parameters, output_size

CONVS = {1: nn.Conv1d, 2: nn.Conv2d, 3: nn.Conv3d}
sizes = st.integers(1, 20)
kernels = st.integers(1, 7)
strides = st.integers(1, 5)
paddings = st.integers(0, 4)


@given(size=sizes, kernel=kernels, stride=strides, padding=paddings)
def test_a_convolution_has_the_size_that_torch_gives_it(size, kernel, stride, padding):
    assume(kernel <= size + 2 * padding)
    out = functional.conv1d(
        torch.zeros(1, 1, size), torch.zeros(1, 1, kernel), None, stride, padding
    )
    assert output_size(size, kernel, stride, padding) == out.shape[2]


@given(size=sizes, kernel=kernels, stride=strides, padding=paddings)
def test_a_pool_has_the_size_that_torch_gives_it(size, kernel, stride, padding):
    assume(kernel <= size + 2 * padding)
    assume(padding <= kernel // 2)
    x = torch.zeros(1, 1, size)
    assert (
        output_size(size, kernel, stride, padding)
        == (functional.max_pool1d(x, kernel, stride, padding).shape[2])
    )


@given(size=sizes, kernel=kernels, stride=strides, padding=paddings)
def test_the_size_counts_the_places_where_the_filter_fits(size, kernel, stride, padding):
    assume(kernel <= size + 2 * padding)
    starts = range(-padding, size + padding - kernel + 1, stride)
    assert output_size(size, kernel, stride, padding) == len(starts)


@pytest.mark.parametrize(
    ("numbers", "size"),
    [((5, 3, 2, 1), 3), ((28, 5, 1, 2), 28), ((28, 2, 2), 14), ((14, 2, 2), 7), ((227, 11, 4), 55)],
)
def test_sizes_worked_by_hand(numbers, size):
    assert output_size(*numbers) == size


def test_what_is_left_at_the_end_is_not_looked_at():
    assert output_size(6, 3, stride=2) == 2  # the book's ceiling: 3
    x = torch.tensor([[[1.0, 2, 3, 4, 5, 100]]])
    assert functional.max_pool1d(x, 3, 2).tolist() == [[[3.0, 5.0]]]


@given(
    axes=st.sampled_from([1, 2, 3]),
    channels=st.integers(1, 9),
    filters=st.integers(1, 9),
    data=st.data(),
)
def test_parameters_are_as_many_as_torch_makes(axes, channels, filters, data):
    kernel = data.draw(st.tuples(*[st.integers(1, 5)] * axes))
    layer = CONVS[axes](channels, filters, kernel)
    assert conv_parameters(channels, filters, kernel) == sum(p.numel() for p in layer.parameters())


def test_parameters_worked_by_hand():
    assert conv_parameters(3, 2, (3, 3)) == 2 * 3 * 3**2 + 2  # figure 5-11
    assert dense_parameters(7 * 7 * 64, 1024) == 3_212_288
    assert dense_parameters(200 * 200 * 3, 1) == 120_001


@pytest.mark.parametrize(
    ("numbers", "message"),
    [
        ((0, 1), "size must be ≥ 1, got 0"),
        ((5, 0), "kernel must be ≥ 1, got 0"),
        ((5, 3, 0), "stride must be ≥ 1, got 0"),
        ((5, 3, 1, -1), "padding must be ≥ 0, got -1"),
        ((5, 8, 1, 1), "kernel must be ≤ size \\+ 2·padding = 7, got 8"),
    ],
)
def test_what_cannot_be_is_refused(numbers, message):
    with pytest.raises(UsageError, match=message):
        output_size(*numbers)
