"""A whole training: what is written when, what a stop leaves behind, what TensorBoard reads."""

import json
import os
import re
import signal
import time
from collections import Counter
from dataclasses import replace

import pytest
import torch
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from gradus import catalog
from gradus.core import experiment
from gradus.core.batches import Batches
from gradus.core.errors import Interrupted, RunError
from gradus.core.experiment import train
from gradus.core.fit import fit
from gradus.core.log import EventLog
from gradus.core.numerics import NonFinite
from gradus.core.progress import Bar, Lines, Reporter, Silent, current, reporting
from gradus.core.report import show, write_report
from gradus.core.run import create
from gradus.core.signals import raised_signals, stop_signals
from gradus.core.task import build_task
from tests.tiny import TINY, cpu, tiny_task

SAME = ("weights.safetensors", "metrics.jsonl")


class Tells(Silent):
    """Remembers what it hears; sends a signal when it hears of an epoch, or a word in a note."""

    def __init__(self, epoch=None, word=None, signum=signal.SIGINT):
        self.stop_epoch, self.word, self.signum, self.heard = epoch, word, signum, []

    def epoch(self, record, epochs):
        self.heard.append(record["epoch"])
        if record["epoch"] == self.stop_epoch:
            signal.raise_signal(self.signum)

    def note(self, text):
        self.heard.append(text)
        if self.word and self.word in text:
            signal.raise_signal(self.signum)


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """An undisturbed TINY run."""
    return train(TINY, TINY.config, path=tmp_path_factory.mktemp("whole") / "run")


def same(one, other):
    return all((one / name).read_bytes() == (other / name).read_bytes() for name in SAME)


# What is written ----------------------------------------------------------------------------------


def test_the_folder_holds_all_that_is_promised(whole):
    found = {p.name for p in whole.path.iterdir()}
    files = {"run.json", "metrics.jsonl", "timing.jsonl", "weights.safetensors", "report.md"}
    assert files | {"checkpoints", "tensorboard", ".lock"} == found
    info = json.loads((whole.path / "run.json").read_text())
    assert info["format"] == 1
    assert info["status"] == "complete"
    assert info["recipe"] == "tiny"
    assert info["config"]["epochs"] == 6
    assert info["seed"] == 0
    assert info["environment"]["versions"]["torch"] == torch.__version__
    assert {"git", "processor", "cores", "python"} <= info["environment"].keys()
    assert info["results"]["steps"] == 6 * 4
    assert info["results"]["test"].keys() == {"loss", "accuracy"}


def test_metrics_hold_only_what_is_reproducible(whole, tmp_path):
    again = train(TINY, TINY.config, path=tmp_path / "again")
    assert same(whole.path, again.path)
    assert "seconds" not in (whole.path / "metrics.jsonl").read_text()
    assert [t.keys() for t in whole.records("timing")] == [
        {"epoch", "seconds", "examples_per_second"}
    ] * 6


def test_another_seed_is_another_run(whole, tmp_path):
    other = train(TINY, replace(TINY.config, seed=1), path=tmp_path / "r")
    assert not same(whole.path, other.path)


def test_the_best_epoch_is_the_one_kept(whole):
    best = whole.records()[whole.results["best_epoch"] - 1]
    assert whole.evaluate("validation")["accuracy"] == best["validation/accuracy"]
    scores = [r["validation/accuracy"] for r in whole.records()]
    assert best["validation/accuracy"] == max(scores)


def test_the_test_set_is_opened_once_and_after_training(tmp_path, monkeypatch):
    opened = []

    def guarded(recipe, config):
        task = build_task(recipe, config)
        inner = task.test

        def test():
            assert (tmp_path / "r" / "weights.safetensors").exists()
            assert (tmp_path / "r" / "metrics.jsonl").read_text().count("\n") == config.epochs
            opened.append(1)
            return inner()

        task.test = test
        return task

    monkeypatch.setattr(experiment, "build_task", guarded)
    train(TINY, TINY.config, path=tmp_path / "r")
    assert opened == [1]


def test_no_choice_depends_on_the_test_set(whole, tmp_path, monkeypatch):
    """With other test examples the run is the same to the byte."""

    def spoilt(recipe, config):
        task = build_task(recipe, config)
        inner = task.test()
        x, y = inner.tensors
        task.test = lambda: Batches((-x, y), 60)
        return task

    monkeypatch.setattr(experiment, "build_task", spoilt)
    other = train(TINY, TINY.config, path=tmp_path / "r")
    assert same(whole.path, other.path)
    assert other.results["test"] != whole.results["test"]


