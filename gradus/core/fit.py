"""The one training loop: a `for` over epochs, a `for` over minibatches."""

import contextlib
import math
import shutil
import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from gradus.core import checkpoint
from gradus.core.batches import Batch, BatchSource
from gradus.core.device import Device, open_device
from gradus.core.errors import Interrupted, RunError
from gradus.core.log import EventLog
from gradus.core.numerics import NonFinite, check_numerics, diagnose
from gradus.core.optim import check_optimizer, make_optimizer
from gradus.core.progress import Reporter, current
from gradus.core.recipe import FitConfig
from gradus.core.rules import OPTIMISERS
from gradus.core.run import Record, Run
from gradus.core.schedule import NoBetter, make_plateau, make_schedule
from gradus.core.signals import Stop, stop_signals
from gradus.core.task import Metrics, Task, evaluate, mean_of

COST_EVERY = 20
"""Minibatches between two points of the cost curve in TensorBoard."""
LOOK_EVERY = 50
"""Minibatches between two looks at the losses, which make a GPU and other processes wait."""
LOOK_SECONDS = 0.5
"""Most time between two looks of a process that trains alone, in s."""
LONG_EPOCH = 60.0
"""An epoch longer than this, in s, is saved in its midst too."""
HISTOGRAM_SECONDS = 10.0
"""Least time between two recordings of every parameter's distribution, in s."""
HINT = "Try a smaller --lr or --clip-norm 1"
"""What to do about a loss that is not finite."""

Pending = list[tuple[Tensor, Metrics, int]]


@dataclass
class Fitted:
    """What changes while a task is trained, apart from parameters and random numbers.

    Attributes:
        epoch: epochs that are complete.
        batch: minibatches done of the epoch in progress.
        step: minibatches done since the start.
        sums: sums over this process's examples of the epoch in progress: the loss over all
            (`examples` of them), each metric over those it was measured on (`measured`).
        best_value: the watched record's best value.
        best_epoch: the epoch it came from, counted from 1; 0 before the first.
        best_model: the parameters after that epoch.
        records: one per complete epoch, as in metrics.jsonl.
    """

    epoch: int = 0
    batch: int = 0
    step: int = 0
    sums: dict[str, float] = field(default_factory=dict)
    best_value: float | None = None
    best_epoch: int = 0
    best_model: dict[str, Tensor] | None = None
    records: list[Record] = field(default_factory=list)


@dataclass
class Session:
    """The parts of one training; `at` is where it stands."""

    task: Task
    config: FitConfig
    device: Device
    reporter: Reporter
    run: Run | None
    model: nn.Module
    validation: BatchSource
    optimizer: Any
    schedule: Any
    events: EventLog | None = None
    saved: float = 0.0
    drawn: float = 0.0
    looked: float = 0.0
    at: Fitted = field(default_factory=Fitted)


def fit(
    task: Task,
    config: FitConfig,
    *,
    run: Run | None = None,
    resume: bool = False,
    reporter: Reporter | None = None,
    device: Device | None = None,
) -> Fitted:
    """Train the task's model; at the end it holds the parameters of the best epoch.

    Args:
        task: what to train. Its test set is not opened.
        config: how to train it.
        run: the folder for metrics, checkpoints and events; without one nothing is written.
        resume: go on from the run's newest checkpoint that is whole.
        reporter: hears of the progress; by default the one in use (`progress.reporting`).
        device: where to compute; by default the one the config names.

    Returns:
        The epochs' records, and which was best.

    Raises:
        UsageError: the optimiser cannot train this task.
        RunError: the loss is not finite, the goal was not reached, a file cannot be written.
        Interrupted: SIGINT or SIGTERM asked to stop; a checkpoint was saved first.
    """
    device = device or open_device(config.device, config.precision, config.fallback)
    reporter = reporter or current()
    data = task.train.to(device.torch)
    if task.pretrain and not (resume and run and checkpoint.newest(run.checkpoints)):
        _pretrain(task, data, run, reporter, device)
    train = data.shard(device.rank, device.world)
    session = _open(task, config, run, reporter, device)
    if resume:
        _restore(session)
    at = session.at
    session.reporter.begin(
        config.epochs * len(train), at.step, f"{task.summary()}, on {device.report()}"
    )
    with _watched(session) as stop:
        while at.epoch < config.epochs and not _early(session):
            started, first = time.perf_counter(), at.step
            pending: Pending = []
            batch: Batch = ()
            session.model.train()
            for batch, share in train.epoch(at.epoch, at.batch):
                at.batch, at.step = at.batch + 1, at.step + 1
                loss, metrics = _loss(session, batch)
                pending.append((loss.detach(), metrics, len(batch[0]) if share else 0))
                if _time_to_look(session, pending):
                    _look(session, pending, batch)
                if task.update:
                    session.optimizer.step()  # no gradients, no change; schedules look for it
                else:
                    _descend(session, batch, loss, share)
                if not config.open_ended:
                    session.schedule.step()
                signum = _asked(session, stop, last=at.batch == len(train))
                long = time.perf_counter() - session.saved > LONG_EPOCH
                if signum or (long and device.world == 1):
                    _look(session, pending, batch)
                    _save(session)
                    _obey(session, signum)
            _look(session, pending, batch)
            _end_epoch(session, time.perf_counter() - started, at.step - first)
    _obey(session, stop.signum)  # it came while the last epoch was measured and saved
    device.release(session.model)
    if at.best_model is not None:
        task.model.load_state_dict(at.best_model)
    if task.goal_missed and not task.reached(at.best_value):
        raise RunError(task.goal_missed.format(epochs=at.epoch, value=at.best_value))
    return at


