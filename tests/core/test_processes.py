"""Several processes for one training: the weights of one process, and one voice."""

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from gradus import catalog
from gradus.core import device as device_module
from gradus.core import launch as launch_module
from gradus.core.batches import Batches
from gradus.core.device import choose, open_device, present_devices
from gradus.core.errors import RunError, UsageError
from gradus.core.experiment import train
from gradus.core.fit import fit
from gradus.core.launch import in_group, is_leading_process, launch
from gradus.core.task import build_task, evaluate
from tests.commands import run, start, wait_for_epochs
from tests.tiny import TINY

TORCHRUN = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2"]
EPOCHS = 4
BATCH = 45
"""Odd, and 1,237 = 27 · 45 + 22: neither a batch nor an epoch divides evenly."""
WORDS = ("train", "digits-mlp", "--hidden", 16, "--batch-size", BATCH, "--optimizer", "sgd")


def close(folder, other, tolerance=1e-6):
    """Whether two runs have the same weights and training records, to rounding."""
    ours, theirs = (load_file(f / "weights.safetensors") for f in (folder, other))
    for name, tensor in ours.items():
        torch.testing.assert_close(tensor, theirs[name], rtol=0, atol=tolerance)
    lines = [(f / "metrics.jsonl").read_text().splitlines() for f in (folder, other)]
    for line, expected in zip(*lines, strict=True):
        assert json.loads(line) == pytest.approx(json.loads(expected), abs=1e-5)


# Two processes ------------------------------------------------------------------------------------


def test_two_processes_give_the_weights_of_one_and_resume(tmp_path):
    """Begun with --devices 2, gone on with torchrun; only the first process writes."""
    folder = tmp_path / "two"
    said = run(*WORDS, "--epochs", EPOCHS - 1, "--devices", 2, "--run-dir", folder)
    assert said.code == 0, said.err
    assert "× 2 processes" in said.err.splitlines()[0]
    assert said.err.count("testing epoch") == 1
    assert len(said.out.splitlines()) == 5
    assert len(list((folder / "tensorboard").iterdir())) == 1

    more = ("--epochs", EPOCHS, "--run-dir", folder, "--resume")
    said = run("-m", "gradus", "train", "digits-mlp", *more, program=TORCHRUN)
    assert said.code == 0, said.err
    assert said.err.count(f"epoch {EPOCHS}/{EPOCHS}") == 1
    assert len(list((folder / "tensorboard").iterdir())) == 2

    recipe = catalog.recipe("digits-mlp")
    config = recipe.configure(epochs=EPOCHS, hidden=(16,), batch_size=BATCH, optimizer="sgd")
    close(folder, train(recipe, config, path=tmp_path / "one").path)

    said = run(*WORDS[:2], "--run-dir", folder, "--resume", "--devices", 2)
    assert said.code == 0, said.err
    assert said.err.splitlines() == [
        f"{folder} is complete ({EPOCHS} epochs): nothing is left to do"
    ]


def test_a_group_stops_together_and_goes_on_as_one(tmp_path):
    process = start(*WORDS, "--epochs", 3000, "--devices", 2, "--run-dir", tmp_path / "two")
    wait_for_epochs(process, tmp_path / "two", 2)
    process.send_signal(signal.SIGINT)
    err = process.communicate(timeout=60)[1]
    assert process.returncode == 130, err
    assert "Traceback" not in err
    last = err.splitlines()[-1]
    assert last == (
        f"gradus: stopped; go on with: gradus train digits-mlp --run-dir {tmp_path}/two --resume"
    )
    assert json.loads((tmp_path / "two" / "run.json").read_text())["status"] == "interrupted"
    names = [p.name for p in (tmp_path / "two" / "checkpoints").iterdir()]
    state = torch.load(tmp_path / "two" / "checkpoints" / max(names), weights_only=True)
    assert len(state["random"]) == 2, "of each process"
    whole = tmp_path / "one"
    recipe = catalog.recipe("digits-mlp")
    epochs = state["epoch"]
    settings = {"hidden": (16,), "batch_size": BATCH, "optimizer": "sgd"}
    train(recipe, recipe.configure(epochs=epochs, **settings), path=whole)
    lines = [(f / "metrics.jsonl").read_text().splitlines() for f in (tmp_path / "two", whole)]
    for line, expected in zip(lines[0][:3], lines[1], strict=False):
        assert json.loads(line) == pytest.approx(json.loads(expected), abs=1e-5)


