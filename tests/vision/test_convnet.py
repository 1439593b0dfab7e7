"""Networks from a description: shapes, names, numbers against loops, and what is refused."""

import itertools
import re

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from gradus import vision
from gradus.core.errors import UsageError
from gradus.vision.arithmetic import conv_parameters, dense_parameters
from gradus.vision.convnet import ConvNet, ResidualBlock, show
from gradus.vision.layers import Conv, Dense, Pool

BOOK_MNIST = "conv 5x5x32 relu, pool 2, conv 5x5x64 relu, pool 2, dense 1024 relu dropout 0.5"
SHAPES = {1: (2, 19), 2: (3, 17, 18), 3: (2, 8, 9, 10)}


def parameters(net):
    return sum(p.numel() for p in net.parameters())


def test_the_network_of_the_book_for_mnist():
    net = ConvNet(BOOK_MNIST, (1, 28, 28), 10)
    assert parameters(net) == (
        conv_parameters(1, 32, (5, 5))
        + conv_parameters(32, 64, (5, 5))
        + dense_parameters(7 * 7 * 64, 1024)
        + dense_parameters(1024, 10)
    )
    assert parameters(net) == 3_274_634
    assert net.shapes["pool_2"] == (64, 7, 7)
    assert net(torch.rand(3, 1, 28, 28)).shape == (3, 10)


def test_children_are_named_by_kind_and_number():
    net = ConvNet(
        "conv 3x3x4 norm relu, pool 2, conv 3x3x4, relu, average 2, dense 5 tanh", (1, 8, 8), 3
    )
    assert list(net.shapes) == [name for name, _ in net.named_children()]
    assert " ".join(net.shapes) == (
        "conv_1 norm_1 relu_1 pool_1 conv_2 relu_2 average_1 flatten dense_1 tanh_1 output"
    )
    assert "conv_1.weight" in net.state_dict()
    assert isinstance(net.output, nn.Linear)


def test_a_list_of_layers_will_do():
    layers = [Conv((3, 3), 4), Pool("pool", (2,)), Dense(5)]
    assert str(ConvNet(layers, (1, 8, 8), 3)) == str(
        ConvNet("conv 3x3x4, pool 2, dense 5", (1, 8, 8), 3)
    )


def test_no_layers_make_a_softmax_regression():
    net = ConvNet("", (3, 4, 5), 7)
    assert parameters(net) == dense_parameters(60, 7)
    assert net(torch.rand(2, 3, 4, 5)).shape == (2, 7)


def test_the_package_gives_it():
    assert vision.ConvNet is ConvNet


def pieces(axes):
    """Layers that may fit an input of so many axes."""
    sizes = st.lists(st.integers(1, 4), min_size=axes, max_size=axes).map(
        lambda s: "x".join(map(str, s))
    )
    stride = st.sampled_from(["", " stride 1", " stride 2"])
    return st.one_of(
        st.builds(lambda k, s: f"conv {k}x3{s} pad 1", sizes, stride),
        st.builds(lambda k, s: f"pool {k}{s}", sizes, stride),
        st.builds(lambda k: f"average {k}", sizes),
        st.sampled_from(
            [
                "norm",
                "relu",
                "dropout 0.3",
                "residual 4",
                "residual 3 stride 2",
                "pool all",
                "fractional 2 shrink 1.3",
                "dense 6",
            ]
        ),
    )


@pytest.mark.parametrize("axes", [1, 2, 3])
@settings(max_examples=40)
@given(data=st.data())
def test_every_layer_has_the_shape_that_was_foretold(axes, data):
    text = ", ".join(data.draw(st.lists(pieces(axes), max_size=5)))
    try:
        net = ConvNet(text, SHAPES[axes], 4).eval()
    except UsageError as error:
        refusal = str(error)
    else:
        refusal = ""
        x = given = torch.rand(2, *SHAPES[axes])
        for name, layer in net.named_children():
            x = layer(x)
            assert tuple(x.shape[1:]) == net.shapes[name], name
        assert torch.equal(x, net(given))
    assert re.match(r"$|layers: \w+_\d+, whose input is [\d×]+: ", refusal)


