"""The tour of `make quickstart`: each step works with nothing downloaded; a failure stops it."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from gradus import quickstart

ROOT = Path(__file__).parents[1]


@pytest.fixture
def offline(monkeypatch):
    """Any attempt to open a connection fails the test."""

    def refuse(*args, **kwargs):
        raise AssertionError(f"the tour opened a connection: {args[1:]}")

    monkeypatch.setattr("socket.socket.connect", refuse)
    for name in ("GRADUS_DATA", "GRADUS_CACHE"):
        monkeypatch.delenv(name, raising=False)


def test_tour_trains_measures_answers_and_draws_offline(tmp_path, monkeypatch, capsys, offline):
    monkeypatch.chdir(tmp_path)
    assert quickstart.tour() == 0
    said = capsys.readouterr().out
    run = tmp_path / "runs" / "quickstart-1"
    drawn = {p.name for p in (tmp_path / "figures").glob("*.png")}
    assert (run / "report.md").read_text().startswith("# digits-mlp")
    second = run.with_name("quickstart-1-cnn") / "report.md"
    assert second.read_text().startswith("# digits-cnn")
    assert drawn == {f"figure-{name}.png" for name in quickstart.FIGURES}
    assert float(re.search(r"test accuracy (\d+\.\d+)%", said)[1]) > 90
    assert re.search(r"sample_digit\.png: 3 \(\d", said)
    assert "runs/quickstart-1/" in said
    assert said.index("1. ") < said.index("6. ") < said.index("Three things to try next")


def test_second_tour_takes_the_next_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "runs" / "quickstart-1").mkdir(parents=True)
    called = []
    monkeypatch.setattr(quickstart, "main", lambda words: called.append(words) or 0)
    assert quickstart.tour() == 0
    assert called[0][-1] == "runs/quickstart-2"
    assert [words[0] for words in called] == [
        "train",
        "evaluate",
        "predict",
        "advise",
        "train",
        "figure",
    ]


@pytest.mark.parametrize("failing", [1, 3, 5])
def test_failing_step_stops_the_tour_with_its_exit_code(tmp_path, monkeypatch, capsys, failing):
    monkeypatch.chdir(tmp_path)
    called = []

    def step(words):
        called.append(words)
        return 7 if len(called) == failing else 0

    monkeypatch.setattr(quickstart, "main", step)
    assert quickstart.tour() == 7
    assert len(called) == failing
    said = capsys.readouterr()
    assert said.err == f"quickstart: step {failing} failed with exit code 7\n"
    assert "Done" not in said.out


def test_unwritable_folder_is_two_clear_lines(tmp_path):
    (tmp_path / "runs").write_text("a file where the folder should be")
    done = subprocess.run(
        [sys.executable, "-m", "gradus.quickstart"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert done.returncode == 2
    first, second = done.stderr.splitlines()
    assert first.startswith("gradus: cannot write into run folder")
    assert second == "quickstart: step 1 failed with exit code 2"


def test_make_runs_this_tour():
    assert "-m gradus.quickstart" in (ROOT / "Makefile").read_text()
