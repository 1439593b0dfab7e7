"""The one thing that is trained, evaluated, compared, searched and looked into."""

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal

import torch
from torch import Tensor, nn

from gradus.core.batches import Batch, BatchSource, DataSet
from gradus.core.errors import UsageError
from gradus.core.progress import Reporter
from gradus.core.recipe import FitConfig, Recipe, resolve

Metrics = dict[str, Callable[[], Tensor]]
"""Name -> function that measures a batch, called only where someone looks: it gives one value for
each example, or their mean."""
Loss = Callable[[nn.Module, Batch], tuple[Tensor, Metrics]]
Update = Callable[[nn.Module, Batch, float], Tensor]
Pretrain = Callable[[nn.Module, Any, Reporter], dict[str, Any]]
Report = Callable[[nn.Module, BatchSource], dict[str, float]]
Details = Callable[[nn.Module, BatchSource], list[dict[str, Any]]]


@dataclass(kw_only=True)
class Task:
    """A model, its examples and what is asked of it.

    Attributes:
        model: the module to train.
        train: minibatches of the training set.
        validation: minibatches of the validation set; every choice is made on it.
        test: opens the test set. Nothing calls it before training has ended.
        loss: (model, batch) -> (mean loss over the batch, metrics of the batch).
        update: (model, batch, learning rate) -> mean loss over the batch, after it has changed the
            parameters in place: an update of the task's own instead of gradient and optimiser, of
            which the loop then takes the learning rate alone. It works in one process.
        measure_every: minibatches between two on which the metrics are measured in training.
        watch: the record to choose the best epoch by, such as `validation/accuracy`.
        better: whether `watch` should be large ("max") or small ("min").
        keep: the parameters of the best epoch, or of the last that is finite, where a schedule that
            ends at a rate of 0 makes the last the one to have.
        sample: the model's input for a few examples, to draw and describe it.
        pretrain: (model, training set, reporter) -> facts, run once before the first step of a new
            training: it changes the model in place, always in the same way. The facts, JSON
            values, are kept in run.json as `pretraining`, with the seconds it took.
        project: (model, learning rate) -> None, applied to the parameters after each step: the
            projection or proximal step of a constrained or non-smooth problem.
        goal: stop as soon as `watch` is as good as this.
        goal_missed: what to say, as an error, when training ends without the goal.
        snapshots: epochs after which the parameters are kept, for `Run.load_snapshot`.
        remarks: model -> lines that the user is told after each epoch.
        pictures: model -> named images "image channel height width" in [0, 1] for TensorBoard.
        report: (model, examples) -> name -> value, beside the means of loss and metrics: what is
            asked of a finished run and is no mean over examples.
        details: (model, examples) -> rows of a table, each column's name -> value: what `gradus
            evaluate` shows besides, such as a row for each class. It is not kept in the run.
        facts: what is needed to answer later (labels, vocabulary); JSON values, kept in the run.
        files: the same where it is large: name -> text of a file in the run folder.
    """

    model: nn.Module
    train: BatchSource
    validation: DataSet
    test: Callable[[], DataSet]
    loss: Loss
    sample: Tensor
    update: Update | None = None
    measure_every: int = 10
    watch: str = "validation/loss"
    better: Literal["min", "max"] = "min"
    keep: Literal["best", "last"] = "best"
    pretrain: Pretrain | None = None
    project: Callable[[nn.Module, float], None] | None = None
    goal: float | None = None
    goal_missed: str = ""
    snapshots: tuple[int, ...] = ()
    remarks: Callable[[nn.Module], list[str]] | None = None
    pictures: Callable[[nn.Module], dict[str, Tensor]] | None = None
    report: Report | None = None
    details: Details | None = None
    facts: dict[str, Any] = field(default_factory=dict)
    files: dict[str, str] = field(default_factory=dict)

    def improves(self, value: float, best: float | None) -> bool:
        """Whether `value` of the watched record beats `best`; a number beats None, NaN nothing."""
        if math.isnan(value):
            return False
        if best is None:
            return True
        return value > best if self.better == "max" else value < best

    def keeps(self, value: float, best: float | None) -> bool:
        """Whether the parameters after an epoch are to be kept, by its watched record."""
        return self.improves(value, None if self.keep == "last" else best)

    def reached(self, value: float | None) -> bool:
        """Whether `value` of the watched record is as good as the goal, if there is one."""
        if self.goal is None or value is None:
            return False
        return value == self.goal or self.improves(value, self.goal)

    def summary(self) -> str:
        """What is trained on how much, in words."""
        parameters = sum(p.numel() for p in self.model.parameters())
        return f"{parameters:,} parameters, {self.train.examples:,} examples"


def build_task(recipe: Recipe, config: FitConfig) -> Task:
    """The recipe's task for this config; its initial weights depend on the seed alone.

    Raises:
        UsageError: the recipe learns by acting and has no task.
    """
    if not recipe.task:
        raise UsageError(
            f"{recipe.name} learns by acting, not from examples: train, evaluate, predict, figure, "
            "describe and play are for it"
        )
    torch.manual_seed(config.seed)
    return resolve(recipe.task)(config)


def mean_of(values: Tensor) -> float:
    """The mean of a metric's values over a batch; a mean is its own."""
    return float(values.detach().float().mean())


@torch.inference_mode()
def evaluate(task: Task, batches: BatchSource) -> dict[str, float]:
    """Mean loss and metrics of the model over all examples of `batches`.

    The model is put into evaluation mode and given back in the mode it came in.

    Returns:
        name -> mean over examples; `loss` is always there.
    """
    training = task.model.training
    task.model.eval()
    totals: dict[str, float] = {}
    count = 0
    try:
        for batch, _ in batches.epoch(0):
            loss, metrics = task.loss(task.model, batch)
            n = len(batch[0])
            means = {"loss": float(loss), **{k: mean_of(v()) for k, v in metrics.items()}}
            for name, mean in means.items():
                totals[name] = totals.get(name, 0.0) + mean * n
            count += n
    finally:
        task.model.train(training)
    return {name: total / count for name, total in totals.items()}


@torch.inference_mode()
def measure(task: Task, batches: BatchSource) -> dict[str, float]:
    """What a finished run is told by: the means of `evaluate`, and the task's `report`."""
    found = evaluate(task, batches)
    if task.report is None:
        return found
    training = task.model.training
    task.model.eval()
    try:
        return {**found, **task.report(task.model, batches)}
    finally:
        task.model.train(training)