def _loss(session: Session, batch: Batch) -> tuple[Tensor, Metrics]:
    """The minibatch's loss; a task with an update of its own has changed the parameters then."""
    task = session.task
    if task.update:
        return task.update(task.model, batch, session.schedule.get_last_lr()[0]), {}
    with session.device.autocast():
        return task.loss(session.model, batch)


def _descend(session: Session, batch: Batch, loss: Tensor, share: float) -> None:
    """One step of the optimiser along the gradient of the minibatch's loss."""
    task, config, device = session.task, session.config, session.device
    session.optimizer.zero_grad()
    device.backward(loss if device.world == 1 else loss * share)
    if config.clip_norm:
        device.clip(session.model, config.clip_norm)
    searches = OPTIMISERS[config.optimizer].searches
    session.optimizer.step(_closure(session, batch, loss) if searches else None)
    if task.project:
        task.project(task.model, session.schedule.get_last_lr()[0])


def _pretrain(
    task: Task, data: BatchSource, run: Run | None, reporter: Reporter, device: Device
) -> None:
    """What comes before the first step; stopped in its midst, it begins again.

    Every process of a group does all of it; then the first one's parameters are everyone's.
    """
    assert task.pretrain is not None
    started = time.perf_counter()
    task.model.to(device.torch)
    facts = task.pretrain(task.model, data, reporter)
    if run and device.leads:
        run.update(pretraining={**facts, "seconds": round(time.perf_counter() - started, 3)})


def _open(
    task: Task, config: FitConfig, run: Run | None, reporter: Reporter, device: Device
) -> Session:
    """Everything in its place for the first step."""
    check_optimizer(task, config, device)
    checkpoint.seed_everything(config.seed + device.rank)
    task.model.to(device.torch)
    optimizer = make_optimizer(
        config.optimizer, task.model.parameters(), config.lr, config.momentum, config.beta2
    )
    schedule: Any
    if config.schedule == "plateau":
        schedule = make_plateau(optimizer, task.better)
    elif config.schedule == "no-better":
        schedule = NoBetter(optimizer)
    else:
        steps = config.epochs * len(task.train)
        schedule = make_schedule(optimizer, config.schedule, steps, config.warmup)
    model, optimizer = device.prepare(task.model, optimizer)
    if config.compile:
        model.compile()
    validation = task.validation.to(device.torch)
    return Session(task, config, device, reporter, run, model, validation, optimizer, schedule)


@contextlib.contextmanager
def _watched(session: Session) -> Any:
    """Signals noted, events open, numerics checked if asked; all closed at the end."""
    task, config, at = session.task, session.config, session.at
    with contextlib.ExitStack() as stack:
        stop = stack.enter_context(stop_signals())
        stack.callback(session.reporter.end)
        if session.run and session.device.leads:
            log = EventLog(session.run.path / "tensorboard", at.step if at.step else None)
            stack.callback(log.close)
            if not at.step:
                log.graph(task.model, task.sample.to(session.device.torch))
                log.histograms(task.model, 0)
            session.events = log
        if config.check_numerics:
            stack.enter_context(check_numerics(task.model))
        session.saved = session.drawn = time.perf_counter()
        try:
            yield stop
        except NonFinite as found:
            found.args = (f"step {at.step:,} (epoch {at.epoch + 1}): {found}. {HINT}",)
            raise


