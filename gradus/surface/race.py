"""A race of optimisers over a function of two numbers."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Int

from gradus.core.errors import UsageError
from gradus.core.optim import make_optimizer
from gradus.surface.functions import LANDSCAPES, Landscape

RACERS = ("sgd", "momentum", "nesterov", "adagrad", "rmsprop", "adam", "bfgs")
"""Who runs when nobody is named."""

_FIELDS = ("bowl", "ravine", "saddle", "rosenbrock", "beale")
_RATES = {
    "sgd": (0.1, 0.05, 0.1, 0.002, 0.05),
    "momentum": (0.02, 0.01, 0.05, 0.001, 0.01),
    "nesterov": (0.02, 0.02, 0.05, 0.001, 0.005),
    "adagrad": (0.5, 1.0, 0.5, 0.5, 0.5),
    "rmsprop": (0.02, 0.05, 0.02, 0.02, 0.02),
    "rmsprop-momentum": (0.01, 0.01, 0.01, 0.005, 0.01),
    "adadelta": (5.0, 10.0, 5.0, 10.0, 2.0),
    "adam": (0.1, 0.2, 0.1, 0.2, 0.2),
    "nadam": (0.1, 0.2, 0.1, 0.1, 0.1),
    "adamw": (0.1, 0.2, 0.1, 0.2, 0.2),
}
RATES: dict[tuple[str, str], float] = {
    (name, field): rate
    for name, rates in _RATES.items()
    for field, rate in zip(_FIELDS, rates, strict=True)
}
"""(optimiser, landscape) -> learning rate.

Chosen among 1, 2, 5 × 10ᵏ: of those that stay in the window, one of the fastest over 200 steps, and
where that only jumps about, a calmer one. The second-order methods start with 1 everywhere.
"""


@dataclass(frozen=True)
class Walk:
    """Where an optimiser went.

    Attributes:
        points: (x, y) at the start and after each step.
        values: E at each.
        evaluations: how often E and its gradient had been computed by then; 0 at the start.
    """

    points: Float[np.ndarray, "places 2"]
    values: Float[np.ndarray, "places"]
    evaluations: Int[np.ndarray, "places"]


ARRIVED = 1e-3
"""A walk has arrived where E is less than this above its lowest."""


def race(
    landscape: str = "rosenbrock",
    names: Sequence[str] = RACERS,
    steps: int = 200,
    lr: float | None = None,
) -> dict[str, Walk]:
    """Let optimisers walk down the same function from the same start.

    Args:
        landscape: a key of `gradus.surface.functions.LANDSCAPES`.
        names: optimisers, keys of `gradus.core.rules.OPTIMISERS`.
        steps: how many steps each takes, ≥ 1. Second-order methods compute E several times in
            one; `Walk.evaluations` counts.
        lr: a learning rate > 0 for all; by default each has its own, of `RATES`.

    Returns:
        The walk of each, in float64.

    Raises:
        UsageError: a name is unknown or twice there, or the number is out of its range.
    """
    if landscape not in LANDSCAPES:
        raise UsageError(f"landscape must be one of {', '.join(LANDSCAPES)}; got {landscape!r}")
    if not names or len(set(names)) < len(names):
        raise UsageError(f"a race needs one or more different optimisers, got {list(names)}")
    if steps < 1:
        raise UsageError(f"steps must be ≥ 1, got {steps}")
    if lr is not None and not 0 < lr < math.inf:
        raise UsageError(f"lr must be > 0 and finite, got {lr}")
    rates = {name: lr or RATES.get((name, landscape), 1.0) for name in names}
    return {name: walk(LANDSCAPES[landscape], name, rate, steps) for name, rate in rates.items()}


def heights(walk: Walk, landscape: Landscape) -> Float[np.ndarray, "places"]:
    """How far E lies above its minimum at each place of a walk."""
    lowest = landscape(torch.tensor(landscape.minima[0], dtype=torch.float64))
    return walk.values - float(lowest)


def arrival(walk: Walk, landscape: Landscape) -> int | None:
    """The first step at which a walk has arrived at the minimum; None if it never has."""
    there = heights(walk, landscape) < ARRIVED
    return int(there.argmax()) if there.any() else None


def walk(landscape: Landscape, name: str, lr: float, steps: int) -> Walk:
    """Let one optimiser walk down a function from its start.

    Args:
        landscape: the function.
        name: a key of `gradus.core.rules.OPTIMISERS`.
        lr: the learning rate, see `gradus.core.rules.Rule`.
        steps: how many steps, ≥ 0. They go on where the values are no longer finite.

    Raises:
        UsageError: the name is unknown.
    """
    point = torch.tensor(landscape.start, dtype=torch.float64, requires_grad=True)
    optimiser = make_optimizer(name, [point], lr)
    evaluations = 0

    def closure() -> float:
        nonlocal evaluations
        evaluations += 1
        optimiser.zero_grad()
        value = landscape(point)
        value.backward()
        return value.item()

    points, counts = [point.detach().clone()], [0]
    for _ in range(steps):
        optimiser.step(closure)
        points.append(point.detach().clone())
        counts.append(evaluations)
    places = torch.stack(points)
    return Walk(places.numpy(), landscape(places).numpy(), np.array(counts))
