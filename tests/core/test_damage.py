"""Damaged run folders: what can be mended is, in one line; what cannot is left alone."""

import json
import os
import pickle
import shutil
from dataclasses import replace

import pytest

from gradus.cli import main
from gradus.core import checkpoint
from gradus.core.errors import RunError, UsageError
from gradus.core.experiment import train
from gradus.core.fit import fit
from gradus.core.folders import all_runs, read_info
from gradus.core.progress import Silent
from gradus.core.run import Run
from gradus.core.task import build_task
from tests.commands import call, contents, one_line
from tests.tiny import TINY, cpu

FOOD = ("train", "fast-food", "--epochs", 30, "--checkpoint-seconds", 0)
SAME = ("weights.safetensors", "metrics.jsonl")


class Evil:
    """A pickle that touches a file if it is trusted."""

    def __init__(self, canary):
        self.canary = canary

    def __reduce__(self):
        return os.system, (f"touch {self.canary}",)


class Stops(Silent):
    """Presses Ctrl-C in an epoch; remembers the notes."""

    def __init__(self, at=None):
        self.at, self.notes = at, []

    def epoch(self, record, epochs):
        if record["epoch"] == self.at:
            raise KeyboardInterrupt

    def note(self, text):
        self.notes.append(text)


@pytest.fixture
def stopped(tmp_path):
    """A TINY run that was stopped in its fifth epoch, four checkpoints old."""
    with pytest.raises(KeyboardInterrupt):
        train(TINY, TINY.config, path=tmp_path / "run", reporter=Stops(at=5))
    return tmp_path / "run"


def checkpoints(folder):
    return sorted((folder / "checkpoints").iterdir(), reverse=True)