def _closure(session: Session, batch: Batch, loss: Tensor) -> Callable[[], Tensor]:
    """What an optimiser that searches calls: the minibatch's loss where the parameters are.

    It leaves the gradient in the parameters. The first call finds both computed already.
    """
    known = [loss.detach()]

    def evaluate() -> Tensor:
        if known:
            return known.pop()
        session.optimizer.zero_grad()
        here, _ = session.task.loss(session.model, batch)
        session.device.backward(here)
        return here.detach()

    return evaluate


def _time_to_look(session: Session, pending: Pending) -> bool:
    """Whether to add up the losses now: at a NaN where that is cheap to see, else now and then."""
    if session.device.world > 1:
        return len(pending) >= LOOK_EVERY  # all processes at the same step
    if session.device.torch.type == "cpu" and not math.isfinite(pending[-1][0].item()):
        return True
    late = time.perf_counter() - session.looked > LOOK_SECONDS
    return late or len(pending) >= LOOK_EVERY


def _look(session: Session, pending: Pending, batch: Batch) -> None:
    """Add the pending losses and metrics to the epoch's sums; stop at the first not finite.

    Where one process of a group finds one, all stop; so all must come here at the same step.
    """
    at, session.looked = session.at, time.perf_counter()
    first = at.step - len(pending) + 1
    losses = [float(loss) for loss, _, _ in pending]
    bad = [number for number, value in enumerate(losses) if not math.isfinite(value)]
    if session.device.sum([float(len(bad))])[0]:
        what = f"the loss became {losses[bad[0]]}" if bad else "another process's loss was NaN"
        raise RunError(_not_finite(session, what, first + bad[0] if bad else at.step, batch))
    sums: defaultdict[str, float] = defaultdict(float, at.sums)
    for number, (value, (_, metrics, n)) in enumerate(zip(losses, pending, strict=True), first):
        sums["examples"] += n
        sums["loss"] += value * n
        if metrics and number % session.task.measure_every == 0:
            sums["measured"] += n
            for name, values in metrics.items():
                sums[name] += mean_of(values()) * n
        session.reporter.step(value)
        if session.events and number % COST_EVERY == 0:
            session.events.scalars({"train/minibatch loss": value}, number)
    at.sums = dict(sums)
    pending.clear()


def _not_finite(session: Session, what: str, step: int, batch: Batch) -> str:
    """What to say of a loss that is not finite: where, why, what is left, and how to go on."""
    task = session.task
    finding = diagnose(task.model, lambda: task.loss(task.model, batch)[0])
    kept = ""
    if session.run:
        newest = checkpoint.newest(session.run.checkpoints)
        kept = f"; last finite checkpoint: {newest.name if newest else 'none yet'}"
    return (
        f"{what} at step {step:,} (epoch {session.at.epoch + 1}): {finding}{kept}. "
        f"{HINT}; --check-numerics looks at every step"
    )


def _end_epoch(session: Session, seconds: float, steps: int) -> None:
    """Measure on the validation set, record, keep the best, save."""
    at, task, device = session.at, session.task, session.device
    names = sorted(at.sums)
    sums = dict(zip(names, device.sum([at.sums[n] for n in names]), strict=True))
    counts = sums.pop("examples"), sums.pop("measured", 0.0)
    train = {name: total / counts[name != "loss"] for name, total in sums.items()}
    measured = evaluate(task, session.validation)
    if not math.isfinite(measured["loss"]):
        what = f"the validation loss became {measured['loss']}"
        batch, _ = next(session.validation.epoch(0))
        raise RunError(_not_finite(session, what, at.step, batch))
    at.epoch, at.batch, at.sums = at.epoch + 1, 0, {}
    record: Record = {
        "epoch": at.epoch,
        "step": at.step,
        **{f"train/{name}": mean for name, mean in train.items()},
        **{f"validation/{name}": mean for name, mean in measured.items()},
        "lr": session.schedule.get_last_lr()[0],
    }
    at.records.append(record)
    if session.config.schedule == "plateau":
        session.schedule.step(record[task.watch])
    elif session.config.schedule == "no-better":
        session.schedule.step(record["train/loss"])
    if task.keeps(record[task.watch], at.best_value):
        at.best_value, at.best_epoch = record[task.watch], at.epoch
        at.best_model = {k: v.detach().clone() for k, v in task.model.state_dict().items()}
    session.reporter.epoch(record, session.config.epochs)
    for line in task.remarks(task.model) if task.remarks else ():
        session.reporter.note(line)
    _write(session, record, seconds, steps)
    if session.run and device.leads and at.epoch in task.snapshots:
        session.run.save_snapshot(at.epoch, task.model.state_dict())
    done = at.epoch == session.config.epochs or _early(session)
    due = time.perf_counter() - session.saved >= session.config.checkpoint_seconds
    if device.broadcast(done or due):
        _save(session)


