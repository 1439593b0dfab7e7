"""The three recipes beyond images: they learn, and a network that cannot see the order does not."""

import pytest
import torch

from gradus import catalog
from gradus.core.experiment import train
from gradus.core.recipe import resolve
from gradus.core.task import build_task

NAMES = ("moving-digits", "spoken-tones", "text-cnn")


@pytest.mark.parametrize("name", NAMES)
def test_the_networks_fit_their_inputs(name):
    recipe = catalog.recipe(name)
    torch.manual_seed(0)
    task = build_task(recipe, recipe.configure(examples=10, batch_size=5))
    classes = task.facts["classes"]
    assert task.model(task.sample).shape == (1, len(classes))
    assert set(task.test().tensors[1].tolist()) == set(range(len(classes)))
    assert resolve(recipe.figures).keys() > {"learning-curves", "confusion"}


@pytest.mark.learn
@pytest.mark.parametrize("name", NAMES)
def test_the_quick_recipe_names_95_percent_right(name, tmp_path):
    recipe = catalog.recipe(name)
    run = train(recipe, recipe.configure(quick=True), path=tmp_path / "run")
    assert run.results["test"]["accuracy"] >= 0.95


@pytest.mark.learn
def test_single_frames_tell_nothing_of_the_direction(tmp_path):
    layers = "conv 1x3x3x8 norm relu, pool 1x2x2, conv 1x3x3x16 norm relu, pool all"
    recipe = catalog.recipe("moving-digits")
    run = train(recipe, recipe.configure(quick=True, layers=layers), path=tmp_path / "run")
    assert run.results["test"]["accuracy"] < 0.2


@pytest.mark.learn
def test_single_words_leave_positive_and_negative_open(tmp_path):
    recipe = catalog.recipe("text-cnn")
    settings = {"quick": True, "layers": "conv 1x64 relu, average all"}
    run = train(recipe, recipe.configure(**settings), path=tmp_path / "run")
    assert run.results["test"]["accuracy"] < 0.72
