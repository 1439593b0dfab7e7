"""Comparing optimisers: fair, chosen on validation, the same after any interruption."""

import json
import re
import signal
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from gradus.core import experiment
from gradus.core.errors import Interrupted, RunError, UsageError
from gradus.core.experiment import train
from gradus.core.progress import Silent
from gradus.core.rules import OPTIMISERS
from gradus.core.run import create
from gradus.core.task import build_task
from gradus.neurons.recipes import EXAM_PERCEPTRON
from gradus.surface import comparison as module
from gradus.surface.comparison import compare
from gradus.surface.figures_comparison import draw_comparison, fastest
from gradus.surface.plan import USUAL, Plan, stored_plan
from gradus.surface.rates import grid
from gradus.surface.standings import Comparison, Contestant, Training
from tests.commands import contents
from tests.figures import assert_readable
from tests.tiny import CALM, TINY

GIVEN = {"sgd": 0.3, "adam": 0.03}
CONFIG = replace(CALM.config, epochs=3, momentum=0.0)


def small(path, names=("sgd", "adam"), **more):
    """A comparison of a second."""
    if "lr" not in more:
        more["lr"] = {name: GIVEN.get(name, OPTIMISERS[name].lr) for name in names}
    return compare(CALM, names, **{"config": CONFIG, "seeds": 2, "path": path, **more})


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """A comparison that nobody disturbed, its rates looked for, by a recipe with dropout."""
    path = tmp_path_factory.mktemp("whole") / "c"
    config = replace(TINY.config, epochs=5, momentum=0.0)
    return compare(TINY, ("sgd", "momentum", "adam"), config=config, seeds=2, path=path)


@pytest.fixture(autouse=True)
def _undrawn(monkeypatch):
    """No figure, which takes longer than the rest; that of `whole` is drawn."""
    monkeypatch.setattr(module, "plot", SimpleNamespace(save=lambda *_: None))
    monkeypatch.setattr(module, "draw_comparison", lambda _: None)


def without_times(values):
    """JSON values with every time and path left out."""
    if isinstance(values, dict):
        left_out = ("seconds", "path", "environment")
        return {k: without_times(v) for k, v in values.items() if k not in left_out}
    return [without_times(v) for v in values] if isinstance(values, list) else values


# Fair ---------------------------------------------------------------------------------------------


def test_all_start_alike_and_see_the_same_minibatches(tmp_path, monkeypatch):
    seen = {}

    def watched(recipe, config):
        task = build_task(recipe, config)
        inner, start = task.loss, torch.cat([p.detach().flatten() for p in task.model.parameters()])
        key = (config.optimizer, config.seed)
        seen[key] = [start.clone()]

        def loss(model, batch):
            if model.training:
                seen[key].append(batch[0].clone())
            return inner(model, batch)

        task.loss = loss
        return task

    monkeypatch.setattr(experiment, "build_task", watched)
    small(tmp_path / "c", ("sgd", "momentum", "adam"))
    assert len(seen) == 6
    for seed in (0, 1):
        first, *others = ([*seen[name, seed]] for name in ("sgd", "momentum", "adam"))
        assert len(first) == 1 + 3 * 4
        for other in others:
            assert all(torch.equal(a, b) for a, b in zip(first, other, strict=True))
    assert not torch.equal(seen["sgd", 0][0], seen["sgd", 1][0])


def test_each_training_is_the_one_that_train_does(tmp_path):
    found = small(tmp_path / "c")
    for name in ("sgd", "adam"):
        config = replace(CONFIG, optimizer=name, lr=GIVEN[name], seed=1)
        alone = train(CALM, config, path=tmp_path / name)
        for file in ("metrics.jsonl", "weights.safetensors"):
            here = tmp_path / "c" / f"{name}-seed-1" / file
            assert here.read_bytes() == (alone.path / file).read_bytes()
        (contestant,) = [c for c in found.contestants if c.name == name]
        values = [r["validation/accuracy"] for r in alone.records()]
        assert contestant.trainings[1].watched == values
        assert contestant.values[1] == max(values)
        assert contestant.trainings[1].seconds == sorted(contestant.trainings[1].seconds)


def test_seeds_begin_with_the_configs(tmp_path):
    found = small(tmp_path / "c", ("adam",), config=replace(CONFIG, seed=7))
    assert [t.seed for t in found.winner.trainings] == [7, 8]


