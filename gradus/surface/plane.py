"""The loss on a plane through a solution: two directions, a grid, and the optimiser's path.

Two ways to choose the directions:
- `random_directions`: filter-normalised random ones (Li et al. 2018, "Visualizing the Loss
  Landscape of Neural Nets", section 4), which make surfaces of different networks comparable;
- `path_directions`: the principal directions of the optimiser's own path (ibid., section 7.2).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn

from gradus.core.batches import DataSet
from gradus.core.errors import UsageError
from gradus.core.progress import Reporter
from gradus.core.task import Task
from gradus.surface.evaluation import Method, trainable
from gradus.surface.grid import evaluate_points

Extent = tuple[float, float]
MARGIN = 0.15
"""Room around the path, as a share of its width."""
NARROWEST = 0.4
"""The least extent along one direction, as a share of the path's width along the other."""


@dataclass(frozen=True)
class Plane:
    """What was measured at θ(a, b) = θ_f + a·d₁ + b·d₂.

    Attributes:
        a: the coordinates along d₁, rising.
        b: the coordinates along d₂, rising.
        values: name -> mean over all examples, a row for each b and a column for each a.
        path: the optimiser's positions seen on the plane, (a, b) each, in its order; may be empty.
        names: what to write at the two axes.
    """

    a: Float[np.ndarray, "columns"]
    b: Float[np.ndarray, "rows"]
    values: Mapping[str, Float[np.ndarray, "rows columns"]]
    path: Float[np.ndarray, "steps 2"]
    names: tuple[str, str] = ("along d1", "along d2")

    @property
    def losses(self) -> Float[np.ndarray, "rows columns"]:
        """The loss at each point."""
        return self.values["loss"]

    @property
    def lowest(self) -> tuple[int, int]:
        """Row and column of the lowest loss; of several equal ones, that nearest the solution."""
        far = np.hypot(self.a[None, :], self.b[:, None])
        losses = np.nan_to_num(self.losses, nan=np.inf)
        row, column = np.unravel_index(np.lexsort((far.ravel(), losses.ravel()))[0], far.shape)
        return int(row), int(column)


@dataclass(frozen=True)
class PathDirections:
    """The principal directions of a path.

    Attributes:
        directions: d₁ and d₂, orthonormal.
        path: each position's (a, b): its distance from the solution along d₁ and d₂.
        explained: the share of the path's squared distances that lies along each direction.
    """

    directions: Float[Tensor, "2 parameters"]
    path: Float[np.ndarray, "steps 2"]
    explained: tuple[float, float]


def random_directions(model: nn.Module, seed: int = 0) -> Float[Tensor, "2 parameters"]:
    """Two filter-normalised random directions at the model's parameters.

    Each filter (the weights into one neuron or one feature map: a row of the weight tensor) of a
    direction is Gaussian noise scaled to the length of the model's own filter: d ← d·‖θ‖/‖d‖. So
    one unit along it changes every filter by its own length. Biases and other vectors stay put.

    Args:
        model: with the parameters of the solution.
        seed: of the noise.

    Raises:
        UsageError: the model has no weight matrix.
    """
    parameters = trainable(model)
    if all(p.ndim < 2 for p in parameters):
        raise UsageError("random directions need a model with a weight matrix, this one has none")
    generator = torch.Generator().manual_seed(seed)
    return torch.stack(
        [torch.cat([_like_filters(p, generator) for p in parameters]) for _ in range(2)]
    )


def _like_filters(parameter: nn.Parameter, generator: torch.Generator) -> Float[Tensor, "n"]:
    weight = parameter.detach()
    if weight.ndim < 2:
        return torch.zeros_like(weight).reshape(-1)
    filters = weight.flatten(1)
    noise = torch.randn(filters.shape, generator=generator).to(filters)
    lengths = filters.norm(dim=1, keepdim=True) / noise.norm(dim=1, keepdim=True)
    return (noise * lengths).reshape(-1)


