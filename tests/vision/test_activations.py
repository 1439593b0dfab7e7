"""Looking inside any network: layer outputs, the first filters, and their pictures."""

import numpy as np
import pytest
import torch
from torch import nn

from gradus.core.errors import UsageError
from gradus.vision import ConvNet
from gradus.vision.activations import (
    activation_pictures,
    activations,
    check_spatial,
    draw_activations,
    evaluating,
    output_shapes,
    run_with,
    spatial_layers,
)
from tests.figures import assert_readable

X = torch.linspace(-1, 1, 2 * 3 * 8 * 8).reshape(2, 3, 8, 8)


@pytest.fixture
def net():
    torch.manual_seed(0)
    return ConvNet("conv 3x3x4 relu pool 2, conv 3x3x5 relu pool all, dense 6 relu", (3, 8, 8), 3)


def test_outputs_equal_the_layers_one_after_the_other(net):
    x, expected = X, {}
    for name, layer in net.named_children():
        x = expected[name] = layer(x)
    found = activations(net, X, list(expected)[::-1])
    assert list(found) == list(expected)[::-1]
    for name, value in expected.items():
        torch.testing.assert_close(found[name], value, rtol=0, atol=0)
    output, same = run_with(net, X, ["conv_2"])
    torch.testing.assert_close(output, expected["output"], rtol=0, atol=0)
    torch.testing.assert_close(same["conv_2"], expected["conv_2"], rtol=0, atol=0)


def test_the_network_runs_no_further_than_it_must(net):
    large = torch.rand(1, 3, 20, 30)
    with pytest.raises(RuntimeError):
        ConvNet("conv 3x3x4 relu", (3, 8, 8), 3)(large)
    with torch.no_grad():
        found = activations(ConvNet("conv 3x3x4 relu", (3, 8, 8), 3), large, ["relu_1"])
    assert found["relu_1"].shape == (1, 4, 20, 30)


def test_gradients_flow_to_the_input_and_between_layers(net):
    x = X.clone().requires_grad_()
    activations(net, x, ["relu_1"])["relu_1"].sum().backward()
    assert x.grad.abs().sum() > 0
    output, found = run_with(net, X, ["pool_1"])
    (gradient,) = torch.autograd.grad(output[:, 0].sum(), found["pool_1"])
    assert gradient.shape == found["pool_1"].shape
    assert gradient.abs().sum() > 0


def test_what_works_in_place_does_not_write_into_what_was_noted():
    net = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(inplace=True))
    found = activations(net, X, ["0", "1"])
    assert found["0"].min() < 0 == found["1"].min()
    output, found = run_with(net, X, ["0"])
    (gradient,) = torch.autograd.grad(output.sum(), found["0"])
    torch.testing.assert_close(gradient, (found["0"] > 0).float())


def test_no_hook_stays_behind_whatever_happens(net):
    activations(net, X, ["conv_1"])
    activations(net, X, ["output"])
    with pytest.raises(UsageError, match="no layer is called 'nowhere'"):
        activations(net, X, ["conv_1", "nowhere"])
    with pytest.raises(RuntimeError):
        activations(net, X[:, :2], ["conv_1"])
    assert not any(m._forward_hooks for m in net.modules())


def test_an_unused_layer_and_a_near_miss_are_named(net):
    net.add_module("spare", nn.Identity())
    net.forward = lambda x: net.conv_1(x)
    with pytest.raises(UsageError, match="layer conv_2 gave no tensor"):
        activations(net, X, ["conv_1", "conv_2"])
    with pytest.raises(UsageError, match=r"'conv-1': did you mean conv_1"):
        activations(net, X, ["conv-1"])


def test_shapes_are_those_the_network_says(net):
    shapes = output_shapes(net, X)
    assert {name: shape[1:] for name, shape in shapes.items()} == net.shapes
    assert spatial_layers(net, X) == ["conv_1", "relu_1", "pool_1", "conv_2", "relu_2"]


def test_a_layer_without_maps_is_refused_and_those_with_are_named(net):
    check_spatial(net, X, "conv_2")
    for layer, words in (
        ("dense_1", "'dense_1' has no spatial maps"),
        ("pool_2", "'pool_2' has no spatial maps"),
        ("conv_3", "'conv_3' is unknown: did you mean conv_"),
    ):
        with pytest.raises(UsageError, match=words) as caught:
            check_spatial(net, X, layer)
        assert str(caught.value).endswith("with maps: conv_1, relu_1, pool_1, conv_2, relu_2")
    with pytest.raises(UsageError, match="no layer with maps"):
        check_spatial(nn.Sequential(nn.Flatten(), nn.Linear(192, 3)), X, "1")


@pytest.mark.parametrize("training", [True, False])
def test_the_mode_comes_back(training):
    model = nn.Linear(2, 2).train(training)
    with evaluating(model):
        assert not model.training
    assert model.training == training
    with pytest.raises(RuntimeError), evaluating(model):
        model(torch.zeros(3))
    assert model.training == training


def test_the_figure_counts_the_maps_that_answer(net):
    maps = np.zeros((5, 4, 6))
    maps[1], maps[2, 0, 0], maps[3] = 2.0, 0.019, -1.0
    fig = draw_activations(maps, "relu_1")
    assert_readable(fig)
    assert fig.texts[0].get_text().startswith("relu_1: 1 of 5 feature maps answer")
    assert "0 of 5" in draw_activations(np.zeros((5, 4, 6)), "x").texts[0].get_text()
    assert_readable(draw_activations(np.random.default_rng(0).normal(size=(200, 3, 3)), "conv_1"))


def test_pictures_for_tensorboard(net):
    pictures = activation_pictures(net, X[:1], ["conv_1", "relu_2"])
    assert set(pictures) == {"conv_1 for an image", "relu_2 for an image"}
    assert pictures["conv_1 for an image"].shape == (4, 1, 8, 8)
    for batch in pictures.values():
        assert (batch.min(), batch.max()) == (0, 1)