def test_the_test_set_is_read_for_the_winner_only_and_at_the_end(tmp_path, monkeypatch):
    events = []

    def watched(recipe, config):
        task = build_task(recipe, config)
        inner, test = task.loss, task.test

        def loss(model, batch):
            events.append("training" if model.training else "looking")
            return inner(model, batch)

        def opened():
            events.append(config.optimizer)
            return test()

        task.loss, task.test = loss, opened
        return task

    monkeypatch.setattr(experiment, "build_task", watched)
    monkeypatch.setattr(module, "build_task", watched)
    monkeypatch.setattr("gradus.core.task.build_task", watched)
    found = small(tmp_path / "c", lr=None, seeds=2)
    opened = [e for e in events if e not in ("training", "looking")]
    assert opened == [found.winner.name] * 2
    assert "training" not in events[events.index(found.winner.name) :]
    for i, training in enumerate(found.winner.trainings):
        config = replace(CONFIG, optimizer=found.winner.name, lr=found.winner.lr)
        alone = train(CALM, replace(config, seed=training.seed), path=tmp_path / str(i))
        assert found.test["accuracy"][i] == pytest.approx(alone.results["test"]["accuracy"])


# Learning rates -----------------------------------------------------------------------------------


def test_rates_are_looked_for_with_the_first_seed_in_a_quarter_of_the_epochs(whole, tmp_path):
    assert whole.trial_epochs == 2
    for c in whole.contestants:
        assert c.how == "grid"
        assert set(grid(OPTIMISERS[c.name].lr)) <= set(c.tried)
    (sgd,) = [c for c in whole.contestants if c.name == "sgd"]
    for lr in (0.1, sgd.lr):
        config = replace(whole.config, optimizer="sgd", lr=lr, epochs=2)
        records = train(TINY, config, path=tmp_path / f"{lr}").records()
        best = max(r["validation/accuracy"] for r in records)
        losses = [r["validation/loss"] for r in records if r["validation/accuracy"] == best]
        assert sgd.tried[lr] == (best, losses[0])
    values = {lr: outcome for lr, outcome in sgd.tried.items() if outcome}
    assert sgd.tried[sgd.lr][0] == max(v for v, _ in values.values())
    inside = min(sgd.tried) < sgd.lr < max(sgd.tried)
    assert inside != sgd.at_end


def test_rates_that_are_given_or_own_are_taken_as_they_are(tmp_path):
    found = small(tmp_path / "a", ("sgd", "adam", "bfgs"), lr={"adam": 0.02}, seeds=1)
    by_name = {c.name: c for c in found.contestants}
    assert (by_name["adam"].how, by_name["adam"].lr) == ("given", 0.02)
    assert (by_name["bfgs"].how, by_name["bfgs"].lr) == ("own", OPTIMISERS["bfgs"].lr)
    assert by_name["sgd"].how == "grid"
    own = small(tmp_path / "b", lr="own", seeds=1, config=replace(CONFIG, lr=0.07))
    assert {c.lr for c in own.contestants} == {0.07}


def test_where_there_is_a_goal_the_rate_that_comes_to_it_soonest_is_taken(tmp_path):
    config = replace(EXAM_PERCEPTRON.config, epochs=60, examples=20)
    found = compare(EXAM_PERCEPTRON, ("sgd",), config=config, seeds=1, path=tmp_path / "c").winner
    reached = {lr: epochs for lr, (error, epochs) in found.tried.items() if error == 0}
    assert reached[found.lr] == min(reached.values()) == int(min(reached.values()))


def test_momentum_is_for_those_that_have_one(tmp_path):
    config = replace(CONFIG, momentum=0.5)
    plan = Plan(CALM, config, ("sgd", "momentum", "rmsprop", "rmsprop-momentum", "adam"), 1)
    taken = {name: plan.settings(name, 0.1).momentum for name in plan.optimizers}
    assert taken == {
        "sgd": 0, "momentum": 0.5, "rmsprop": 0, "rmsprop-momentum": 0.5, "adam": 0
    }  # fmt: skip


# What is written ----------------------------------------------------------------------------------


def test_the_folder_explains_itself(whole):
    about = json.loads((whole.path / "compare.json").read_text())
    assert about["recipe"] == "tiny"
    assert about["results"] == json.loads(json.dumps(whole.to_json()))
    for optimizer in about["results"]["optimizers"]:
        assert optimizer["lr_tried"] == about["tried"][optimizer["name"]]
    assert stored_plan(TINY, whole.path).optimizers == ("sgd", "momentum", "adam")
    names = {p.name for p in whole.path.iterdir() if p.name != ".lock"}
    runs = {f"{n}-seed-{s}" for n in ("sgd", "momentum", "adam") for s in (0, 1)}
    assert names == {"compare.json", "comparison.png", "comparison.svg"} | runs
    for name in runs:
        info = json.loads((whole.path / name / "run.json").read_text())
        assert info["status"] == "complete"
        assert "test" not in info["results"], "a choice between runs leaves the test set closed"
        assert not (whole.path / name / "checkpoints").exists()
        assert not (whole.path / name / "figures").exists()