def test_what_a_checkpoint_relies_on_is_on_the_disk_before_it(tmp_path, monkeypatch):
    done = []
    fsync, rename = os.fsync, os.replace
    monkeypatch.setattr(
        os, "fsync", lambda f: done.append(os.readlink(f"/proc/self/fd/{f}")) or fsync(f)
    )
    monkeypatch.setattr(os, "replace", lambda a, b: done.append(str(b)) or rename(a, b))
    train(TINY, TINY.config, path=tmp_path / "r")
    names = [name.rpartition("/")[2] for name in done]
    saved = [i for i, name in enumerate(names) if name.startswith("step-")]
    assert len(saved) == TINY.config.epochs
    for before, at in zip([0, *saved], saved, strict=False):
        assert "metrics.jsonl" in names[before:at]


def test_the_report_shows_what_came_of_it(whole):
    text = (whole.path / "report.md").read_text()
    results = whole.results
    assert show("accuracy", results["test"]["accuracy"]) in text
    assert f"Best epoch {results['best_epoch']} of 6" in text
    for name, value in whole.info["config"].items():
        assert f"| {name} | {value} |" in text
    write_report(whole)
    assert (whole.path / "report.md").read_text() == text


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [("accuracy", 0.98765, "98.77%"), ("loss", 0.123456, "0.1235"), ("loss", None, "–")],
)
def test_metrics_for_people(name, value, words):
    assert show(name, value) == words


# Stopped ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("signum", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize(
    "where", [{"epoch": 1}, {"epoch": 5}, {"epoch": 6}, {"word": "testing epoch"}]
)
def test_a_signal_anywhere_is_obeyed_and_nothing_is_lost(tmp_path, whole, where, signum):
    """In training, in the last epoch's end, and while figures are drawn."""
    with pytest.raises(Interrupted) as stopped:
        train(TINY, TINY.config, path=tmp_path / "r", reporter=Tells(**where, signum=signum))
    assert stopped.value.signum == signum
    assert str(stopped.value) == f"gradus train tiny --run-dir {tmp_path / 'r'} --resume"
    assert json.loads((tmp_path / "r" / "run.json").read_text())["status"] == "interrupted"
    run = train(TINY, TINY.config, path=tmp_path / "r", resume=True)
    assert run.status == "complete"
    assert same(run.path, whole.path)


def test_handlers_are_put_back(whole, tmp_path):
    before = [signal.getsignal(s) for s in (signal.SIGINT, signal.SIGTERM)]
    with pytest.raises(Interrupted):
        train(TINY, TINY.config, path=tmp_path / "r", reporter=Tells(epoch=2))
    assert [signal.getsignal(s) for s in (signal.SIGINT, signal.SIGTERM)] == before


def test_a_second_signal_is_obeyed_at_once():
    with raised_signals("here"), stop_signals() as stop:
        signal.raise_signal(signal.SIGTERM)
        assert stop.signum == signal.SIGTERM
        with pytest.raises(Interrupted, match="here"):
            signal.raise_signal(signal.SIGTERM)


def test_a_run_killed_while_drawing_is_not_called_complete(tmp_path, monkeypatch):
    def broken(run):
        assert run.status != "complete"
        raise RunError("the pen broke")

    monkeypatch.setattr(experiment, "write_report", broken)
    with pytest.raises(RunError, match="pen"):
        train(TINY, TINY.config, path=tmp_path / "r")
    assert json.loads((tmp_path / "r" / "run.json").read_text())["status"] == "failed"
    monkeypatch.undo()
    run = train(TINY, TINY.config, path=tmp_path / "r", resume=True)
    assert run.status == "complete"
    assert "error" not in run.info
    assert (run.path / "report.md").exists()


def test_an_unfinished_run_answers_from_its_best_epoch_but_has_no_figures(tmp_path):
    recipe = catalog.recipe("planar-net")
    config = recipe.configure(epochs=5, examples=20, checkpoint_seconds=0)
    with pytest.raises(Interrupted):
        train(recipe, config, path=tmp_path / "r", reporter=Tells(epoch=3))
    import gradus

    run = gradus.open(tmp_path / "r")
    assert run.predict((0.1, 0.2))[0]["label"] in ("first", "second")
    assert run.evaluate("validation")["accuracy"] > 0.4
    with pytest.raises(RunError, match="interrupted, its figures need a complete run"):
        run.figure("plane")


def test_no_checkpoint_yet_starts_from_the_beginning(tmp_path, whole):
    create(TINY, TINY.config, tmp_path / "r")
    reporter = Tells()
    run = train(TINY, TINY.config, path=tmp_path / "r", resume=True, reporter=reporter)
    assert any("starting from the beginning" in str(heard) for heard in reporter.heard)
    assert same(run.path, whole.path)


