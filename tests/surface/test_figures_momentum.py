"""Figure 4-9: how many minibatches momentum saves."""

import json
import re

import numpy as np
import pytest

from gradus.core.fit import fit
from gradus.core.progress import Silent
from gradus.core.task import build_task
from gradus.neurons.recipes import DIGITS_MLP
from gradus.surface import figures_momentum as figures
from gradus.surface.figures_momentum import CASES, WINDOW, draw, smoothed, steps_to
from tests.figures import assert_readable


def falling(pace, seed, n=4000):
    """Costs that fall like exp(-step/pace) with noise."""
    noise = np.random.default_rng(seed).uniform(0.9, 1.1, n)
    return 2 * np.exp(-np.arange(n) / pace) * noise


def test_the_mean_of_the_last_hundred_by_loops():
    values = falling(300, 0, 260)
    expected = [np.mean(values[i - WINDOW : i]) for i in range(WINDOW, 261)]
    assert smoothed(values) == pytest.approx(expected, rel=1e-9)


def test_the_step_at_which_the_mean_falls_below_the_level():
    values = np.concatenate([np.ones(150), np.zeros(150)])
    assert steps_to(0.5, values) == 201, "50 ones and 50 zeros are not below, 49 and 51 are"
    assert steps_to(0.0, values) == 300, "never: the last"
    assert steps_to(2.0, values) == WINDOW


def test_it_says_what_is_drawn():
    paces = dict(zip(CASES, (100, 900, 120), strict=True))
    found = {case: [falling(pace, s) for s in range(3)] for case, pace in paces.items()}
    fig = draw(found)
    assert_readable(fig)
    heading = " ".join(t.get_text().replace("\n", " ") for t in fig.texts)
    steps = {case: np.mean([steps_to(0.1, run) for run in runs]) for case, runs in found.items()}
    numbers = [f"{steps[case]:,.0f}" for case in CASES]
    assert re.search(rf"in {numbers[0]} steps; without it takes {numbers[1]}, ", heading)
    assert f"but {numbers[2]} at ten times the rate" in heading
    assert "just over 2,000 and nearly 18,000" in heading
    labels = [t.get_text() for t in fig.axes[0].get_legend().get_texts()]
    assert labels == [f"{case}: {n} steps" for case, n in zip(CASES, numbers, strict=True)]


def test_the_cases_are_the_books_but_for_the_rate_of_the_last():
    book, plain, fair = CASES.values()
    assert (book["lr"], book["batch_size"], book["momentum"]) == (0.01, 100, 0.9)
    assert {**plain, "lr": fair["lr"]} == fair
    assert fair["lr"] == pytest.approx(book["lr"] / (1 - book["momentum"]))


@pytest.fixture
def _on_digits(monkeypatch):
    """The small digits in place of MNIST, and a level that is soon reached."""
    monkeypatch.setattr(figures, "resolve", lambda _: DIGITS_MLP)
    monkeypatch.setattr(figures, "LEVEL", 0.8)
    small = {case: {**s, "batch_size": 20, "hidden": (16,)} for case, s in CASES.items()}
    monkeypatch.setattr(figures, "CASES", small)


class Noted(Silent):
    def __init__(self):
        self.costs = []

    def step(self, loss, steps=1):
        self.costs.append(loss)


@pytest.mark.usefixtures("_on_digits")
def test_costs_are_those_of_the_training_loop_and_are_kept(tmp_path, monkeypatch):
    found = figures.costs("momentum 0.9", 3, tmp_path)
    epochs = len(found) // 62
    config = DIGITS_MLP.configure(**{**figures.CASES["momentum 0.9"], "seed": 3, "epochs": epochs})
    noted = Noted()
    fit(build_task(DIGITS_MLP, config), config, reporter=noted)
    assert found == pytest.approx(noted.costs, abs=1e-5)
    assert found[-62:].mean() <= 0.8 < found[-124:-62].mean()

    monkeypatch.setattr(figures, "fit", None)
    assert np.array_equal(figures.costs("momentum 0.9", 3, tmp_path), found)
    (path,) = tmp_path.iterdir()
    kept = json.loads(path.read_text())
    path.write_text(json.dumps({**kept, "config": {**kept["config"], "lr": 0.5}}))
    with pytest.raises(TypeError):  # other settings: it would train anew
        figures.costs("momentum 0.9", 3, tmp_path)


@pytest.mark.usefixtures("_on_digits")
def test_a_number_for_each_seed(monkeypatch):
    monkeypatch.setattr(figures, "costs", lambda case, seed: falling(100 + seed, seed))
    assert len(figures.measure("no momentum")) == figures.SEEDS
