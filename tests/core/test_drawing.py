from collections import OrderedDict
from itertools import pairwise

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.collections import LineCollection, PathCollection
from torch import nn

from gradus.core import drawing, plot
from gradus.core.describe import describe
from gradus.core.errors import UsageError


def heading(fig):
    return fig.texts[0].get_text().replace("\n", " ")


def words(ax):
    return [text.get_text() for text in ax.texts]


def segments(ax):
    return [
        segment
        for collection in ax.collections
        if isinstance(collection, LineCollection)
        for segment in collection.get_segments()
    ]


def test_figure_1_9_has_nine_neurons_and_eighteen_connections():
    fig = drawing.draw_network([3, 3, 3])
    (ax,) = fig.axes
    assert heading(fig) == "The network 3-3-3 has 24 parameters"
    assert len(segments(ax)) == 18
    assert sum(len(c.get_offsets()) for c in ax.collections if isinstance(c, PathCollection)) == 9
    assert words(ax)[:2] == ["input", "3"]
    assert "3 × 3 + 3\n= 12" in words(ax)


def test_figure_3_7_writes_the_true_sizes():
    fig = drawing.draw_network([784, 256, 256, 10])
    assert heading(fig) == "The network 784-256-256-10 has 269,322 parameters"
    assert {"784", "256", "10", "784 × 256 + 256\n= 200,960"} <= set(words(fig.axes[0]))
    assert len(segments(fig.axes[0])) == 3 * 8 * 8


@given(st.lists(st.integers(1, 40), min_size=2, max_size=6))
def test_all_neurons_of_small_layers_and_eight_of_large_ones_are_connected(sizes):
    _, (ax,) = plot.new_figure()
    drawing.draw_neurons(ax, sizes)
    shown = [size if size <= drawing.MOST else 8 for size in sizes]
    assert len(segments(ax)) == sum(a * b for a, b in pairwise(shown))


def test_silent_neurons_have_no_connections():
    _, (ax,) = plot.new_figure()
    drawing.draw_neurons(ax, [2, 3, 1], silent=[[], [0, 2], []])
    middle = 0.0  # neuron 1 of 3 is in the middle
    assert sorted(map(tuple, (end for segment in segments(ax) for end in segment))) == [
        (0, -0.5),
        (0, 0.5),
        (1, middle),
        (1, middle),
        (1, middle),
        (2, middle),
    ]


def chain(bias=True):
    return nn.Sequential(
        OrderedDict(
            flatten=nn.Flatten(),
            hidden_1=nn.Linear(6, 4, bias=bias),
            relu=nn.ReLU(),
            output=nn.Linear(4, 2, bias=bias),
        )
    )


def test_a_chain_of_linear_layers_is_drawn_as_neurons():
    fig = drawing.draw_model(chain(), torch.zeros(2, 2, 3))
    assert heading(fig) == "The network 6-4-2 has 38 parameters"
    assert {"input", "hidden 1", "output"} <= set(words(fig.axes[0]))


def test_a_chain_without_biases_says_so():
    fig = drawing.draw_model(chain(bias=False), torch.zeros(2, 6))
    assert heading(fig) == "The network 6-4-2 has 32 parameters"
    assert "6 × 4\n= 24" in words(fig.axes[0])


@pytest.mark.parametrize(
    ("model", "shape"),
    [
        (nn.Sequential(nn.Conv2d(1, 2, 3), nn.Flatten(), nn.Linear(8, 3)), (1, 4, 4)),
        (nn.Linear(3, 2), (5, 3)),  # over the last of two dimensions
        (nn.Sequential(nn.Linear(4, 4), nn.LayerNorm(4)), (4,)),
        (nn.ReLU(), (4,)),
        (nn.LSTM(3, 2, batch_first=True), (5, 3)),
    ],
)
def test_other_models_are_drawn_as_boxes(model, shape):
    sample = torch.zeros(2, *shape)
    assert drawing.chain_sizes(describe(model, sample), sample) == []
    fig = drawing.draw_model(model, sample)
    count = sum(parameter.numel() for parameter in model.parameters())
    assert heading(fig).startswith(f"{type(model).__name__} has {count:,} parameters")
    assert "FLOPs, one example" in words(fig.axes[0])


def test_boxes_name_each_layer_with_its_shape():
    model = nn.Sequential(OrderedDict(conv=nn.Conv2d(1, 2, 3), pool=nn.MaxPool2d(2)))
    fig = drawing.draw_model(model, torch.zeros(1, 1, 8, 8))
    assert {"conv", "pool", "2 × 6 × 6", "2 × 3 × 3", "20"} <= set(words(fig.axes[0]))


def test_long_names_are_cut_at_their_beginning():
    inner = nn.Sequential(OrderedDict({"a_very_long_name_of_a_layer_indeed": nn.LayerNorm(2)}))
    fig = drawing.draw_model(inner, torch.zeros(1, 2))
    assert "…_name_of_a_layer_indeed" in words(fig.axes[0])
    assert max(map(len, words(fig.axes[0]))) <= 24


def test_what_makes_no_network_is_refused():
    with pytest.raises(UsageError, match=r"two or more layers of ≥ 1 neurons, got \[3\]"):
        drawing.draw_network([3])
    with pytest.raises(UsageError, match=r"got \[3, 0\]"):
        drawing.draw_network([3, 0])
    with pytest.raises(UsageError, match="2 layers need 2 labels and 1 counts"):
        drawing.draw_network([3, 2], labels=["one"])
    with pytest.raises(UsageError, match="Nothing has no layers to draw"):
        drawing.draw_boxes([], "Nothing")
