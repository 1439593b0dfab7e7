"""The loss on the straight line from a random start to a trained solution (book figure 4-3).

One convention throughout: θ(α) = α·θ_f + (1 − α)·θ_i, so α = 0 is the start θ_i and α = 1 the
solution θ_f. (The book's listing has the two the other way round.)
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from gradus.core.batches import DataSet
from gradus.core.errors import UsageError
from gradus.core.progress import Reporter
from gradus.core.task import Task
from gradus.surface.evaluation import Method
from gradus.surface.grid import evaluate_points

BARRIER = 0.01
"""A hill above this share of the way down from start to solution is a barrier."""


@dataclass(frozen=True)
class Interpolation:
    """What was measured along the line.

    Attributes:
        alphas: α of each point, rising; 0 is the start, 1 the solution.
        values: name -> mean over all examples at each point; `loss` is always there.
    """

    alphas: Float[np.ndarray, "points"]
    values: Mapping[str, Float[np.ndarray, "points"]]

    @property
    def losses(self) -> Float[np.ndarray, "points"]:
        """The loss at each point."""
        return self.values["loss"]

    @property
    def hill(self) -> float:
        """How far the loss must climb between two lower places on the way, at the highest hill.

        It is 0 where the loss falls from start (α = 0) to solution (α = 1), or falls and then
        rises: one minimum is no obstacle. (Goodfellow, Vinyals and Saxe 2014 look for such hills.)
        """
        way = self._way()
        if len(way) == 0:
            return 0.0
        before = np.minimum.accumulate(way)
        after = np.minimum.accumulate(way[::-1])[::-1]
        return float((way - np.maximum(before, after)).max())

    @property
    def barrier(self) -> bool:
        """Whether the hill is above 1 % of how far start and solution are apart in loss.

        A loss that is not finite on the way makes one too.
        """
        way = self._way()
        return len(way) > 0 and not self.hill <= BARRIER * abs(way[0] - way[-1])

    def _way(self) -> Float[np.ndarray, "between"]:
        """The losses from start to solution."""
        return self.losses[(self.alphas >= 0) & (self.alphas <= 1)]


def alpha_grid(low: float = -2.0, high: float = 2.0, points: int = 400) -> Float[np.ndarray, "n"]:
    """Evenly spaced α from `low` to `high`, joined by α = 0 and α = 1 where they lie between.

    Args:
        low: the first α.
        high: the last, above `low`.
        points: how many are evenly spaced, ≥ 2.

    Raises:
        UsageError: the range is empty, reversed or not finite, or there are too few points.
    """
    if not (np.isfinite([low, high]).all() and low < high):
        raise UsageError(f"alpha must run from a lower to a higher number, got {low:g} to {high:g}")
    if points < 2:
        raise UsageError(f"points must be ≥ 2, got {points}")
    ends = [end for end in (0.0, 1.0) if low <= end <= high]
    return np.union1d(np.linspace(low, high, points), ends)


def interpolate(
    task: Task,
    start: Float[Tensor, "parameters"],
    solution: Float[Tensor, "parameters"],
    alphas: Float[np.ndarray, "points"],
    batches: DataSet,
    *,
    file: Path | None = None,
    method: Method = "auto",
    reporter: Reporter | None = None,
) -> Interpolation:
    """Mean loss and metrics at θ(α) = α·solution + (1 − α)·start.

    Args:
        task: whose model and loss; the model keeps its own parameters.
        start: θ_i, such as `parameter_vector` of a model before its training.
        solution: θ_f.
        alphas: where to look, rising; see `alpha_grid`.
        batches: the examples to measure on.
        file: an .npz in which to keep what is done, and to go on from.
        method: see `gradus.surface.evaluation.losses_at`.
        reporter: hears of each point; by default the one in use.

    Raises:
        UsageError: α is not finite or does not rise, or the vectors are not of this model.
    """
    if len(alphas) == 0 or not np.isfinite(alphas).all() or (np.diff(alphas) <= 0).any():
        raise UsageError("alphas must be finite and rise from each to the next")
    values = evaluate_points(
        task,
        batches,
        np.stack([alphas, 1 - alphas], axis=1),
        torch.stack([solution, start]),
        file=file,
        method=method,
        reporter=reporter,
        what=f"loss at {len(alphas):,} points from start to solution",
    )
    return Interpolation(alphas, values)
