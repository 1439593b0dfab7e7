"""Critical points: where the gradient is zero, and what kind of place that is."""

from dataclasses import dataclass
from typing import Literal

from gradus.surface.curvature import Expansion
from gradus.surface.lanczos import extreme_eigenvalues

Kind = Literal["minimum", "maximum", "saddle", "degenerate", "not critical"]
GRADIENT_TOLERANCE = 1e-3
"""A gradient of at most this length counts as zero."""
FLAT = 1e-4
"""An eigenvalue counts as zero up to this share of the largest absolute one."""


@dataclass(frozen=True)
class CriticalPoint:
    """What kind of place a point is, and what tells.

    Attributes:
        kind: see `kind_of`.
        gradient_norm: ‖g‖.
        smallest: the Hessian's smallest eigenvalue.
        largest: its largest.
    """

    kind: Kind
    gradient_norm: float
    smallest: float
    largest: float


def kind_of(
    gradient_norm: float,
    smallest: float,
    largest: float,
    *,
    gradient_tolerance: float = GRADIENT_TOLERANCE,
    flat: float = FLAT,
) -> Kind:
    """The second-derivative test.

    Args:
        gradient_norm: ‖g‖; above `gradient_tolerance` the point is "not critical".
        smallest: the Hessian's smallest eigenvalue; if it is positive, the point is a "minimum".
        largest: its largest; if it is negative, a "maximum". One of each sign is a "saddle".
        gradient_tolerance: see there.
        flat: an eigenvalue counts as zero up to this share of the larger of |smallest| and
            |largest|.

    Returns:
        The kind. Where eigenvalues are zero and the others do not differ in sign it is
        "degenerate": the second derivatives cannot decide (x⁴ and x³ have the same at 0).
    """
    if gradient_norm > gradient_tolerance:
        return "not critical"
    zero = flat * max(abs(smallest), abs(largest))
    if smallest > zero:
        return "minimum"
    if largest < -zero:
        return "maximum"
    if smallest < -zero and largest > zero:
        return "saddle"
    return "degenerate"


def critical_point(
    expansion: Expansion,
    *,
    gradient_tolerance: float = GRADIENT_TOLERANCE,
    flat: float = FLAT,
    steps: int = 200,
    seed: int = 0,
) -> CriticalPoint:
    """What kind of place the surface is expanded around, by Lanczos.

    Args:
        expansion: the surface around a point.
        gradient_tolerance: see `kind_of`.
        flat: see `kind_of`.
        steps: the most Hessian-vector products to take.
        seed: of the random start.
    """
    ends = extreme_eigenvalues(expansion, 1, 1, tolerance=flat / 10, steps=steps, seed=seed)
    smallest, largest = float(ends.smallest[0]), float(ends.largest[0])
    norm = expansion.gradient_norm
    kind = kind_of(norm, smallest, largest, gradient_tolerance=gradient_tolerance, flat=flat)
    return CriticalPoint(kind, norm, smallest, largest)
