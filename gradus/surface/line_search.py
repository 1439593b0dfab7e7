"""How far to go along a direction: the strong Wolfe search, and the exact one of a parabola.

A line search knows nothing of parameters. It sees a function of one number,
φ(α) = E(x + α·d) with slope φ'(α) = d·∇E(x + α·d), given as a callable `phi(alpha)` that returns
both, and its value and slope at 0.

Source: Nocedal & Wright, *Numerical Optimization*, 2nd edition (2006), section 3.5.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

from gradus.core.errors import UsageError

Phi = Callable[[float], tuple[float, float]]
"""α -> (φ(α), φ'(α))."""
MARGIN = 0.1  # a point chosen between two others keeps this share of their distance from both
STRETCH = (2.0, 10.0)  # a search that must go further multiplies α by a number in this range


class Point(NamedTuple):
    """One evaluation of φ."""

    alpha: float
    value: float
    slope: float


@dataclass(frozen=True)
class LineSearch:
    """What a line search came to.

    Attributes:
        alpha: the step length α ≥ 0; 0 if no point below φ(0) was seen.
        value: φ(α).
        slope: φ'(α).
        evaluations: how often φ was called.
        found: whether α fulfils what was asked. If not, α is the lowest point that was seen.
    """

    alpha: float
    value: float
    slope: float
    evaluations: int
    found: bool


def strong_wolfe(
    phi: Phi,
    value: float,
    slope: float,
    alpha: float = 1.0,
    *,
    c1: float = 1e-4,
    c2: float = 0.9,
    max_evaluations: int = 25,
) -> LineSearch:
    """Find a step length that fulfils the strong Wolfe conditions.

    They ask for a value that is low enough and a slope that is flat enough (equations 3.7):

        φ(α) ≤ φ(0) + c1·α·φ'(0)    and    |φ'(α)| ≤ c2·|φ'(0)|

    Algorithm 3.5 goes out until an interval must hold such a point, algorithm 3.6 narrows the
    interval down. New points come from cubic interpolation (equation 3.59). A point where φ is not
    finite counts as too far out.

    Args:
        phi: α -> (φ(α), φ'(α)), called with α > 0.
        value: φ(0).
        slope: φ'(0), < 0.
        alpha: the first step length to try, > 0.
        c1: share of the promised decrease that is asked for, 0 < c1 < c2.
        c2: share of the slope that may be left, c1 < c2 < 1: 0.9 for quasi-Newton methods, 0.1
            for conjugate gradients.
        max_evaluations: when to give up, ≥ 1.

    Returns:
        The step. Where none was found (φ falls for ever, is rounded flat, or `phi` contradicts
        itself), `found` is False and α is the lowest point seen, 0 if none was below φ(0).

    Raises:
        UsageError: φ does not fall at 0, or a number is out of its range.
    """
    _check(value, slope, alpha, max_evaluations)
    if not 0 < c1 < c2 < 1:
        raise UsageError(f"a Wolfe search needs 0 < c1 < c2 < 1, got c1 = {c1} and c2 = {c2}")
    start = best = Point(0.0, value, slope)
    before, low, high = start, start, None  # the last point; the interval's better and worse end
    for evaluations in range(1, max_evaluations + 1):
        here = _evaluate(phi, alpha)
        best = min(best, here, key=lambda point: point.value)
        reference = before if high is None else low
        too_high = here.value > value + c1 * alpha * slope or here.value >= reference.value
        if not too_high and abs(here.slope) <= c2 * abs(slope):
            return LineSearch(*here, evaluations, found=True)
        if high is None:  # algorithm 3.5
            if too_high:
                low, high = before, here
            elif here.slope >= 0:
                low, high = here, before
            else:
                before, alpha = here, _further(before, here)
                continue
        elif too_high:  # algorithm 3.6
            high = here
        else:
            if here.slope * (high.alpha - low.alpha) >= 0:
                high = low
            low = here
        alpha = _between(low, high)
        if alpha in (low.alpha, high.alpha):
            break  # nothing left between them
    return LineSearch(*best, evaluations, found=False)


def exact(
    phi: Phi, value: float, slope: float, alpha: float = 1.0, *, max_evaluations: int = 25
) -> LineSearch:
    """Find the lowest point of a parabola exactly, from one trial point.

    The slope of a parabola is a straight line, so its zero follows from φ'(0) and one other slope:

        α* = -φ'(0) · α / (φ'(α) - φ'(0))

    For E(x) = ½ xᵀA x - bᵀx along d that is the α = -gᵀd / dᵀA d of linear conjugate gradients
    (equation 5.6). It costs two evaluations.

    Args:
        phi: α -> (φ(α), φ'(α)), a parabola.
        value: φ(0).
        slope: φ'(0), < 0.
        alpha: the trial step length, > 0.
        max_evaluations: ≥ 2; takes the place it has in `strong_wolfe`.

    Returns:
        The step. If the parabola opens downwards or is a line, or α* is not below φ(0), then
        `found` is False and α is the lowest point seen, 0 if none was below φ(0).

    Raises:
        UsageError: φ does not fall at 0, or a number is out of its range.
    """
    _check(value, slope, alpha, max_evaluations)
    if max_evaluations < 2:
        raise UsageError(f"an exact search needs max_evaluations ≥ 2, got {max_evaluations}")
    start, trial = Point(0.0, value, slope), _evaluate(phi, alpha)
    bend = trial.slope - slope
    if not bend > 0:
        return LineSearch(*min(start, trial, key=lambda point: point.value), 1, found=False)
    lowest = _evaluate(phi, -slope * alpha / bend)
    if lowest.value < value:
        return LineSearch(*lowest, 2, found=True)
    return LineSearch(*min(start, trial, key=lambda point: point.value), 2, found=False)


def _check(value: float, slope: float, alpha: float, max_evaluations: int) -> None:
    if not (math.isfinite(value) and slope < 0):
        raise UsageError(
            "a line search needs a finite φ(0) and a direction that leads down, φ'(0) < 0; "
            f"got φ(0) = {value} and φ'(0) = {slope}"
        )
    if not 0 < alpha < math.inf:
        raise UsageError(f"alpha must be > 0 and finite, got {alpha}")
    if max_evaluations < 1:
        raise UsageError(f"max_evaluations must be ≥ 1, got {max_evaluations}")


def _evaluate(phi: Phi, alpha: float) -> Point:
    """φ and φ' at α; an infinitely high point where either is not finite."""
    value, slope = phi(alpha)
    if math.isfinite(value) and math.isfinite(slope):
        return Point(alpha, value, slope)
    return Point(alpha, math.inf, math.nan)


def _further(before: Point, here: Point) -> float:
    """A step length beyond two points between which φ still falls."""
    shortest, longest = (factor * here.alpha for factor in STRETCH)
    guess = cubic_minimum(before, here)
    return min(max(guess, shortest), longest) if guess > here.alpha else longest


def _between(low: Point, high: Point) -> float:
    """A step length well inside an interval: the cubic's lowest point, else the middle."""
    left, right = sorted((low.alpha, high.alpha))
    margin = MARGIN * (right - left)
    guess = cubic_minimum(low, high)
    if math.isnan(guess):
        return (left + right) / 2
    return min(max(guess, left + margin), right - margin)


def cubic_minimum(a: Point, b: Point) -> float:
    """Where the cubic with the values and slopes of two points has its minimum (equation 3.59).

    Args:
        a: one point.
        b: another, at a different α.

    Returns:
        The minimum's α, which may lie outside the two; NaN if there is none, or if a point is
        infinitely high.
    """
    width = b.alpha - a.alpha
    d1 = a.slope + b.slope - 3 * (a.value - b.value) / (a.alpha - b.alpha)
    square = d1 * d1 - a.slope * b.slope
    if not square >= 0:
        return math.nan
    d2 = math.copysign(math.sqrt(square), width)
    bend = b.slope - a.slope + 2 * d2
    return b.alpha - width * (b.slope + d2 - d1) / bend if bend else math.nan