def test_places_are_those_of_the_means(whole):
    means = [c.mean for c in whole.contestants]
    assert means == sorted(means, reverse=True)
    assert whole.winner.mean == pytest.approx(np.mean(whole.winner.values))


def test_a_level_that_is_asked_for_is_kept(tmp_path):
    assert not small(tmp_path / "a", seeds=1).asked
    found = small(tmp_path / "b", seeds=1, level=0.01)
    assert (found.asked, found.level) == (True, 0.01)
    assert found.winner.to_level(found.level)["steps"] == 4, "the first epoch"


class Counted(Silent):
    """Notes what it hears."""

    def __init__(self):
        self.total = self.done = 0
        self.notes, self.ended = [], 0

    def begin(self, total, done, what):
        self.total, self.done = total, done

    def step(self, loss, steps=1):
        self.done += 1

    def note(self, text):
        self.notes.append(text)

    def end(self):
        self.ended += 1


def test_progress_counts_all_that_is_done(tmp_path):
    heard = Counted()
    small(tmp_path / "c", ("sgd", "bfgs"), lr=None, reporter=heard)
    steps = 4
    assert heard.total == heard.done == 5 * 1 * steps + 2 * 2 * 3 * steps
    assert heard.ended == 1
    assert heard.notes[0] == "sgd: trying the rates 0.01 0.03 0.1 0.3 1 for 1 epoch"
    assert any(re.match(r"sgd, lr .*, seed 1", note) for note in heard.notes)
    early = Counted()
    small(tmp_path / "d", config=replace(CONFIG, lr=1e-9, patience=1), lr="own", reporter=early)
    assert early.total == early.done, "also where trainings ended early"


# Going on -----------------------------------------------------------------------------------------


def stopping(monkeypatch, call):
    """Let the training with the `call`th loss be the last one for now."""
    calls = []

    def stopped(recipe, config):
        task = build_task(recipe, config)
        inner = task.loss

        def loss(model, batch):
            calls.append(model.training)
            if calls.count(True) == call and model.training:
                signal.raise_signal(signal.SIGTERM)
            return inner(model, batch)

        task.loss = loss
        return task

    monkeypatch.setattr(experiment, "build_task", stopped)
    monkeypatch.setattr(module, "build_task", stopped)


@pytest.mark.parametrize("call", [2, 60, 150, 205])
def test_stopped_and_resumed_comes_to_the_same(whole, tmp_path, monkeypatch, call):
    path, args = tmp_path / "my c", {"config": whole.config, "seeds": 2}
    names = ("sgd", "momentum", "adam")
    with monkeypatch.context() as patch:
        stopping(patch, call)
        with pytest.raises(Interrupted) as stopped:
            compare(TINY, names, path=path, **args)
    assert str(stopped.value) == f"gradus compare tiny --run-dir '{path}' --resume"
    finished = {
        p: contents(p) for p in path.glob("*-seed-*")
        if json.loads((p / "run.json").read_text())["status"] == "complete"
    }  # fmt: skip
    heard = Counted()
    found = compare(TINY, names, path=path, resume=True, reporter=heard, **args)
    assert without_times(found.to_json()) == without_times(whole.to_json())
    assert heard.done == heard.total
    for p, before in finished.items():
        assert contents(p) == before, "what is finished is not done again"
    for p in whole.path.glob("*-seed-*"):
        for file in ("metrics.jsonl", "weights.safetensors"):
            assert (path / p.name / file).read_bytes() == (p / file).read_bytes()
    again = compare(TINY, names, path=path, resume=True, **args)
    assert again == found


