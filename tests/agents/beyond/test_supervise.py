"""Workers that die, fail, hang or lose their parent: seen at once, told in a line, none is left."""

import os
import signal
import subprocess
import sys
import time
from multiprocessing import process
from pathlib import Path

import pytest

from gradus.agents.beyond.supervise import Crew
from gradus.core.errors import RunError, UsageError
from tests.agents.beyond.busy import work


def lives(pid):
    """Whether a process is there and not only waiting to be buried."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] not in "ZX"
    except (FileNotFoundError, ProcessLookupError):
        return False


def gone(pids, seconds=10.0):
    """Whether all these processes end in that time."""
    deadline = time.monotonic() + seconds
    while any(map(lives, pids)) and time.monotonic() < deadline:
        time.sleep(0.02)
    return not any(map(lives, pids))


def test_workers_answer_in_order_and_each_way_of_failing_ends_them():
    crew = Crew(work, ["a", "b"], patience=60.0, resume="go on with --resume")
    answers = crew.run(["x", "y"], lambda: None)
    pids = [answer[2] for answer in answers]
    assert [answer[:2] for answer in answers] == [("a", "x"), ("b", "y")]
    assert all(map(lives, pids))

    def kill():
        os.kill(pids[1], signal.SIGKILL)

    started = time.monotonic()
    words = rf"worker 2 \(process {pids[1]}\) was killed by SIGKILL; go on with --resume"
    with pytest.raises(RunError, match=words):
        crew.run(["wait", "wait"], kill)
    assert time.monotonic() - started < 10
    assert gone(pids)


def test_a_worker_that_stands_still_or_fails():
    crew = Crew(work, ["a"], patience=60.0)
    ((_, _, pid),) = crew.run(["x"], lambda: None)
    crew.patience, crew.started = 0.3, 0.0
    with pytest.raises(RunError, match=rf"worker 1 \(process {pid}\) has stood still for 0 s"):
        crew.run(["hang"], lambda: None)
    assert gone([pid])
    crew = Crew(work, ["a"])
    with pytest.raises(RunError, match="worker 1 failed: ValueError: no luck"):
        crew.run(["fail"], lambda: None)


def test_no_worker_outlives_its_parent():
    root = Path(__file__).parents[3]
    command = [sys.executable, "-m", "tests.agents.beyond.busy"]
    parent = subprocess.Popen(command, cwd=root, stdout=subprocess.PIPE, text=True)
    pids = [int(word) for word in parent.stdout.readline().split()]
    assert len(pids) == 2
    assert all(map(lives, pids))
    parent.kill()
    parent.wait()
    parent.stdout.close()
    assert gone(pids)


def test_what_cannot_be_started(monkeypatch):
    with pytest.raises(
        UsageError, match=r"workers must be in \[1, \d+\] on this machine, got 9999"
    ):
        Crew(work, [None] * 9999)
    with pytest.raises(UsageError, match="must be picklable to be sent to another process"):
        Crew(work, [lambda: None])

    def refuse(self):
        raise OSError(11, "Resource temporarily unavailable")

    monkeypatch.setattr(process.BaseProcess, "start", refuse)
    with pytest.raises(UsageError, match="number 1 failed"):
        Crew(work, ["a", "b"])
    with pytest.raises(UsageError, match="patience must be > 0 s, got 0"):
        Crew(work, ["a"], patience=0.0)
