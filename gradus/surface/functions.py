"""Classic functions to try optimisers on: five of two numbers, and quadratics of any size."""

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from gradus.core.errors import UsageError

Point = tuple[float, float]


@dataclass(frozen=True)
class Landscape:
    """A function E(x, y) to walk down.

    Attributes:
        name: what to call it.
        formula: E in words that a figure can show.
        function: E of points, the two numbers in the last dimension.
        minima: where E is lowest.
        start: where to begin, by tradition or so that the walk shows something.
        window: what to draw: (lowest x, highest x), (lowest y, highest y).
    """

    name: str
    formula: str
    function: Callable[[Tensor], Tensor]
    minima: tuple[Point, ...]
    start: Point
    window: tuple[Point, Point]

    def __call__(self, point: Float[Tensor, "*batch 2"]) -> Float[Tensor, "*batch"]:
        """E at each point."""
        return self.function(point)


def bowl(point: Float[Tensor, "*batch 2"]) -> Float[Tensor, "*batch"]:
    """E = ½ (x² + y²): round contours, so that -∇E points at the minimum 0 at (0, 0)."""
    x, y = point.unbind(-1)
    return (x**2 + y**2) / 2


def ravine(point: Float[Tensor, "*batch 2"]) -> Float[Tensor, "*batch"]:
    """E = ½ (x² + 25 y²): an ill-conditioned quadratic, its minimum 0 at (0, 0)."""
    x, y = point.unbind(-1)
    return (x**2 + 25 * y**2) / 2


def saddle(point: Float[Tensor, "*batch 2"]) -> Float[Tensor, "*batch"]:
    """E = ½ x² - ½ y² + ¼ y⁴: a saddle at (0, 0), minima -¼ at (0, ±1).

    Source: Nesterov, *Introductory Lectures on Convex Optimization* (2004), example 1.2.2.
    """
    x, y = point.unbind(-1)
    return x**2 / 2 - y**2 / 2 + y**4 / 4


def rosenbrock(point: Float[Tensor, "*batch 2"]) -> Float[Tensor, "*batch"]:
    """E = (1 - x)² + 100 (y - x²)²: a curved valley, its minimum 0 at (1, 1).

    Source: Rosenbrock, *The Computer Journal* 3 (1960) 175-184, and its start (-1.2, 1).
    """
    x, y = point.unbind(-1)
    return (1 - x) ** 2 + 100 * (y - x**2) ** 2


def beale(point: Float[Tensor, "*batch 2"]) -> Float[Tensor, "*batch"]:
    """E = (1.5 - x + xy)² + (2.25 - x + xy²)² + (2.625 - x + xy³)²: minimum 0 at (3, ½).

    Flat plains between steep walls. Source: Beale (1958); its start (1, 1): Moré, Garbow and
    Hillstrom, *ACM Transactions on Mathematical Software* 7 (1981) 17-41, problem 5.
    """
    x, y = point.unbind(-1)
    return (1.5 - x + x * y) ** 2 + (2.25 - x + x * y**2) ** 2 + (2.625 - x + x * y**3) ** 2


LANDSCAPES: dict[str, Landscape] = {
    "bowl": Landscape("bowl", "½ (x² + y²)", bowl, ((0, 0),), (-1.6, 1.1), ((-2, 2), (-1.4, 1.4))),
    "ravine": Landscape(
        "ravine", "½ (x² + 25 y²)", ravine, ((0, 0),), (-4.5, 0.9), ((-5, 2), (-1.4, 1.4))
    ),
    "saddle": Landscape(
        "saddle",
        "½ x² − ½ y² + ¼ y⁴",
        saddle,
        ((0, 1), (0, -1)),
        (-1.5, 0.01),
        ((-2, 2), (-1.5, 1.5)),
    ),
    "rosenbrock": Landscape(
        "Rosenbrock's valley",
        "(1 − x)² + 100 (y − x²)²",
        rosenbrock,
        ((1, 1),),
        (-1.2, 1.0),
        ((-1.8, 1.8), (-0.7, 2.0)),
    ),
    "beale": Landscape(
        "Beale's function",
        "(1.5 − x + xy)² + (2.25 − x + xy²)² + (2.625 − x + xy³)²",
        beale,
        ((3, 0.5),),
        (1.0, 1.0),
        ((-0.5, 4.2), (-1.2, 1.5)),
    ),
}
"""Name -> function of two numbers."""


@dataclass(frozen=True)
class Quadratic:
    """E(x) = ½ (x - x*)ᵀ A (x - x*), with gradient A (x - x*), Hessian A and minimum 0 at x*.

    Attributes:
        matrix: A, symmetric and positive definite.
        minimum: x*.
    """

    matrix: Float[Tensor, "n n"]
    minimum: Float[Tensor, "n"]

    def __call__(self, x: Float[Tensor, "n"]) -> Float[Tensor, ""]:
        """E(x)."""
        away = x - self.minimum
        return away @ (self.matrix @ away) / 2


def quadratic(n: int, condition: float, seed: int, dtype: torch.dtype = torch.float64) -> Quadratic:
    """A random quadratic of n numbers whose curvatures are spread evenly in the logarithm.

    A = Q diag(1 … condition) Qᵀ with Q uniform among all rotations; x* is normal.

    Args:
        n: how many numbers, ≥ 1.
        condition: the largest eigenvalue of A over the smallest, which is 1; ≥ 1 and finite.
        seed: of Q and x*.
        dtype: a floating-point type.

    Raises:
        UsageError: a number is out of its range.
    """
    if n < 1:
        raise UsageError(f"n must be ≥ 1, got {n}")
    if not 1 <= condition < math.inf:
        raise UsageError(f"condition must be ≥ 1 and finite, got {condition}")
    generator = torch.Generator().manual_seed(seed)
    normal = torch.randn(n, n, generator=generator, dtype=torch.float64)
    rotation, triangle = torch.linalg.qr(normal)
    rotation = rotation * triangle.diagonal().sign()  # makes the rotation uniform
    curvatures = torch.logspace(0, math.log10(condition), n, dtype=torch.float64)
    matrix = rotation * curvatures @ rotation.T
    matrix = (matrix + matrix.T) / 2
    minimum = torch.randn(n, generator=generator, dtype=torch.float64)
    return Quadratic(matrix.to(dtype), minimum.to(dtype))
