"""Two classes in the plane, for the nets of chapter 2."""

import math

import torch
from jaxtyping import Float, Int64
from torch import Tensor

from gradus.core.errors import UsageError
from gradus.core.recipe import nearest

SHAPES = ("blobs", "circle", "moons", "spiral")


def planar_data(
    shape: str, n: int, noise: float, seed: int
) -> tuple[Float[Tensor, "n 2"], Int64[Tensor, "n"]]:
    """Points of two classes, in turn, each scattered around a curve of its class.

    Data of the kind of figures 2-10, 2-11 and 2-15.

    Args:
        shape: `blobs` (two heaps), `circle` (one inside the other), `moons` (two half circles
            that grip each other) or `spiral` (two arms, one and a half turns).
        n: how many points, half of each class.
        noise: standard deviation of the points around their curve.
        seed: the points depend on it alone.

    Returns:
        points, within about [−2, 2]², and class numbers 0 and 1.

    Raises:
        UsageError: the shape is unknown.
    """
    if shape not in SHAPES:
        raise UsageError(f"shape {shape!r} is unknown{nearest(shape, list(SHAPES))}")
    generator = torch.Generator().manual_seed(seed)
    labels = torch.arange(n) % 2
    side = 1.0 - 2.0 * labels
    t = torch.rand(n, generator=generator)
    if shape == "blobs":
        points = torch.stack([side, side], 1) * 0.8
    elif shape == "circle":
        radius = torch.where(labels == 0, 0.5, 1.5)
        points = radius[:, None] * _on_circle(2 * math.pi * t)
    elif shape == "moons":
        points = side[:, None] * (_on_circle(math.pi * t) + torch.tensor([-0.5, -0.25]))
    else:
        arm = (1.8 * t.sqrt())[:, None]
        points = side[:, None] * arm * _on_circle(3 * math.pi * t.sqrt())
    return points + noise * torch.randn(n, 2, generator=generator), labels


def _on_circle(angle: Float[Tensor, "n"]) -> Float[Tensor, "n 2"]:
    return torch.stack([angle.cos(), angle.sin()], 1)
