"""Sizes and numbers of parameters of convolution and pooling (book ch. 5).

The book's symbols: w or h size along one axis, e spatial extent (`kernel`), s stride, p zero
padding, d depth (`channels`), k number of filters. Every function is of one axis or one layer.
"""

from collections.abc import Sequence
from math import prod

from gradus.core.errors import UsageError


def output_size(size: int, kernel: int, stride: int = 1, padding: int = 0) -> int:
    """Positions that a filter or pool takes along one axis: ⌊(w - e + 2p) / s⌋ + 1.

    The book prints a ceiling. It is the floor: a step that would leave the padded input is not
    made, so up to s - 1 cells at its end are never looked at.

    Args:
        size: w, cells along the axis, ≥ 1.
        kernel: e, ≥ 1.
        stride: s, ≥ 1.
        padding: p, cells added at each end, ≥ 0.

    Raises:
        UsageError: a number is out of its range, or the kernel is larger than the padded input.
    """
    for name, value, least in (
        ("size", size, 1),
        ("kernel", kernel, 1),
        ("stride", stride, 1),
        ("padding", padding, 0),
    ):
        if value < least:
            raise UsageError(f"{name} must be ≥ {least}, got {value}")
    if kernel > size + 2 * padding:
        raise UsageError(f"kernel must be ≤ size + 2·padding = {size + 2 * padding}, got {kernel}")
    return (size - kernel + 2 * padding) // stride + 1


def conv_parameters(channels: int, filters: int, kernel: Sequence[int]) -> int:
    """Weights and biases of a convolution: k · d · e² + k (book ch. 5; e² is ∏ `kernel`).

    Args:
        channels: d, depth of the input.
        filters: k.
        kernel: e along each axis, such as (5, 5).
    """
    return filters * channels * prod(kernel) + filters


def dense_parameters(inputs: int, units: int) -> int:
    """Weights and biases of a fully connected layer: every unit sees every input."""
    return inputs * units + units
