"""What the catalogue says of a quick run's score."""

import pytest

from gradus import catalog

BAND = {"metric": "accuracy", "band": [0.90, 0.92], "seeds": 10, "examples": 8000}


@pytest.mark.parametrize(
    ("accuracy", "examples", "told"),
    [
        (0.91, 8000, "inside the expected band 90.00% to 92.00% (10 seeds)"),
        (0.89, 8000, "OUTSIDE the expected band 90.00% to 92.00% (10 seeds)"),
        (0.97, 45_000, "measured with 8,000 training examples, this run had 45,000"),
    ],
)
def test_a_score_is_held_against_the_band_of_as_many_examples(
    monkeypatch, accuracy, examples, told
):
    monkeypatch.setattr(catalog, "expected", lambda name: {"quick": BAND})
    results = {"test": {"accuracy": accuracy}, "examples": examples}
    assert told in catalog.verdict(catalog.recipe("cifar10-cnn"), results)


def test_a_recipe_that_was_not_measured_says_so(monkeypatch):
    monkeypatch.setattr(catalog, "expected", lambda name: {})
    said = catalog.verdict(catalog.recipe("digits-mlp"), {"test": {"accuracy": 0.5}})
    assert said == "no score was measured for this recipe yet"
