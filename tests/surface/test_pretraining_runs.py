"""Pre-training as a part of a run: done once, kept, begun again when killed, never done to look."""

import json
import math
import signal
from dataclasses import replace

import pytest
import torch

import gradus
from gradus import catalog
from gradus.core.errors import Interrupted, RunError, UsageError
from gradus.core.experiment import train
from gradus.core.fit import fit
from gradus.core.progress import Silent
from gradus.core.task import build_task, evaluate
from gradus.surface import train as wiring
from gradus.surface.build import deep_net
from gradus.surface.recipes import DeepConfig
from gradus.surface.run_figures import pretraining
from tests.commands import call, one_line
from tests.figures import assert_readable

RECIPE = catalog.recipe("mnist-deep-sigmoid")
SETTINGS = {**RECIPE.smoke, "checkpoint_seconds": 0.0, "corruption": 0.2}
CONFIG = RECIPE.configure(**SETTINGS)
BARE = replace(RECIPE, figures="tests.tiny:FIGURES")
STEPS = 2 * 2 * 13  # 2 layers, 2 epochs, 1,237 examples in minibatches of 100


class Killing(Silent):
    """Sends the process a signal, or lets it crash, at a step counted from 1."""

    def __init__(self, at, crash=False):
        self.at, self.crash, self.done = at, crash, 0

    def step(self, loss):
        self.done += 1
        if self.done == self.at:
            if self.crash:
                raise RunError("a crash")
            signal.raise_signal(signal.SIGTERM)