def convolved(x, weight, bias, stride, padding):
    """A convolution by loops over every output (book ch. 5: channels, then height and width)."""
    x = np.pad(x, ((0, 0), (padding, padding), (padding, padding)))
    _, high, wide = weight.shape[1:]
    rows = range(0, x.shape[1] - high + 1, stride)
    columns = range(0, x.shape[2] - wide + 1, stride)
    out = np.zeros((len(weight), len(rows), len(columns)))
    for k, (i, r), (j, c) in itertools.product(
        range(len(weight)), enumerate(rows), enumerate(columns)
    ):
        out[k, i, j] = (x[:, r : r + high, c : c + wide] * weight[k]).sum() + bias[k]
    return out


def test_a_whole_network_against_loops():
    net = ConvNet(
        "conv 3x3x4 stride 2 pad 1 relu, conv 2x2x3 pad valid, pool 2 stride 1", (2, 9, 9), 5
    )
    net = net.double()
    for name, parameter in net.named_parameters():
        if name.endswith("bias"):
            nn.init.normal_(parameter)
    x = np.random.default_rng(0).normal(size=(2, 9, 9))
    state = {name: tensor.numpy() for name, tensor in net.state_dict().items()}
    y = convolved(x, state["conv_1.weight"], state["conv_1.bias"], 2, 1).clip(min=0)
    y = convolved(y, state["conv_2.weight"], state["conv_2.bias"], 1, 0)
    y = np.maximum.reduce([y[:, a : a + 3, b : b + 3] for a in (0, 1) for b in (0, 1)])
    z = state["output.weight"] @ y.reshape(-1) + state["output.bias"]
    found = net(torch.from_numpy(x)[None])[0].detach().numpy()
    np.testing.assert_allclose(found, z, rtol=1e-9, atol=1e-12)


# Batch normalisation (V7) -------------------------------------------------------------------------


def normalised(x, mean, var, gamma, beta, axes, eps=1e-3):
    """γ(x - mean)/√(var + ε) + β, channel by channel."""
    shape = [1, -1, *[1] * (len(axes) - 1)]
    mean, var, gamma, beta = (v.reshape(shape) for v in (mean, var, gamma, beta))
    return gamma * (x - mean) / np.sqrt(var + eps) + beta


@pytest.mark.parametrize(
    ("text", "layer", "size"),
    [
        ("norm", "norm_1", (5, 6)),  # as after a convolution: over examples and positions
        ("norm", "norm_1", (7,)),
        ("norm", "norm_1", (3, 4, 5)),
        ("dense 8, norm", "norm_1", ()),  # as after a dense layer: over examples
    ],
)
def test_batch_norm_is_the_formula_in_training_and_evaluation(text, layer, size):
    channels = 8 if not size else 3
    net = ConvNet(text, (3, *(size or (2, 2))), 2)
    norm = net.get_submodule(layer).double()
    draw = np.random.default_rng(0)
    gamma, beta = draw.normal(size=(2, channels))
    norm.weight.data, norm.bias.data = torch.from_numpy(gamma), torch.from_numpy(beta)
    axes = (0, *range(2, 2 + len(size)))
    mean, var = np.zeros(channels), np.ones(channels)
    for _ in range(3):
        x = draw.normal(2.0, 3.0, size=(6, channels, *size))
        n = x.size / channels
        found = norm(torch.from_numpy(x)).detach().numpy()
        batch_mean, batch_var = x.mean(axes), x.var(axes)
        expected = normalised(x, batch_mean, batch_var, gamma, beta, axes)
        np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-9)
        mean = 0.9 * mean + 0.1 * batch_mean
        var = 0.9 * var + 0.1 * batch_var * n / (n - 1)
    norm.eval()
    x = draw.normal(size=(4, channels, *size))
    expected = normalised(x, mean, var, gamma, beta, axes)
    np.testing.assert_allclose(norm(torch.from_numpy(x)).detach(), expected, rtol=1e-9, atol=1e-9)


def test_decay_and_epsilon_are_torchs_momentum_and_eps():
    norm = ConvNet("norm decay 0.6 epsilon 1e-5", (2, 3, 3), 2).norm_1
    assert norm.momentum == pytest.approx(0.4)
    assert norm.eps == 1e-5
    usual = ConvNet("norm", (2, 3, 3), 2).norm_1
    assert (usual.momentum, usual.eps) == (pytest.approx(0.1), 1e-3)


def test_training_and_evaluation_differ_by_batch_norm_and_dropout():
    torch.manual_seed(0)
    x = torch.randn(8, 1, 8, 8)
    for text in ("conv 3x3x4 norm relu", "conv 3x3x4 relu dropout 0.5"):
        net = ConvNet(text, (1, 8, 8), 3)
        trained = net(x)
        net.eval()
        assert not torch.allclose(trained, net(x))
        assert torch.allclose(net(x[:1]), net(x)[:1], atol=1e-6), "one example, answered alone"


