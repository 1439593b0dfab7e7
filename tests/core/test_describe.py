from collections import OrderedDict
from itertools import pairwise

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from gradus.core.describe import LayerRow, describe, totals


def parameters(model):
    return sum(parameter.numel() for parameter in model.parameters())


def net(*sizes):
    layers = OrderedDict(flatten=nn.Flatten())
    for i in range(1, len(sizes)):
        layers[f"hidden_{i}"] = nn.Linear(sizes[i - 1], sizes[i])
        layers[f"relu_{i}"] = nn.ReLU()
    return nn.Sequential(layers)


def test_the_mlp_of_figure_3_7():
    rows = [
        row for row in describe(net(784, 256, 256, 10), torch.zeros(5, 28, 28)) if row.parameters
    ]
    assert rows == [
        LayerRow("hidden_1", "Linear", (256,), 784 * 256 + 256, 2 * 784 * 256),
        LayerRow("hidden_2", "Linear", (256,), 256 * 256 + 256, 2 * 256 * 256),
        LayerRow("hidden_3", "Linear", (10,), 256 * 10 + 10, 2 * 256 * 10),
    ]


@given(st.lists(st.integers(1, 12), min_size=2, max_size=5), st.integers(1, 4))
def test_rows_sum_to_the_model_whatever_the_batch(sizes, batch):
    model = net(*sizes)
    products = sum(a * b for a, b in pairwise(sizes))
    assert totals(describe(model, torch.zeros(batch, sizes[0]))) == (
        parameters(model),
        2 * products,
    )


def test_convolution_and_normalisation():
    model = nn.Sequential(nn.Conv2d(3, 8, 5, padding=2), nn.BatchNorm2d(8), nn.MaxPool2d(2))
    conv, norm, pool = describe(model, torch.zeros(2, 3, 14, 14))
    assert conv == LayerRow("0", "Conv2d", (8, 14, 14), 3 * 8 * 25 + 8, 2 * 14 * 14 * 3 * 8 * 25)
    assert norm == LayerRow("1", "BatchNorm2d", (8, 14, 14), 16, 0)
    assert pool == LayerRow("2", "MaxPool2d", (8, 7, 7), 0, 0)


@pytest.mark.parametrize(("kind", "gates"), [(nn.LSTM, 4), (nn.GRU, 3), (nn.RNN, 1)])
def test_recurrent_layers_count_every_step(kind, gates):
    steps, inputs, hidden = 11, 5, 7
    (row,) = describe(kind(inputs, hidden, batch_first=True), torch.zeros(2, steps, inputs))
    assert row.output_shape == (steps, hidden)
    assert row.flops == 2 * steps * gates * hidden * (inputs + hidden)


def test_attention_counts_projections_scores_and_averages():
    steps, width = 6, 8
    layer = nn.TransformerEncoderLayer(width, 2, 16, batch_first=True)
    rows = {row.path: row for row in describe(layer, torch.zeros(2, steps, width))}
    projections = 2 * steps * width * 4 * width
    assert rows["self_attn"].flops == projections + 2 * (2 * steps * steps * width)
    assert totals(rows.values())[0] == parameters(layer)
    assert torch.backends.mha.get_fastpath_enabled()


class Odd(nn.Module):
    """Arithmetic and a parameter of its own, tied weights, an unused layer, two inputs."""

    def __init__(self):
        super().__init__()
        self.embed = nn.Embedding(20, 4)
        self.out = nn.Linear(4, 20, bias=False)
        self.out.weight = self.embed.weight
        self.mix = nn.Parameter(torch.zeros(4, 4))
        self.unused = nn.Linear(2, 2)

    def forward(self, words, shift):
        return {"scores": self.out(self.embed(words) @ self.mix + shift)}


def test_own_arithmetic_shared_weights_and_unused_layers():
    model = Odd()
    rows = describe(model, [torch.zeros(2, 3, dtype=torch.long), torch.zeros(2, 1, 1)])
    assert rows == [
        LayerRow("", "Odd", None, 16, 2 * 3 * 4 * 4),
        LayerRow("embed", "Embedding", (3, 4), 80, 0),
        LayerRow("out", "Linear", (3, 20), 0, 2 * 3 * 4 * 20),
        LayerRow("unused", "Linear", None, 6, 0),
    ]
    assert totals(rows)[0] == parameters(model)


def test_a_layer_used_twice_is_listed_once_and_works_twice():
    layer = nn.Linear(3, 3)
    (row,) = describe(nn.Sequential(layer, layer), torch.zeros(1, 3))
    assert (row.parameters, row.flops) == (12, 2 * 2 * 9)


def test_the_model_is_left_as_it_was():
    model = nn.Sequential(nn.Linear(2, 2), nn.BatchNorm1d(2), nn.Dropout())
    model[1].eval()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    describe(model, torch.ones(3, 2))
    assert [module.training for module in model] == [True, False, True]
    assert all(torch.equal(before[name], value) for name, value in model.state_dict().items())
    assert not any(module._forward_hooks or module._forward_pre_hooks for module in model)


def test_hooks_and_modes_are_restored_after_an_error():
    model = nn.Sequential(nn.Linear(2, 2))
    with pytest.raises(RuntimeError, match="shapes cannot be multiplied"):
        describe(model, torch.zeros(1, 3))
    assert model.training
    assert not model[0]._forward_hooks
    assert not model[0]._forward_pre_hooks


def test_nothing_has_no_totals():
    assert totals([]) == (0, 0)