def path_directions(
    positions: Sequence[Float[Tensor, "parameters"]], solution: Float[Tensor, "parameters"]
) -> PathDirections:
    """The two directions in which a path lies furthest from where it ends.

    They are the first two right singular vectors of the rows θₜ − θ_f. The rows are not centred:
    so the plane contains the solution, and a path that lies in a plane lies in this one.

    Args:
        positions: θₜ in the optimiser's order.
        solution: θ_f, the plane's origin.

    Raises:
        UsageError: the positions all lie on one line through the solution: no plane is theirs.
    """
    rows = torch.stack([position - solution for position in positions]).double()
    lengths, axes = torch.linalg.eigh(rows @ rows.T)  # squared singular values, rising
    total = float(lengths.sum())
    if len(lengths) < 2 or float(lengths[-2]) <= 1e-10 * total:
        raise UsageError(
            "the path's directions need two checkpoints that do not lie on one line with the "
            f"solution, got {len(rows)} positions: take random directions, or train with "
            "--checkpoint-seconds 0"
        )
    directions = axes[:, [-1, -2]].T @ rows
    directions = torch.linalg.qr(directions.T).Q.T  # rounding takes them a little apart
    return PathDirections(
        directions.to(solution.dtype),
        (rows @ directions.T).cpu().numpy(),
        (float(lengths[-1]) / total, float(lengths[-2]) / total),
    )


def path_extents(path: Float[np.ndarray, "steps 2"]) -> tuple[Extent, Extent]:
    """The ranges of a and b that show the whole path and the solution, with some room."""
    points = np.concatenate([path, np.zeros((1, 2))])
    low, high = points.min(axis=0), points.max(axis=0)
    width = high - low
    room = np.maximum(MARGIN * width, (NARROWEST * width.max() - width) / 2)
    return (
        (float(low[0] - room[0]), float(high[0] + room[0])),
        (float(low[1] - room[1]), float(high[1] + room[1])),
    )


def check_side(side: int) -> None:
    """Raise UsageError unless a grid can have this many points along each direction."""
    if side < 3 or side % 2 == 0:
        raise UsageError(f"side must be odd and ≥ 3, so that a grid has a middle, got {side}")


def measure_plane(
    task: Task,
    solution: Float[Tensor, "parameters"],
    directions: Float[Tensor, "2 parameters"],
    batches: DataSet,
    *,
    side: int = 41,
    extents: tuple[Extent, Extent] = ((-1.0, 1.0), (-1.0, 1.0)),
    path: Float[np.ndarray, "steps 2"] | None = None,
    names: tuple[str, str] = ("along d1", "along d2"),
    file: Path | None = None,
    method: Method = "auto",
    reporter: Reporter | None = None,
) -> Plane:
    """Mean loss and metrics on a grid of side × side points θ_f + a·d₁ + b·d₂.

    Args:
        task: whose model and loss; the model keeps its own parameters.
        solution: θ_f, the plane's origin.
        directions: d₁ and d₂.
        batches: the examples to measure on.
        side: points along each direction, odd and ≥ 3, so that the middle one is the solution
            where the extents are symmetric.
        extents: lowest and highest a, and lowest and highest b.
        path: the optimiser's positions on the plane, to be drawn on it.
        names: what to write at the two axes.
        file: an .npz in which to keep what is done, and to go on from.
        method: see `gradus.surface.evaluation.losses_at`.
        reporter: hears of each point; by default the one in use.

    Raises:
        UsageError: the side is too short or even, an extent is empty or reversed, or the vectors
            do not fit.
    """
    check_side(side)
    for low, high in extents:
        if not (np.isfinite([low, high]).all() and low < high):
            raise UsageError(
                f"extents must run from a lower to a higher number, got {low:g} to {high:g}"
            )
    a, b = (np.linspace(low, high, side) for low, high in extents)
    grid = np.stack([np.ones(side * side), np.tile(a, side), np.repeat(b, side)], axis=1)
    values = evaluate_points(
        task,
        batches,
        grid,
        torch.cat([solution[None], directions]),
        file=file,
        method=method,
        reporter=reporter,
        what=f"loss at {side}×{side} points of a plane",
    )
    return Plane(
        a,
        b,
        {name: found.reshape(side, side) for name, found in values.items()},
        np.empty((0, 2)) if path is None else path,
        names,
    )