def _write(session: Session, record: Record, seconds: float, steps: int) -> None:
    """One epoch's lines and events."""
    run, log = session.run, session.events
    if not run or not log:
        return
    run.append("metrics", record)
    rate = steps * session.config.batch_size / seconds
    timing = {"epoch": record["epoch"], "seconds": seconds, "examples_per_second": rate}
    run.append("timing", timing)
    log.scalars({k: v for k, v in record.items() if k not in ("epoch", "step")}, record["step"])
    log.scalars({"examples per second": rate}, record["step"])
    now = time.perf_counter()
    if now - session.drawn >= HISTOGRAM_SECONDS or record["epoch"] == session.config.epochs:
        session.drawn = now
        log.histograms(session.task.model, record["step"])
        if session.task.pictures:
            log.images(session.task.pictures(session.task.model), record["step"])


def _early(session: Session) -> bool:
    """Whether training ends before its last epoch: the goal is reached or patience is out."""
    at, patience = session.at, session.config.patience
    if session.task.reached(at.best_value):
        return True
    return bool(patience) and at.epoch - at.best_epoch >= patience


def _save(session: Session) -> None:
    """Write a checkpoint; every process must come here at the same step.

    Raises:
        RunError: the last update made parameters that are not finite; or the disk is full.
    """
    at, device, model = session.at, session.device, session.task.model
    session.saved = time.perf_counter()
    if session.run is None:
        return
    if not all(bool(torch.isfinite(p).all()) for p in model.parameters()):
        raise RunError(_not_finite(session, "parameters became infinite or NaN", at.step, ()))
    names = sorted(at.sums)
    sums = dict(zip(names, device.sum([at.sums[n] for n in names]), strict=True))
    random = device.gather(checkpoint.random_state())
    if not device.leads or session.events is None:
        return
    session.run.sync()
    session.events.flush()
    scaler = device.accelerator.scaler
    best = {"value": at.best_value, "epoch": at.best_epoch, "model": at.best_model}
    state = {
        "epoch": at.epoch,
        "batch": at.batch,
        "step": at.step,
        "sums": sums,
        "best": best if at.best_model is not None else None,
        "model": model.state_dict(),
        "optimizer": session.optimizer.state_dict(),
        "schedule": session.schedule.state_dict(),
        "scaler": scaler.state_dict() if scaler else None,
        "random": random,
    }
    checkpoint.save(session.run.checkpoints, state)


def _restore(session: Session) -> None:
    """Put everything back as the newest whole checkpoint has it."""
    run, at, device = session.run, session.at, session.device
    if run is None:
        raise RunError("resume needs a run folder")
    state = checkpoint.load_latest(run.checkpoints, session.reporter.note)
    if state is None:
        session.reporter.note("no checkpoint was saved yet: starting from the beginning")
        if device.leads:
            run.truncate(0)
            shutil.rmtree(run.path / "tensorboard", ignore_errors=True)
        return
    records = run.rewind(state["epoch"], write=device.leads)
    session.task.model.load_state_dict(state["model"])
    session.optimizer.load_state_dict(state["optimizer"])
    session.schedule.load_state_dict(state["schedule"])
    if state["scaler"] and device.accelerator.scaler:
        device.accelerator.scaler.load_state_dict(state["scaler"])
    at.epoch, at.batch, at.step = state["epoch"], state["batch"], state["step"]
    at.records = records
    at.sums = state["sums"] if device.leads else dict.fromkeys(state["sums"], 0.0)
    if state["best"] is not None:
        best = state["best"]
        at.best_value, at.best_epoch, at.best_model = best["value"], best["epoch"], best["model"]
    checkpoint.set_random_state(state["random"][min(device.rank, len(state["random"]) - 1)])


def _asked(session: Session, stop: Stop, last: bool) -> int | None:
    """The signal that asks to stop; a group looks now and then, all its processes at one step."""
    if session.device.world == 1:
        return stop.signum
    if session.at.step % LOOK_EVERY and not last:
        return None
    return max(session.device.gather(stop.signum or 0)) or None


def _obey(session: Session, signum: int | None) -> None:
    """Stop if a signal asked for it."""
    if signum is not None:
        where = session.run.resume_command() if session.run else ""
        raise Interrupted(signum, where)
