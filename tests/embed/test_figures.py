"""The figures of chapter 6, drawn from trainings of a second on the small digits."""

import re

import pytest

from gradus.data.digits import read_digits
from gradus.embed import figures, figures_codes, figures_plain, figures_robust, run_figures
from tests.figures import assert_readable


@pytest.fixture(autouse=True)
def small(monkeypatch, runs):
    """Runs on the small digits in the place of those on MNIST."""

    def train(recipe, **settings):
        name = recipe.name.upper().replace("-", "_")
        if "code" in settings and name != "CIRCLES_AUTOENCODER":
            settings["code"] = 6
        settings.pop("epochs", None)
        return runs(name, **settings)

    for module in (figures_codes, figures_plain, figures_robust):
        monkeypatch.setattr(module, "trained", train)
        if hasattr(module, "DIGITS"):
            monkeypatch.setattr(module, "DIGITS", "digits")
    monkeypatch.setattr(figures_codes, "MANY", (1, 10))
    monkeypatch.setattr(figures_codes, "DRAWS", 2)


def heading(fig):
    return fig.texts[0].get_text().replace("\n", " ")


@pytest.mark.parametrize("name", figures.FIGURES)
def test_figures_can_be_read_and_say_numbers(name):
    fig = figures.FIGURES[name]()
    assert_readable(fig)
    assert re.search(r"\d", heading(fig))
    assert "nan" not in heading(fig)


def test_6_2_says_what_the_first_axis_keeps():
    assert re.match(
        r"One axis of two keeps \d\d\.\d% of the variance", heading(figures.figure_6_2())
    )
    said = figures.figure_6_2().texts[1].get_text().replace("\n", " ")
    assert re.search(r"differ by \de-1\d at most", said)


def test_6_8_says_the_distances_of_its_matrix():
    fig = figures.figure_6_8()
    matrix = fig.axes[1]
    values = [float(t.get_text()) for t in matrix.texts]
    assert len(values) == 100
    inside = sum(values[::11]) / 10
    assert f"{inside:.1f}" in heading(fig)
    assert len(fig.axes[0].get_images()) == 11


def test_6_10_has_a_row_for_each_method():
    fig = figures.figure_6_10()
    labels = [t.get_text() for t in fig.axes[0].get_yticklabels()]
    assert [x.split(":")[0] for x in labels] == [
        "image",
        "PCA, 2",
        "autoencoder, 2",
        "PCA, 6",
        "autoencoder, 6",
    ]
    costs = [x.split(": ")[1] for x in labels[1:]]
    assert all(cost in heading(fig) for cost in costs)


def test_rebuilt_has_a_row_for_each_snapshot(runs):
    run = runs("MNIST_AUTOENCODER", epochs=3, snapshots=(1, 2, 9))
    fig = run_figures.rebuilt(run)
    labels = [t.get_text() for t in fig.axes[0].get_yticklabels()]
    assert [x.split(":")[0] for x in labels[:3]] == ["image", "epoch 1", "epoch 2"]
    assert labels[3].startswith(f"epoch {run.results['best_epoch']}: ")
    without = run_figures.rebuilt(runs("MNIST_AUTOENCODER", epochs=3, snapshots=()))
    assert len(without.axes[0].get_yticklabels()) == 2
    assert_readable(without)


def test_sparsity_counts_units_that_are_on(runs):
    fig = run_figures.sparsity(runs("MNIST_KSPARSE"))
    assert heading(fig).startswith("3.0 of 12 units are on for an image (25.0%)")
    target = run_figures.sparsity(runs("MNIST_SPARSE"))
    assert "target 5.0%" in heading(target)


def test_precision_has_three_ways(hashed):
    fig = run_figures.precision(hashed)
    assert_readable(fig)
    names = [line.get_label() for line in fig.axes[0].get_lines()]
    assert names == ["pixels", "before rounding", "bits"]
    assert "Of the 100 images nearest in 12 bits" in heading(fig)


def test_first_of_each_class():
    labels = read_digits().test_labels
    import torch

    found = run_figures.first_of_each(torch.from_numpy(labels))
    assert [labels[i] for i in found] == list(range(10))
    assert run_figures.numbers(1) == "1 number"
    assert run_figures.numbers(1000) == "1,000 numbers"


def test_settings_of_the_figures_runs_are_allowed():
    for recipe, settings in (
        (figures_robust.CIRCLES_AUTOENCODER, figures_robust.CIRCLE),
        (figures_robust.MNIST_AUTOENCODER, figures_robust.DENSE),
        (figures_codes.MNIST_AUTOENCODER, figures_codes.LARGE),
    ):
        assert recipe.configure(**settings)