def test_a_finished_comparison_trains_and_tests_nothing(whole, monkeypatch):
    def never(*args, **more):
        raise AssertionError("nothing is left to do")

    for name in ("train", "fit", "_test"):
        monkeypatch.setattr(module, name, never)
    names, args = ("sgd", "momentum", "adam"), {"config": whole.config, "seeds": 2}
    assert compare(TINY, names, path=whole.path, resume=True, **args) == whole


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"seeds": 3}, r"seeds is 2 in .*, got 3"),
        ({"optimisers": ("sgd",)}, r"optimizers is \['sgd', 'momentum', 'adam'\] in .*'sgd'"),
        ({"lr": {"adam": 0.5}}, "rates is {} in .*, got {'adam': 0.5}: resume with"),
        ({"level": 0.5}, "level is None in"),
        ({"epochs": 9}, "epochs is 5 in .*, got 9"),
    ],
)
def test_another_plan_is_refused(whole, changed, says):
    config = replace(whole.config, epochs=changed.pop("epochs", 5))
    args = {"optimisers": ("sgd", "momentum", "adam"), "seeds": 2, **changed}
    before = contents(whole.path)
    with pytest.raises(UsageError, match=says):
        compare(TINY, config=config, path=whole.path, resume=True, **args)
    assert contents(whole.path) == before


def test_where_to_compute_may_differ(whole):
    config = replace(whole.config, device="cpu", fallback=True)
    names, args = ("sgd", "momentum", "adam"), {"seeds": 2, "path": whole.path}
    found = compare(TINY, names, config=config, resume=True, **args)
    assert found.to_json() == whole.to_json()


# Failures -----------------------------------------------------------------------------------------


def test_one_that_diverges_is_told_and_the_others_go_on(tmp_path):
    heard = Counted()
    rates = {"sgd": 1e30, "adam": 0.03}
    found = small(tmp_path / "c", lr=rates, reporter=heard)
    assert [c.name for c in found.contestants] == ["adam", "sgd"]
    sgd = found.contestants[1]
    assert sgd.mean is None
    assert all("the loss became" in t.failed for t in sgd.trainings)
    assert heard.done == heard.total
    assert sum("failed: the loss became" in note for note in heard.notes) == 2
    assert json.loads(json.dumps(found.to_json()))["optimizers"][1]["mean"] is None
    assert_readable(draw_comparison(found))
    assert "2 trainings failed and are left out" in heading(found)


def test_where_all_diverge_there_is_no_winner(tmp_path):
    with pytest.raises(RunError, match="every training failed; sgd: the loss became"):
        small(tmp_path / "c", ("sgd",), lr={"sgd": 1e30}, seeds=1)


def test_a_full_disk_is_no_divergence(tmp_path, monkeypatch):
    def full(*args, **more):
        raise RunError("cannot write: make room") from OSError(28, "No space left on device")

    monkeypatch.setattr(module, "train", full)
    with pytest.raises(RunError, match="make room"):
        small(tmp_path / "c")


@pytest.mark.parametrize(
    ("args", "says"),
    [
        ({"names": ("sgd", "adamm")}, "no optimizer is called 'adamm': did you mean adam"),
        ({"names": ("xyz",)}, "no optimizer is called 'xyz'; there are sgd, momentum"),
        ({"names": ("sgd", "sgd")}, "needs one or more different optimizers, got sgd sgd"),
        ({"names": ()}, "needs one or more different optimizers, got none"),
        ({"seeds": 0}, "seeds must be ≥ 1, got 0"),
        ({"lr": {"adagrad": 0.1}}, r"lr is given for adagrad, which is not compared \(sgd, adam\)"),
        ({"lr": {"adam": -1.0}}, "lr must be > 0 and finite, got -1.0"),
        ({"config": replace(CONFIG, momentum=0.9)}, "momentum=0.9 is for none of the optimizers"),
        ({"names": ("sgd", "bfgs"), "config": replace(CONFIG, clip_norm=1.0)}, "bfgs chooses"),
        ({"resume": True, "path": None}, "--resume needs --run-dir: which comparison"),
    ],
)
def test_what_cannot_be_compared_is_refused(tmp_path, monkeypatch, args, says):
    monkeypatch.chdir(tmp_path)
    args = {"names": ("sgd", "adam"), "lr": None, "path": tmp_path / "c", **args}
    with pytest.raises(UsageError, match=says):
        small(**args)
    assert not list(tmp_path.iterdir())


def test_a_line_search_on_dropout_is_refused_before_anything_is_trained(tmp_path):
    config = replace(TINY.config, momentum=0.0)
    with pytest.raises(UsageError, match="lbfgs needs the same loss each time"):
        compare(TINY, ("sgd", "lbfgs"), config=config, path=tmp_path / "c")
    assert not list(tmp_path.iterdir())


