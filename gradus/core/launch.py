"""Several processes of this machine for one training: started together, ended together."""

import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from types import FrameType
from typing import IO

from gradus.core.errors import RunError
from gradus.core.signals import handled

GRACE = 60.0
"""Time the others get to end by themselves when one process has failed, in s."""
POLL = 0.05
"""Time between two looks at the processes, in s."""
UNEXPECTED = 70
"""Exit code of a process of a group that failed unexpectedly, perhaps because another ended."""

Process = subprocess.Popen[bytes]


def is_leading_process() -> bool:
    """Whether this process is the only one, or the first of a group."""
    return int(os.environ.get("RANK", "0")) == 0


def in_group() -> bool:
    """Whether `launch` or torchrun started this process."""
    return "RANK" in os.environ


def launch(processes: int, words: Sequence[str]) -> int:
    """Run `python -m gradus WORDS` in several processes on this machine that train together.

    They find each other as torchrun's do. The first one speaks for all. SIGINT and SIGTERM are
    passed on to all of them.

    Args:
        processes: how many, ≥ 2; each takes one GPU, or an equal share of the CPU's cores.
        words: the command line of each process.

    Returns:
        The first process's exit code; it has told why if it is not 0.

    Raises:
        RunError: another process failed, or one was killed.
    """
    group: list[Process] = []
    passed: list[int] = []

    def pass_on(signum: int, frame: FrameType | None) -> None:
        passed.append(signum)
        for process in group:
            process.send_signal(signum)

    with tempfile.TemporaryFile("w+") as said, handled(pass_on):
        port = _free_port()
        for rank in range(processes):
            group.append(_start(rank, processes, port, words, said))
        _wait(group)
        codes = [process.returncode for process in group]
        if passed and codes[0]:
            return 128 + passed[0]
        if codes[0] > 0 and codes[0] != UNEXPECTED:
            return codes[0]
        for rank, code in enumerate(codes):
            if code < 0:
                raise RunError(
                    f"process {rank} of {processes} was ended by signal {-code} "
                    f"({signal.strsignal(-code)}); go on with --resume"
                )
        if any(code not in (0, UNEXPECTED) for code in codes):
            said.seek(0)
            raise RunError(f"another of the {processes} processes failed: {said.read().strip()}")
    return 1 if any(codes) else 0


def _start(rank: int, processes: int, port: int, words: Sequence[str], said: IO[str]) -> Process:
    """One process; the first one shares our standard output and error."""
    threads = max(1, (os.cpu_count() or 1) // processes)
    place = {"RANK": rank, "LOCAL_RANK": rank, "WORLD_SIZE": processes}
    meeting = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port}
    return subprocess.Popen(
        [sys.executable, "-m", "gradus", *words],
        env={
            "OMP_NUM_THREADS": str(threads),
            **os.environ,
            **{name: str(value) for name, value in {**place, **meeting}.items()},
        },
        stdin=subprocess.DEVNULL,
        stdout=None if rank == 0 else subprocess.DEVNULL,
        stderr=None if rank == 0 else said,
        start_new_session=True,  # so that Ctrl-C reaches it once, from us
    )


def _wait(group: Sequence[Process]) -> None:
    """Until all have ended; once one has failed, the others have only so long."""
    deadline = float("inf")
    while None in (codes := [process.poll() for process in group]):
        if any(codes):
            deadline = min(deadline, time.monotonic() + GRACE)
        if time.monotonic() > deadline:
            for process in group:
                process.kill()
        time.sleep(POLL)


def _free_port() -> int:
    """A port that is free just now."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]
