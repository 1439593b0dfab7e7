"""Trainings with a loop of their own, such as an agent's: what they give, how they are driven.

A recipe that has `run` instead of `task` builds a `Practice`. Its loop is cut into epochs of as
many steps each. Between two of them all that goes on is in the model and in `state`, so a run that
was stopped goes on from the last epoch's end and comes to the same numbers.
"""

import contextlib
import math
import shutil
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from gradus.core import checkpoint
from gradus.core.device import Device
from gradus.core.errors import Interrupted, RunError, UsageError
from gradus.core.fit import HINT, HISTOGRAM_SECONDS, Fitted
from gradus.core.log import EventLog
from gradus.core.numerics import NonFinite, check_numerics
from gradus.core.progress import Reporter
from gradus.core.recipe import FitConfig, Recipe, resolve
from gradus.core.run import Record, Run
from gradus.core.signals import Stop, stop_signals

Tick = Callable[[int, float], None]
"""(steps done since the last call, loss of the last update or NaN): said now and then in an epoch.
It raises `Interrupted` when a signal asked to stop."""


@dataclass(kw_only=True)
class Practice:
    """A model that learns in a loop of its own.

    Attributes:
        model: the module whose parameters are the run's weights.
        sample: the model's input for a few examples, to draw and describe it.
        steps: steps of an epoch, as `epoch` tells them to its tick.
        epoch: (number from 0, tick) -> the epoch's values under `train/` and whatever else changes;
            `updates` is how often parameters were changed since the start.
        check: -> values under `validation/`, nothing learnt; without one `watch` is of training.
        test: (split, episodes, ε) -> name -> value, nothing learnt. Episodes 0 and ε None: as the
            recipe has them.
        state: -> what goes on beside the model: tensors and plain values.
        restore: the inverse of `state`.
        watch: the record to choose the best epoch by; the largest is best, of equal ones the last.
        goal: stop as soon as `watch` is as large as this.
        facts: what is needed to answer later; JSON values, kept in the run.
        notes: lines the user is told before the first step.
        close: frees what the loop holds, such as processes; called however the training ends.
    """

    model: nn.Module
    sample: Tensor
    steps: int
    epoch: Callable[[int, Tick], Record]
    test: Callable[[str, int, float | None], dict[str, float]]
    state: Callable[[], dict[str, Any]]
    restore: Callable[[dict[str, Any]], None]
    check: Callable[[], dict[str, float]] | None = None
    watch: str = "validation/return"
    goal: float | None = None
    facts: dict[str, Any] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    close: Callable[[], None] | None = None


def build_practice(recipe: Recipe, config: FitConfig, device: torch.device) -> Practice:
    """The recipe's practice for this config; its initial weights depend on the seed alone.

    Raises:
        UsageError: the recipe learns from examples and has a task instead.
    """
    if not recipe.run:
        raise UsageError(f"{recipe.name} learns from examples, not by acting: it has no episodes")
    torch.manual_seed(config.seed)
    return resolve(recipe.run)(config, device)


def practise(
    practice: Practice,
    config: FitConfig,
    *,
    run: Run,
    resume: bool,
    reporter: Reporter,
    device: Device,
) -> Fitted:
    """Let it learn, an epoch after the other; at the end the model holds the best parameters.

    Args:
        practice: what learns.
        config: `epochs`, `patience`, `seed`, `check_numerics`, `checkpoint_seconds` are read here.
        run: the folder for metrics, checkpoints and events.
        resume: go on from the newest checkpoint that is whole.
        reporter: hears of the progress.
        device: where it computes; one process.

    Returns:
        The epochs' records, and which was best; `step` counts the practice's own steps.

    Raises:
        RunError: a value is not finite, the environment failed, a file cannot be written.
        Interrupted: SIGINT or SIGTERM asked to stop; the last epoch's end is saved.
    """
    checkpoint.seed_everything(config.seed)
    at, total = Fitted(), config.epochs * practice.steps
    if resume:
        _restore(practice, run, at, reporter)
    for line in practice.notes:
        reporter.note(line)
    parameters = sum(p.numel() for p in practice.model.parameters())
    what = f"{parameters:,} parameters, {total:,} steps, on {device.report()}"
    reporter.begin(total, at.step, what)
    with _watched(practice, config, run, at, reporter) as (stop, log):
        saved = drawn = time.perf_counter()
        while at.epoch < config.epochs and not _early(practice, config, at):
            started = time.perf_counter()

            def tick(steps: int, loss: float) -> None:
                reporter.step(loss, steps)
                if stop.signum is not None:
                    raise Interrupted(stop.signum, run.resume_command())

            found = practice.epoch(at.epoch, tick)
            seconds = time.perf_counter() - started
            _end_epoch(practice, at, found)
            reporter.epoch(at.records[-1], config.epochs)
            now = time.perf_counter()
            last = at.epoch == config.epochs or _early(practice, config, at)
            if now - drawn >= HISTOGRAM_SECONDS or last:
                drawn = now
                log.histograms(practice.model, at.step)
            _write(run, log, at.records[-1], seconds, practice.steps)
            if last or now - saved >= config.checkpoint_seconds:
                log.flush()
                _save(practice, run, at)
                saved = time.perf_counter()
            if stop.signum is not None:
                raise Interrupted(stop.signum, run.resume_command())
    if at.best_model is not None:
        practice.model.load_state_dict(at.best_model)
    return at