def start_of(run):
    """What is kept of the start, but for the time it took."""
    return {k: v for k, v in run.info["pretraining"].items() if k != "seconds"}


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A run that nothing disturbed."""
    return train(BARE, CONFIG, path=tmp_path_factory.mktemp("runs") / "whole")


@pytest.fixture
def forbidden(monkeypatch):
    """From here on no autoencoder learns."""

    def refuse(*_, **__):
        raise AssertionError("pre-training ran")

    monkeypatch.setattr(wiring, "pretrain", refuse)


def test_what_is_kept_of_it(finished):
    kept = finished.info["pretraining"]
    assert [(layer["inputs"], layer["units"]) for layer in kept["layers"]] == [(64, 16), (16, 12)]
    for layer in kept["layers"]:
        assert len(layer["errors"]) == 2
        assert 0 < layer["errors"][1] < layer["errors"][0]
        assert layer["guess"] > 0
    assert len(kept["gradients"]) == 3
    assert min(kept["gradients"]) > 0
    assert kept["seconds"] > 0
    assert json.loads((finished.path / "run.json").read_text())["pretraining"] == kept


@pytest.mark.parametrize("step", [1, STEPS // 2 + 3, STEPS])
@pytest.mark.parametrize("crash", [False, True], ids=["signal", "crash"])
def test_killed_during_pretraining_it_begins_again_and_ends_the_same(
    step, crash, finished, tmp_path
):
    path = tmp_path / "run"
    with pytest.raises(RunError if crash else Interrupted):
        train(BARE, CONFIG, path=path, reporter=Killing(step, crash))
    info = json.loads((path / "run.json").read_text())
    assert info["status"] == ("failed" if crash else "interrupted")
    assert "pretraining" not in info
    again = train(BARE, CONFIG, path=path, resume=True)
    for name in ("weights.safetensors", "metrics.jsonl"):
        assert (again.path / name).read_bytes() == (finished.path / name).read_bytes()
    assert start_of(again) == start_of(finished)


def test_killed_after_it_the_pretraining_is_not_done_again(finished, tmp_path, request):
    path = tmp_path / "run"

    class Stopping(Silent):
        def __init__(self):
            self.epochs = 0

        def epoch(self, record, epochs):
            self.epochs += 1
            if self.epochs == 1:
                signal.raise_signal(signal.SIGTERM)

    with pytest.raises(Interrupted):
        train(BARE, CONFIG, path=path, reporter=Stopping())
    assert list((path / "checkpoints").iterdir())
    request.getfixturevalue("forbidden")
    again = train(BARE, CONFIG, path=path, resume=True)
    for name in ("weights.safetensors", "metrics.jsonl"):
        assert (again.path / name).read_bytes() == (finished.path / name).read_bytes()
    assert start_of(again) == start_of(finished)


def test_more_epochs_go_on_without_it(finished, tmp_path, request):
    run = train(BARE, CONFIG, path=tmp_path / "run")
    request.getfixturevalue("forbidden")
    longer = train(BARE, replace(CONFIG, epochs=3), path=run.path, resume=True)
    assert longer.records()[:2] == finished.records()
    assert start_of(longer) == start_of(finished)


def test_to_look_at_a_run_pretrains_nothing(finished, forbidden):
    run = gradus.open(finished.path)
    assert run.evaluate() == pytest.approx(run.results["test"], abs=1e-6)
    shape = run.info["facts"]["shape"]
    (answer,) = run.predict(torch.zeros(shape, dtype=torch.uint8).numpy())
    assert answer["label"] in run.info["facts"]["classes"]
    task = build_task(RECIPE, CONFIG)
    torch.manual_seed(CONFIG.seed)
    expected = build_task(RECIPE, replace(CONFIG, pretrain_epochs=0)).model.state_dict()
    assert all(torch.equal(v, expected[k]) for k, v in task.model.state_dict().items())


def test_the_training_starts_where_the_autoencoders_ended():
    task, twin = build_task(RECIPE, CONFIG), build_task(RECIPE, CONFIG)
    wiring.start(twin.model, twin.train, Silent(), config=CONFIG)
    losses = []
    inner = task.loss

    def watching(model, batch):
        if model.training and not losses:
            losses.append(evaluate(task, task.validation)["loss"])
        return inner(model, batch)

    task.loss = watching
    fit(task, CONFIG)
    assert losses == [evaluate(twin, twin.validation)["loss"]]


def test_without_pretraining_only_the_gradient_is_kept(tmp_path, forbidden):
    run = train(BARE, replace(CONFIG, pretrain_epochs=0), path=tmp_path / "run")
    assert run.info["pretraining"]["layers"] == []
    assert len(run.info["pretraining"]["gradients"]) == 3


@pytest.mark.parametrize("epochs", [0, 2])
def test_the_figure_of_it_can_be_read(epochs, finished, tmp_path):
    run = finished
    if not epochs:
        run = train(BARE, replace(CONFIG, pretrain_epochs=0), path=tmp_path / "run")
    fig = pretraining(run)
    assert_readable(fig)
    panels = fig.axes
    assert len(panels) == (2 if epochs else 1)
    (line,) = panels[-1].get_lines()
    assert list(line.get_ydata()) == run.info["pretraining"]["gradients"]
    if epochs:
        layers = run.info["pretraining"]["layers"]
        for line, layer in zip(panels[0].get_lines(), layers, strict=True):
            share = [100 * error / layer["guess"] for error in layer["errors"]]
            assert list(line.get_ydata()) == pytest.approx(share)


@pytest.mark.parametrize(
    ("gradients", "words"),
    [
        ([0.001, 0.2, 2.5], "first layer's gradient is 2,500 times smaller than the output"),
        ([0.6, 0.2, 0.4], "first layer's gradient is 1.5 times larger than the output"),
        ([0.0, 0.2, 0.4], "o gradient reaches the first layer"),
        ([0.0, 0.0, 0.0], "o gradient reaches the output layer"),
    ],
)
@pytest.mark.parametrize("alike", [False, True])
def test_a_start_without_gradient_or_inputs_that_are_all_alike_can_be_drawn(
    gradients, words, alike, finished, monkeypatch
):
    layers = [{"inputs": 3, "units": 3, "guess": 0.0, "errors": [0.0, -1e-9]}] * 2
    start = {"layers": layers if alike else [], "gradients": gradients}
    monkeypatch.setitem(finished.info, "pretraining", start)
    fig = pretraining(finished)
    assert_readable(fig)
    assert words in fig.texts[0].get_text().replace("\n", " ")


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"hidden": ()}, r"hidden must be one or more numbers ≥ 1, got \(\)"),
        ({"hidden": (9, 0)}, r"hidden must be one or more numbers ≥ 1, got \(9, 0\)"),
        ({"pretrain_epochs": -1}, "pretrain_epochs must be ≥ 0, got -1"),
        ({"pretrain_lr": 0.0}, "pretrain_lr must be > 0 and finite, got 0.0"),
        ({"pretrain_lr": math.inf}, "pretrain_lr must be > 0 and finite, got inf"),
        ({"corruption": 1.0}, r"corruption must be in \[0, 1\), got 1.0"),
        ({"init_std": 0.0}, "init_std must be > 0 and finite, got 0.0"),
        ({"activation": "relu"}, "pre-training is for sigmoid neurons, got activation=relu"),
    ],
)
def test_settings_that_cannot_be_meant_are_refused(settings, message):
    with pytest.raises(UsageError, match=message):
        DeepConfig(**settings)


def test_the_net_starts_as_its_config_says():
    torch.manual_seed(0)
    model = deep_net(DeepConfig(hidden=(300, 200), init_std=0.02), 400, 10)
    assert model.sizes == (400, 300, 200, 10)
    assert [layer.weight.std().item() for layer in model.layers] == pytest.approx(
        [0.02] * 3, rel=0.05
    )
    model = deep_net(DeepConfig(hidden=(300, 200), init="xavier"), 400, 10)
    expected = [math.sqrt(2 / 700), math.sqrt(2 / 500), math.sqrt(2 / 210)]
    assert [layer.weight.std().item() for layer in model.layers] == pytest.approx(
        expected, rel=0.05
    )
    assert not any(layer.bias.any() for layer in model.layers)


def test_other_neurons_start_at_random():
    assert DeepConfig(activation="relu", init="he", pretrain_epochs=0).activation == "relu"


def test_the_command_line_says_a_mistake_in_one_line(capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    said = call(capsys, "train", RECIPE.name, "--data", "digits", "--pretrain-lr", "-1")
    one_line(said, 2, "pretrain_lr must be > 0")
    said = call(capsys, "train", RECIPE.name, "--data", "digits", "--activation", "tanh")
    one_line(said, 2, "pre-training is for sigmoid neurons")
    words = ("train", RECIPE.name, "--data", "digits", "--validation", "200", "--hidden", "8")
    said = call(capsys, *words, "--pretrain-lr", "1e38", "--run-dir", "bad")
    assert said.code == 1
    assert "gradus: layer 1 rebuilds its inputs with an error of inf: try a" in said.err


@pytest.mark.learn
def test_pretraining_beats_a_random_start_at_equal_epochs():
    """Five sigmoid layers on the small digits; each start has the better of two rates."""

    def accuracy(**settings):
        deep = {"data": "digits", "validation": 300, "hidden": (64,) * 5, "batch_size": 20}
        best = []
        for lr in (0.1, 1.0):
            config = RECIPE.configure(**deep, epochs=10, lr=lr, **settings)
            best.append(fit(build_task(RECIPE, config), config).records[-1]["validation/accuracy"])
        return max(best)

    pretrained = accuracy(pretrain_epochs=20)
    random = accuracy(pretrain_epochs=0)
    assert pretrained > 0.85
    assert pretrained > random + 0.3
