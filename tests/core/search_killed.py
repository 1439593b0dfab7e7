"""Searches with two processes, one of which is killed again and again.

Run as `python -m tests.core.search_killed FOLDER URL KILLS SEED`. Processes are forked, so that
only the first start pays for importing torch. Writes one JSON document: the slots that were being
trained when their process was killed, and what the processes at the end came to.
"""

import json
import os
import random
import signal
import sys
import time
import traceback
from dataclasses import replace
from pathlib import Path

from gradus.core import search_figures, search_summary, search_worker, studies
from gradus.core.log import EventLog
from gradus.core.progress import Silent
from gradus.core.search import join, search
from tests.tiny import TINY, tiny_task

EPOCHS = 10
GRID = {"lr": (0.05, 0.1, 0.4), "batch_size": (10, 20)}
STEP_SECONDS = 0.004
SLOW = replace(
    TINY,
    name="slow",
    task="tests.core.search_killed:slow_task",
    config=replace(TINY.config, epochs=EPOCHS),
)


def slow_task(config):
    """The tiny task, its steps long enough to be killed in."""
    task = tiny_task(config)
    inner = task.loss

    def loss(model, batch):
        if model.training:
            time.sleep(STEP_SECONDS)
        return inner(model, batch)

    return replace(task, loss=loss)


def quick():
    """Nothing that takes long and has tests of its own."""
    search_figures.figures = lambda summary: {}
    search_summary.importances = lambda summary: {}
    search_worker.POLL = 0.1
    EventLog.graph = lambda *args: None
    os.fsync = lambda file: None


def child(folder, url):
    """A process that begins the study or goes on with it; its process id."""
    pid = os.fork()
    if pid:
        return pid
    code = 1
    try:
        if (folder / "study.json").exists():
            join(SLOW, folder, reporter=Silent())
        else:
            search(SLOW, GRID, sampler="grid", path=folder, storage=url, reporter=Silent())
        code = 0
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(code)


def training(folder, pid):
    """The slot that this process is training, as its run's lock says; -1 if none."""
    for lock in sorted(folder.glob("trial-*/.lock")):
        run, text = lock.parent / "run.json", lock.read_text()
        if text == str(pid) and run.exists() and '"running"' in run.read_text():
            return int(lock.parent.name.split("-")[1])
    return -1


def main(folder, url, kills, seed):
    quick()
    draw, killed = random.Random(seed), []
    first = child(folder, url)
    while not (folder / "study.json").exists():
        time.sleep(0.01)
    group = [first, child(folder, url)]
    for number in range(kills):
        pid = group.pop(draw.randrange(2))
        while number % 3 and training(folder, pid) < 0:  # every third is killed at any time
            time.sleep(0.01)
        time.sleep(draw.uniform(0.0, 0.3))
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        killed.append(training(folder, pid))
        group.append(child(folder, url))
    codes = [os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) for pid in group]
    study = studies.load(folder, SLOW, url)
    kept = study.kept.get_trials()
    story = {
        "codes": codes,
        "killed": killed,
        "records": [[t.user_attrs.get("slot"), t.state.name, t.value, t.params] for t in kept],
    }
    sys.stdout.write(json.dumps(story))


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))