# Other layers -------------------------------------------------------------------------------------


def test_a_residual_block_that_keeps_its_shape_adds_its_input():
    torch.manual_seed(0)
    block = ResidualBlock(2, 4, 4, (1, 1)).eval()
    x = torch.randn(2, 4, 6, 6)
    nn.init.zeros_(block.norm_2.weight)
    assert torch.equal(block(x), x.relu())
    assert parameters(block) == 2 * (4 * 4 * 9) + 2 * 8


def test_a_residual_block_that_changes_its_shape_has_a_shortcut_of_its_own():
    block = ResidualBlock(1, 4, 6, (2,))
    assert parameters(block) == 4 * 6 * 3 + 6 * 6 * 3 + 4 * 6 + 3 * 12
    assert block(torch.randn(2, 4, 9)).shape == (2, 6, 5)


def test_overlapping_and_other_pools():
    net = ConvNet("pool 3 stride 2, fractional 2 shrink 1.5, average all", (2, 21, 21), 2).eval()
    assert net.shapes["pool_1"] == (2, 10, 10)
    assert net.shapes["fractional_1"] == (2, 6, 6)
    assert net.shapes["average_1"] == (2, 1, 1)
    assert net(torch.rand(3, 2, 21, 21)).shape == (3, 2)


def test_every_weight_starts_as_the_initialiser_says():
    torch.manual_seed(0)
    net = ConvNet("conv 5x5x64 norm, residual 96, dense 300", (16, 4, 4), 10, init="he")
    for name, inputs in (("conv_1", 16 * 25), ("residual_1.conv_2", 96 * 9), ("dense_1", 96 * 16)):
        weight = net.get_submodule(name).weight
        assert weight.std().item() == pytest.approx((2 / inputs) ** 0.5, rel=0.03)
    assert all((m.bias == 0).all() for m in net.modules() if getattr(m, "bias", None) is not None)
    zeros = ConvNet("conv 3x3x4", (1, 4, 4), 2, init="zeros")
    assert not zeros.conv_1.weight.any()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("pool 40", "pool_1, whose input is 1×28×28: a window of 40×40 is larger than the input"),
        (
            "conv 9x9x8 pad valid, conv 25x25x8 pad valid",
            "conv_2, whose input is 8×20×20: a window of 25×25",
        ),
        (
            "conv 3x8",
            "conv_1, whose input is 1×28×28: the kernel must have a size for each of 2 axes, such",
        ),
        ("conv 4x4x8", "pad same needs odd sizes, got 4×4; give a number"),
        ("pool 2x2x2", "pool_1, whose input is 1×28×28: expected 1 number or 2, got 2x2x2"),
        ("pool 2 pad 2", "pad must be at most half the size 2×2, got 2×2"),
        ("conv 3x3x8 stride 1x1x1", "expected 1 number or 2, got 1x1x1"),
        (
            "dense 5, conv 3x3x8",
            "conv_1, whose input is 5: no axes are left to work along after a dense",
        ),
        (
            "fractional 5 shrink 1.1",
            "fractional_1, whose input is 1×28×28: 25×25 windows of 5×5 do not fit",
        ),
        ("conv 3x3x8 relo", "layers: part 1, 'conv 3x3x8 relo': 'relo' must be one of"),
    ],
)
def test_what_does_not_fit_is_named_with_its_input(text, message):
    with pytest.raises(UsageError, match=re.escape(message)) as error:
        ConvNet(text, (1, 28, 28), 10)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"shape": (3,)}, "shape must be channels and 1 to 3 sizes, all ≥ 1, got (3,)"),
        ({"shape": (3, 0, 4)}, "shape must be channels and 1 to 3 sizes, all ≥ 1, got (3, 0, 4)"),
        ({"shape": (1, 2, 3, 4, 5)}, "shape must be channels and 1 to 3 sizes"),
        ({"classes": 0}, "classes must be ≥ 1, got 0"),
        ({"init": "hee"}, "init must be one of"),
    ],
)
def test_wrong_numbers_are_refused(settings, message):
    with pytest.raises(UsageError, match=re.escape(message)):
        ConvNet(**{"layers": "", "shape": (1, 8, 8), "classes": 2, **settings})


def test_shapes_in_words():
    assert show((64, 7, 7)) == "64×7×7"
