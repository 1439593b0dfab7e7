"""What every recipe keeps to, now and later: it resolves, trains, resumes, answers and is drawn."""

import ast
import importlib
import inspect
import itertools
import json
import pkgutil
import signal
from dataclasses import fields, is_dataclass, replace

import numpy as np
import pytest
import torch
from PIL import Image

import gradus
from gradus import catalog, cli
from gradus.core import experiment
from gradus.core.errors import Interrupted
from gradus.core.experiment import train
from gradus.core.practice import Practice, build_practice
from gradus.core.recipe import FitConfig, Recipe, config_from_json, config_to_json, resolve
from gradus.core.task import Task, build_task
from tests.commands import contents, offline

NAMES = list(catalog.RECIPES)
SAME = ("weights.safetensors", "metrics.jsonl")


def some_pictures(facts):
    """Grey pictures of the run's own size, as arrays."""
    draw = np.random.default_rng(0)
    return [draw.integers(0, 255, facts["shape"]).astype(np.uint8) for _ in range(2)]


def some_clips(facts):
    """Noise as clips, of another length and size than the run's."""
    draw = np.random.default_rng(0)
    return [draw.random((n, 20, 30)) for n in (8, 11)]


def some_sounds(facts):
    """Noise as sounds, shorter and longer than the run's."""
    draw = np.random.default_rng(0)
    return [draw.normal(size=n) for n in (1000, 20_000)]


EXAMPLES = {
    "gradus.neurons.predict:load_images": some_pictures,
    "gradus.vision.predict:load_images": some_pictures,
    "gradus.surface.predict:load_deep_sigmoid": some_pictures,
    "gradus.vision.beyond.predict:load_clips": some_clips,
    "gradus.vision.beyond.predict:load_tones": some_sounds,
    "gradus.vision.beyond.predict:load_texts": lambda facts: ["It was very late.", "very rude"],
    "gradus.embed.predict:load_images": some_pictures,
    "gradus.embed.predict:load_points": lambda facts: [(0.5, -1.0), "-0.5,1"],
    "gradus.embed.words.predict:load_words": lambda facts: ["france", "Cairo"],
    "gradus.memory.predict:load_algorithm": lambda facts: [9, "12"],
    "gradus.memory.predict:load_stories": lambda facts: ["Where is Mary?", "Where is John? -"],
    "gradus.agents.predict:load_agent": lambda facts: [3, "4"],
    "gradus.agents.predict:load_table": lambda facts: ["2,3", "0,1"],
    "gradus.neurons.predict:load_planar": lambda facts: [(0.5, -1.0), "-0.5,1"],
    "gradus.neurons.predict:load_exam": lambda facts: [(7, 5), "2,3"],
    "gradus.neurons.predict:load_fast_food": lambda facts: [(2, 5, 3), "1,0,0"],
}
"""What each kind of predictor takes, two of it; a new one adds its own here."""


def domain_modules(last):
    """The modules of this name in the package's domains, such as every `recipes`."""
    for module in pkgutil.walk_packages(gradus.__path__, "gradus."):
        if module.name.endswith(f".{last}"):
            yield importlib.import_module(module.name)


# Names and references -----------------------------------------------------------------------------


def test_the_catalogue_and_the_domains_know_the_same_recipes():
    listed = {name: catalog.recipe(name) for name in NAMES}
    defined = {
        f"{module.__name__}:{attribute}": value
        for module in domain_modules("recipes")
        for attribute, value in vars(module).items()
        if isinstance(value, Recipe)
    }
    assert {name: recipe.name for name, recipe in listed.items()} == {name: name for name in NAMES}
    assert {catalog.RECIPES[r.name] for r in listed.values()} == set(defined)
    assert list(map(id, listed.values())) == list(map(id, catalog.recipes()))


@pytest.mark.parametrize("name", NAMES)
def test_references_resolve(name):
    recipe = catalog.recipe(name)
    assert bool(recipe.task) != bool(recipe.run), "a recipe has a task, or a loop of its own"
    assert callable(resolve(recipe.task or recipe.run))
    assert callable(resolve(recipe.load))
    for title, draw in resolve(recipe.figures).items():
        assert draw.__doc__, title
    assert recipe.load in EXAMPLES, "say above what its predictor takes"


@pytest.mark.parametrize("name", NAMES)
def test_a_recipe_is_told_in_short_lines(name):
    recipe = catalog.recipe(name)
    assert recipe.summary.endswith(".")
    for text in (recipe.summary, recipe.source, recipe.data):
        assert text
        assert "\n" not in text
        assert len(text) <= 100
    assert catalog.row(recipe)["name"] == name


@pytest.mark.parametrize("name", NAMES)
def test_quick_and_smoke_are_settings_of_the_recipe(name):
    recipe = catalog.recipe(name)
    assert recipe.smoke, "every recipe has a setting of seconds"
    assert recipe.configure(quick=True) == replace(recipe.config, **recipe.quick)
    assert type(recipe.configure(**recipe.smoke)) is type(recipe.config)


@pytest.mark.parametrize("name", NAMES)
def test_a_config_survives_json(name):
    recipe = catalog.recipe(name)
    config = recipe.configure(**recipe.smoke)
    assert config_from_json(recipe, json.loads(json.dumps(config_to_json(config)))) == config


