"""What a training says while it works: nothing, a bar on a terminal, or plain lines."""

import contextlib
import os
import sys
import time
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from typing import Any, Protocol, runtime_checkable

LINE_SECONDS = 1.0
"""Least time between two plain lines about epochs."""
QUIET_SECONDS = 5.0
"""Most time that plain lines are silent about work that goes on, be it within an epoch."""


@runtime_checkable
class Reporter(Protocol):
    """Hears of a training as it goes on."""

    def begin(self, total: int, done: int, what: str) -> None:
        """Work starts: `done` of `total` steps lie behind."""

    def step(self, loss: float, steps: int = 1) -> None:
        """One more step is done, or so many."""

    def epoch(self, record: dict[str, Any], epochs: int) -> None:
        """An epoch ended with this record."""

    def note(self, text: str) -> None:
        """One line the user should see."""

    def end(self) -> None:
        """Work is over."""


class Silent:
    """Says nothing; what the library uses unless it is told otherwise."""

    def begin(self, total: int, done: int, what: str) -> None:
        """Nothing."""

    def step(self, loss: float, steps: int = 1) -> None:
        """Nothing."""

    def epoch(self, record: dict[str, Any], epochs: int) -> None:
        """Nothing."""

    def note(self, text: str) -> None:
        """Nothing."""

    def end(self) -> None:
        """Nothing."""


def summary(record: dict[str, Any]) -> str:
    """The two numbers that matter in an epoch's record: training loss and the watched kind."""
    loss = record.get("train/loss")
    parts = [] if loss is None else [f"loss {loss:.4f}"]
    if "validation/accuracy" in record:
        parts.append(f"validation accuracy {record['validation/accuracy']:.2%}")
    elif "validation/loss" in record:
        parts.append(f"validation loss {record['validation/loss']:.4f}")
    elif "validation/return" in record:
        parts.append(f"validation return {record['validation/return']:.4g}")
    elif record.get("train/return") is not None:
        parts.append(f"return {record['train/return']:.4g}")
    elif "train/error" in record:
        parts.append(f"errors {record['train/error']:.2%}")
    return "  ".join(parts)


def rate(steps: int, seconds: float) -> str:
    """How fast work goes, in words; slow work with two digits."""
    speed = steps / max(seconds, 1e-9)
    return f"{speed:,.0f} steps/s" if speed >= 10 else f"{speed:.2g} steps/s"


class Lines:
    """Plain lines on standard error: one an epoch, at most one a second; and amid long work."""

    def __init__(self) -> None:
        self.last = self.last_epoch = 0.0

    def begin(self, total: int, done: int, what: str) -> None:
        """Say what begins."""
        self.started, self.total, self.done, self.before = time.monotonic(), total, done, done
        self.stepped = self.started
        self.last = max(self.last, self.started - QUIET_SECONDS / 2)  # the first comes sooner
        print(what, file=sys.stderr, flush=True)  # noqa: T201

    def step(self, loss: float, steps: int = 1) -> None:
        """Count, and say where the work stands if nothing was said for long.

        Steps may come in bursts: what is told is how things stood after the step before.
        """
        now = time.monotonic()
        if now - self.last >= QUIET_SECONDS:
            self.last = now
            if self.done > self.before:
                self.note(f"{self.done:,}/{self.total:,}  {self._pace(self.stepped)}")
        self.done, self.stepped = self.done + steps, now

    def epoch(self, record: dict[str, Any], epochs: int) -> None:
        """Say where the run stands, unless it was said a moment ago."""
        now = time.monotonic()
        if now - self.last_epoch < LINE_SECONDS and record["epoch"] != epochs:
            return
        self.last = self.last_epoch = now
        self.note(f"epoch {record['epoch']}/{epochs}  {summary(record)}  {self._pace(now)}")

    def note(self, text: str) -> None:
        """Print it."""
        print(text, file=sys.stderr, flush=True)  # noqa: T201

    def end(self) -> None:
        """Nothing."""

    def _pace(self, now: float) -> str:
        """Rate and time left."""
        steps, seconds = max(self.done - self.before, 1), now - self.started
        left = (self.total - self.done) * seconds / steps
        return f"{rate(steps, seconds)}  {left:.0f} s left"


class Bar:
    """A progress bar on the terminal: done / total, rate, time left, the two numbers."""

    def __init__(self) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
        from rich.progress import TimeRemainingColumn as TimeLeft

        self.progress = Progress(
            TextColumn("{task.fields[epoch]}"),
            BarColumn(bar_width=None),
            MofNCompleteColumn(),
            TextColumn("{task.fields[rate]}"),
            TimeLeft(compact=True),
            TextColumn("{task.fields[numbers]}"),
            console=Console(stderr=True),
            refresh_per_second=2,
            transient=True,
        )

    def begin(self, total: int, done: int, what: str) -> None:
        """Show the bar."""
        self.note(what)
        self.started = self.shown = time.monotonic()
        self.pending = self.done = 0
        self.bar = self.progress.add_task(
            "", total=total, completed=done, epoch="", rate="", numbers=""
        )
        self.progress.start()

    def step(self, loss: float, steps: int = 1) -> None:
        """Move the bar on, a few times a second."""
        self.pending += steps
        now = time.monotonic()
        if now - self.shown > 0.4:
            self.done += self.pending
            pace = rate(self.done, now - self.started)
            self.progress.update(self.bar, advance=self.pending, rate=pace)
            self.pending, self.shown = 0, now

    def epoch(self, record: dict[str, Any], epochs: int) -> None:
        """Show the epoch's numbers."""
        at = f"epoch {min(record['epoch'] + 1, epochs)}/{epochs}"
        self.progress.update(self.bar, epoch=at, numbers=summary(record))

    def note(self, text: str) -> None:
        """Print a line above the bar."""
        self.progress.console.print(text, highlight=False, markup=False)

    def end(self) -> None:
        """Take the bar away."""
        self.progress.stop()
        self.progress.remove_task(self.bar)


def console() -> Reporter:
    """The bar on a terminal, plain lines elsewhere and where NO_COLOR asks for plain text."""
    return Bar() if sys.stderr.isatty() and not os.environ.get("NO_COLOR") else Lines()


_current: ContextVar[Callable[[], Reporter]] = ContextVar("reporter", default=Silent)


def current() -> Reporter:
    """A new reporter of the kind in use here: silent, unless `reporting` says otherwise."""
    return _current.get()()


@contextlib.contextmanager
def reporting(make: Callable[[], Reporter] = console) -> Iterator[None]:
    """Make every training inside the `with` block report."""
    token = _current.set(make)
    try:
        yield
    finally:
        _current.reset(token)
