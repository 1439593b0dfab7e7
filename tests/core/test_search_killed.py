"""gradus.core.search_worker: whoever is killed, every trial is done exactly once."""

import json
import os
import shlex
import signal
import sys
import time

import pytest

from gradus import catalog
from gradus.core import search_figures, search_summary, studies
from gradus.core.errors import Interrupted
from gradus.core.search import search
from gradus.core.search_worker import work
from tests.commands import call, run, start
from tests.core import postgres, search_killed

KILLS = 3
SAME = ("weights.safetensors", "metrics.jsonl")


@pytest.fixture(scope="module", autouse=True)
def quick():
    """Figures and what they show have tests of their own."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(search_figures, "figures", lambda summary: {})
        patch.setattr(search_summary, "importances", lambda summary: {})
        yield


@pytest.fixture(scope="module")
def untouched(tmp_path_factory):
    """The grid that is killed elsewhere, searched here by one process that nobody disturbs."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(search_killed, "STEP_SECONDS", 0)
        path = tmp_path_factory.mktemp("untouched") / "study"
        return search(search_killed.SLOW, search_killed.GRID, sampler="grid", path=path)


@pytest.fixture(params=["journal", "sqlite", "postgresql"])
def storage(request, tmp_path):
    """The address of each kind of storage."""
    match request.param:
        case "journal":
            yield ""
        case "sqlite":
            yield f"sqlite:///{tmp_path}/studies.db"
        case "postgresql":
            with postgres.server() as address:
                yield address


def test_one_of_two_processes_killed_again_and_again(tmp_path, storage, untouched):
    folder = tmp_path / "study"
    program = [sys.executable, "-m", "tests.core.search_killed"]
    said = run(folder, storage, KILLS, 3, program=program)
    assert said.code == 0, said.err
    story = json.loads(said.out)
    assert story["codes"] == [0, 0], said.err
    assert sum(slot >= 0 for slot in story["killed"]) >= 1, "killed in the midst of training"
    standing = sorted(r[:3] for r in story["records"] if r[1] != "FAIL")
    count = len(untouched.trials)
    assert [(slot, state) for slot, state, _ in standing] == [
        (slot, "COMPLETE") for slot in range(count)
    ]
    assert [value for _, _, value in standing] == [t.value for t in untouched.trials]
    for slot in range(count):
        for name in SAME:
            ours, theirs = (p / f"trial-{slot:03}" / name for p in (folder, untouched.path))
            assert ours.read_bytes() == theirs.read_bytes()
    kept = json.loads((folder / "study.json").read_text())
    assert (kept["best"], kept["test"]) == (untouched.best.number, untouched.test)
    assert kept["storage"] == storage


# Through the command line -------------------------------------------------------------------------

EPOCHS = 60
WORDS = ("planar-net", "--grid", "lr=0.02,0.05,0.1", "--epochs", EPOCHS)
WORDS += ("--checkpoint-seconds", 0.02)


def wait_for(condition, process, seconds=90):
    deadline = time.monotonic() + seconds
    while not (found := condition()):
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.02)
    return found


def epochs(folder):
    """Trial -> how many epochs it has recorded."""
    return {p.parent.name: p.read_text().count("\n") for p in folder.glob("trial-*/metrics.jsonl")}


def owner(folder, name):
    """The process that holds a trial's folder; 0 while it is being taken."""
    return int((folder / name / ".lock").read_text() or 0)


def test_workers_killed_stopped_and_gone_on_with(tmp_path, capsys):
    """Two workers: one is killed, the other takes over; then all are stopped, and go on."""
    folder = tmp_path / "my study"
    process = start("search", *WORDS, "--workers", 2, "--run-dir", folder)
    begun = wait_for(lambda: [n for n, e in epochs(folder).items() if e >= 5], process)
    victim = owner(folder, begun[0])
    os.kill(victim, signal.SIGKILL)
    wait_for(lambda: owner(folder, begun[0]) not in (0, victim), process)
    process.send_signal(signal.SIGINT)
    err = process.communicate(timeout=90)[1]
    assert process.returncode == 130, err
    assert "Traceback" not in err
    assert f"worker {victim} was stopped; the others take its trial over" in err
    last = err.splitlines()[-1]
    assert last.startswith("gradus: stopped; go on with: gradus search planar-net --run-dir ")
    said = call(capsys, *shlex.split(last.split("go on with: ")[1])[1:])
    assert said.code == 0, said.err
    assert "3 trials: 3 complete" in said.out
    study = studies.load(folder, catalog.recipe("planar-net"), "")
    kept = [(t.user_attrs["slot"], t.state.name) for t in study.kept.get_trials()]
    assert kept == [(slot, "COMPLETE") for slot in range(3)]
    assert set(epochs(folder).values()) == {EPOCHS}
    assert call(capsys, *shlex.split(last.split("go on with: ")[1])[1:]).out == said.out


def test_a_worker_ends_with_the_process_that_started_it(tmp_path, monkeypatch):
    """It saves, and says how the study goes on; nobody is there to hear it."""
    monkeypatch.setattr(search_killed, "STEP_SECONDS", 0.2)
    plan = studies.Plan(
        recipe=search_killed.SLOW,
        config=search_killed.SLOW.config,
        space={"lr": (0.1, 0.2)},
        sampler="grid",
        pruner="none",
        threads=1,
        objective="validation/accuracy",
        better="max",
    )
    (tmp_path / "s").mkdir()
    study = studies.create(tmp_path / "s", plan, "", 2)
    with pytest.raises(Interrupted) as stopped:
        work(study, parent=os.getppid() + 1)
    assert str(stopped.value) == f"gradus search slow --run-dir {tmp_path}/s --resume"
    assert json.loads((tmp_path / "s" / "trial-000" / "run.json").read_text())["status"] == (
        "interrupted"
    )
    monkeypatch.setattr(search_killed, "STEP_SECONDS", 0)
    work(study)
    assert studies.finished(study)


def test_a_record_too_many_is_dropped(tmp_path, monkeypatch):
    """As two processes leave that found the same slot empty, one of them killed at once."""
    monkeypatch.setattr(search_killed, "STEP_SECONDS", 0)
    folder = tmp_path / "s"
    search(search_killed.SLOW, {"lr": (0.1, 0.2)}, sampler="grid", path=folder)
    study = studies.load(folder, search_killed.SLOW, "")
    for _ in range(2):
        study.kept.enqueue_trial({"lr": 0.1}, user_attrs={"slot": 0})
    work(study)
    kept = [(t.user_attrs["slot"], t.state.name) for t in study.kept.get_trials()]
    assert kept == [(0, "COMPLETE"), (1, "COMPLETE"), (0, "FAIL"), (0, "FAIL")]
