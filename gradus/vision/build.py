"""From a config to the network it describes: config in, plain numbers out."""

from collections.abc import Sequence

import torch

from gradus.core.recipe import check_setting
from gradus.vision.classifier import Classifier
from gradus.vision.convnet import ConvNet
from gradus.vision.recipes import ConvConfig


def net(config: ConvConfig, shape: Sequence[int], classes: int) -> Classifier:
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
    model = Classifier(inner, config.size, config.whiten, config.views)
    return model.to(memory_format=torch.channels_last)
