"""Checkpoints: what is written comes back, damage is seen, code in them never runs."""

import os
import pickle
import random

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from gradus.core import checkpoint
from gradus.core.errors import RunError


def state(step):
    return {"step": step, "model": {"w": torch.full((3,), float(step))}, "best": None}


def silent(_):
    pass


def test_latest_five_are_kept(tmp_path):
    for step in range(1, 9):
        checkpoint.save(tmp_path, state(step))
    names = sorted(p.name for p in tmp_path.iterdir())
    assert [int(n.split("-")[1]) for n in names] == [4, 5, 6, 7, 8]
    assert checkpoint.load_latest(tmp_path, silent)["step"] == 8


def test_nothing_saved_yet_is_none(tmp_path):
    assert checkpoint.load_latest(tmp_path / "absent", silent) is None


@pytest.mark.parametrize("damage", ["truncate", "flip", "empty"])
def test_damaged_newest_falls_back_and_says_so(tmp_path, damage):
    for step in (1, 2):
        path = checkpoint.save(tmp_path, state(step))
    data = bytearray(path.read_bytes())
    if damage == "flip":
        data[len(data) // 2] ^= 1
    path.write_bytes({"truncate": bytes(data[:-10]), "flip": bytes(data), "empty": b""}[damage])
    notes = []
    assert checkpoint.load_latest(tmp_path, notes.append)["step"] == 1
    assert len(notes) == 1
    assert path.name in notes[0]
    assert "falling back" in notes[0]


def test_all_damaged_is_an_error_and_changes_nothing(tmp_path):
    for step in (1, 2):
        checkpoint.save(tmp_path, state(step)).write_bytes(b"junk")
    before = {p.name: p.read_bytes() for p in tmp_path.iterdir()}
    with pytest.raises(RunError, match=r"every checkpoint .* is damaged"):
        checkpoint.load_latest(tmp_path, silent)
    assert {p.name: p.read_bytes() for p in tmp_path.iterdir()} == before


class Evil:
    """A pickle that would write a canary file if it were trusted."""

    def __init__(self, canary):
        self.canary = canary

    def __reduce__(self):
        return os.system, (f"touch {self.canary}",)


@pytest.mark.parametrize("right_digest", [False, True])
def test_code_in_a_checkpoint_is_refused_not_run(tmp_path, right_digest):
    canary = tmp_path / "canary"
    data = pickle.dumps(Evil(canary))
    digest = checkpoint._digest(data) if right_digest else "0" * 16
    folder = tmp_path / "checkpoints"
    folder.mkdir()
    (folder / f"step-000000001-{digest}.pt").write_bytes(data)
    with pytest.raises(RunError, match="damaged"):
        checkpoint.load_latest(folder, silent)
    assert not canary.exists()


def test_a_newer_damaged_checkpoint_is_replaced_by_the_resumed_run(tmp_path):
    for step in (1, 2, 3):
        path = checkpoint.save(tmp_path, state(step))
    path.write_bytes(b"junk")
    checkpoint.save(tmp_path, state(3))
    assert checkpoint.load_latest(tmp_path, pytest.fail)["step"] == 3


@given(seed=st.integers(0, 2**31))
def test_random_state_comes_back(seed):
    checkpoint.seed_everything(seed)
    saved = checkpoint.random_state()

    def draw():
        return random.random(), np.random.rand(), torch.rand(1).item()  # noqa: NPY002

    first = draw()
    draw()
    checkpoint.set_random_state(saved)
    assert draw() == first


def test_random_state_survives_the_file(tmp_path):
    checkpoint.seed_everything(3)
    saved = checkpoint.random_state()
    checkpoint.save(tmp_path, {"step": 1, "random": saved})
    loaded = checkpoint.load_latest(tmp_path, silent)["random"]

    def draw(state):
        checkpoint.set_random_state(state)
        return random.random(), np.random.rand(), torch.rand(2).tolist()  # noqa: NPY002

    assert draw(loaded) == draw(saved)
