"""Optimisers side by side on one recipe: same seeds, same starts, same minibatches for all.

Each optimiser gets the learning rate that suits it, from a small grid (`gradus.surface.rates`), and
is then trained once a seed by the ordinary training loop, in a run folder of its own. Every choice
is made on the validation set. The test set is read at the end, for the winner only.

A comparison that was stopped goes on: what is finished is not done again, the training in progress
goes on from its checkpoint, and all comes to the same numbers.
"""

import json
import shlex
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from gradus.core import plot
from gradus.core.device import Device, open_device
from gradus.core.errors import DataError, Interrupted, RunError, UsageError
from gradus.core.experiment import train
from gradus.core.files import write_atomically
from gradus.core.fit import fit
from gradus.core.optim import check_optimizer
from gradus.core.progress import Reporter, Silent, current
from gradus.core.recipe import FitConfig, Recipe
from gradus.core.rules import OPTIMISERS
from gradus.core.run import FORMAT, Run, environment, new_folder, read_info
from gradus.core.signals import raised_signals
from gradus.core.task import Task, build_task
from gradus.surface.figures_comparison import draw_comparison
from gradus.surface.plan import FILE, USUAL, WHAT, Plan, check_same
from gradus.surface.rates import Outcome, best, beyond, grid, search
from gradus.surface.standings import (
    Comparison,
    Contestant,
    common_level,
    ranked,
    read_training,
)

PATIENCE = 30.0
"""How long one that goes on waits for the process it continues to end, in s."""


def compare(
    recipe: Recipe,
    optimisers: Sequence[str] = USUAL,
    *,
    config: FitConfig | None = None,
    seeds: int = 3,
    lr: Mapping[str, float] | Literal["own"] | None = None,
    level: float | None = None,
    path: Path | None = None,
    resume: bool = False,
    reporter: Reporter | None = None,
) -> Comparison:
    """Compare optimisers on a recipe; the same as `gradus compare RECIPE`.

    Args:
        recipe: what is trained.
        optimisers: keys of `gradus.core.rules.OPTIMISERS`.
        config: the settings that all share, by default the recipe's. Its optimiser is not used,
            its momentum only for those that have one anyway, its seed is the first.
        seeds: how many trainings of each, ≥ 1.
        lr: optimiser -> learning rate; "own" takes the config's for all. A rate that is not given
            is looked for on the validation set, in trainings of a quarter of the epochs.
        level: the watched value whose reaching is timed, such as 0.95; by default one that at
            least half of the optimisers reach with every seed.
        path: the folder; by default the next free `runs/compare-<recipe>-<number>`.
        resume: go on with the comparison in `path`.
        reporter: hears of the progress; by default the one in use (`progress.reporting`).

    Returns:
        The optimisers in their order, best first. The folder holds the figure and the runs.

    Raises:
        UsageError: a name or a value is refused; nothing was changed.
        RunError: every training failed, or a file cannot be written.
        Interrupted: a signal asked to stop; the comparison can be resumed.
    """
    config = config or recipe.config
    given = dict.fromkeys(optimisers, config.lr) if lr == "own" else dict(lr or {})
    plan = Plan(recipe, config, tuple(optimisers), seeds, given, level)
    device = open_device(config.device, config.precision, config.fallback)
    if device.world > 1:
        raise UsageError(f"a {WHAT} works in one process, got {device.world}: start it alone")
    task = build_task(recipe, config)
    for name in plan.optimizers:
        check_optimizer(task, plan.settings(name, OPTIMISERS[name].lr), device)
    folder = _folder(plan, path, resume)
    command = shlex.join(["gradus", "compare", recipe.name, "--run-dir", str(folder), "--resume"])
    try:
        with Run(folder, recipe, {}).lock(PATIENCE if resume else 0.0), raised_signals(command):
            about = read_info(folder, FILE, WHAT)
            return _work(Work(plan, folder, task, device, reporter or current(), about))
    except Interrupted as stop:
        raise Interrupted(stop.signum, command) from None


def _folder(plan: Plan, path: Path | None, resume: bool) -> Path:
    """The folder of the comparison, with its plan in it."""
    if resume:
        if path is None:
            raise UsageError(f"--resume needs --run-dir: which {WHAT} should go on?")
        check_same(plan, path)
        return path
    folder = new_folder(path, f"compare-{plan.recipe.name}", FILE, WHAT)
    _write(folder, {"format": FORMAT, **plan.to_json(), "environment": environment()})
    return folder


