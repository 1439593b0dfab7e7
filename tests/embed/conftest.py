"""Short trainings on the small digits, one for all tests that only look at a run."""

from dataclasses import replace

import pytest

from gradus.core.experiment import train
from gradus.embed import recipes


@pytest.fixture(scope="session")
def runs(tmp_path_factory):
    """(recipe, settings) -> a run of it on the small digits, without figures; kept."""
    kept = {}

    def run(name, **settings):
        recipe = getattr(recipes, name)
        key = (name, *sorted(settings.items()))
        if key not in kept:
            bare = replace(recipe, figures="tests.tiny:FIGURES")
            config = recipe.configure(**{**recipe.smoke, **settings})
            kept[key] = train(bare, config, path=tmp_path_factory.mktemp("run") / name.lower())
            kept[key].recipe = recipe
        return kept[key]

    return run


@pytest.fixture(scope="session")
def learned(runs):
    """An autoencoder that has learned something, codes of 8 numbers."""
    return runs("MNIST_AUTOENCODER", code=8, hidden=(48,), epochs=12, batch_size=20, lr=0.01)


@pytest.fixture(scope="session")
def hashed(runs):
    """Codes of 12 bits that have learned something."""
    return runs("MNIST_HASHING", code=12, hidden=(48,), epochs=12, batch_size=20, lr=0.01)