def damage(path, how):
    data = bytearray(path.read_bytes())
    if how == "truncated":
        data = data[: len(data) // 2]
    elif how == "flipped":
        data[len(data) // 3] ^= 0x10
    else:
        data = b""
    path.write_bytes(bytes(data))


@pytest.mark.parametrize("how", ["truncated", "flipped", "emptied"])
@pytest.mark.parametrize("count", [1, 2])
def test_the_checkpoint_before_is_used_and_one_line_says_so(tmp_path, stopped, how, count):
    newest = checkpoints(stopped)[:count]
    for path in newest:
        damage(path, how)
    reporter = Stops()
    train(TINY, TINY.config, path=stopped, resume=True, reporter=reporter)
    said = [note for note in reporter.notes if "damaged" in note]
    assert [path.name in note for path, note in zip(newest, said, strict=True)] == [True] * count
    assert all("\n" not in note and "falling back" in note for note in said)
    train(TINY, TINY.config, path=tmp_path / "whole")
    for name in SAME:
        assert (stopped / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()


def test_lost_epochs_are_recorded_anew(stopped):
    damage(checkpoints(stopped)[0], "flipped")
    run = Run(stopped, TINY, read_info(stopped))
    fitted = fit(build_task(TINY, TINY.config), TINY.config, run=run, resume=True, device=cpu())
    assert [record["epoch"] for record in fitted.records] == [1, 2, 3, 4, 5, 6]
    assert fitted.records == run.records()


@pytest.mark.parametrize("how", ["truncated", "flipped", "emptied"])
def test_all_damaged_is_refused_and_the_folder_is_untouched(stopped, how):
    for path in checkpoints(stopped):
        damage(path, how)
    before = contents(stopped)
    with pytest.raises(RunError, match=r"every checkpoint .* is damaged"):
        train(TINY, TINY.config, path=stopped, resume=True)
    after = contents(stopped)
    assert after.pop(".lock")
    before.pop(".lock")
    assert after == before


def test_metrics_that_lack_epochs_are_refused(stopped):
    (stopped / "metrics.jsonl").write_text("")
    with pytest.raises(RunError, match=r"metrics\.jsonl holds 0 epochs, the checkpoint 4"):
        train(TINY, TINY.config, path=stopped, resume=True)


def test_a_torn_last_line_is_passed_over(tmp_path, stopped):
    with open(stopped / "metrics.jsonl", "a") as file:
        file.write('{"epoch": 6, "step"')
    run = train(TINY, TINY.config, path=stopped, resume=True)
    assert [r["epoch"] for r in run.records()] == [1, 2, 3, 4, 5, 6]
    with open(stopped / "metrics.jsonl", "a") as file:
        file.write('{"epoch": 7')
    assert len(run.records()) == 6


@pytest.fixture(scope="module")
def food(tmp_path_factory):
    """A complete fast-food run, made once."""
    folder = tmp_path_factory.mktemp("once") / "food"
    assert main([str(w) for w in (*FOOD, "--run-dir", folder)]) == 0
    return folder


@pytest.fixture
def finished(tmp_path, food):
    """A copy of a complete fast-food run."""
    return shutil.copytree(food, tmp_path / "food")


@pytest.mark.parametrize("missing", [False, True])
def test_damaged_weights_are_refused_and_written_anew(finished, capsys, missing):
    weights = finished / "weights.safetensors"
    good = weights.read_bytes()
    if missing:
        weights.unlink()
    else:
        damage(weights, "flipped")
        line = one_line(call(capsys, "evaluate", finished), 1, "weights.safetensors is damaged")
        assert "--resume" in line
    said = call(capsys, *FOOD, "--run-dir", finished, "--resume")
    assert said.code == 0, said.err
    assert "damaged or missing" in said.err
    assert weights.read_bytes() == good
    assert call(capsys, "evaluate", finished).code == 0


@pytest.mark.parametrize("vouched", [False, True])
def test_code_in_place_of_weights_or_checkpoints_is_not_run(tmp_path, finished, capsys, vouched):
    """Even where the names and run.json vouch for the planted bytes."""
    canary = tmp_path / "canary"
    planted = pickle.dumps(Evil(canary))
    for path in checkpoints(finished):
        digest = checkpoint._digest(planted) if vouched else path.stem.split("-")[2]
        path.rename(path.with_name(f"{path.stem[:14]}-{digest}.pt")).write_bytes(planted)
    (finished / "weights.safetensors").write_bytes(planted)
    if vouched:
        info = json.loads((finished / "run.json").read_text())
        info["weights_sha256"] = checkpoint.hashlib.sha256(planted).hexdigest()
        (finished / "run.json").write_text(json.dumps(info))
    before = contents(finished)
    for words in (
        (*FOOD, "--run-dir", finished, "--resume"),
        ("evaluate", finished),
        ("predict", finished, "1,2,3"),
        ("figure", finished),
    ):
        one_line(call(capsys, *words), 1, "damaged")
    assert not canary.exists()
    assert contents(finished) == before


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"format": "one"}', '{"format": 1'])
def test_a_damaged_run_json(tmp_path, capsys, text):
    (tmp_path / "run.json").write_text(text)
    one_line(call(capsys, "evaluate", tmp_path), 1, "run.json is damaged")


def test_runs_leaves_out_what_is_no_run(tmp_path, finished):
    for name, text in (("a", "[]"), ("b", "{"), ("c", "1")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "run.json").write_text(text)
    assert [path.name for path, _ in all_runs(tmp_path)] == ["food"]


def test_a_run_of_a_newer_gradus(finished, capsys):
    info = json.loads((finished / "run.json").read_text())
    (finished / "run.json").write_text(json.dumps({**info, "format": 2}))
    before = contents(finished)
    for words in (("evaluate", finished), (*FOOD, "--run-dir", finished, "--resume")):
        one_line(call(capsys, *words), 2, "newer Gradus (format 2")
    assert contents(finished) == before


def test_a_run_of_a_recipe_that_is_gone(finished, capsys):
    info = json.loads((finished / "run.json").read_text())
    (finished / "run.json").write_text(json.dumps({**info, "recipe": "alchemy"}))
    one_line(call(capsys, "evaluate", finished), 1, "'alchemy'")


def test_what_a_killed_process_left_does_not_block_a_new_run(tmp_path):
    folder = tmp_path / "run"
    folder.mkdir()
    (folder / ".run.json.123.part").write_bytes(b"{")
    run = train(TINY, replace(TINY.config, epochs=1), path=folder)
    assert run.status == "complete"
    assert not list(folder.glob(".*.part"))


def test_a_folder_with_other_things_is_refused_and_left_alone(tmp_path):
    (tmp_path / "letter.txt").write_text("dear")
    with pytest.raises(UsageError, match=r"is not empty \(letter.txt\)"):
        train(TINY, TINY.config, path=tmp_path)
    assert contents(tmp_path) == {"letter.txt": b"dear"}
