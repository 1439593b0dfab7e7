"""The figures from trained networks, drawn here from trainings of a second."""

import re
from dataclasses import replace

import numpy as np
import pytest

from gradus.core.experiment import trained
from gradus.core.run import Run
from gradus.vision import figures_training
from gradus.vision.figures_training import (
    LENGTHS,
    PLAIN,
    figure_5_17,
    first_time,
    seconds_and_errors,
    time_to_accuracy,
)
from gradus.vision.recipes import MNIST_CNN
from tests.figures import assert_readable


@pytest.fixture(autouse=True)
def asked(tmp_path, monkeypatch):
    """Smoke trainings in the place of the full ones; what was asked for, in order."""
    wanted = []

    def small(recipe, **settings):
        wanted.append((recipe.name, settings))
        epochs = {"epochs": 2 if settings["epochs"] > 1 else 1}
        bare = replace(recipe, figures="tests.tiny:FIGURES")
        return trained(bare, **{**recipe.smoke, **epochs})

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(figures_training, "trained", small)
    monkeypatch.setattr(figures_training, "find_cifar10", lambda: "cifar10")
    return wanted


def heading(fig):
    return fig.texts[0].get_text().replace("\n", " ")


def test_5_17_has_both_networks_at_equal_epochs(asked):
    fig = figure_5_17()
    assert_readable(fig)
    assert [name for name, _ in asked] == ["cifar10-cnn", "cifar10-cnn-bn"]
    assert asked[0][1] == asked[1][1]
    for ax in fig.axes:
        names = [x.get_label() for x in ax.get_lines()]
        assert names == ["without", "with"]
        assert all(len(x.get_xdata()) == 2 for x in ax.get_lines())
    assert len(re.findall(r"\d\.\d%", heading(fig))) == 2


def test_time_to_accuracy_has_a_run_for_each_length(asked):
    fig = time_to_accuracy()
    assert_readable(fig)
    assert asked[0] == ("mnist-cnn", PLAIN)
    assert asked[1:] == [("mnist-cnn-fast", {"epochs": n}) for n in LENGTHS]
    plain, fast = fig.axes[0].get_lines()[:2]
    assert len(plain.get_xdata()) == 2
    assert len(fast.get_xdata()) == len(LENGTHS)


def test_seconds_add_up_and_errors_are_percents(tmp_path):
    run = Run(tmp_path, MNIST_CNN, {})
    for seconds, accuracy in ((2.0, 0.9), (3.0, 0.75)):
        run.append("timing", {"seconds": seconds})
        run.append("metrics", {"validation/accuracy": accuracy})
    np.testing.assert_allclose(seconds_and_errors(run), [[2.0, 10.0], [5.0, 25.0]])


def test_the_first_time_at_a_goal():
    curve = np.array([[1.0, 5.0], [2.0, 3.0], [3.0, 4.0], [4.0, 1.0]])
    assert first_time(curve, 3.5) == 2.0
    assert first_time(curve, 1.0) == 4.0
    assert first_time(curve, 0.5) == float("inf")
