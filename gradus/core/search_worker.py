"""One process's share of a search: it takes trials and trains them until all are done."""

import contextlib
import math
import os
import pickle
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import IO, Any

import optuna
import torch
from optuna.trial import TrialState

from gradus.core.checkpoint import load_latest
from gradus.core.device import open_device
from gradus.core.errors import DataError, Interrupted, RunError, UsageError
from gradus.core.experiment import train
from gradus.core.run import Run, read_info
from gradus.core.signals import Stop, stop_signals
from gradus.core.space import configured
from gradus.core.storage import is_file, told
from gradus.core.studies import (
    Claim,
    Silence,
    Study,
    claim,
    finished,
    give_up,
    load,
    sampler,
    suggest,
)

BEAT = 10.0
"""Time between two signs of life in a database, in s."""
POLL = 0.3
"""Time between two looks for something to do, in s."""
GRACE = 60.0
"""Time that the processes of a stopped search get to save and end, in s."""


def work(
    study: Study, changed: Callable[[], None] = lambda: None, parent: int | None = None
) -> None:
    """Take trials and train them until every trial of the study has its result.

    Args:
        study: what to work on.
        changed: called after each trial, and while others are waited for.
        parent: the process that started this one: when it ends, this one stops too.

    Raises:
        UsageError, RunError: something is wrong that is not the fault of a trial's settings.
        Interrupted: a signal asked to stop; the trial can be gone on with.
    """
    silence, machine = Silence(), study.plan.config
    open_device(machine.device, machine.precision, machine.fallback)  # told before any trial
    with (
        told(study.path, study.url),
        _threads(study.plan.threads),
        stop_signals() as stop,
        _Pulse(not is_file(study.url), parent) as pulse,
    ):
        while True:
            with contextlib.ExitStack() as held:
                claimed = claim(study, held, silence)
                if claimed:
                    pulse.trial = claimed.trial
                    _train(study, claimed, stop)
                    pulse.trial = None
            changed()
            _obey(study, stop)
            if claimed is None:
                if finished(study):
                    return
                time.sleep(POLL)


def _obey(study: Study, stop: Stop) -> None:
    if stop.signum is not None:
        raise Interrupted(stop.signum, study.command)


@contextlib.contextmanager
def _threads(count: int) -> Iterator[None]:
    """Compute with so many threads: sums are then taken in the same order everywhere."""
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)


# One trial ----------------------------------------------------------------------------------------


def _train(study: Study, claimed: Claim, stop: Stop) -> None:
    """Train a trial in its run folder and tell the storage what came of it.

    Settings that cannot be trained, or that let the loss become infinite, make a failed trial; it
    counts, and the sampler keeps away from there.
    """
    trial = claimed.trial
    study.kept.sampler = sampler(study.plan, claimed.slot)
    load_latest(claimed.path / "checkpoints", note=lambda _: None)  # damage is no setting's fault
    try:
        try:
            run = _run(study, claimed, stop)
            value = run.records()[run.results["best_epoch"] - 1][study.plan.objective]
            if math.isnan(value):
                raise RunError(f"{study.plan.objective} is not a number")
        except Interrupted as asked:
            raise Interrupted(asked.signum, study.command) from None
        except optuna.TrialPruned:
            run = Run(claimed.path, study.plan.recipe, read_info(claimed.path))
            run.update(status="interrupted", error="pruned: it lagged behind other trials")
            trial.set_user_attr("done", _facts(run))
            study.kept.tell(trial, state=TrialState.PRUNED)
        except (UsageError, RunError, torch.OutOfMemoryError) as error:
            if isinstance(error, DataError) or isinstance(error.__cause__, OSError):
                raise
            trial.set_user_attr("error", str(error))
            study.kept.tell(trial, state=TrialState.PRUNED)
        else:
            trial.set_user_attr("done", _facts(run))
            study.kept.tell(trial, value)
    except optuna.exceptions.UpdateFinishedTrialError:  # others took us to be dead
        give_up(study, trial.number)


def _run(study: Study, claimed: Claim, stop: Stop) -> Run:
    """The trial's run, trained to its end: from where a dead process left it, or from the start."""
    plan, path = study.plan, claimed.path
    begun = (path / "run.json").exists()
    config = configured(plan.recipe, plan.config, suggest(plan, claimed.trial))
    _obey(study, stop)
    ear = _Ear(claimed, plan.objective, stop)
    return train(plan.recipe, config, path=path, resume=begun, reporter=ear, test=False)


def _facts(run: Run) -> dict[str, Any]:
    """How long a trial was, and which epoch was best, if it came to its end."""
    seconds = round(sum(t["seconds"] for t in run.records("timing")), 3)
    best = run.results.get("best_epoch")
    return {"epochs": len(run.records()), "best_epoch": best, "seconds": seconds}


