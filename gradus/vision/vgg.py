"""VGG networks (book figure 5-14, rightmost): 3×3 convolutions only, eleven to nineteen layers.

Source: Simonyan and Zisserman 2014, "Very Deep Convolutional Networks for Large-Scale Image
Recognition", table 1: configurations A, B, D and E.
"""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import torch

from gradus.core.errors import UsageError
from gradus.vision.convnet import ConvNet
from gradus.vision.vgg_weights import assign, find, read

BLOCKS = {
    11: (1, 1, 2, 2, 2),
    13: (2, 2, 2, 2, 2),
    16: (2, 2, 3, 3, 3),
    19: (2, 2, 4, 4, 4),
}
"""Layers with weights -> convolutions in each block; a pool ends a block."""

MEAN = (0.485, 0.456, 0.406)
"""Mean of red, green and blue in [0, 1] over ImageNet: taken off what the published nets see."""
STD = (0.229, 0.224, 0.225)
"""Standard deviation of red, green and blue over ImageNet: what they are then divided by."""


def vgg_layers(depth: int, *, norm: bool = False, width: int = 64, units: int = 4096) -> str:
    """The description of a VGG network, for `ConvNet`.

    Args:
        depth: layers with weights: 11, 13, 16 or 19.
        norm: whether each convolution is followed by batch normalisation (with ε = 1e-5, as in
            the published weights).
        width: filters of the first block, ≥ 1; the others have 2, 4, 8 and 8 times as many.
        units: of the two dense layers, ≥ 1.

    Raises:
        UsageError: there is no such depth.
    """
    if depth not in BLOCKS:
        raise UsageError(f"depth must be one of {', '.join(map(str, BLOCKS))}, got {depth}")
    after = "norm epsilon 1e-5 relu" if norm else "relu"
    parts = []
    for factor, convolutions in zip((1, 2, 4, 8, 8), BLOCKS[depth], strict=True):
        parts += [f"conv 3x3x{factor * width} {after}"] * convolutions + ["pool 2"]
    return ", ".join(parts + [f"dense {units} relu dropout 0.5"] * 2)


def VGG(
    depth: int = 16,
    *,
    norm: bool = False,
    weights: str | Path | None = None,
    classes: int = 1000,
    shape: Sequence[int] = (3, 224, 224),
    width: int = 64,
    units: int = 4096,
) -> ConvNet:
    """A VGG network, with new or published weights.

    Args:
        depth: layers with weights: 11, 13, 16 or 19.
        norm: whether each convolution is followed by batch normalisation.
        weights: None: new ones, by `he`. "published": those of torchvision, found in GRADUS_DATA
            or downloaded (depth 16 and 19). Or the path of a file in torchvision's layout (.pth or
            .safetensors).
        classes: how many logits there are, ≥ 1.
        shape: channels, height and width of an image, each side ≥ 32.
        width: filters of the first block, ≥ 1; the others have 2, 4, 8 and 8 times as many.
        units: of the two dense layers, ≥ 1.

    Returns:
        The network. With published weights it takes colours in [0, 1] less `MEAN`, divided by
        `STD`.

    Raises:
        UsageError: a number is out of its range, or nothing is published for this network.
        DataError: the weights cannot be had, or are of another network.
    """
    layers = vgg_layers(depth, norm=norm, width=width, units=units)
    if weights is None:
        return ConvNet(layers, shape, classes)
    path = find(depth, norm) if weights == "published" else Path(weights)
    with torch.device("meta"):  # shapes only: the numbers come from the file
        net = ConvNet(layers, shape, classes)
    return assign(net, read(path), path)


def stage_names(net: ConvNet) -> dict[str, str]:
    """The names that papers on VGG give to layers: `relu4_2` is the second ReLU of block 4.

    Args:
        net: any network; a block ends with each pool.

    Returns:
        Such as "conv4_2" -> "conv_10", in order, for what comes before the first dense layer.
    """
    names: dict[str, str] = {}
    block, counts = 1, Counter[str]()
    for name in net.shapes:
        kind = name.rpartition("_")[0]
        if name == "flatten":
            break
        if kind in ("pool", "average", "fractional"):
            names[f"{kind}{block}"] = name
            block, counts = block + 1, Counter()
        else:
            counts[kind] += 1
            names[f"{kind}{block}_{counts[kind]}"] = name
    return names
