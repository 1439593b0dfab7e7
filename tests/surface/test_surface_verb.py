"""The verb of gradus.verbs.surface: what it finds, keeps, refuses; and after it was killed."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from gradus import catalog, cli
from gradus.core.experiment import train
from gradus.surface.figures import FIGURES
from tests.commands import ROOT, call, contents, one_line, start

SMALL = ("--points", 20, "--side", 5)
LOOKS = ("interpolation", "plane", "curvature")
SLOW = """
import sys
from gradus.surface import grid
grid.SAVE_SECONDS = 0.0
from gradus.cli import main
sys.exit(main(sys.argv[1:]))
"""


def trained(path, *words):
    """A run made through the command line."""
    made = ("train", *words, "--run-dir", path)
    assert cli.main([str(word) for word in made]) == 0
    return path


@pytest.fixture(scope="module")
def digits(tmp_path_factory):
    folder = tmp_path_factory.mktemp("surface") / "runs" / "digits"
    return trained(folder, "digits-mlp", "--epochs", 4, "--hidden", 8, "--checkpoint-seconds", 0)


@pytest.fixture
def copied(digits, tmp_path):
    """The same run in a folder of this test, without what was found before."""
    for name, data in contents(digits).items():
        if not name.startswith("surface"):
            (tmp_path / "run" / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / "run" / name).write_bytes(data)
    return tmp_path / "run"


def test_it_says_what_it_found_and_where_the_figures_are(capsys, digits):
    said = call(capsys, "surface", digits, *SMALL)
    assert said.code == 0, said.err
    lines = said.out.splitlines()
    assert re.search(r"runs/digits \(digits-mlp\), 360 test examples$", lines[0])
    for look in ("line ", "plane ", "curvature ", "place ", "step "):
        assert any(line.startswith(look) for line in lines), look
    drawn = [Path(line) for line in lines if line.endswith(".png")]
    names = ["interpolation", "plane-random", "spectrum", "step"]
    assert [path.stem for path in drawn] == names
    assert all(path.parent == digits / "surface" and path.is_file() for path in drawn)
    assert all(len(line) <= 80 for line in lines[1:] if not line.endswith(".png"))
    assert "loss at 22 points from start to solution" in said.err
    assert "at most 200 Hessian products" in said.err


def test_the_document_is_what_was_found(capsys, digits):
    found = json.loads(call(capsys, "surface", digits, *SMALL, "--json").out)
    assert found.pop("run") == str(digits)
    assert found == json.loads((digits / "surface" / "findings.json").read_text())
    assert found["interpolation"]["points"] == 22
    assert found["plane"]["side"] == 5
    assert len(found["curvature"]["largest"]) == 10


@pytest.mark.parametrize("look", LOOKS)
def test_each_look_can_be_had_alone(capsys, digits, tmp_path, look):
    words = ("surface", digits, f"--{look}", *SMALL, "--folder", tmp_path / "kept", "--json")
    found = json.loads(call(capsys, *words).out)
    assert set(LOOKS) & set(found) == {look}
    assert all(Path(figure).parent == tmp_path / "kept" for figure in found[look]["figures"])


def test_options_reach_the_survey(capsys, copied):
    words = ("--alpha", -0.5, 1.5, "--split", "validation", "--directions", "path", "--seed", 3)
    said = call(capsys, "surface", copied, *SMALL, *words, "--interpolation", "--plane", "--json")
    found = json.loads(said.out)
    assert (found["split"], found["examples"]) == ("validation", 200)
    assert found["interpolation"]["alpha"] == [-0.5, 1.5]
    assert found["plane"]["directions"] == "path"
    assert len(found["plane"]["path"]) >= 4


MISTAKES = {
    "--alpha 2 -2": "alpha must run from a lower to a higher number, got 2 to -2",
    "--alpha 1 1": "got 1 to 1",
    "--alpha 0 inf": "got 0 to inf",
    "--alpha 1": "--alpha",
    "--points 1": "points must be ≥ 2, got 1",
    "--side 1": "side must be odd and ≥ 3, so that a grid has a middle, got 1",
    "--side 10": "side must be odd and ≥ 3, so that a grid has a middle, got 10",
    "--split tests": "'tests'",
    "--directions up": "'up'",
    "--device warp": "device 'warp' is not here; present: cpu",
}


@pytest.mark.parametrize("words", MISTAKES)
def test_what_cannot_be_meant_is_one_line(capsys, copied, words):
    one_line(call(capsys, "surface", copied, *words.split()), 2, MISTAKES[words])
    assert not (copied / "surface").exists(), "nothing was measured"


def test_what_is_no_run_is_one_line(capsys, tmp_path):
    one_line(call(capsys, "surface", tmp_path), 2, "is not a run folder")
    one_line(call(capsys, "surface", tmp_path / "none"), 2, "is not a run folder")
    one_line(call(capsys, "surface"), 2, "RUN")


def test_a_run_without_weights_is_one_line(capsys, copied):
    (copied / "weights.safetensors").unlink()
    for file in (copied / "checkpoints").iterdir():
        file.unlink()
    line = one_line(call(capsys, "surface", copied), 2, "has no weights yet; go on with: gradus")
    assert "--resume" in line


def test_a_run_without_checkpoints_has_no_path_but_random_directions(capsys, copied):
    for file in (copied / "checkpoints").iterdir():
        file.unlink()
    said = call(capsys, "surface", copied, "--directions", "path")
    one_line(said, 2, "take random directions, or train with --checkpoint-seconds 0")
    assert not (copied / "surface").exists(), "refused before the line was measured"
    assert call(capsys, "surface", copied, "--plane", "--side", 3).code == 0


def test_damaged_weights_are_one_line(capsys, copied):
    (copied / "weights.safetensors").write_bytes(b"?")
    one_line(call(capsys, "surface", copied), 1, "weights.safetensors is damaged")


def test_killed_and_started_again_it_finds_the_same(capsys, copied, tmp_path):
    words = ("surface", copied, "--plane", "--side", 25, "--folder", tmp_path / "killed")
    words, file = [*map(str, words)], tmp_path / "killed" / "plane-random.npz"
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    process = subprocess.Popen([sys.executable, "-c", SLOW, *words], cwd=ROOT, **quiet)
    deadline = time.monotonic() + 60
    while not file.exists():
        assert process.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.001)
    process.kill()
    assert process.wait() == -signal.SIGKILL
    with np.load(file) as kept:
        done = len(kept["loss"])
        assert 0 < done < len(kept["coordinates"])
    again = call(capsys, *words)
    assert again.code == 0, again.err
    whole = call(capsys, *words[:-1], tmp_path / "whole")
    assert whole.out.replace("/whole/", "/killed/") == again.out
    with np.load(file) as ours, np.load(tmp_path / "whole" / file.name) as theirs:
        assert ours.files == theirs.files
        assert all(np.array_equal(ours[name], theirs[name]) for name in ours.files)


def test_a_signal_is_one_line_that_says_how_to_go_on(copied, tmp_path):
    process = start("surface", copied, "--plane", "--side", 401, env={**os.environ})
    deadline = time.monotonic() + 60
    while not list((copied / "surface").glob("*.npz")):
        assert process.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.01)
    process.terminate()
    err = process.communicate(timeout=60)[1]
    assert process.returncode == 143, err
    assert err.splitlines()[-1].startswith("gradus: stopped; go on with: the same command")
    assert "Traceback" not in err


@pytest.mark.parametrize("name", ["exam-perceptron", "fast-food"])
def test_other_recipes_have_surfaces_too(capsys, tmp_path, name):
    """A Hessian of nothing but zeros, and a parabola."""
    recipe = replace(catalog.recipe(name), figures="tests.tiny:FIGURES")
    train(recipe, recipe.configure(epochs=20), path=tmp_path / "run")
    said = call(capsys, "surface", tmp_path / "run", *SMALL)
    assert said.code == 0, said.err
    assert "no barrier" in said.out


def test_every_figure_of_the_chapter_has_its_place():
    numbers = [name for name in FIGURES if name.startswith("4-")]
    assert numbers == [f"4-{number}" for number in range(1, 11)]
    assert all((draw.__doc__ or "").split("\n")[0].endswith(".") for draw in FIGURES.values())
