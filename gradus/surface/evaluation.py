"""The loss of a task's model at many parameter vectors: what every look at a surface is made of.

A point is a combination θ = Σₖ cₖ bₖ of a few basis vectors, given by its coordinates c. So a line
or a plane of thousands of points needs no more memory than its basis.
"""

import contextlib
from collections.abc import Callable, Iterator
from typing import Literal

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.func import functional_call, vmap

from gradus.core.batches import Batch, DataSet
from gradus.core.errors import UsageError
from gradus.core.task import Task
from gradus.surface.flat import flatten

Method = Literal["auto", "vmap", "loop"]
Values = dict[str, Float[np.ndarray, "points"]]
Measure = Callable[[Float[Tensor, "points parameters"], Batch], Values]

CHUNK = 8
"""Points evaluated together at most; with more, matrix products get no faster."""
CHUNK_BYTES = 64 * 2**20
"""Memory that the parameters of one chunk may take."""


def trainable(model: nn.Module) -> list[nn.Parameter]:
    """The parameters that learn, in the model's order; one that is shared is there once."""
    return [p for p in model.parameters() if p.requires_grad]


def parameter_vector(model: nn.Module) -> Float[Tensor, "parameters"]:
    """A copy of the parameters that learn, laid end to end: θ."""
    return flatten(trainable(model))


@contextlib.contextmanager
def evaluating(model: nn.Module) -> Iterator[None]:
    """Evaluation mode inside the block; afterwards every module has the mode it came in."""
    modes = [(module, module.training) for module in model.modules()]
    model.eval()
    try:
        yield
    finally:
        for module, training in modes:
            module.training = training


def losses_at(
    task: Task,
    batches: DataSet,
    coordinates: Float[np.ndarray, "points k"],
    basis: Float[Tensor, "k parameters"],
    *,
    first: int = 0,
    method: Method = "auto",
) -> Iterator[Values]:
    """Mean loss and metrics at each point, a few points at a time, so that progress can be shown.

    The model works in evaluation mode and keeps its own parameters. What is no parameter (running
    means of batch normalisation) is that of the model at every point.

    Args:
        task: any task; its loss includes its penalties.
        batches: the examples to measure on.
        coordinates: c of each point.
        basis: b, such as a start and a solution; see `parameter_vector`.
        first: points before this one are left out. A multiple of `chunk_size` finds the points in
            the same chunks, and so the same numbers to the last bit, as a run over all of them.
        method: "vmap" computes a chunk's points together, "loop" one after the other. "auto" takes
            vmap unless there are convolutions, which it makes slower; both it and "vmap" fall back
            to the loop where vmap cannot follow the model.

    Yields:
        name -> values of the next points, as `gradus.core.task.evaluate` gives them for one.

    Raises:
        UsageError: the basis does not fit the model.
    """
    count = sum(p.numel() for p in trainable(task.model))
    if basis.shape[1] != count:
        raise UsageError(
            f"basis vectors must have the model's {count:,} parameters, got {basis.shape[1]:,}"
        )
    loss = _Loss(task)
    measure = loss.together if _use_vmap(task.model, method) else loss.one_by_one
    weights = torch.from_numpy(coordinates).to(basis)
    size = chunk_size(task.model)
    for at in range(first, len(weights), size):
        points = weights[at : at + size] @ basis
        try:
            values = _mean(measure, task.model, points, batches)
        except (RuntimeError, ValueError):  # what vmap raises where it cannot follow
            if measure == loss.one_by_one:
                raise
            measure = loss.one_by_one
            values = _mean(measure, task.model, points, batches)
        yield values


def chunk_size(model: nn.Module) -> int:
    """How many points are evaluated together; it depends on the model alone."""
    bytes_each = sum(p.numel() * p.element_size() for p in trainable(model))
    return max(1, min(CHUNK, CHUNK_BYTES // max(bytes_each, 1)))


def _use_vmap(model: nn.Module, method: Method) -> bool:
    if method == "auto":
        return chunk_size(model) > 1 and all(p.ndim <= 2 for p in trainable(model))
    return method == "vmap"


class _Loss(nn.Module):
    """A task's loss as a module around its model, which can be called with other parameters."""

    def __init__(self, task: Task) -> None:
        super().__init__()
        self.model = task.model
        self.loss = task.loss
        self.names = [name for name, p in self.named_parameters() if p.requires_grad]

    def forward(self, batch: Batch) -> dict[str, Tensor]:
        """Loss and metrics of a batch, by name; a metric of each example becomes its mean."""
        loss, metrics = self.loss(self.model, batch)
        found = {"loss": loss, **{name: measure() for name, measure in metrics.items()}}
        return {name: values.to(loss.dtype).mean() for name, values in found.items()}

    def together(self, points: Float[Tensor, "points parameters"], batch: Batch) -> Values:
        """Loss and metrics at all points in one go."""
        found = vmap(lambda named: functional_call(self, named, (batch,)))(self.named(points))
        return {name: value.double().cpu().numpy() for name, value in found.items()}

    def one_by_one(self, points: Float[Tensor, "points parameters"], batch: Batch) -> Values:
        """Loss and metrics at each point in turn."""
        found = [functional_call(self, self.named(point), (batch,)) for point in points]
        return {name: np.array([float(f[name]) for f in found]) for name in found[0]}

    def named(self, points: Float[Tensor, "*points parameters"]) -> dict[str, Tensor]:
        """The vectors cut into the model's parameters, by name."""
        parameters = trainable(self)
        parts = points.split([p.numel() for p in parameters], dim=-1)
        return {
            name: part.reshape(*points.shape[:-1], *p.shape)
            for name, part, p in zip(self.names, parts, parameters, strict=True)
        }


def _mean(
    measure: Measure,
    model: nn.Module,
    points: Float[Tensor, "points parameters"],
    batches: DataSet,
) -> Values:
    """Mean over all examples of what is measured on each batch."""
    totals: Values = {}
    count = 0
    with torch.no_grad(), evaluating(model):
        for batch, _ in batches.epoch(0):
            n = len(batch[0])
            for name, values in measure(points, batch).items():
                totals[name] = totals.get(name, np.zeros(len(values))) + n * values
            count += n
    return {name: total / count for name, total in totals.items()}
