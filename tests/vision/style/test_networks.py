"""The networks that judge: which layers, what they take, which sizes."""

from functools import partial

import pytest
import torch

from gradus.core.errors import DataError, UsageError
from gradus.core.experiment import train
from gradus.data import cifar
from gradus.vision import VGG, ConvNet
from gradus.vision.predict import classifier
from gradus.vision.recipes import DIGITS_CNN
from gradus.vision.style import networks
from gradus.vision.style.colours import luminance
from gradus.vision.style.networks import CONTENT, STYLE, network_of, run_network, vgg_network
from gradus.vision.vgg import MEAN, STD, stage_names
from gradus.vision.vgg_weights import torchvision_keys
from tests.commands import offline

SMALL = (
    "conv 3x3x4 norm relu, conv 3x3x4 norm relu, pool 2, conv 3x3x6 norm relu, "
    "conv 3x3x6 norm relu, pool 2, conv 3x3x8 norm relu, conv 3x3x8 norm relu, pool all"
)


@pytest.fixture
def net():
    torch.manual_seed(0)
    return ConvNet(SMALL, (3, 16, 16), 5)


def test_layers_are_chosen_as_in_the_paper(net):
    found = network_of(net, "mine")
    assert found.style == ("relu_1", "relu_3", "relu_5")
    assert found.content == ("relu_4",)
    two = network_of(ConvNet("conv 5x5x4 relu pool 2, conv 5x5x4 relu pool 2", (3, 8, 8), 2), "2")
    assert (two.content, two.style) == (("relu_2",), ("relu_1", "relu_2"))
    soft = network_of(ConvNet("conv 5x5x4 gelu pool 2, conv 3x3x4 gelu", (3, 8, 8), 2), "3")
    assert soft.style == ("gelu_1", "gelu_2")


def test_layers_can_be_named_in_two_ways(net):
    found = network_of(net, "mine", content=["relu2_2", "relu_4"], style=["conv1_2", "norm_3"])
    assert found.content == ("relu_4", "relu_4")
    assert found.style == ("conv_2", "norm_3")
    with pytest.raises(UsageError, match=r"layer 'relu4_1' is unknown: did you mean relu"):
        network_of(net, "mine", content=["relu4_1"])


def test_a_network_without_activations_must_be_told_its_layers():
    linear = ConvNet("conv 3x3x4", (3, 8, 8), 2)
    with pytest.raises(UsageError, match="mine has no activations before its first dense layer"):
        network_of(linear, "mine")
    assert network_of(linear, "mine", content=["conv_1"], style=["conv_1"]).style == ("conv_1",)


def test_features_of_images_of_any_size(net):
    found = network_of(net, "mine", prepare=lambda x: 2 * x - 1)
    image = torch.rand(1, 3, 40, 21)
    features = found.features(image)
    assert {k: tuple(v.shape) for k, v in features.items()} == {
        "relu_1": (1, 4, 40, 21),
        "relu_3": (1, 6, 20, 10),
        "relu_4": (1, 6, 20, 10),
        "relu_5": (1, 8, 10, 5),
    }
    expected = net.relu_1(net.norm_1(net.conv_1(2 * image - 1)))
    torch.testing.assert_close(features["relu_1"], expected)


def test_the_network_is_frozen_and_gradients_reach_the_image(net):
    found = network_of(net, "mine")
    assert not found.model.training
    assert not any(p.requires_grad for p in found.model.parameters())
    image = torch.rand(1, 3, 16, 16, requires_grad=True)
    sum(f.sum() for f in found.features(image).values()).backward()
    assert image.grad.abs().sum() > 0


def test_sizes_that_leave_a_layer_nothing(net):
    found = network_of(net, "mine")
    assert found.takes(4, 4)
    assert not found.takes(3, 4)


@pytest.mark.parametrize("whiten", [False, True])
def test_a_run_sees_luminance_and_brightness(tmp_path, whiten):
    """Where a run whitens each image, brightness and contrast count here all the same."""
    config = DIGITS_CNN.configure(**{**DIGITS_CNN.smoke, "epochs": 1, "whiten": whiten})
    run = train(DIGITS_CNN, config, path=tmp_path / "run")
    found = run_network(run)
    assert found.name == f"digits-cnn ({tmp_path}/run)"
    image = torch.rand(1, 3, 9, 14)
    seen = luminance(image)
    if whiten:
        mean, std = (sum(v) / 3 for v in (cifar.MEAN, cifar.STD))
        seen = (seen - mean) / std
    net = classifier(run).net
    expected = net.relu_1(net.norm_1(net.conv_1(seen)))
    torch.testing.assert_close(found.features(image)["relu_1"], expected)


def torchvision_file(net, path):
    """A network's weights as torchvision would have written them."""
    names = torchvision_keys(net)
    torch.save({names[ours]: t for ours, t in net.state_dict().items()}, path)


def test_vgg19_by_the_papers_layers(tmp_path, monkeypatch):
    torch.manual_seed(0)
    small = {"width": 1, "units": 4, "classes": 3, "shape": (3, 32, 32)}
    net = VGG(19, **small)
    torchvision_file(net, tmp_path / "vgg19.pth")
    with pytest.raises(DataError, match="weights of another network"):
        vgg_network(tmp_path / "vgg19.pth")
    monkeypatch.setattr(networks, "VGG", partial(VGG, **small))
    found = vgg_network(tmp_path / "vgg19.pth")
    stages = stage_names(net)
    assert found.content == tuple(stages[name] for name in CONTENT) == ("relu_10",)
    assert found.style == tuple(stages[name] for name in STYLE)
    image = torch.rand(1, 3, 16, 16)
    mean, std = (torch.tensor(v)[:, None, None] for v in (MEAN, STD))
    expected = net.relu_1(net.conv_1((image - mean) / std))
    torch.testing.assert_close(found.features(image)["relu_1"], expected)
    assert vgg_network(tmp_path / "vgg19.pth", style=["relu2_2"]).style == (stages["relu2_2"],)


def test_weights_that_are_absent_are_said_in_one_line(monkeypatch, tmp_path):
    offline(monkeypatch, tmp_path)
    with pytest.raises(DataError) as caught:
        vgg_network()
    line = str(caught.value)
    assert "\n" not in line
    for word in ("vgg19-dcbb9e9d.pth", "575 MB", "--weights", "--network RUN"):
        assert word in line
