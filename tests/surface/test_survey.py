import json
from pathlib import Path

import numpy as np
import pytest
import torch

from gradus.core import checkpoint
from gradus.core.errors import UsageError
from gradus.core.experiment import train
from gradus.core.task import build_task, evaluate
from gradus.surface import grid, survey_curvature
from gradus.surface import survey as module
from gradus.surface.curvature import expand_task
from gradus.surface.evaluation import parameter_vector
from gradus.surface.survey import survey
from tests.tiny import TINY


class Listener:
    def __init__(self):
        self.begun, self.steps, self.notes = [], 0, []

    def begin(self, total, done, what):
        self.begun.append((total, done, what))

    def step(self, loss):
        assert np.isfinite(loss)
        self.steps += 1

    def epoch(self, record, epochs): ...

    def note(self, text):
        self.notes.append(text)

    def end(self): ...


@pytest.fixture
def run(tmp_path):
    return train(TINY, TINY.configure(device="cpu"), path=tmp_path / "run")


def look(run, **options):
    return survey(run, points=21, side=5, device="cpu", **options)


def test_the_findings_are_those_of_the_run(run):
    found = look(run)
    assert json.loads((run.path / "surface" / "findings.json").read_text()) == found
    assert (found["recipe"], found["split"], found["examples"]) == ("tiny", "test", 60)

    line = found["interpolation"]
    start = evaluate(build_task(run.recipe, run.config), run.task().test())
    assert line["start_loss"] == pytest.approx(start["loss"], rel=1e-5)
    assert line["solution_loss"] == pytest.approx(run.evaluate()["loss"], rel=1e-5)
    assert line["barrier"] == (line["hill"] > 0.01 * (start["loss"] - line["solution_loss"]))
    assert line["points"] == 21

    plane = found["plane"]
    assert plane["directions"] == "random"
    assert plane["lowest"]["loss"] <= line["solution_loss"] * (1 + 1e-6) < plane["highest"]

    curvature = found["curvature"]
    task = run.task()
    expansion = expand_task(task, task.test())
    n = len(expansion.gradient)
    unit = torch.eye(n)
    exact = torch.linalg.eigvalsh(torch.stack([expansion.product(v) for v in unit]).double())
    assert curvature["largest"] == pytest.approx(exact.flip(0)[:10].tolist(), abs=1e-3)
    assert curvature["smallest"] == pytest.approx(exact[:1].tolist(), abs=1e-3)
    assert curvature["gradient_norm"] == pytest.approx(expansion.gradient_norm, rel=1e-5)
    assert curvature["settled"]
    assert curvature["step"]["measured"] < curvature["loss"]

    for part in ("interpolation", "plane", "curvature"):
        assert found[part]["figures"]
        for figure in found[part]["figures"]:
            assert Path(figure).parent == run.path / "surface"
            assert Path(figure).read_bytes().startswith(b"\x89PNG")


def test_nothing_is_measured_twice(run, monkeypatch):
    first, listener = look(run), Listener()
    monkeypatch.setattr(grid, "losses_at", None)
    monkeypatch.setattr(survey_curvature, "extreme_eigenvalues", None)
    monkeypatch.setattr(survey_curvature, "spectral_density", None)

    def no_points(*args, **options):
        assert options["first"] == len(args[2])
        return []

    monkeypatch.setattr(grid, "losses_at", no_points)
    assert look(run, reporter=listener) == first
    assert listener.steps == 0


def test_the_parts_can_be_had_one_by_one(run):
    found = look(run, plane=False, curvature=False)
    assert "interpolation" in found
    assert not {"plane", "curvature"} & found.keys()
    files = {path.name for path in (run.path / "surface").iterdir()}
    names = {"interpolation.npz", "interpolation.png", "interpolation.svg", "findings.json"}
    assert files == names


def test_progress_is_told(run):
    listener = Listener()
    look(run, reporter=listener)
    totals = [total for total, _, _ in listener.begun]
    assert totals == [21, 25, 200, 80, 41]
    assert 21 + 25 + 41 < listener.steps <= sum(totals)
    assert all(what for _, _, what in listener.begun)


def test_the_path_goes_from_the_start_through_the_checkpoints_by_epoch(run):
    found = look(run, directions="path", interpolation=False, curvature=False)["plane"]
    start = parameter_vector(build_task(run.recipe, run.config).model)
    solution = parameter_vector(run.task().model)
    path = np.array(found["path"])
    assert np.linalg.norm(path[0]) <= (start - solution).norm().item() * (1 + 1e-5)
    epochs = {0, run.results["best_epoch"]}
    epochs |= {checkpoint.load(p)["epoch"] for p in run.checkpoints.glob("step-*.pt")}
    assert len(path) == len(epochs)
    assert path[sorted(epochs).index(run.results["best_epoch"])] == pytest.approx([0, 0], abs=1e-5)
    assert sum(found["explained"]) <= 1 + 1e-6
    assert found["a"][0] < path[:, 0].min()
    assert found["a"][1] > path[:, 0].max()


def test_a_damaged_checkpoint_is_left_out_and_told(run):
    files = sorted(run.checkpoints.glob("step-*.pt"))
    files[0].write_bytes(b"?")
    listener = Listener()
    whole = look(run, directions="path", interpolation=False, curvature=False, reporter=listener)
    assert any("damaged" in note and "left out of the path" in note for note in listener.notes)
    assert len(whole["plane"]["path"]) >= len(files) - 1


def test_a_run_without_checkpoints_has_no_path(run):
    for file in run.checkpoints.glob("step-*.pt"):
        file.unlink()
    with pytest.raises(UsageError, match="take random directions"):
        look(run, directions="path")
    assert not (run.path / "surface").exists(), "refused before anything is measured"


@pytest.mark.parametrize("split", ["train", "validation", "test"])
def test_any_split_can_be_measured(run, split):
    found = look(run, split=split, plane=False, curvature=False)
    expected = run.evaluate(split)["loss"]
    assert found["interpolation"]["solution_loss"] == pytest.approx(expected, rel=1e-5)


def test_numbers_that_are_not_finite_become_none():
    assert module._plain({"a": [float("inf"), 1.0], "b": float("nan")}) == {
        "a": [None, 1.0],
        "b": None,
    }


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"interpolation": False, "plane": False, "curvature": False}, "nothing to look at"),
        ({"alpha": (2.0, -2.0)}, "from a lower to a higher number, got 2 to -2"),
        ({"directions": "up"}, "directions must be random or path, got 'up'"),
        ({"split": "tests"}, "split must be test, validation or train, got 'tests'"),
        ({"device": "warp"}, "device 'warp' is not here"),
    ],
)
def test_what_cannot_be_meant_is_refused_before_anything_is_measured(run, options, words):
    with pytest.raises(UsageError, match=words):
        survey(run, **{"device": "cpu", **options})
    assert not (run.path / "surface").exists()


def test_a_side_without_a_middle_is_refused(run):
    for side in (1, 4):
        with pytest.raises(UsageError, match=f"side must be odd and ≥ 3.*, got {side}"):
            survey(run, side=side, device="cpu")


def test_a_run_without_weights_says_so(run):
    (run.path / "weights.safetensors").unlink()
    for file in run.checkpoints.glob("step-*.pt"):
        file.unlink()
    with pytest.raises(UsageError, match="has no weights yet; go on with: gradus train tiny"):
        look(run)
