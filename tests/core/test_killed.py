"""Killed at any moment and resumed, a run comes to the same bytes as one that was left alone."""

import json
import random
import shlex
import signal
import sys

import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from gradus.core.experiment import train
from tests.commands import call, one_line, run, start, wait_for_epochs
from tests.core import killed
from tests.tiny import TINY

SAME = ("weights.safetensors", "metrics.jsonl")
EPOCHS = 80
DIGITS = ("train", "digits-mlp", "--epochs", EPOCHS, "--hidden", 16, "--checkpoint-seconds", 0.02)


@pytest.fixture(scope="module")
def untouched(tmp_path_factory):
    """The bytes of a digits-mlp run that nobody disturbed."""
    folder = tmp_path_factory.mktemp("untouched") / "run"
    assert run(*DIGITS, "--run-dir", folder).code == 0
    return {name: (folder / name).read_bytes() for name in SAME}


def test_killed_anywhere_even_while_saving(tmp_path):
    folder = tmp_path / "killed"
    done = run(folder, 1, program=[sys.executable, "-m", "tests.core.killed"])
    assert done.code == 0, done.err
    story = json.loads(done.out)
    assert story["code"] == 0, done.err
    assert len(story["kills"]) == killed.KILLS
    assert {place for place, _ in story["kills"]} == set(killed.PLACES)
    assert len({epochs for _, epochs in story["kills"]}) > killed.KILLS // 2
    train(TINY, killed.CONFIG, path=tmp_path / "whole")
    for name in SAME:
        assert (folder / name).read_bytes() == (tmp_path / "whole" / name).read_bytes(), name
    assert not list(folder.rglob(".*.part")), "what a killed process left behind is cleared away"
    assert len(list((folder / "checkpoints").iterdir())) == 5


def test_the_command_killed_three_times_then_interrupted(tmp_path, untouched):
    folder = tmp_path / "my runs" / "it's one"
    epochs = sorted(random.Random(2).sample(range(2, EPOCHS - 10), 4))
    more = ()
    for epoch, signum in zip(epochs, [signal.SIGKILL] * 3 + [signal.SIGINT], strict=True):
        process = start(*DIGITS, "--run-dir", folder, *more)
        wait_for_epochs(process, folder, epoch)
        process.send_signal(signum)
        err = process.communicate(timeout=60)[1]
        assert process.returncode == (130 if signum == signal.SIGINT else -signum), err
        assert "Traceback" not in err
        more = ("--resume",)
    assert json.loads((folder / "run.json").read_text())["status"] == "interrupted"
    said = run(*printed_command(err))
    assert said.code == 0, said.err
    assert {name: (folder / name).read_bytes() for name in SAME} == untouched
    events = EventAccumulator(str(folder / "tensorboard"), {"scalars": 0}).Reload()
    steps = [json.loads(line)["step"] for line in untouched["metrics.jsonl"].splitlines()]
    assert [event.step for event in events.Scalars("validation/loss")] == steps


def test_sigterm_saves_and_says_how_to_go_on(tmp_path, capsys, untouched):
    process = start(*DIGITS, "--run-dir", tmp_path / "run")
    wait_for_epochs(process, tmp_path / "run", 5)
    process.terminate()
    err = process.communicate(timeout=60)[1]
    assert process.returncode == 143, err
    assert "Traceback" not in err
    said = call(capsys, *printed_command(err))
    assert said.code == 0, said.err
    assert {name: (tmp_path / "run" / name).read_bytes() for name in SAME} == untouched


def printed_command(err):
    """The words of the command that an interrupted training tells the user to go on with."""
    last = err.splitlines()[-1]
    assert last.startswith("gradus: stopped; go on with: gradus train digits-mlp --run-dir ")
    return shlex.split(last.split("go on with: ")[1])[1:]


def test_a_complete_run_has_nothing_left_to_do(tmp_path, capsys):
    words = ("train", "fast-food", "--epochs", 3, "--run-dir", tmp_path / "r")
    assert call(capsys, *words).code == 0
    before = (tmp_path / "r" / "run.json").read_bytes()
    said = call(capsys, *words, "--resume")
    assert said.code == 0
    assert "nothing is left to do" in said.err
    assert (tmp_path / "r" / "run.json").read_bytes() == before
    one_line(call(capsys, *words), 2, "go on with --resume")