def test_resume_waits_for_the_process_it_continues(tmp_path, monkeypatch):
    monkeypatch.setattr(experiment, "LOCK_PATIENCE", 5.0)
    run = create(TINY, TINY.config, tmp_path / "r")
    lock = run.lock()
    lock.__enter__()
    signal.signal(signal.SIGALRM, lambda *_: lock.__exit__(None, None, None))
    signal.setitimer(signal.ITIMER_REAL, 0.3)
    started = time.monotonic()
    assert train(TINY, TINY.config, path=tmp_path / "r", resume=True).status == "complete"
    assert time.monotonic() - started > 0.2


# Not finite ---------------------------------------------------------------------------------------


def spoil(task, loss=None, project=None):
    """The task with a loss, given the model and the inner loss, or with a projection."""
    inner = task.loss
    if loss:
        task.loss = lambda model, batch: loss(model, *inner(model, batch))
    task.project = project
    return task


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_a_validation_loss_that_is_not_finite_stops_the_run(tmp_path, bad):
    def loss(model, value, metrics):
        return (value if model.training else value * bad), metrics

    run = create(TINY, TINY.config, tmp_path / "r")
    task = spoil(build_task(TINY, TINY.config), loss)
    with pytest.raises(RunError, match=rf"validation loss became {bad} at step 4 \(epoch 1\)"):
        fit(task, TINY.config, run=run, device=cpu())
    assert not run.records()
    assert not run.checkpoints.exists()


def test_an_update_that_is_not_finite_is_not_saved(tmp_path):
    def project(model, lr):
        model[0].bias.data[:] = -torch.inf  # dead neurons: the loss stays finite

    run = create(TINY, TINY.config, tmp_path / "r")
    task = spoil(build_task(TINY, TINY.config), project=project)
    with pytest.raises(RunError, match=r"parameters became infinite or NaN at step 4 .*0\.bias"):
        fit(task, TINY.config, run=run, device=cpu())
    assert not run.checkpoints.exists()


def test_the_last_finite_checkpoint_is_named(tmp_path):
    calls = []

    def loss(model, value, metrics):
        calls.append(model.training)
        return (value * float("nan") if calls.count(True) > 9 else value), metrics

    run = create(TINY, TINY.config, tmp_path / "r")
    with pytest.raises(RunError, match=r"at step 10 \(epoch 3\)") as found:
        fit(spoil(build_task(TINY, TINY.config), loss), TINY.config, run=run, device=cpu())
    newest = max(p.name for p in run.checkpoints.iterdir())
    assert f"last finite checkpoint: {newest}" in str(found.value)
    assert newest.startswith("step-000000008-")


def test_nan_is_never_the_best():
    task = tiny_task(TINY.config)
    nan = float("nan")
    for better in ("min", "max"):
        task.better = better
        assert not task.improves(nan, None)
        assert not task.improves(nan, 0.5)
        assert task.improves(0.5, None)


@pytest.mark.parametrize("direction", ["forward", "backward"])
def test_check_numerics_says_the_step(direction):
    config = replace(TINY.config, check_numerics=True)
    calls = []

    def loss(model, value, metrics):
        calls.append(model.training)
        if direction == "backward" and calls.count(True) == 6:
            value = value + (model[3].weight.sum() * 0).sqrt()  # finite, its slope is not
        return value, metrics

    def project(model, lr):
        if direction == "forward" and calls.count(True) == 5:
            model[3].weight.data[0, 0] = torch.inf

    with pytest.raises(NonFinite) as found:
        fit(spoil(build_task(TINY, config), loss, project), config, device=cpu())
    assert str(found.value).startswith(f"step 6 (epoch 2): {direction} pass: ")
    assert found.value.module == "3"
    assert found.value.direction == direction


# TensorBoard --------------------------------------------------------------------------------------


def read(folder):
    """What TensorBoard's own reader finds in a run's folder, all of it."""
    everything = {"scalars": 0, "histograms": 0, "images": 0, "tensors": 0, "graph": 1}
    reader = EventAccumulator(str(folder / "tensorboard"), size_guidance=everything)
    return reader.Reload()


def steps(reader, tag):
    return [event.step for event in reader.Scalars(tag)]


