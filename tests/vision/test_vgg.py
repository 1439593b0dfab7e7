"""VGG networks: published numbers of parameters, and weights in torchvision's layout by name."""

import re

import pytest
import torch
from safetensors.torch import save_file

from gradus import vision
from gradus.core.errors import DataError, UsageError
from gradus.data.weights import WEIGHTS
from gradus.vision.layers import Conv, parse
from gradus.vision.vgg import BLOCKS, VGG, stage_names, vgg_layers
from gradus.vision.vgg_weights import torchvision_keys

PARAMETERS = {
    (11, False): 132_863_336,
    (11, True): 132_868_840,
    (13, False): 133_047_848,
    (13, True): 133_053_736,
    (16, False): 138_357_544,
    (16, True): 138_365_992,
    (19, False): 143_667_240,
    (19, True): 143_678_248,
}
"""As torchvision publishes them."""

SMALL = {"width": 2, "units": 6, "classes": 4, "shape": (3, 32, 32)}


def on_meta(*args, **settings):
    with torch.device("meta"):
        return VGG(*args, **settings)


def published(net):
    """A network's weights as torchvision would write them."""
    state = net.state_dict()
    return {theirs: state[ours] for ours, theirs in torchvision_keys(net).items()}


@pytest.mark.parametrize(("depth", "norm"), PARAMETERS)
def test_parameters_are_as_many_as_published(depth, norm):
    net = on_meta(depth, norm=norm)
    assert sum(p.numel() for p in net.parameters()) == PARAMETERS[depth, norm]
    assert net.shapes["flatten"] == (512 * 7 * 7,)


def test_as_many_layers_with_weights_as_the_name_says():
    for depth in BLOCKS:
        convolutions = [layer for layer in parse(vgg_layers(depth)) if isinstance(layer, Conv)]
        assert len(convolutions) + 3 == depth
        assert {layer.kernel for layer in convolutions} == {(3, 3)}


def test_keys_and_shapes_of_the_published_file_of_vgg_16():
    keys = torchvision_keys(on_meta(16))
    places = [0, 2, 5, 7, 10, 12, 14, 17, 19, 21, 24, 26, 28]
    names = [f"features.{i}" for i in places] + [f"classifier.{i}" for i in (0, 3, 6)]
    assert list(keys.values()) == [f"{n}.{kind}" for n in names for kind in ("weight", "bias")]
    state = published(on_meta(16))
    assert state["features.28.weight"].shape == (512, 512, 3, 3)
    assert state["classifier.0.weight"].shape == (4096, 25088)
    assert state["classifier.6.bias"].shape == (1000,)


def test_keys_of_the_published_file_of_vgg_11_with_norms():
    keys = list(torchvision_keys(on_meta(11, norm=True)).values())
    assert keys[:9] == [
        *(f"features.0.{kind}" for kind in ("weight", "bias")),
        *(f"features.1.{kind}" for kind in ("weight", "bias", "running_mean", "running_var")),
        *(f"features.4.{kind}" for kind in ("weight", "bias")),
        "features.5.weight",
    ]
    assert keys[-1] == "classifier.6.bias"


@pytest.mark.parametrize("form", ["zip", "older", "safetensors"])
@pytest.mark.parametrize("norm", [False, True])
def test_a_file_of_the_published_layout_gives_the_same_network(tmp_path, form, norm):
    torch.manual_seed(0)
    net = VGG(11, norm=norm, **SMALL)
    for tensor in net.state_dict().values():
        if tensor.is_floating_point():
            tensor.uniform_(0.1, 1)
    path = tmp_path / ("w.safetensors" if form == "safetensors" else "w.pth")
    if form == "safetensors":
        save_file(published(net), path)
    else:
        torch.save(published(net), path, _use_new_zipfile_serialization=form == "zip")
    loaded = VGG(11, norm=norm, weights=path, **SMALL)
    x = torch.rand(2, 3, 32, 32)
    assert torch.equal(loaded.eval()(x), net.eval()(x))
    loaded.train()(x).sum().backward()
    assert all(p.grad is not None for p in loaded.parameters())