def _write(folder: Path, about: Mapping[str, Any]) -> None:
    """Write what is known of a comparison."""
    text = json.dumps(about, indent=2, ensure_ascii=False) + "\n"
    write_atomically(folder / FILE, text.encode())


@dataclass(frozen=True)
class Work:
    """A comparison in progress.

    Attributes:
        plan: what is compared.
        folder: where its runs are.
        task: the recipe's task, for what it says of itself.
        device: where to compute.
        reporter: hears of the whole.
        about: the contents of compare.json.
    """

    plan: Plan
    folder: Path
    task: Task
    device: Device
    reporter: Reporter
    about: dict[str, Any]

    def tried(self, name: str) -> dict[str, list[float] | None]:
        """The rates that were tried for an optimiser, as in compare.json."""
        return self.about.setdefault("tried", {}).setdefault(name, {})

    def run_folder(self, name: str, seed: int) -> Path:
        """The folder of a training; the seed is counted from 0."""
        return self.folder / f"{name}-seed-{self.plan.config.seed + seed}"


def _work(work: Work) -> Comparison:
    """Choose the rates, train, test the winner, draw."""
    plan, task = work.plan, work.task
    short, long = (epochs * len(task.train) for epochs in (plan.trial_epochs, plan.config.epochs))
    looked_for = [name for name in plan.optimizers if plan.looked_for(name)]
    trials = sum(min(len(work.tried(name)), len(grid(1))) for name in looked_for)
    runs = [(name, seed) for seed in range(plan.seeds) for name in plan.optimizers]
    finished = sum(_is_finished(work.run_folder(name, seed)) for name, seed in runs)
    work.reporter.begin(
        len(looked_for) * len(grid(1)) * short + len(runs) * long,
        trials * short + finished * long,
        f"{len(plan.optimizers)} optimizers × {plan.seeds} seeds: {task.summary()}, "
        f"on {work.device.report()}",
    )
    try:
        rates = {name: _rate(work, name, short) for name in plan.optimizers}
        for name, seed in runs:
            _train(work, name, rates[name], seed, long)
    finally:
        work.reporter.end()
    return _result(work, rates)


class Part(Silent):
    """Passes the steps of one training on to the reporter of the whole comparison."""

    def __init__(self, whole: Reporter, steps: int, told: bool) -> None:
        """Take over.

        Args:
            whole: the reporter of the whole.
            steps: how many it expects of this training.
            told: whether its epochs are told too.
        """
        self.whole, self.left, self.told = whole, steps, told

    def begin(self, total: int, done: int, what: str) -> None:
        """Count the steps that lie behind."""
        self._count(done)

    def step(self, loss: float, steps: int = 1) -> None:
        """Count."""
        self._count(1)

    def epoch(self, record: dict[str, Any], epochs: int) -> None:
        """Pass it on."""
        if self.told:
            self.whole.epoch(record, epochs)

    def note(self, text: str) -> None:
        """Pass it on."""
        self.whole.note(text)

    def close(self) -> None:
        """Count what was expected and did not come: training ended early."""
        self._count(self.left)

    def _count(self, steps: int) -> None:
        steps = min(steps, self.left)
        self.left -= steps
        for _ in range(steps):
            self.whole.step(0.0)


def _rate(work: Work, name: str, steps: int) -> float:
    """The optimiser's learning rate: given, its own, or found in short trainings with one seed."""
    plan, note = work.plan, work.reporter.note
    if not plan.looked_for(name):
        return plan.rates.get(name, OPTIMISERS[name].lr)
    middle, kept, better = OPTIMISERS[name].lr, work.tried(name), work.task.better

    def measure(lr: float) -> Outcome:
        key = f"{lr:g}"
        if key not in kept:
            expected = steps if lr in grid(middle) else 0
            found = _trial(work, name, lr, Part(work.reporter, expected, told=False))
            kept[key] = list(found) if found else None
            _write(work.folder, work.about)
        return _outcome(kept[key])

    def widen(chosen: float, further: float) -> None:
        if f"{further:g}" not in kept:
            note(f"{name}: the best rate {chosen:g} is the last of its grid: trying {further:g}")

    if len(kept) < len(grid(middle)):
        rates = " ".join(f"{lr:g}" for lr in grid(middle))
        note(f"{name}: trying the rates {rates} for {_epochs(plan.trial_epochs)}")
    tried = search(middle, measure, better, widen)
    chosen = best(tried, better)
    if beyond(tried, better) is not None:
        note(f"{name}: the best rate {chosen:g} is still the last of its grid (see --lr)")
    return chosen