@contextlib.contextmanager
def _watched(
    practice: Practice, config: FitConfig, run: Run, at: Fitted, reporter: Reporter
) -> Iterator[tuple[Stop, EventLog]]:
    """Signals noted, events open, numerics checked if asked; all closed at the end."""
    with contextlib.ExitStack() as stack:
        stop = stack.enter_context(stop_signals())
        stack.callback(reporter.end)
        if practice.close:
            stack.callback(practice.close)
        log = EventLog(run.path / "tensorboard", at.step if at.step else None)
        stack.callback(log.close)
        if not at.step:
            log.graph(practice.model, practice.sample)
        if config.check_numerics:
            stack.enter_context(check_numerics(practice.model))
        try:
            yield stop, log
        except NonFinite as found:
            found.args = (f"epoch {at.epoch + 1}: {found}. {HINT}",)
            raise


def _end_epoch(practice: Practice, at: Fitted, found: Record) -> None:
    """Check the agent, record, keep the best."""
    at.epoch, at.step = at.epoch + 1, at.step + practice.steps
    checked = practice.check() if practice.check else {}
    record: Record = {
        "epoch": at.epoch,
        "step": at.step,
        **found,
        **{f"validation/{name}": value for name, value in checked.items()},
    }
    for name, value in record.items():
        if value is not None and not math.isfinite(value):
            raise RunError(f"{name} became {value} in epoch {at.epoch}. {HINT}")
    if not all(bool(torch.isfinite(p).all()) for p in practice.model.parameters()):
        raise RunError(f"parameters became infinite or NaN in epoch {at.epoch}. {HINT}")
    at.records.append(record)
    value = record.get(practice.watch)  # None before the first episode of training ended
    if at.best_value is None or (value is not None and value >= at.best_value):
        at.best_value, at.best_epoch = value, at.epoch
        state = practice.model.state_dict()
        at.best_model = {name: tensor.detach().clone() for name, tensor in state.items()}


def _early(practice: Practice, config: FitConfig, at: Fitted) -> bool:
    """Whether the goal is reached, or patience is at its end."""
    if practice.goal is not None and at.best_value is not None and at.best_value >= practice.goal:
        return True
    return bool(config.patience) and at.epoch - at.best_epoch >= config.patience


def _write(run: Run, log: EventLog, record: Record, seconds: float, steps: int) -> None:
    """One epoch's lines and events."""
    rate = steps / seconds
    run.append("metrics", record)
    timing = {"epoch": record["epoch"], "seconds": seconds, "steps_per_second": rate}
    run.append("timing", timing)
    values = {k: v for k, v in record.items() if k not in ("epoch", "step") and v is not None}
    log.scalars({**values, "steps per second": rate}, record["step"])


def _save(practice: Practice, run: Run, at: Fitted) -> None:
    """Checkpoint where the training stands."""
    run.sync()
    best = {"value": at.best_value, "epoch": at.best_epoch, "model": at.best_model}
    state = {
        "epoch": at.epoch,
        "step": at.step,
        "best": best if at.best_model is not None else None,
        "model": practice.model.state_dict(),
        "own": practice.state(),
        "random": checkpoint.random_state(),
    }
    checkpoint.save(run.checkpoints, state)


def _restore(practice: Practice, run: Run, at: Fitted, reporter: Reporter) -> None:
    """Put everything back as the newest whole checkpoint has it."""
    state = checkpoint.load_latest(run.checkpoints, reporter.note)
    if state is None:
        reporter.note("no checkpoint was saved yet: starting from the beginning")
        run.rewind(0)
        shutil.rmtree(run.path / "tensorboard", ignore_errors=True)
        return
    at.records = run.rewind(state["epoch"])
    practice.model.load_state_dict(state["model"])
    practice.restore(state["own"])
    at.epoch, at.step = state["epoch"], state["step"]
    if state["best"] is not None:
        best = state["best"]
        at.best_value, at.best_epoch, at.best_model = best["value"], best["epoch"], best["model"]
    checkpoint.set_random_state(state["random"])