def test_tensorboard_reads_all_of_it_back(tmp_path):
    recipe = catalog.recipe("digits-mlp")
    config = recipe.configure(epochs=3, hidden=(9,))
    run = train(recipe, config, path=tmp_path / "r")
    reader = read(run.path)
    tags = reader.Tags()
    assert tags["graph"]
    assert any("hidden_1" in node.name for node in reader.Graph().node)
    assert set(tags["histograms"]) == {
        f"{layer}.{kind}" for layer in ("hidden_1", "output") for kind in ("weight", "bias")
    }
    weights = reader.Histograms("hidden_1.weight")
    assert weights[0].step == 0
    assert weights[0].histogram_value.num == 64 * 9
    for tag, name in (("validation/loss",) * 2, ("train/accuracy",) * 2, ("lr", "lr")):
        found = [event.value for event in reader.Scalars(tag)]
        assert found == pytest.approx([r[name] for r in run.records()], rel=1e-6)
        assert steps(reader, tag) == [39, 78, 117]
    assert steps(reader, "train/minibatch loss") == list(range(20, 118, 20))
    assert "first layer" in "".join(tags["images"])
    picture = reader.Images(tags["images"][0])[-1]
    assert (picture.width, picture.height) == (8 * 8, 2 * 8), "nine of 8×8, eight in a row"


@pytest.mark.parametrize("saved", [True, False])
def test_after_a_resume_no_step_is_doubled_and_none_is_lost(tmp_path, whole, saved):
    """Stopped two epochs after the last checkpoint, or before there was any."""
    config = replace(TINY.config, checkpoint_seconds=0 if saved else 1000)
    run = create(TINY, config, tmp_path / "r")
    with pytest.raises(KeyboardInterrupt):
        fit(build_task(TINY, config), config, run=run, reporter=Breaks(), device=cpu())
    if saved:
        for path in sorted(run.checkpoints.iterdir())[-2:]:
            path.unlink()
    time.sleep(1.1)  # the names of event files count seconds
    train(TINY, config, path=run.path, resume=True)
    reader, expected = read(run.path), read(whole.path)
    for tag in expected.Tags()["scalars"]:
        assert steps(reader, tag) == steps(expected, tag), tag
        if tag != "examples per second":
            values = [[e.value for e in r.Scalars(tag)] for r in (reader, expected)]
            assert values[0] == values[1], tag
    for tag in expected.Tags()["histograms"]:
        found = Counter(event.step for event in reader.Histograms(tag))
        assert found[0] == 1
        assert set(found.values()) == {1}


class Breaks(Silent):
    """Fails in the fifth epoch, as a bug would: nothing is saved then."""

    def epoch(self, record, epochs):
        if record["epoch"] == 5:
            raise KeyboardInterrupt


def test_events_are_there_as_soon_as_they_are_flushed(tmp_path):
    log = EventLog(tmp_path / "tensorboard")
    log.scalars({"loss": 1.5}, 3)
    log.flush()
    assert [(e.step, e.value) for e in read(tmp_path).Scalars("loss")] == [(3, 1.5)]
    log.close()


def test_a_model_that_cannot_be_traced_is_no_error(tmp_path, capsys):
    class Odd(torch.nn.Module):
        def forward(self, x):
            raise RuntimeError("not on paper")

    log = EventLog(tmp_path / "tensorboard")
    model = Odd().train()
    log.graph(model, torch.zeros(1))
    log.close()
    assert model.training
    assert capsys.readouterr() == ("", "")


# Progress -----------------------------------------------------------------------------------------


def test_plain_lines_say_where_a_run_stands(tmp_path, capsys):
    train(TINY, TINY.config, path=tmp_path / "r", reporter=Lines())
    out, err = capsys.readouterr()
    lines = err.splitlines()
    assert out == ""
    assert lines[0] == "67 parameters, 60 examples, on cpu (1 thread)"
    assert lines[1].startswith("epoch 1/6  loss ")
    assert "validation accuracy" in lines[-2]
    assert lines[-2].startswith("epoch 6/6  ")
    assert re.fullmatch(r"testing epoch [1-6], drawing figures", lines[-1])


def test_the_reporter_in_use_is_silent_unless_said_otherwise(tmp_path, capsys):
    assert isinstance(current(), Silent)
    with reporting(Lines):
        assert isinstance(current(), Lines)
        train(TINY, replace(TINY.config, epochs=1), path=tmp_path / "r")
    assert isinstance(current(), Silent)
    assert "epoch 1/1" in capsys.readouterr().err


@pytest.mark.parametrize("kind", [Silent, Lines, Bar])
def test_every_reporter_hears_a_whole_training(tmp_path, capsys, kind):
    reporter = kind()
    assert isinstance(reporter, Reporter)
    train(TINY, TINY.config, path=tmp_path / "r", reporter=reporter)
    assert capsys.readouterr().out == ""
