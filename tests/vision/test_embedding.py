"""Maps of the last hidden layer: the layer, t-SNE, neighbours that vote, the drawing."""

import itertools

import numpy as np
import pytest
import torch
from sklearn.datasets import load_digits
from torch import nn

from gradus.core import plot
from gradus.core.errors import UsageError
from gradus.nn.neighbours import knn_accuracy
from gradus.nn.tsne import tsne
from gradus.vision import ConvNet
from gradus.vision.classifier import Classifier
from gradus.vision.embedding import draw_map, last_hidden
from tests.figures import assert_readable


@pytest.fixture(scope="module")
def digits():
    data, labels = load_digits(return_X_y=True)
    return data[:300], labels[:300]


@pytest.fixture(scope="module")
def map_(digits):
    return tsne(digits[0], seed=0)


def test_the_last_hidden_layer_is_what_the_output_layer_takes():
    torch.manual_seed(0)
    net = ConvNet("conv 3x3x4 relu pool 2, dense 6 relu dropout 0.5", (1, 8, 8), 3)
    x = torch.rand(7, 1, 8, 8)
    net.eval()
    hidden = net.relu_2(net.dense_1(net.flatten(net.pool_1(net.relu_1(net.conv_1(x))))))
    net.train()
    found = last_hidden(net, x, batch_size=3)
    torch.testing.assert_close(found, hidden.detach())
    torch.testing.assert_close(last_hidden(Classifier(net, views="flip"), x), hidden.detach())
    assert net.training
    assert not net.output._forward_pre_hooks
    with pytest.raises(UsageError, match="no linear layer"):
        last_hidden(nn.Conv2d(1, 1, 1), x)


def test_the_map_depends_on_points_and_seed_alone(digits, map_):
    assert map_.shape == (300, 2)
    np.testing.assert_array_equal(tsne(digits[0], seed=0), map_)
    assert not np.array_equal(tsne(digits[0], seed=1), map_)


def test_neighbours_stay_neighbours(digits, map_):
    data, labels = digits
    assert knn_accuracy(map_, labels, 5) > knn_accuracy(data, labels, 5) - 0.06
    shuffled = np.random.default_rng(0).permutation(map_)
    assert knn_accuracy(shuffled, labels, 5) < 0.3


def test_many_dimensions_are_brought_down_first():
    draw = np.random.default_rng(0)
    ends = np.repeat(draw.normal(size=(3, 400)), 40, axis=0)
    found = tsne(ends + 0.1 * draw.normal(size=(120, 400)))
    assert knn_accuracy(found, np.repeat(np.arange(3), 40)) == 1


def test_points_that_cannot_be_mapped():
    with pytest.raises(UsageError, match="a third of the 60 points, got 30"):
        tsne(np.zeros((60, 5)))
    with pytest.raises(UsageError, match="perplexity must be > 1"):
        tsne(np.zeros((60, 5)), perplexity=1)
    points = np.zeros((120, 5))
    points[3, 2] = np.nan
    with pytest.raises(UsageError, match="points must be finite"):
        tsne(points)


@pytest.mark.parametrize("colour", [False, True])
def test_the_drawing_shows_each_class_and_each_thumbnail_once(digits, map_, colour):
    images = digits[0].reshape(-1, 8, 8) / 16
    if colour:
        images = np.repeat(images[..., None], 3, axis=-1)
    names = [f"class {i}" for i in range(10)]
    fig = draw_map(map_, digits[1], names, images)
    left, right = fig.axes
    assert {t.get_text() for t in left.texts} == set(names)
    assert sum(len(c.get_offsets()) for c in left.collections) == 300
    places = [tuple(np.round(i.get_extent(), 6)) for i in right.get_images()]
    assert 20 < len(places) == len(set(places)) <= 300
    plot.title(fig, "a map")
    assert_readable(fig)
    boxes = [t.get_window_extent() for t in left.texts]
    pairs = itertools.combinations(boxes, 2)
    assert not any(one.overlaps(other) for one, other in pairs)


def test_names_of_classes_in_one_place_stand_below_each_other():
    positions = np.random.default_rng(0).normal(size=(90, 2))
    labels = np.arange(90) % 3
    fig = draw_map(positions, labels, ["one", "two", "three"], np.zeros((90, 4, 4)))
    fig.draw_without_rendering()
    boxes = [t.get_window_extent() for t in fig.axes[0].texts]
    assert not any(one.overlaps(other) for one, other in itertools.combinations(boxes, 2))
