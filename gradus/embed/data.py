"""What chapter 6 learns from beside images: points on circles, and the polar map of them."""

import math
from collections.abc import Sequence

import torch
from jaxtyping import Float, Int64
from torch import Tensor

from gradus.core.errors import UsageError
from gradus.core.recipe import check_setting

RADII = (0.4, 1.0)
"""Of the two concentric circles of figure 6-3."""


def circles(
    n: int, noise: float = 0.0, seed: int = 0, radii: Sequence[float] = RADII
) -> tuple[Float[Tensor, "n 2"], Int64[Tensor, "n"]]:
    """Points at random on concentric circles around 0 (figure 6-3).

    Args:
        n: how many points, ≥ the number of circles; the circles take turns.
        noise: standard deviation of a point's distance from its circle, ≥ 0.
        seed: the points depend on it alone.
        radii: of the circles, each > 0.

    Returns:
        (points, which circle each lies on).

    Raises:
        UsageError: a number is out of its range.
    """
    if not radii or min(radii) <= 0:
        raise UsageError(f"radii must be one or more numbers > 0, got {tuple(radii)}")
    check_setting(n >= len(radii), "n", f"≥ {len(radii)}, one for each circle", n)
    check_setting(noise >= 0, "noise", "≥ 0", noise)
    generator = torch.Generator().manual_seed(seed)
    labels = torch.arange(n) % len(radii)
    distance = torch.tensor(radii)[labels] + noise * torch.randn(n, generator=generator)
    angle = 2 * math.pi * torch.rand(n, generator=generator)
    return from_polar(torch.stack([distance, angle], 1)), labels


def to_polar(points: Float[Tensor, "n 2"]) -> Float[Tensor, "n 2"]:
    """(x, y) -> (distance from 0, angle from the x-axis in (−π, π]): figure 6-3's right half."""
    x, y = points.unbind(1)
    return torch.stack([torch.hypot(x, y), torch.atan2(y, x)], 1)


def from_polar(polar: Float[Tensor, "n 2"]) -> Float[Tensor, "n 2"]:
    """(distance, angle) -> (x, y): the inverse of `to_polar`."""
    distance, angle = polar.unbind(1)
    return torch.stack([distance * angle.cos(), distance * angle.sin()], 1)


def best_threshold(values: Float[Tensor, "n"], labels: Int64[Tensor, "n"]) -> float:
    """The share of points that one threshold on a number tells apart best, in [½, 1].

    Args:
        values: a number for each point, such as its code.
        labels: 0 or 1.
    """
    order = values.argsort()
    sign = 2 * labels[order] - 1  # +1 for class 1
    ties = torch.ones(len(values) + 1, dtype=torch.bool)
    ties[1:-1] = values[order].diff() > 0  # no threshold fits between equal values
    balance = torch.cat([torch.zeros(1, dtype=sign.dtype), sign.cumsum(0)])[ties]
    # Below the threshold class 0, above it class 1: right are n₁ − balance of n.
    right = (labels.sum() - balance).double() / len(values)
    return float(torch.maximum(right, 1 - right).max())
