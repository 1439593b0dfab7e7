"""gradus.core.search: what is tried, what is chosen, what is said; one process.

The rooms: gradus.core.search_summary has the results, gradus.core.search_progress the words.
"""

import csv
import importlib.util
import itertools
import json
import os
import shlex
import sys
from dataclasses import replace

import numpy as np
import optuna
import pytest

import gradus
from gradus import catalog
from gradus.core import search_figures, search_summary, search_worker
from gradus.core.errors import RunError, UsageError
from gradus.core.experiment import train
from gradus.core.progress import Bar, Silent
from gradus.core.search import Range, join, search
from gradus.core.task import Task
from tests.commands import call, one_line, run
from tests.tiny import TINY, tiny_task

SHORT = replace(TINY, config=replace(TINY.config, epochs=3))
GRID = {"lr": (0.3, 0.01), "batch_size": (8, 16, 30)}
SAMPLED = {"lr": Range(0.001, 1.0, log=True), "batch_size": (8, 16)}


@pytest.fixture(scope="module", autouse=True)
def quick():
    """Figures and what they show have tests of their own; no power cut is survived here."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(search_figures, "figures", lambda summary: {})
        patch.setattr(search_summary, "importances", lambda summary: {})
        patch.setattr(os, "fsync", lambda file: None)
        patch.setattr("gradus.core.log.EventLog.graph", lambda *args: None)
        yield


class Heard(Silent):
    """Keeps what was said."""

    def __init__(self):
        self.lines = []

    def note(self, text):
        self.lines.append(text)


def outcome(found):
    """What of a study may not depend on who worked on it."""
    return [(t.number, t.state, t.point, t.value, t.epochs, t.best_epoch) for t in found.trials]


def rows_of(path):
    """The lines of trials.csv."""
    return list(csv.DictReader((path / "trials.csv").read_text().splitlines()))


# Grid ---------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def studied(tmp_path_factory):
    """A grid of six, and the lines that were said."""
    heard, path = Heard(), tmp_path_factory.mktemp("grid") / "study"
    return search(SHORT, GRID, sampler="grid", path=path, reporter=heard), heard.lines


def test_a_grid_is_every_combination_trained_as_if_by_hand(studied, tmp_path):
    found, _ = studied
    assert [tuple(t.point.values()) for t in found.trials] == list(
        itertools.product(*GRID.values())
    )
    for t in found.trials:
        alone = train(SHORT, SHORT.configure(**t.point), path=tmp_path / str(t.number))
        assert t.value == alone.results["validation"]["accuracy"]
        assert t.best_epoch == alone.results["best_epoch"]
        trial = gradus.core.run.read_info(found.path / f"trial-{t.number:03}")
        for name in ("metrics.jsonl", "weights.safetensors"):
            ours = found.path / f"trial-{t.number:03}" / name
            assert ours.read_bytes() == (alone.path / name).read_bytes()
        assert trial["config"] == alone.info["config"]


def test_the_best_is_chosen_on_validation_and_the_only_one_tested(studied):
    found, _ = studied
    assert found.best.value == max(t.value for t in found.trials)
    equals = [t.number for t in found.trials if t.value == found.best.value]
    assert found.best.number == min(equals)
    status = {}
    for t in found.trials:
        info = json.loads((found.path / f"trial-{t.number:03}" / "run.json").read_text())
        status[t.number] = info["status"]
        assert ("test" in info["results"]) == (t.number == found.best.number)
        assert info["results"]["validation"]["accuracy"] == t.value
    assert set(status.values()) == {"complete"}


def test_what_lies_in_the_folder(studied):
    found, _ = studied
    kept = json.loads((found.path / "study.json").read_text())
    assert kept["best"] == found.best.number
    assert kept["test"] == found.test
    assert kept["command"] == found.command
    assert [t["value"] for t in kept["trials"]] == [t.value for t in found.trials]
    assert kept["space"] == {"lr": [0.3, 0.01], "batch_size": [8, 16, 30]}
    rows = rows_of(found.path)
    assert [int(r["trial"]) for r in rows] == list(range(6))
    assert [float(r["validation/accuracy"]) for r in rows] == [t.value for t in found.trials]
    assert [(float(r["lr"]), int(r["batch_size"])) for r in rows] == list(
        itertools.product(*GRID.values())
    )
    best = json.loads((found.path / "best.json").read_text())
    assert best == gradus.core.recipe.config_to_json(found.best_config)


def test_progress_says_how_many_how_long_and_how_good(studied):
    found, lines = studied
    assert lines[0] == f"{found.path}: 6 trials of tiny (grid)"
    best = f"best validation accuracy {found.best.value:.2%} (trial {found.best.number})"
    assert lines[-2].startswith("trial 6/6  ")
    assert lines[-2].endswith(best)
    assert "s left" in lines[-2]
    assert lines[-1] == f"testing trial {found.best.number}, drawing figures"


def test_a_bar_instead_of_lines(tmp_path, capsys):
    search(SHORT, {"lr": (0.1, 0.2)}, sampler="grid", path=tmp_path / "s", reporter=Bar())
    said = capsys.readouterr()
    assert said.out == ""
    assert "s: 2 trials of tiny (grid)" in said.err
    assert "testing trial" in said.err
    assert "trial 2/2" not in said.err


def test_the_test_set_is_opened_once_after_all_trials(tmp_path, monkeypatch):
    opened, trained = [], []

    def counting(config):
        task = tiny_task(config)
        test = task.test
        task.test = lambda: opened.append(len(trained)) or test()
        return task

    monkeypatch.setattr("tests.tiny.tiny_task", counting)
    real = search_worker.train
    monkeypatch.setattr(search_worker, "train", lambda *a, **k: trained.append(1) or real(*a, **k))
    found = search(SHORT, {"lr": (0.1, 0.2, 0.3)}, sampler="grid", path=tmp_path / "s")
    assert opened == [3]
    again = join(SHORT, tmp_path / "s")
    assert opened == [3]
    assert (again.test, outcome(again)) == (found.test, outcome(found))


def test_the_command_and_the_best_settings_give_the_best_run(capsys, tmp_path):
    """Through the command line, in one thread, as the trials were."""
    words = ("--epochs", 2, "--grid", "lr=0.003,0.01", "--grid", "batch-size=5,10")
    said = call(capsys, "search", "fast-food", *words, "--run-dir", tmp_path / "s")
    assert said.code == 0, said.err
    assert said.out.startswith("fast-food: best validation loss ")
    printed = next(line for line in said.out.splitlines() if "gradus train" in line)
    assert call(capsys, *shlex.split(printed)[1:], "--run-dir", tmp_path / "again").code == 0
    kept = json.loads((tmp_path / "s" / "study.json").read_text())
    best = tmp_path / "s" / f"trial-{kept['best']:03}"
    for name in ("weights.safetensors", "metrics.jsonl"):
        assert (tmp_path / "again" / name).read_bytes() == (best / name).read_bytes()
    assert f"test loss of trial {kept['best']}, read once: {kept['test']['loss']:.4g}" in said.out
    assert all(len(line) <= 80 for line in said.out.splitlines() if "/" not in line)
    assert call(capsys, "runs", tmp_path / "s").out.count("complete") == 4
    assert call(capsys, "evaluate", tmp_path / "s" / "trial-000").code == 0
    again = call(capsys, "search", "fast-food", "--run-dir", tmp_path / "s", "--resume", "--json")
    assert json.loads(again.out) == kept


# Samplers -----------------------------------------------------------------------------------------


def test_tpe_with_one_process_is_optunas_own_and_reproducible(tmp_path):
    """Asked with the same seed and the same values, Optuna draws the same points by itself."""
    first = search(SHORT, SAMPLED, 13, path=tmp_path / "a", pruner="none")
    assert outcome(search(SHORT, SAMPLED, 13, path=tmp_path / "b", pruner="none")) == (
        outcome(first)
    )
    alone = optuna.create_study(direction="maximize")
    for t in first.trials:
        seed = int(np.random.SeedSequence((SHORT.config.seed, t.number)).generate_state(1)[0])
        alone.sampler = optuna.samplers.TPESampler(seed=seed)
        trial = alone.ask()
        lr = trial.suggest_float("lr", 0.001, 1.0, log=True)
        assert t.point == {"lr": lr, "batch_size": trial.suggest_categorical("batch_size", (8, 16))}
        alone.tell(trial, t.value)


class Died(BaseException):
    """What a kill looks like from within."""


def test_tpe_that_died_in_the_midst_draws_and_prunes_as_if_it_had_not(tmp_path, monkeypatch):
    monkeypatch.setattr("tests.tiny.tiny_task", rising_task)
    recipe = replace(SHORT, config=replace(SHORT.config, epochs=4))
    space = {"lr": Range(0.1, 1.0), "batch_size": (8, 16)}
    whole = search(recipe, space, 13, path=tmp_path / "whole")
    assert {t.state for t in whole.trials} == {"complete", "pruned"}
    hear, deaths = search_worker._Ear.epoch, [(2, 1), (4, 3), (11, 1)]

    def dying(ear, record, epochs):
        hear(ear, record, epochs)
        if (ear.claimed.slot, record["epoch"]) in deaths:
            deaths.remove((ear.claimed.slot, record["epoch"]))
            raise Died

    monkeypatch.setattr(search_worker._Ear, "epoch", dying)
    with pytest.raises(Died):
        search(recipe, space, 13, path=tmp_path / "died")
    while deaths:
        with pytest.raises(Died):
            join(recipe, tmp_path / "died")
    assert outcome(join(recipe, tmp_path / "died")) == outcome(whole)


def test_random_draws_depend_on_seed_and_trial_alone(tmp_path):
    few = search(SHORT, SAMPLED, 3, sampler="random", path=tmp_path / "a", pruner="none")
    more = join(SHORT, tmp_path / "a", trials=5)
    all_ = search(SHORT, SAMPLED, 5, sampler="random", path=tmp_path / "b", pruner="none")
    assert outcome(more)[:3] == outcome(few)
    assert outcome(more) == outcome(all_)
    for t in all_.trials:
        assert 0.001 <= t.point["lr"] <= 1
        assert t.point["batch_size"] in (8, 16)


def test_the_default_space_and_number(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("gradus.core.search.TRIALS", 2)
    found = search(SHORT)
    assert str(found.path) == "runs/search-tiny-1"
    assert found.space == {"lr": Range(0.01, 9.0, log=True), "batch_size": (4, 8, 16, 32, 60)}
    assert len(found.trials) == 2
    assert found.sampler == "tpe"


def test_whole_numbers_and_steps(tmp_path):
    space = {"batch_size": Range(4, 32, log=True), "lr": Range(0.1, 0.5, step=0.2)}
    found = search(SHORT, space, 6, path=tmp_path / "s", pruner="none")
    assert all(type(t.point["batch_size"]) is int for t in found.trials)
    assert {round(t.point["lr"], 9) for t in found.trials} <= {0.1, 0.3, 0.5}


# Pruning ------------------------------------------------------------------------------------------


def rising_task(config) -> Task:
    """Validation accuracy is what the learning rate says, whatever is learnt."""
    import torch

    task = tiny_task(config)
    inner = task.loss

    def loss(model, batch):
        value, _metrics = inner(model, batch)
        return value, {"accuracy": lambda: torch.tensor(config.lr)}

    return replace(task, loss=loss)


@pytest.mark.parametrize("pruner", ["median", "hyperband"])
def test_trials_that_lag_behind_are_stopped(tmp_path, monkeypatch, pruner):
    monkeypatch.setattr("tests.tiny.tiny_task", rising_task)
    recipe = replace(TINY, config=replace(TINY.config, epochs=4))
    rates = (0.5, 0.6, 0.7, 0.8, 0.9, 0.1, 0.95, 0.2)
    space = {"lr": rates}
    found = search(recipe, space, sampler="grid", pruner=pruner, path=tmp_path / "s")
    state = {t.point["lr"]: t.state for t in found.trials}
    assert set(state.values()) == {"complete", "pruned"}
    assert found.best.point == {"lr": max(r for r in rates if state[r] == "complete")}
    if pruner == "median":
        assert [rate for rate in rates if state[rate] == "pruned"] == [0.1, 0.2]
    for t in found.trials:
        path = found.path / f"trial-{t.number:03}"
        epochs = (path / "metrics.jsonl").read_text().count("\n")
        assert epochs == t.epochs
        assert (epochs < 4) == (t.state == "pruned")
        assert t.value == pytest.approx(t.point["lr"])
        info = json.loads((path / "run.json").read_text())
        assert info["status"] == ("interrupted" if t.state == "pruned" else "complete")


def test_a_grid_is_not_pruned_by_itself_and_draws_are(tmp_path):
    for sampler, pruner in (("grid", "none"), ("tpe", "median"), ("random", "median")):
        number = None if sampler == "grid" else 1
        search(SHORT, {"lr": (0.1,)}, number, sampler=sampler, path=tmp_path / sampler)
        assert json.loads((tmp_path / sampler / "study.json").read_text())["pruner"] == pruner


# What fails ---------------------------------------------------------------------------------------


def test_settings_that_cannot_be_trained_make_a_failed_trial(tmp_path):
    found = search(SHORT, {"lr": (0.1, 1e30, 0.3)}, sampler="grid", path=tmp_path / "s")
    assert [t.state for t in found.trials] == ["complete", "failed", "complete"]
    assert "the loss became" in found.trials[1].error
    assert found.trials[1].value is None
    row = rows_of(tmp_path / "s")[1]
    assert row["state"] == "failed"
    assert "the loss became" in row["error"]
    info = json.loads((tmp_path / "s" / "trial-001" / "run.json").read_text())
    assert info["status"] == "failed"


def test_a_value_that_only_the_data_forbid_fails_alone(tmp_path, monkeypatch):
    """The task refuses it, which no look at the settings could tell."""

    def refusing(config):
        if config.lr < 0.1:
            raise UsageError("lr is too small for this task")
        return tiny_task(config)

    monkeypatch.setattr("tests.tiny.tiny_task", refusing)
    found = search(SHORT, {"lr": (0.2, 0.01)}, sampler="grid", path=tmp_path / "s")
    assert found.trials[1].error == "lr is too small for this task"


def test_all_trials_failed(tmp_path):
    with pytest.raises(RunError, match=r"no complete trial: trial 0 \(lr 1e\+30\): the loss"):
        search(SHORT, {"lr": (1e30, 1e31)}, sampler="grid", path=tmp_path / "s")
    kept = json.loads((tmp_path / "s" / "study.json").read_text())
    assert kept["best"] is None
    assert len(kept["trials"]) == 2


def test_a_fault_of_the_machine_stops_the_search_and_costs_no_trial(tmp_path, monkeypatch):
    real, calls = search_worker.train, []

    def full(*args, **more):
        calls.append(1)
        if len(calls) == 2:
            raise RunError("cannot write (No space left on device)") from OSError(28, "full")
        return real(*args, **more)

    monkeypatch.setattr(search_worker, "train", full)
    with pytest.raises(RunError, match="No space left"):
        search(SHORT, {"lr": (0.1, 0.2, 0.3)}, sampler="grid", path=tmp_path / "s")
    found = join(SHORT, tmp_path / "s")
    assert [t.state for t in found.trials] == ["complete"] * 3


def test_a_recipe_that_watches_its_training_is_judged_on_validation(tmp_path):
    recipe = catalog.recipe("exam-perceptron")
    config = recipe.configure(**recipe.smoke)
    found = search(recipe, {"lr": (0.1, 1.0)}, config=config, sampler="grid", path=tmp_path / "s")
    assert (found.objective, found.better) == ("validation/error", "min")
    for t in found.trials:
        lines = (found.path / f"trial-{t.number:03}" / "metrics.jsonl").read_text().splitlines()
        best = min(map(json.loads, lines), key=lambda record: record["train/error"])
        assert t.value == best["validation/error"]
    missed = recipe.configure(**recipe.smoke, epochs=1, flipped=0.5)
    with pytest.raises(RunError, match=r"trial 0 \(lr 0.1\): the perceptron did not converge"):
        search(recipe, {"lr": (0.1, 1.0)}, config=missed, sampler="grid", path=tmp_path / "m")


# Going on -----------------------------------------------------------------------------------------


def test_a_study_goes_on_with_its_own_settings(tmp_path):
    path = tmp_path / "s"
    search(SHORT, {"lr": (0.1, 0.2)}, 2, sampler="random", path=path)
    with pytest.raises(UsageError, match="epochs is 3 in s, got 4"):
        join(SHORT, path, config=replace(SHORT.config, epochs=4))
    with pytest.raises(UsageError, match="s has 2 trials, got 1"):
        join(SHORT, path, trials=1)
    with pytest.raises(UsageError, match="s is a study of tiny, not of fast-food"):
        join(catalog.recipe("fast-food"), path)
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "a").touch()
    with pytest.raises(UsageError, match="is not empty"):
        search(SHORT, path=tmp_path / "full")
    with pytest.raises(UsageError, match="already holds a study"):
        search(SHORT, path=path)
    with pytest.raises(UsageError, match="nowhere holds no study"):
        join(SHORT, tmp_path / "nowhere")
    assert not (tmp_path / "nowhere").exists()
    longer = join(SHORT, path, trials=3, config=replace(SHORT.config, device="cpu"))
    assert len(longer.trials) == 3


def test_a_grid_cannot_be_made_longer(tmp_path):
    search(SHORT, {"lr": (0.1, 0.2)}, sampler="grid", path=tmp_path / "s")
    with pytest.raises(UsageError, match="only a sampled study"):
        join(SHORT, tmp_path / "s", trials=3)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"workers": 0}, "workers must be ≥ 1, got 0"),
        ({"threads": 0}, "threads must be ≥ 1, got 0"),
        ({"trials": 0}, "trials must be ≥ 1, got 0"),
        ({"sampler": "grid"}, "a grid needs values"),
        ({"sampler": "grid", "space": GRID, "trials": 3}, "as many trials as it has points"),
        ({"storage": "somewhere"}, "storage must be an address such as sqlite"),
        ({"storage": "sqlite://"}, "an SQLite storage needs a file"),
        ({"storage": "mysql+pymysql://a:secret@b/c"}, "needs a driver that is not here"),
        ({"storage": "oracle+nonsense://a@b/c"}, "storage must be an address"),
        ({"space": {"batch_size": (16, 61)}}, "between 1 and the 60 examples there are, got 61"),
    ],
)
def test_what_cannot_be_meant_leaves_nothing_behind(arguments, message, tmp_path):
    with pytest.raises(UsageError, match=message) as caught:
        search(SHORT, **{"path": tmp_path / "s", **arguments})
    assert "secret" not in str(caught.value)
    assert not (tmp_path / "s").exists()


MISTAKES = {
    "--grid lr=0.1,-1": "lr must be > 0 and finite, got -1.0",
    "--grid lr=fast": "lr must be of type float, got 'fast'",
    "--grid batch_size=16,0.5": "batch_size must be of type int, got '0.5'",
    "--grid optimizer=sgd,sdg": "optimizer must be one of sgd",
    "--grid lrr=0.1": "digits-mlp has no setting 'lrr': did you mean lr",
    "--grid lr": "'lr' must be of the form NAME=…",
    "--grid batch_size=16,5000": "1,237 examples there are, got 5,000",
    "--grid lr=1 --range dropout=0..0.5": "use --choice with --range",
    "--grid lr=1,2 --trials 3": "leave out --trials",
    "--range lr=1..0.1": "a range must rise",
    "--range lr=0.1..1:log --sampler best": "--sampler",
    "--trials -1": "trials must be ≥ 1, got -1",
    "--workers 0": "workers must be ≥ 1, got 0",
    "--resume": "--run-dir is needed",
    "--resume --run-dir nowhere": "nowhere holds no study",
    "--resume --run-dir nowhere --grid lr=1": "a study has its space already",
    "--epochs 0 --grid lr=1": "epochs must be ≥ 1, got 0",
    "--storage mine": "storage must be an address",
}


def test_mistakes_are_told_in_one_line(tmp_path):
    """In a process of its own: here the tests' own check of types would speak first."""
    program = (
        "import sys, shlex, json; from gradus.cli import main\n"
        "for words in json.loads(sys.argv[1]):\n"
        "    print(words, main(['search', 'digits-mlp', *shlex.split(words)]))\n"
        "    sys.stdout.flush(); sys.stderr.write('---\\n')"
    )
    said = run(json.dumps(list(MISTAKES)), program=[sys.executable, "-c", program], cwd=tmp_path)
    assert said.code == 0, said.err
    told = said.err.split("---\n")
    for (words, message), line in zip(MISTAKES.items(), told, strict=False):
        assert line.startswith("gradus: "), line
        assert line.count("\n") == 1, line
        assert message in line
        assert f"{words} 2\n" in said.out
    assert not list(tmp_path.glob("runs/*/*"))


def test_without_optuna(monkeypatch, capsys, tmp_path):
    real = importlib.util.find_spec
    monkeypatch.setattr(
        "importlib.util.find_spec", lambda name, *a: None if name == "optuna" else real(name, *a)
    )
    said = call(capsys, "search", "digits-mlp", "--run-dir", tmp_path / "s")
    line = one_line(said, 2)
    assert line == 'gradus: gradus search needs Optuna: pip install "gradus-dl[search]"'
    assert not (tmp_path / "s").exists()


def test_the_command_line_is_light_without_a_search():
    program = "import sys, gradus.cli; sys.exit(bool({'optuna', 'sqlalchemy'} & set(sys.modules)))"
    assert run(program=[sys.executable, "-c", program]).code == 0
