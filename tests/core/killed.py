"""Trains TINY in child processes and kills them; run as `python -m tests.core.killed FOLDER SEED`.

Children are forked, so that only the first start pays for importing torch. Writes one JSON
document: how many children were killed, where, and what the last one said.
"""

import json
import os
import random
import signal
import sys
import time
from dataclasses import replace
from pathlib import Path

from gradus.core.experiment import train
from gradus.core.progress import Silent
from tests.tiny import TINY

CONFIG = replace(TINY.config, epochs=150, optimizer="adam", momentum=0.0, lr=0.01)
PLACES = ("time", "fsync", "before replace", "after replace")
KILLS = 12
STEP_SECONDS = 0.002


class Slow(Silent):
    """Makes steps last long enough to be killed in."""

    def step(self, loss, steps=1):
        time.sleep(STEP_SECONDS)


def deadly(real, calls, after):
    """`real`, but its call number `calls` kills this process, before or after its work."""

    def function(*args):
        nonlocal calls
        calls -= 1
        if calls <= 0 and not after:
            os.kill(os.getpid(), signal.SIGKILL)
        result = real(*args)
        if calls <= 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return result

    return function


def child(folder, place, draw):
    """Train or go on, in a new process that dies at `place`; its process id."""
    pid = os.fork()
    if pid:
        return pid
    if place == "fsync":
        os.fsync = deadly(os.fsync, draw.randint(1, 40), after=False)
    elif place.endswith("replace"):
        os.replace = deadly(os.replace, draw.randint(1, 16), after=place.startswith("after"))
    code = 1
    try:
        train(TINY, CONFIG, path=folder, resume=(folder / "run.json").exists(), reporter=Slow())
        code = 0
    finally:
        os._exit(code)


def main(folder, seed):
    draw = random.Random(seed)
    kills = []
    while True:
        place = PLACES[len(kills) % len(PLACES)] if len(kills) < KILLS else "nowhere"
        pid = child(folder, place, random.Random(draw.random()))
        if place == "time":
            time.sleep(draw.uniform(0.02, 0.3))
            os.kill(pid, signal.SIGKILL)
        code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        if code != -signal.SIGKILL:
            break
        metrics = folder / "metrics.jsonl"
        epochs = metrics.read_text().count("\n") if metrics.exists() else 0
        kills.append([place, epochs])
    sys.stdout.write(json.dumps({"code": code, "kills": kills}))


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