def test_a_mistake_and_a_nan_of_a_group_are_one_line(tmp_path):
    """Raised in every process, told by the first."""
    nan = (*WORDS, "--lr", "1e20", "--devices", 2, "--run-dir", tmp_path / "r")
    said = run(*nan)
    assert said.code == 1
    assert "the loss became" in said.err.splitlines()[-1]
    assert said.err.count("gradus: ") == 1
    assert "Traceback" not in said.err
    said = run(*nan)
    assert said == (2, "", said.err)
    assert said.err.splitlines() == [
        f"gradus: {tmp_path}/r already holds a run: go on with --resume, or choose another "
        "--run-dir"
    ]


# Sharding, without processes ----------------------------------------------------------------------


@pytest.mark.parametrize("world", [2, 3, 5])
def test_the_shares_of_a_batch_make_its_gradient(world):
    """The mean over processes of share × mean gradient is the gradient of the whole batch."""
    draw = torch.Generator().manual_seed(0)
    x, y = torch.randn(22, 3, generator=draw), torch.randn(22, generator=draw)
    weight = torch.randn(3, generator=draw, requires_grad=True)

    def gradient(a, b):
        return torch.autograd.grad(((a @ weight - b) ** 2).mean(), weight)[0]

    whole = Batches((x, y), 7, seed=3)
    parts = [whole.shard(rank, world) for rank in range(world)]
    examples = 0
    for number, ((a, b), _) in enumerate(whole.epoch(1)):
        shares = [list(part.epoch(1))[number] for part in parts]
        mean = sum(share * gradient(*batch) for batch, share in shares) / world
        torch.testing.assert_close(mean, gradient(a, b))
        examples += sum(len(batch[0]) if share else 0 for batch, share in shares)
    assert examples == 22


def test_a_process_counts_its_own_examples_once(tmp_path, monkeypatch):
    """Two halves of a group, one after the other: their sums are those of one process."""
    config = replace(TINY.config, epochs=1, batch_size=7, lr=1e-12, momentum=0.0)
    task = build_task(TINY, config)
    task.model[2].p = 0.0
    expected = evaluate(task, task.train)
    totals = {"examples": 0.0, "loss": 0.0}
    for rank in range(2):
        half = build_task(TINY, config)
        half.model[2].p = 0.0
        seen = []
        one = replace(device_module.open_device("cpu"), rank=rank)
        monkeypatch.setattr(
            type(one), "sum", lambda self, values, seen=seen: seen.append(values) or values
        )
        half.train = half.train.shard(rank, 2)
        monkeypatch.setattr(Batches, "shard", lambda self, rank, world: self)
        fit(half, config, device=one)
        monkeypatch.undo()
        sums = dict(zip(("accuracy", "examples", "loss", "measured"), seen[-1], strict=True))
        totals = {name: totals[name] + sums[name] for name in totals}
    assert totals["examples"] == 60
    assert totals["loss"] / 60 == pytest.approx(expected["loss"], abs=1e-6)


# Starting and ending processes --------------------------------------------------------------------


@pytest.fixture
def stand_in(tmp_path, monkeypatch):
    """Lets `launch` start shell scripts in place of Python: what each of two ranks does."""

    def make(first, second):
        script = tmp_path / "python"
        script.write_text(f"#!/bin/sh\nif [ $RANK = 0 ]; then\n{first}\nelse\n{second}\nfi\n")
        script.chmod(0o700)
        monkeypatch.setattr(launch_module.sys, "executable", str(script))

    return make


def test_each_process_knows_its_place(tmp_path, stand_in):
    note = f"echo $RANK $LOCAL_RANK $WORLD_SIZE $MASTER_ADDR $MASTER_PORT $* > {tmp_path}/$RANK"
    stand_in(note, note)
    assert launch(2, ["train", "x"]) == 0
    first, second = ((tmp_path / str(rank)).read_text().split() for rank in (0, 1))
    assert first[:4] == ["0", "0", "2", "127.0.0.1"]
    assert second[:4] == ["1", "1", "2", "127.0.0.1"]
    assert first[4] == second[4]
    assert first[5:] == ["-m", "gradus", "train", "x"]


def test_the_first_process_speaks_and_its_code_counts(capfd, stand_in):
    stand_in("echo wrong >&2; echo out; exit 2", "echo also wrong >&2; echo no; exit 2")
    assert launch(2, []) == 2
    assert capfd.readouterr() == ("out\n", "wrong\n")


@pytest.mark.parametrize("first", ["exit 0", "exit 70"])
def test_what_only_another_process_knows_is_told(stand_in, first):
    stand_in(first, "echo 'gradus: no GPU left' >&2; exit 2")
    with pytest.raises(RunError, match="another of the 2 processes failed: gradus: no GPU left"):
        launch(2, [])


