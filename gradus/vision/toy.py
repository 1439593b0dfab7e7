"""Filters small enough to follow by hand (book figures 5-5, 5-6, 5-11 and 5-12)."""

from typing import NamedTuple

import torch
from jaxtyping import Bool, Float
from torch import Tensor
from torch.nn.functional import conv2d

DRAWING = """
    . . . . . . . . . . .
    . . # . . . . . # . .
    . . # . . . . . # . .
    . . # . . . . . # . .
    . . # . . . . . # . .
    . . # # # # # # # . .
    . . # . . . . . # . .
    . . # . . . . . # . .
    . . # . . . . . # . .
    . . # . . . . . # . .
    . . . . . . . . . . .
"""
DETECTORS = {
    "vertical": ((-1.0, 1.0, -1.0),) * 3,
    "horizontal": ((-1.0,) * 3, (1.0,) * 3, (-1.0,) * 3),
}
"""Filters that match three black pixels in a line with white on both sides."""


def toy_image() -> Float[Tensor, "11 11"]:
    """A black-and-white picture of lines: 1 black, 0 white (in the manner of figure 5-5)."""
    rows = DRAWING.strip().splitlines()
    return torch.tensor([[float(mark == "#") for mark in row.split()] for row in rows])


def response(
    image: Float[Tensor, "height width"], detector: Float[Tensor, "3 3"]
) -> Float[Tensor, "height-2 width-2"]:
    """W * x: the filter laid on every place of the image, multiplied and summed.

    As everywhere in this field, the filter is not turned round first: strictly this is a
    cross-correlation.
    """
    return conv2d(image[None, None], detector[None, None])[0, 0]


def feature_map(
    image: Float[Tensor, "height width"], detector: Float[Tensor, "3 3"]
) -> Bool[Tensor, "height-2 width-2"]:
    """Where the detector matches (figure 5-6): m = f(W * x + b), f the step at 0.

    The response is largest, one for each positive weight, where all nine pixels match. With a bias
    b of half less than that, only a perfect match is above 0.
    """
    bias = 0.5 - detector.clamp_min(0).sum()
    return response(image, detector) + bias > 0


class Worked(NamedTuple):
    """A convolution whose every number can be checked by hand.

    Attributes:
        x: input volume, "depth height width".
        weight: filters W, "filters depth height width".
        bias: b of each filter.
        padding: p.
        stride: s.
        output: volume of the results, "filters height width"; f is linear.
    """

    x: Float[Tensor, "3 5 5"]
    weight: Float[Tensor, "2 3 3 3"]
    bias: Float[Tensor, "2"]
    padding: int
    stride: int
    output: Float[Tensor, "2 3 3"]

    def patch(self, row: int, column: int) -> Float[Tensor, "3 3 3"]:
        """What the filters see for the output at (row, column), counted from 0."""
        padded = torch.nn.functional.pad(self.x, [self.padding] * 4)
        top, left = row * self.stride, column * self.stride
        return padded[:, top : top + 3, left : left + 3]


def worked_example() -> Worked:
    """Figures 5-11 and 5-12: 5×5×3 input, padding 1, two 3×3×3 filters, stride 2 → 3×3×2.

    The geometry is the book's; the numbers are our own.
    """
    x = torch.tensor(
        [
            [[0, 1, 2, 0, 1], [1, 0, 2, 1, 0], [2, 2, 0, 1, 1], [0, 1, 1, 0, 2], [1, 0, 2, 2, 0]],
            [[1, 0, 0, 2, 1], [0, 2, 1, 0, 1], [1, 1, 2, 0, 0], [2, 0, 1, 1, 0], [0, 1, 0, 2, 2]],
            [[2, 1, 0, 1, 0], [0, 0, 1, 2, 2], [1, 2, 0, 0, 1], [1, 1, 2, 0, 1], [2, 0, 1, 1, 0]],
        ]
    ).float()
    weight = torch.tensor(
        [
            [
                [[1, 0, -1], [1, 0, -1], [1, 0, -1]],
                [[0, 1, 0], [0, 1, 0], [0, -1, 0]],
                [[-1, 0, 1], [0, 0, 0], [1, 0, -1]],
            ],
            [
                [[0, 0, 1], [0, 1, 0], [1, 0, 0]],
                [[1, 1, 1], [0, 0, 0], [-1, -1, -1]],
                [[0, -1, 0], [-1, 1, -1], [0, -1, 0]],
            ],
        ]
    ).float()
    bias = torch.tensor([1.0, 0.0])
    output = conv2d(x[None], weight, bias, stride=2, padding=1)[0]
    return Worked(x, weight, bias, 1, 2, output)
