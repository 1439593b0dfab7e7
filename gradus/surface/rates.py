"""The learning rate that suits an optimiser: the best of a small grid, widened at its ends."""

from collections.abc import Callable, Mapping
from math import log10
from statistics import mean
from typing import Literal

AROUND = 2
"""Rates that are tried on each side of the rule's own."""
BEYOND = 3
"""How often a grid may be widened by one rate at the end where the best lies."""
SHARE = 4
"""Rates are tried in trainings of so many times fewer epochs."""

Outcome = tuple[float, float] | None
"""The watched value of a training's best epoch, and what decides between equal ones, the lower: the
validation loss there, or the epochs until the goal where there is one. None: it failed."""
Better = Literal["min", "max"]


def rung(lr: float) -> int:
    """The place of a rate on the ladder … 0.1, 0.3, 1, 3, 10 …, where 1 has place 0."""
    return round(2 * log10(lr))


def ladder(place: int) -> float:
    """The rate at a place of the ladder."""
    return float(f"{(1, 3)[place % 2]}e{place // 2}")


def grid(lr: float) -> list[float]:
    """The rates of the ladder around one, two on each side."""
    return [ladder(rung(lr) + i) for i in range(-AROUND, AROUND + 1)]


def best(tried: Mapping[float, Outcome], better: Better) -> float:
    """The rate with the best watched value; of equal outcomes the one nearest to the middle.

    Where every training failed it is the smallest.
    """
    sign, middle = -1 if better == "max" else 1, mean(map(rung, tried))

    def order(lr: float) -> tuple[float, ...]:
        outcome = tried[lr]
        if outcome is None:
            return (1, lr)
        return 0, sign * outcome[0], outcome[1], abs(rung(lr) - middle), lr

    return min(tried, key=order)


def beyond(tried: Mapping[float, Outcome], better: Better) -> float | None:
    """The next rate after the end of those tried, if the best lies there."""
    if not tried:
        return None
    chosen = best(tried, better)
    if chosen == max(tried):
        return ladder(rung(chosen) + 1)
    return ladder(rung(chosen) - 1) if chosen == min(tried) else None


def search(
    lr: float,
    measure: Callable[[float], Outcome],
    better: Better,
    widen: Callable[[float, float], None] = lambda chosen, further: None,
) -> dict[float, Outcome]:
    """Try a grid of rates, and one more beyond its end while the best lies there.

    Args:
        lr: the middle of the grid.
        measure: a rate -> what a training with it comes to.
        better: whether the watched value should be large or small.
        widen: is told the best rate, which lies at an end, and the one to be tried next.

    Returns:
        Every rate that was tried, with its outcome. The best still lies at an end if it did so
        `BEYOND` times.
    """
    tried = {rate: measure(rate) for rate in grid(lr)}
    for _ in range(BEYOND):
        further = beyond(tried, better)
        if further is None:
            break
        widen(best(tried, better), further)
        tried[further] = measure(further)
    return tried
