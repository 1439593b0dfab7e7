"""Processes that work for this one: one that dies or stands still ends the work, none is left.

Each worker holds one end of a pipe. When this process is gone, however it went, the other end
closes, and the worker ends itself at once.
"""

import contextlib
import os
import pickle
import queue
import signal
import threading
import time
from collections.abc import Callable, Sequence
from multiprocessing import connection
from typing import Any

import torch
from torch import Tensor
from torch import multiprocessing as processes

from gradus.core.errors import RunError, UsageError
from gradus.core.recipe import check_setting
from gradus.core.signals import SIGNALS

POLL = 0.05
"""Longest time between two looks at the workers, in s."""
START = 120.0
"""How long a worker may take to begin, in s: it imports torch first."""
END = 5.0
"""How long the end of a worker whose pipe is closed is waited for, in s."""
PER_CORE = 16
"""Most workers for each processor core."""

Work = Callable[[Any, Callable[[], None], Any], Any]
"""(what it was given, to be called now and then, an order) -> answer."""


class Crew:
    """Workers, each in a process of its own, that all do the same work on orders.

    Args:
        work: what a worker does with an order; a function of a module. It calls its second
            argument at least every `patience` seconds.
        given: what each is given when it starts; tensors in shared memory stay shared.
        patience: longest time without a call before a worker counts as stuck, in s, > 0.
        resume: what the user does to go on, for error messages.

    Raises:
        UsageError: there are more workers than this machine can run, or what they are given cannot
            be sent to another process.
    """

    def __init__(
        self, work: Work, given: Sequence[Any], patience: float = 60.0, resume: str = ""
    ) -> None:
        most = PER_CORE * (os.cpu_count() or 1)
        check_setting(patience > 0, "patience", "> 0 s", patience)
        check_setting(
            1 <= len(given) <= most, "workers", f"in [1, {most}] on this machine", len(given)
        )
        self.patience, self.resume = patience, resume
        self.beats = torch.zeros(len(given), dtype=torch.float64).share_memory_()
        self.ends: list[connection.Connection] = []
        self.workers: list[Any] = []
        context = processes.get_context("spawn")
        for number, one in enumerate(given):
            ours, theirs = context.Pipe()
            worker = context.Process(
                target=_live, args=(work, one, theirs, self.beats, number), daemon=True
            )
            try:
                worker.start()
            except (pickle.PicklingError, TypeError, AttributeError) as error:
                self.stop()
                raise UsageError(
                    "what a worker is given must be picklable to be sent to another process, got "
                    f"{error}: use functions of a module and names of environments"
                ) from error
            except OSError as error:
                self.stop()
                raise UsageError(
                    f"workers must be as few as the machine can start, got {len(given)}: "
                    f"number {number + 1} failed ({error.strerror})"
                ) from error
            theirs.close()
            self.ends.append(ours)
            self.workers.append(worker)
        self.started = time.monotonic()

    def run(self, orders: Sequence[Any], look: Callable[[], None]) -> list[Any]:
        """Give each worker an order and wait for all answers.

        Args:
            orders: one a worker.
            look: called some twenty times a second meanwhile; what it raises ends the wait.

        Raises:
            RunError: a worker died, failed or is stuck; all are stopped then.
        """
        try:
            self.beats.fill_(time.monotonic())
            for number, (end, order) in enumerate(zip(self.ends, orders, strict=True)):
                with self._seen(number):
                    end.send(order)
            answers: dict[int, Any] = {}
            while len(answers) < len(orders):
                self._hear(answers)
                look()
            return [answers[number] for number in range(len(orders))]
        except BaseException:
            self.stop()
            raise

    def _hear(self, answers: dict[int, Any]) -> None:
        """Take in the answers that have come; look whether all others live and go on."""
        waiting = [n for n in range(len(self.ends)) if n not in answers]
        ready = connection.wait([self.ends[n] for n in waiting], POLL)
        for number in waiting:
            if self.ends[number] in ready:
                with self._seen(number):
                    kind, answer = self.ends[number].recv()
                    if kind == "failed":
                        raise RunError(f"worker {number + 1} failed: {answer}{self._go_on()}")
                    answers[number] = answer
            elif not self.workers[number].is_alive():
                self._died(number)
            else:
                still = time.monotonic() - float(self.beats[number])
                allowed = self.patience
                if self.beats[number] <= self.started:
                    allowed = max(START, self.patience)
                if still > allowed:
                    pid = self.workers[number].pid
                    raise RunError(
                        f"worker {number + 1} (process {pid}) has stood still for {still:.0f} s"
                        + self._go_on()
                    )

    @contextlib.contextmanager
    def _seen(self, number: int) -> Any:
        """A broken pipe tells that its worker died."""
        try:
            yield
        except (EOFError, ConnectionError):
            self._died(number)

    def _died(self, number: int) -> None:
        worker = self.workers[number]
        worker.join(END)
        code = worker.exitcode
        how = "ended" if code is None else f"ended with code {code}"
        if code is not None and code < 0:
            how = f"was killed by {signal.Signals(-code).name}"
        raise RunError(f"worker {number + 1} (process {worker.pid}) {how}{self._go_on()}")

    def _go_on(self) -> str:
        return f"; {self.resume}" if self.resume else ""

    def stop(self) -> None:
        """End all workers; none is left when this returns."""
        for end in self.ends:
            end.close()
        for worker in self.workers:
            worker.kill()  # it holds nothing that could be left half done
            worker.join()
        self.ends, self.workers = [], []


def _live(work: Work, given: Any, pipe: connection.Connection, beats: Tensor, number: int) -> None:
    """A worker's life: take orders and answer them until the other end of the pipe is gone."""
    for signum in SIGNALS:  # Ctrl-C reaches all processes; the one that leads decides
        signal.signal(signum, signal.SIG_IGN)
    torch.set_num_threads(1)
    orders: queue.Queue[Any] = queue.Queue()
    threading.Thread(target=_listen, args=(pipe, orders), daemon=True).start()

    def beat() -> None:
        beats[number] = time.monotonic()

    while True:
        order = orders.get()
        beat()
        try:
            answer = ("done", work(given, beat, order))
        except Exception as error:  # whatever went wrong is told there
            answer = ("failed", f"{type(error).__name__}: {error}")
        with contextlib.suppress(OSError):
            pipe.send(answer)


def _listen(pipe: connection.Connection, orders: "queue.Queue[Any]") -> None:
    """Pass orders on; when nobody is there to give any, end this process."""
    while True:
        try:
            orders.put(pipe.recv())
        except (EOFError, OSError):
            os._exit(1)
