"""SIGINT and SIGTERM: while training obeyed between two steps, elsewhere at once."""

import contextlib
import signal
import threading
from collections.abc import Callable, Iterator
from types import FrameType
from typing import Any

from gradus.core.errors import Interrupted

SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Stop:
    """Whether a signal has asked to stop, and which.

    Attributes:
        signum: the signal, or None.
    """

    signum: int | None = None


@contextlib.contextmanager
def stop_signals() -> Iterator[Stop]:
    """Note SIGINT and SIGTERM instead of dying of them; a second one is obeyed at once.

    Outside the main thread, where Python has no signals, nothing is ever noted.
    """
    stop = Stop()

    def note(signum: int, frame: FrameType | None) -> None:
        stop.signum = signum
        _restore(before)

    with handled(note) as before:
        yield stop


@contextlib.contextmanager
def raised_signals(where: str) -> Iterator[None]:
    """SIGINT and SIGTERM raise `Interrupted(signum, where)` wherever the program is just then."""

    def stop(signum: int, frame: FrameType | None) -> None:
        raise Interrupted(signum, where)

    with handled(stop):
        yield


@contextlib.contextmanager
def handled(
    handler: Callable[[int, FrameType | None], None],
) -> Iterator[dict[signal.Signals, Any]]:
    """Both signals go to `handler`; yields the handlers from before, which come back at the end."""
    if threading.current_thread() is not threading.main_thread():
        yield {}
        return
    before = {s: signal.getsignal(s) for s in SIGNALS}
    for s in SIGNALS:
        signal.signal(s, handler)
    try:
        yield before
    finally:
        _restore(before)


def _restore(handlers: dict[signal.Signals, Any]) -> None:
    for s, handler in handlers.items():
        signal.signal(s, handler)
