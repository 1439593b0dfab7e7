"""Where a survey is made: a run's task at its solution, its start, and its path between them."""

from dataclasses import dataclass
from pathlib import Path

import torch
from jaxtyping import Float
from matplotlib.figure import Figure
from torch import Tensor

from gradus.core import checkpoint, plot
from gradus.core.batches import DataSet
from gradus.core.checkpoint import newest
from gradus.core.device import choose
from gradus.core.errors import RunError, UsageError
from gradus.core.progress import Reporter, current
from gradus.core.run import Run
from gradus.core.task import Task, build_task
from gradus.surface.evaluation import parameter_vector


@dataclass(frozen=True)
class Site:
    """A run, ready to be looked at.

    Attributes:
        run: the run.
        task: its task, the model at the solution.
        batches: the examples to measure on.
        start: θ_i, the parameters before the training.
        solution: θ_f, the best ones.
        folder: where to keep what is found.
        words: recipe, split and number of examples, for the figures.
        reporter: hears of the progress; None for the one in use.
    """

    run: Run
    task: Task
    batches: DataSet
    start: Float[Tensor, "parameters"]
    solution: Float[Tensor, "parameters"]
    folder: Path
    words: str
    reporter: Reporter | None

    def save(self, figure: Figure, name: str) -> str:
        """Save a figure in the folder; the path of its PNG."""
        return str(plot.save(figure, self.folder / f"{name}.png"))


def open_site(
    run: Run, split: str, folder: Path, device: str, reporter: Reporter | None = None
) -> Site:
    """The run's task at its solution, with the start that its seed gives.

    Args:
        run: a run with weights.
        split: the examples to measure on: test, validation or train.
        folder: where to keep what is found.
        device: where to compute; see `gradus.core.device.choose`.
        reporter: hears of the progress; by default the one in use.

    Raises:
        UsageError: the split or the device is unknown, or the run has no weights yet.
        RunError: its weights are damaged.
    """
    if not (run.path / "weights.safetensors").exists() and not newest(run.checkpoints):
        raise UsageError(f"{run.path} has no weights yet; go on with: {run.resume_command()}")
    task = build_task(run.recipe, run.config)
    start = parameter_vector(task.model)
    task.model.load_state_dict(run.load_weights())
    where = choose(device)
    task.model.to(where)
    batches = _examples(task, split).to(where)
    words = f"{run.recipe.name}, {batches.examples:,} {split} examples"
    solution = parameter_vector(task.model)
    return Site(run, task, batches, start.to(where), solution, folder, words, reporter)


def _examples(task: Task, split: str) -> DataSet:
    if split == "test":
        return task.test()
    if split == "validation":
        return task.validation
    if split == "train":  # in batches as large as those of evaluation, in the given order
        if not isinstance(task.train, DataSet):
            raise UsageError(
                "the training examples of this recipe have no order: set --split to validation"
            )
        size = min(task.validation.batch_size, task.train.examples)
        return task.train.in_order(size)
    raise UsageError(f"split must be test, validation or train, got {split!r}")


def path_of(site: Site) -> list[Float[Tensor, "parameters"]]:
    """The optimiser's positions that are left: start, checkpoints and solution, by epoch.

    A damaged checkpoint is left out, and the reporter told.
    """
    named = [name for name, p in site.task.model.named_parameters() if p.requires_grad]
    positions = {0: site.start}
    if "best_epoch" in site.run.results:
        positions[site.run.results["best_epoch"]] = site.solution
    for file in sorted(site.run.checkpoints.glob("step-*.pt")):
        try:
            state = checkpoint.load(file)
        except RunError as error:
            (site.reporter or current()).note(f"{error}; left out of the path")
            continue
        parts = [state["model"][name].reshape(-1) for name in named]
        positions[state["epoch"]] = torch.cat(parts).to(site.solution)
    return [positions[epoch] for epoch in sorted(positions)]