@dataclass
class _Ear:
    """Hears of a trial's training: tells the storage each epoch, and stops what is pruned.

    A trial is stopped in the epoch after the one that decided, when that one has been saved.

    Attributes:
        claimed: the trial.
        objective: the record to tell.
        stop: a signal that came before training did.
        pruned: whether this trial is not worth going on with.
        passed: whether the signal was passed on.
    """

    claimed: Claim
    objective: str
    stop: Stop
    pruned: bool = False
    passed: bool = False

    def begin(self, total: int, done: int, what: str) -> None:
        """Judge a trial that is gone on with by what it told before."""
        self.pruned = bool(self.claimed.told) and self.claimed.trial.should_prune()

    def step(self, loss: float, steps: int = 1) -> None:
        """Stop here if the trial is pruned."""
        if self.stop.signum is not None and not self.passed:
            self.passed = True
            signal.raise_signal(self.stop.signum)  # now the training hears it, and saves
        if self.pruned:
            raise optuna.TrialPruned

    def epoch(self, record: dict[str, Any], epochs: int) -> None:
        """Tell the epoch's value, and ask whether to go on."""
        if record["epoch"] not in self.claimed.told:
            self.claimed.trial.report(record[self.objective], record["epoch"])
        self.pruned = record["epoch"] < epochs and self.claimed.trial.should_prune()

    def note(self, text: str) -> None:
        """Nothing."""

    def end(self) -> None:
        """Nothing."""


class _Pulse:
    """A thread that shows we live, and that stops us when the process that started us is gone.

    Attributes:
        trial: the trial that we train.
    """

    def __init__(self, beats: bool, parent: int | None) -> None:
        self.beats, self.parent = beats, parent
        self.trial: optuna.Trial | None = None
        self.ended = threading.Event()
        self.thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> "_Pulse":
        """Start."""
        self.thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Stop."""
        self.ended.set()
        self.thread.join()

    def _run(self) -> None:
        count, last = 0, -math.inf
        while not self.ended.wait(min(1.0, BEAT)):
            if self.parent is not None and os.getppid() != self.parent:
                self.parent = None
                os.kill(os.getpid(), signal.SIGTERM)
            trial = self.trial
            if trial is None or not self.beats or time.monotonic() - last < BEAT:
                continue
            count, last = count + 1, time.monotonic()
            with contextlib.suppress(Exception):  # the trial's own words to the storage will tell
                trial.set_user_attr("beat", count)


# Several processes --------------------------------------------------------------------------------


def work_together(study: Study, workers: int, changed: Callable[[], None], note: Any) -> None:
    """Let several processes of this machine work on the study until every trial has its result.

    Args:
        study: what to work on.
        workers: how many.
        changed: called now and then.
        note: takes a line that the user should see.

    Raises:
        UsageError, RunError: a process met an error, or all were killed; the others are stopped.
        Interrupted: a signal asked to stop, and all did.
    """
    with (
        told(study.path, study.url),
        tempfile.TemporaryFile("w+") as said,
        stop_signals() as stop,
    ):
        group = [_start(study, number, said) for number in range(workers)]
        try:
            while any(process.poll() is None for process in group):
                _obey(study, stop)
                changed()
                time.sleep(POLL)
                _bury(group, said, note)
        finally:
            _end(group, stop.signum or signal.SIGTERM)
        _bury(group, said, note)
        changed()
        _obey(study, stop)
        if not finished(study):
            raise RunError(f"every worker was killed; go on with: {study.command}")


def _start(study: Study, number: int, said: IO[str]) -> "subprocess.Popen[bytes]":
    """A process that works on the study; what it needs to know goes through its standard input."""
    config = study.plan.config
    devices = torch.cuda.device_count()
    machine = {"device": config.device, "fallback": config.fallback, "compile": config.compile}
    if config.device in ("auto", "cuda") and devices > 1:
        machine["device"] = f"cuda:{number % devices}"
    process = subprocess.Popen(
        [sys.executable, "-c", "from gradus.core.search_worker import child; child()"],
        env={
            **os.environ,
            "OMP_NUM_THREADS": str(study.plan.threads),
            "PYTHONPATH": os.pathsep.join(p or os.getcwd() for p in sys.path),
        },
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=said,
        start_new_session=True,  # so that Ctrl-C reaches it once, from us
    )
    order = (study.path, study.plan.recipe, study.url, machine, os.getpid())
    assert process.stdin
    with contextlib.suppress(BrokenPipeError), process.stdin as pipe:
        pickle.dump(order, pipe)
    return process


def child() -> None:
    """What a process of `work_together` runs."""
    path, recipe, url, machine, parent = pickle.load(sys.stdin.buffer)
    try:
        work(load(path, recipe, url).with_machine(**machine), parent=parent)
    except Interrupted as asked:
        sys.exit(128 + asked.signum)
    except (UsageError, RunError) as error:
        sys.stderr.write(f"\n{error}")
        sys.exit(2 if isinstance(error, UsageError) else 1)


def _bury(group: list["subprocess.Popen[bytes]"], said: IO[str], note: Any) -> None:
    """Take the processes that have ended off the list.

    Raises:
        UsageError, RunError: one met an error.
    """
    for process in [p for p in group if p.poll() is not None]:
        group.remove(process)
        code = process.returncode
        if code in (1, 2):
            said.seek(0)
            lines = said.read().strip().splitlines() or ["a worker failed"]
            raise (UsageError if code == 2 else RunError)(lines[-1])
        if code:
            note(f"worker {process.pid} was stopped; the others take its trial over")


def _end(group: Sequence["subprocess.Popen[bytes]"], signum: int) -> None:
    """Have all processes save and end; kill those that do not."""
    for process in group:
        process.send_signal(signum)
    deadline = time.monotonic() + GRACE
    try:
        for process in group:
            process.wait(max(0.0, deadline - time.monotonic()))
    except (subprocess.TimeoutExpired, KeyboardInterrupt):
        for process in group:
            process.kill()
            process.wait()
