"""What must be learnt: minutes, so only in `make test-all`."""

import pytest

from gradus import catalog
from gradus.core.experiment import train


@pytest.mark.learn
@pytest.mark.parametrize("name", ["cartpole-pg", "cartpole-a2c", "cartpole-dqn"])
def test_the_pole_is_balanced(name, tmp_path):
    recipe = catalog.recipe(name)
    run = train(recipe, recipe.config, path=tmp_path / "run")
    assert run.results["test"]["return"] >= 475


@pytest.mark.learn
def test_breakout_in_small_is_learnt(tmp_path):
    recipe = catalog.recipe("minatar-dqn")
    config = recipe.configure(epochs=8, explore_steps=60_000)
    run = train(recipe, config, path=tmp_path / "run")
    assert run.results["test"]["return"] >= 3