def _outcome(numbers: list[float] | None) -> Outcome:
    """What a training came to, from compare.json."""
    return (numbers[0], numbers[1]) if numbers else None


def _epochs(number: int) -> str:
    return f"{number} epoch{'s' if number > 1 else ''}"


def _trial(work: Work, name: str, lr: float, part: Part) -> Outcome:
    """What a short training with this rate comes to; None if it failed."""
    config = replace(work.plan.settings(name, lr), epochs=work.plan.trial_epochs, patience=0)
    task = build_task(work.plan.recipe, config)
    task.goal_missed = ""
    try:
        fitted = fit(task, config, reporter=part, device=work.device)
    except RunError:
        return None
    finally:
        part.close()
    if fitted.best_value is None:
        return None
    loss = fitted.records[fitted.best_epoch - 1]["validation/loss"]
    return fitted.best_value, loss if task.goal is None else fitted.best_epoch


def _is_finished(path: Path) -> bool:
    return (path / "run.json").exists() and read_info(path)["status"] == "complete"


def _train(work: Work, name: str, lr: float, seed: int, steps: int) -> None:
    """Train an optimiser with a seed, or go on, unless it is finished."""
    path = work.run_folder(name, seed)
    if _is_finished(path):
        return
    config = work.plan.settings(name, lr, seed)
    work.reporter.note(f"{name}, lr {lr:g}, seed {config.seed}")
    part = Part(work.reporter, steps, told=True)
    there = (path / "run.json").exists()
    try:
        run = train(work.plan.recipe, config, path=path, resume=there, reporter=part, test=False)
    except RunError as error:
        if isinstance(error, DataError) or isinstance(error.__cause__, OSError):
            raise
        work.reporter.note(f"{name}, seed {config.seed} failed: {error}")
    else:
        shutil.rmtree(run.checkpoints, ignore_errors=True)  # bfgs's take n² numbers each
    finally:
        part.close()


def _result(work: Work, rates: Mapping[str, float]) -> Comparison:
    """Rank the optimisers, test the winner, write and draw."""
    plan, task, about = work.plan, work.task, work.about
    contestants = ranked([_contestant(work, name, lr) for name, lr in rates.items()])
    winner = contestants[0]
    if winner.mean is None:
        raise RunError(f"every training failed; {winner.name}: {winner.trainings[0].failed}")
    if about.get("test", {}).get("optimizer") != winner.name:
        about["test"] = {"optimizer": winner.name, "metrics": _test(work, winner)}
    comparison = Comparison(
        path=work.folder,
        recipe=plan.recipe,
        config=plan.config,
        watch=task.watch,
        level=common_level(contestants) if plan.level is None else plan.level,
        asked=plan.level is not None,
        trial_epochs=plan.trial_epochs,
        contestants=contestants,
        test=about["test"]["metrics"],
    )
    picture, results = work.folder / "comparison.png", comparison.to_json()
    if about.get("results") != results or not picture.exists():
        _write(work.folder, {**about, "results": results})
        plot.save(draw_comparison(comparison), picture)
    return comparison


def _contestant(work: Work, name: str, lr: float) -> Contestant:
    """An optimiser with its trainings, from their folders."""
    plan, better = work.plan, work.task.better
    tried = {float(lr): _outcome(numbers) for lr, numbers in work.tried(name).items()}
    paths = [work.run_folder(name, seed) for seed in range(plan.seeds)]
    return Contestant(
        name=name,
        lr=lr,
        how="given" if name in plan.rates else "grid" if tried else "own",
        tried=tried,
        at_end=beyond(tried, better) is not None,
        better=better,
        trainings=[read_training(path, plan.recipe, work.task.watch) for path in paths],
    )


def _test(work: Work, winner: Contestant) -> dict[str, list[float]]:
    """The metrics of the winner's whole trainings on the test set."""
    work.reporter.note(f"testing {winner.name}")
    found: dict[str, list[float]] = {}
    for seed, training in enumerate(winner.trainings):
        if not training.failed:
            path = work.run_folder(winner.name, seed)
            measured = Run(path, work.plan.recipe, read_info(path)).evaluate("test")
            for metric, value in measured.items():
                found.setdefault(metric, []).append(value)
    return found
