"""Figures 5-18 to 5-20, drawn from small runs."""

import re

import pytest
import torch

from gradus.core.experiment import train
from gradus.nn.neighbours import knn_accuracy
from gradus.nn.tsne import tsne
from gradus.vision import ConvNet, figures_inside
from gradus.vision.embedding import last_hidden
from gradus.vision.recipes import CIFAR10_CNN_BN, CIFAR10_VGG, DIGITS_CNN
from gradus.vision.style.config import StyleConfig
from gradus.vision.style.networks import network_of
from tests.commands import offline
from tests.figures import assert_readable


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    path = tmp_path_factory.mktemp("run") / "digits"
    return train(DIGITS_CNN, DIGITS_CNN.configure(**DIGITS_CNN.smoke), path=path)


@pytest.fixture(autouse=True)
def small(run, monkeypatch):
    monkeypatch.setattr(figures_inside, "_photos", lambda: run)
    monkeypatch.setattr(figures_inside, "POINTS", 120)
    monkeypatch.setattr(figures_inside, "StyleConfig", lambda: StyleConfig(size=64, steps=4))


def heading(fig):
    return fig.texts[0].get_text().replace("\n", " ")


def test_5_18_counts_filters(run):
    fig = figures_inside.figure_5_18()
    assert_readable(fig)
    filters = run.task().model.net.conv_1.weight
    assert f" of {len(filters)} first-layer filters" in heading(fig)
    assert "1,237 photos" in fig.texts[1].get_text()


def test_5_19_says_how_often_neighbours_agree(run):
    fig = figures_inside.figure_5_19()
    assert_readable(fig)
    task = run.task()
    images, labels = (part[:120] for part in task.test().tensors)
    points = tsne(last_hidden(task.model, images).numpy())
    pixels = images.flatten(1).numpy()
    expected = [f"{100 * knn_accuracy(p, labels.numpy()):.0f}" for p in (points, pixels)]
    assert re.findall(r"(\d+)%", heading(fig)) == expected


@pytest.mark.parametrize("own", [True, False])
def test_5_20_paints(own, monkeypatch, tmp_path):
    torch.manual_seed(0)
    net = ConvNet("conv 3x3x6 relu pool 2, conv 3x3x8 relu", (3, 8, 8), 3)
    monkeypatch.setattr(figures_inside, "_judge", lambda: network_of(net, "small"))
    if own:
        from PIL import Image

        (tmp_path / "style-images").mkdir()
        Image.new("RGB", (50, 40), "red").save(tmp_path / "style-images" / "style-all-red.jpg")
        monkeypatch.setenv("GRADUS_DATA", str(tmp_path))
    else:
        monkeypatch.delenv("GRADUS_DATA", raising=False)
    fig = figures_inside.figure_5_20()
    assert_readable(fig)
    assert re.match(r"Content of one, style of the other: \d+\.\d% of the loss", heading(fig))
    said = fig.texts[1].get_text()
    assert said.startswith(
        "Style: all red; judged by sm" if own else "Style: a photo of a flower; j"
    )
    assert fig.axes[2].get_images()[0].get_array().shape == (43, 64, 3)


def test_runs_are_those_of_the_chapter(monkeypatch, tmp_path, run):
    asked = []

    def trained(recipe, **settings):
        asked.append((recipe, settings))
        return run

    monkeypatch.undo()
    offline(monkeypatch, tmp_path)
    monkeypatch.setattr(figures_inside, "trained", trained)
    assert figures_inside._photos() is run
    assert figures_inside._judge().name.startswith("digits-cnn")
    assert [recipe for recipe, _ in asked] == [CIFAR10_CNN_BN, CIFAR10_VGG]
    for recipe, settings in asked:
        assert recipe.configure(**settings).data == "cifar10"