@pytest.fixture
def weights(tmp_path):
    path = tmp_path / "vgg11.pth"
    torch.save(published(VGG(11, **SMALL)), path)
    return path


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (
            {"depth": 13},
            "expected features.2.weight of shape 2×2×3×3 (our conv_2.weight), found none",
        ),
        (
            {"width": 4},
            "expected features.0.weight of shape 4×3×3×3 (our conv_1.weight), found 2×3×3×3",
        ),
        (
            {"classes": 5},
            "expected classifier.6.weight of shape 5×6 (our output.weight), found 4×6",
        ),
        ({"shape": (3, 64, 64)}, "expected classifier.0.weight of shape 6×64 (our dense_1.weight)"),
        ({"norm": True}, "expected features.1.weight of shape 2 (our norm_1.weight), found none"),
    ],
)
def test_weights_of_another_network_are_refused_by_the_first_key_that_differs(
    weights, settings, message
):
    with pytest.raises(DataError, match=re.escape(message)) as error:
        VGG(**{"depth": 11, "weights": weights, **SMALL, **settings})
    assert str(error.value).startswith(f"{weights}: weights of another network: ")


def test_a_weight_left_over_is_refused(weights):
    state = torch.load(weights, weights_only=True)
    torch.save({**state, "features.99.weight": torch.zeros(3)}, weights)
    with pytest.raises(DataError, match=r"expected no features\.99\.weight, found it with shape 3"):
        VGG(11, weights=weights, **SMALL)


def test_files_that_hold_no_weights_are_refused_in_one_line(tmp_path):
    def refusal(name, content=None):
        path = tmp_path / name
        if isinstance(content, bytes):
            path.write_bytes(content)
        elif content is not None:
            torch.save(content, path)
        with pytest.raises(DataError) as error:
            VGG(11, weights=path, **SMALL)
        assert "\n" not in str(error.value)
        return str(error.value).removeprefix(f"{path}: ")

    assert refusal("absent.pth") == "cannot be read (No such file or directory)"
    assert "not a file of weights" in refusal("text.pth", b"hello there")
    assert "not a file of weights" in refusal("empty.pth", b"")
    assert "not a file of weights" in refusal("cut.safetensors", b"\x00" * 20)
    assert "not a file of weights" in refusal("code.pth", {"a": PARAMETERS.__class__.fromkeys})
    assert refusal("list.pth", [1, 2]) == "expected tensors by name, found list"


def test_published_weights_are_found_by_their_checksum(tmp_path, monkeypatch):
    monkeypatch.setenv("GRADUS_DATA", str(tmp_path))
    (tmp_path / "vgg19-dcbb9e9d.pth").write_bytes(b"not these")
    with pytest.raises(DataError, match="truncated, expected 574673361 bytes, found 9"):
        VGG(19, weights="published")
    with pytest.raises(
        UsageError, match="known of vgg16, vgg16-norm, vgg19, vgg19-norm, not of vgg11"
    ):
        VGG(11, weights="published")


def test_each_published_file_is_named_after_its_checksum():
    for remote in WEIGHTS.values():
        (file,) = remote.files
        assert len(file.sha256) == 64
        assert file.name.endswith(f"-{file.sha256[:8]}.pth")
        assert file.urls[0].endswith(f"/{file.name}")
    parameters = {f"vgg{d}" + "-norm" * n: count for (d, n), count in PARAMETERS.items()}
    for name, remote in WEIGHTS.items():
        assert 0 < remote.files[0].size - 4 * parameters[name] < 200_000


def test_layers_have_the_names_of_the_papers():
    names = stage_names(on_meta(19))
    assert names["relu4_2"] == "relu_10"
    assert [names[f"relu{i}_1"] for i in range(1, 6)] == [
        "relu_1",
        "relu_3",
        "relu_5",
        "relu_9",
        "relu_13",
    ]
    assert names["pool5"] == "pool_5"
    assert "dense" not in " ".join(names)
    assert stage_names(on_meta(11, norm=True))["norm3_2"] == "norm_4"


def test_wrong_depths_are_refused_and_the_package_gives_it():
    with pytest.raises(UsageError, match="depth must be one of 11, 13, 16, 19, got 12"):
        vision.VGG(12)