def test_what_no_process_expected_is_a_failure(stand_in):
    stand_in("exit 70", "exit 70")
    assert launch(2, []) == 1


@pytest.mark.parametrize(
    ("rank", "first", "second"), [(0, "kill -9 $$", ""), (1, "", "kill -9 $$")]
)
def test_a_killed_process_is_named(stand_in, rank, first, second):
    stand_in(first or "exit 70", second or "exit 70")
    with pytest.raises(RunError, match=f"process {rank} of 2 was ended by signal 9"):
        launch(2, [])


def test_the_others_do_not_wait_for_ever(monkeypatch, stand_in):
    monkeypatch.setattr(launch_module, "GRACE", 0.2)
    stand_in("exec sleep 60", "exit 1")
    started = time.monotonic()
    with pytest.raises(RunError, match="process 0 of 2 was ended by signal 9"):
        launch(2, [])
    assert time.monotonic() - started < 20


def test_signals_reach_every_process_once(tmp_path, stand_in):
    body = (
        f"trap 'echo $RANK >> {tmp_path}/got; exit 143' TERM; touch {tmp_path}/up$RANK; "
        "while :; do sleep 0.05; done"
    )
    stand_in(body, body)
    watcher = subprocess.Popen(
        f"while [ ! -e {tmp_path}/up0 -o ! -e {tmp_path}/up1 ]; do sleep 0.05; done; "
        f"kill -TERM {os.getpid()}",
        shell=True,
    )
    assert launch(2, []) == 128 + signal.SIGTERM
    watcher.wait()
    assert sorted((tmp_path / "got").read_text().split()) == ["0", "1"]
    assert signal.getsignal(signal.SIGTERM) == signal.SIG_DFL


@pytest.mark.parametrize(
    ("rank", "group", "leads"), [(None, False, True), ("0", True, True), ("1", True, False)]
)
def test_a_process_knows_whether_it_leads(monkeypatch, rank, group, leads):
    monkeypatch.delenv("RANK", raising=False)
    if rank:
        monkeypatch.setenv("RANK", rank)
    assert (in_group(), is_leading_process()) == (group, leads)


# Devices ------------------------------------------------------------------------------------------


def test_devices_by_name(monkeypatch):
    monkeypatch.setattr(device_module, "present_devices", lambda: ["cpu", "cuda:0", "cuda:1"])
    assert choose("auto") == torch.device("cuda:0")
    assert choose("cuda") == torch.device("cuda:0")
    assert choose("cuda:1") == torch.device("cuda:1")
    assert choose("cpu") == torch.device("cpu")
    with pytest.raises(UsageError, match="'cuda:2' is not here; present: cpu, cuda:0, cuda:1"):
        choose("cuda:2")
    monkeypatch.setattr(device_module, "present_devices", lambda: ["cpu"])
    assert choose("auto") == torch.device("cpu")


def test_fallback_warns(monkeypatch):
    monkeypatch.setattr(device_module, "present_devices", lambda: ["cpu"])
    with pytest.warns(UserWarning, match="no device mps: computing on the CPU"):
        assert choose("mps", fallback=True) == torch.device("cpu")


def test_the_cpu_is_always_present():
    assert present_devices()[0] == "cpu"
    assert open_device("cpu").report().startswith("cpu (")


def test_more_processes_than_gpus_is_a_clear_mistake(monkeypatch):
    monkeypatch.setattr(device_module, "present_devices", lambda: ["cpu", "cuda:0"])
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    monkeypatch.setenv("RANK", "1")
    monkeypatch.setenv("LOCAL_RANK", "1")
    with pytest.raises(UsageError, match="process 1 of this machine has no GPU left, there are 1"):
        open_device("cuda")


def test_a_process_may_train_in_one_precision_after_another():
    for precision in ("float32", "bf16-mixed", "float32"):
        device = open_device("cpu", precision)
        assert device.plain == (precision == "float32")
    with pytest.raises(UsageError, match="16-mixed needs a GPU"):
        open_device("cpu", "16-mixed")


def test_after_mixed_precision_the_model_is_a_plain_one_again():
    config = replace(TINY.config, precision="bf16-mixed", epochs=1)
    task = build_task(TINY, config)
    fit(task, config)
    seen = []
    task.model[0].register_forward_hook(lambda m, i, out: seen.append(out.dtype))
    task.model(task.sample)
    assert seen == [torch.float32]


def test_only_one_file_knows_accelerate():
    """Also where the import is inside a function."""
    package = Path(device_module.__file__).parents[1]
    users = [
        p
        for p in package.rglob("*.py")
        if "import accelerate" in p.read_text() or "from accelerate" in p.read_text()
    ]
    assert [p.name for p in users] == ["device.py"]