def test_folders_that_hold_something_else_are_refused(whole, tmp_path):
    with pytest.raises(UsageError, match="already holds a comparison: go on with --resume"):
        small(whole.path)
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(UsageError, match=r"is not empty \(notes.txt\)"):
        small(tmp_path)
    run = create(CALM, CONFIG, tmp_path / "run")
    with pytest.raises(UsageError, match="is not a comparison folder"):
        small(run.path, resume=True)
    with pytest.raises(UsageError, match="is a comparison of tiny, not of calm"):
        small(whole.path, resume=True)


# The figure ---------------------------------------------------------------------------------------


def heading(found):
    return " ".join(t.get_text().replace("\n", " ") for t in draw_comparison(found).texts)


def made(values, epochs=40, watch="validation/accuracy", better="max"):
    """A comparison with these watched values at its end, by optimisers that differ in speed."""

    def one(rank, seed, value):
        at = np.arange(1, epochs + 1)
        curve = value * (1 - np.exp(-at / (2 + rank))) + 0.002 * seed
        seconds = list(0.01 * 3.0**rank * at)
        return Training(seed, [10 * int(a) for a in at], seconds, list(2 / at), list(curve))

    names = list(OPTIMISERS)[: len(values)]
    contestants = [
        Contestant(name, 0.1, "given", {}, False, better, [one(rank, s, value) for s in range(3)])
        for rank, (name, value) in enumerate(zip(names, values, strict=True))
    ]
    return Comparison(Path("c"), CALM, CONFIG, watch, 0.9, True, 1, contestants, {})


def test_the_figure_shows_mean_and_standard_error(whole):
    fig = draw_comparison(whole)
    assert_readable(fig)
    loss, loss_by_time, error, _ = fig.axes
    for ax in (loss, error):
        labels = [line.get_label() for line in ax.get_lines()]
        for c in whole.contestants:
            assert f"{c.name}, ε = {c.lr:g}" in labels
    best = whole.winner
    (line,) = [x for x in error.get_lines() if x.get_label().startswith(best.name + ",")]
    expected = 100 * (1 - np.mean([t.watched for t in best.whole], axis=0))
    assert line.get_ydata() == pytest.approx(expected)
    assert list(line.get_xdata()) == best.whole[0].steps
    (band,) = [
        b for b, x in zip(error.collections, error.get_lines(), strict=False) if x is line
    ]  # fmt: skip
    spread = 100 * np.std([t.watched for t in best.whole], axis=0, ddof=1) / np.sqrt(2)
    top = band.get_paths()[0].vertices[:, 1].max()
    assert top == pytest.approx((expected + spread).max())
    (timed,) = [x for x in loss_by_time.get_lines() if x.get_label().startswith(best.name + ",")]
    assert list(timed.get_xdata()) == pytest.approx(
        list(np.mean([t.seconds for t in best.whole], axis=0))
    )


def test_the_title_tells_who_won_and_who_was_soonest(whole):
    words = heading(whole)
    assert f"{whole.winner.name} is best: validation accuracy {whole.winner.mean:.2%}" in words
    soonest = fastest(whole)
    steps = soonest.to_level(whole.level)["steps"]
    who = "and" if soonest is whole.winner else soonest.name
    assert f" {who} comes to {whole.level:.2%} soonest, in {steps:,.0f} steps" in words
    level = whole.winner.trainings[0].best("max")
    for name, level_ in ((whole.winner.name, level), (None, 2.0)):
        found = fastest(replace(whole, contestants=[whole.winner], level=level_))
        assert (found and found.name) == name
    assert "tiny, 5 epochs in batches of 16; mean ± standard error of 2 seeds" in words


@pytest.mark.parametrize("count", [1, 6, len(OPTIMISERS)])
def test_any_number_of_optimisers_can_be_told_apart(count):
    fig = draw_comparison(made(np.linspace(0.97, 0.9, count)))
    assert_readable(fig)
    lines = fig.axes[0].get_lines()
    assert len(lines) == count
    looks = {(line.get_color(), str(line._unscaled_dash_pattern)) for line in lines}
    assert len(looks) == count
    assert (fig.axes[1].get_xscale() == "log") == (count > 4)


def test_what_is_no_accuracy_is_drawn_as_it_is():
    fig = draw_comparison(made([0.5], watch="validation/loss", better="min"))
    assert fig.axes[2].get_ylabel() == "validation loss"
    assert fig.axes[2].get_lines()[0].get_ydata()[-1] == pytest.approx(0.502, abs=1e-3)


def test_those_compared_when_nobody_is_named_exist():
    assert set(USUAL) <= set(OPTIMISERS)
