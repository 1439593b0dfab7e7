"""From a config to the network it describes: config in, plain numbers out."""

from collections.abc import Sequence

import torch
from torch import nn

from gradus.core.recipe import check_setting
from gradus.vision.classifier import Classifier
from gradus.vision.convnet import ConvNet
from gradus.vision.recipes import ImageConfig


def net(config: ImageConfig, shape: Sequence[int], classes: int) -> Classifier:
    """The classifier of a config.

    Its weights lie in memory with the channels innermost, which convolutions on a CPU and in half
    precision on a GPU like better.

    Args:
        config: its settings.
        shape: of an image: (height, width), or (height, width, 3) in colour.
        classes: how many there are.

    Raises:
        UsageError: the description does not fit the images.
    """
    height, width, *colours = shape
    small = min(height, width)
    check_setting(config.size <= small, "size", f"≤ the images' {small} pixels", config.size)
    seen = (config.size,) * 2 if config.size else (height, width)
    inner = ConvNet(config.layers, (*(colours or [1]), *seen), classes, config.init)
    if config.identity:
        _begin_as_identity(inner)
    model = Classifier(inner, config.size, config.whiten, config.views)
    return model.to(memory_format=torch.channels_last)  # type: ignore[call-overload]


def _begin_as_identity(model: nn.Module) -> None:
    """Let every convolution but the first pass its channels on: their first filters are a dirac.

    Source: Zagoruyko and Komodakis 2017, "DiracNets"; Jordan 2024, section 3.3.
    """
    convolutions = [m for m in model.modules() if isinstance(m, nn.Conv2d)]
    for conv in convolutions[1:]:
        nn.init.dirac_(conv.weight[: conv.in_channels])