def dataclasses_with_options():
    """Every config and every verb's arguments."""
    configs = {kind for name in NAMES for kind in type(catalog.recipe(name).config).__mro__}
    verbs = {verb.arguments for verb in cli.VERBS.values()}
    found = [kind for kind in configs | verbs if is_dataclass(kind)]
    return sorted(found, key=lambda kind: kind.__name__)


@pytest.mark.parametrize("kind", dataclasses_with_options(), ids=lambda kind: kind.__name__)
def test_every_field_has_a_line_of_help(kind):
    body = ast.parse(inspect.getsource(kind)).body[0].body
    helped = {
        field.target.id
        for field, text in itertools.pairwise(body)
        if isinstance(field, ast.AnnAssign)
        and isinstance(text, ast.Expr)
        and isinstance(text.value, ast.Constant)
        and text.value.value.strip().endswith((".", ")", "…"))
        and "\n" not in text.value.value
    }
    assert helped == set(vars(kind).get("__annotations__", {}))


def test_a_config_refuses_what_its_fields_forbid():
    assert {f.name for f in fields(FitConfig)} >= {"epochs", "lr", "seed", "device"}
    for name in NAMES:
        config = catalog.recipe(name).config
        with pytest.raises(gradus.UsageError, match="epochs must be ≥ 1, got 0"):
            replace(config, epochs=0)


# Smoke --------------------------------------------------------------------------------------------


@pytest.fixture
def smoke(request, tmp_path, monkeypatch):
    """A recipe's smoke training, with nothing downloaded: (recipe, config, finished run)."""
    offline(monkeypatch, tmp_path)
    recipe = catalog.recipe(request.param)
    config = recipe.configure(**recipe.smoke, checkpoint_seconds=0.0)
    return recipe, config, train(recipe, config, path=tmp_path / "smoke")


def stop_in_the_midst(monkeypatch, steps):
    """Let the next training be interrupted half-way, in the middle of an epoch if it can be."""

    def stopping_practice(recipe, config, device):
        practice = build_practice(recipe, config, device)
        inner = practice.epoch

        def epoch(number, tick):
            def heard(steps, loss):
                if number == config.epochs // 2:
                    signal.raise_signal(signal.SIGTERM)
                tick(steps, loss)

            return inner(number, heard)

        practice.epoch = epoch
        return practice

    monkeypatch.setattr(experiment, "build_practice", stopping_practice)

    def stopping(recipe, config):
        task = build_task(recipe, config)
        calls = []

        def counted(inner):
            def step(model, *given):
                calls.append(model.training)
                if model.training and calls.count(True) == max(1, steps // 2):
                    signal.raise_signal(signal.SIGTERM)
                return inner(model, *given)

            return step

        if task.update:
            task.update = counted(task.update)
        else:
            task.loss = counted(task.loss)
        return task

    monkeypatch.setattr(experiment, "build_task", stopping)


@pytest.mark.parametrize("smoke", NAMES, indirect=True)
def test_smoke(smoke, tmp_path, monkeypatch):
    recipe, config, run = smoke
    if recipe.run:
        start = build_practice(recipe, config, torch.device("cpu"))
        assert isinstance(start, Practice)
        assert config.epochs >= 2, "stopped in an epoch that is not the first"
    else:
        start = build_task(recipe, config)
        assert isinstance(start, Task)
    assert run.results["steps"] > 0
    before, after = start.model.state_dict(), run.load_weights()
    assert before.keys() == after.keys()
    assert any(not torch.equal(before[name], after[name]) for name in before)
    assert all(torch.isfinite(tensor).all() for tensor in after.values())
    assert recipe.metric in run.results["test"]

    drawn = {p.name for p in (run.path / "figures").iterdir()}
    assert drawn == {f"{name}.{kind}" for name in run.figures() for kind in ("png", "svg")}
    for name in run.figures():
        with Image.open(run.path / "figures" / f"{name}.png") as picture:
            assert min(picture.size) > 200
            assert len(set(np.asarray(picture.convert("L")).flat)) > 20

    with monkeypatch.context() as patch:
        stop_in_the_midst(patch, run.results["steps"])
        with pytest.raises(Interrupted):
            train(recipe, config, path=tmp_path / "stopped")
    bare = replace(recipe, figures="tests.tiny:FIGURES")
    again = train(bare, config, path=tmp_path / "stopped", resume=True)
    for name in SAME:
        assert (again.path / name).read_bytes() == (run.path / name).read_bytes(), name

    moved = run.path.rename(tmp_path / "elsewhere")
    monkeypatch.chdir(moved)
    files = contents(moved)
    opened = gradus.open(".")
    assert opened.evaluate() == pytest.approx(run.results["test"], abs=1e-6)
    inputs = EXAMPLES[recipe.load](opened.info["facts"])
    answers = opened.predict(*inputs)
    assert len(answers) == 2
    assert all("input" in answer and len(answer) > 1 for answer in answers)
    assert json.loads(json.dumps(answers)) == answers
    assert contents(moved) == files, "to look at a run changes nothing in it"
