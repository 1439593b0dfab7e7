"""The networks whose layers judge content and style: VGG-19, or one trained here."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn

from gradus.core.errors import DataError, UsageError
from gradus.core.recipe import nearest
from gradus.core.run import Run
from gradus.data.cifar import MEAN as PHOTO_MEAN
from gradus.data.cifar import STD as PHOTO_STD
from gradus.vision.activations import activations
from gradus.vision.convnet import ConvNet
from gradus.vision.predict import classifier
from gradus.vision.style.colours import luminance
from gradus.vision.vgg import MEAN, STD, VGG, stage_names

CONTENT = ("relu4_2",)
STYLE = ("relu1_1", "relu2_1", "relu3_1", "relu4_1", "relu5_1")
"""The paper's layers of VGG-19, by its names."""


@dataclass(frozen=True)
class StyleNetwork:
    """A network and which of its layers judge what.

    Attributes:
        name: of the network, for people.
        model: runs as far as the deepest of the layers; frozen, in evaluation mode.
        prepare: colours in [0, 1], "1 3 height width" -> the model's input, differentiable.
        content: the layers compared place by place, as modules of the model.
        style: the layers whose Gram matrices are compared.
    """

    name: str
    model: nn.Module
    prepare: Callable[[Tensor], Tensor]
    content: tuple[str, ...]
    style: tuple[str, ...]

    def features(self, image: Float[Tensor, "1 3 height width"]) -> dict[str, Tensor]:
        """What the layers answer to an image with values in [0, 1]."""
        return activations(self.model, self.prepare(image), [*{*self.content, *self.style}])

    def takes(self, height: int, width: int) -> bool:
        """Whether every layer has at least one place left for an image of this size."""
        device = next(self.model.parameters()).device
        try:
            with torch.no_grad():
                self.features(torch.zeros(1, 3, height, width, device=device))
        except RuntimeError:  # what torch says where a pool has nothing left to pool
            return False
        return True


def vgg_network(
    weights: str | Path | None = None, content: Sequence[str] = (), style: Sequence[str] = ()
) -> StyleNetwork:
    """VGG-19 with published weights.

    Args:
        weights: a file in torchvision's layout; None: the published one, from GRADUS_DATA or
            downloaded.
        content: layers by the paper's names, such as relu4_2; none: the paper's.
        style: the same for the style.

    Raises:
        UsageError: a layer is unknown.
        DataError: the weights cannot be had, or are of another network.
    """
    try:
        net = VGG(19, weights="published" if weights is None else Path(weights))
    except DataError as error:
        if weights is not None:
            raise
        raise DataError(
            "VGG-19's weights (vgg19-dcbb9e9d.pth, 575 MB) are not here and could not be "
            "downloaded: give the file with --weights, or a network of your own with --network RUN"
        ) from error
    names = stage_names(net)
    return StyleNetwork(
        "VGG-19",
        _frozen(net),
        _normalised(MEAN, STD),
        _modules(names, content or CONTENT),
        _modules(names, style or STYLE),
    )


def run_network(run: Run, content: Sequence[str] = (), style: Sequence[str] = ()) -> StyleNetwork:
    """The network of a run that names images; see `network_of` for the layers.

    Images are not cut to the size that it was trained with: convolutions take any. A network that
    sees grey sees the luminance. Where the run brings each image to mean 0 and variance 1, all
    images here are moved and scaled alike, by what photos have on average: otherwise the network
    would be blind to how bright an image is and how strong its contrasts are.

    Raises:
        UsageError: the run's recipe does something else, or a layer is unknown.
        RunError: its weights are damaged.
    """
    model = classifier(run)
    net: Any = model.net
    name = f"{run.recipe.name} ({run.path})"

    def prepare(image: Tensor) -> Tensor:
        seen = luminance(image) if net.shape[0] == 1 else image
        return (seen - fmean(PHOTO_MEAN)) / fmean(PHOTO_STD) if model.whiten else seen

    return network_of(net, name, prepare, content, style)


def network_of(
    net: ConvNet,
    name: str,
    prepare: Callable[[Tensor], Tensor] = lambda image: image,
    content: Sequence[str] = (),
    style: Sequence[str] = (),
) -> StyleNetwork:
    """A convolutional network of one's own.

    By default the style is judged by the first ReLU after each pool, as in VGG-19, and the content
    by the last one of the deepest block but one; where there are only two blocks, of the deepest.

    Args:
        net: the network; of any other activation, where it has no ReLU.
        name: what to call it.
        prepare: colours in [0, 1] -> what the network takes.
        content: layers by name, such as relu2_1 (block and number) or relu_3.
        style: the same for the style.

    Raises:
        UsageError: a layer is unknown, or the network has none to choose.
    """
    names = stage_names(net)
    by_default = _chosen(names)
    if not by_default and not (content and style):
        raise UsageError(f"{name} has no activations before its first dense layer")
    blocks = list(by_default.values())
    middle = blocks[-2:][0] if len(blocks) > 2 else blocks[-1] if blocks else []
    return StyleNetwork(
        name,
        _frozen(net),
        prepare,
        _modules(names, content or middle[-1:]),
        _modules(names, style or [block[0] for block in blocks]),
    )


def _chosen(names: dict[str, str]) -> dict[str, list[str]]:
    """Block -> its activations, the kind that comes first in the network."""
    kinds = ("relu", "tanh", "sigmoid", "gelu", "silu", "residual")
    kind = next((n.rstrip("_0123456789") for n in names if n.startswith(kinds)), "")
    blocks: dict[str, list[str]] = {}
    for name in names:
        if kind and name.startswith(kind):
            blocks.setdefault(name.split("_")[0], []).append(name)
    return blocks


def _modules(names: dict[str, str], wanted: Sequence[str]) -> tuple[str, ...]:
    """The modules that layers are, each named by block and number or as it is in the network."""
    found = []
    for name in wanted:
        if name not in names and name not in names.values():
            there = nearest(name, names) or f"; there are {', '.join(names)}"
            raise UsageError(f"layer {name!r} is unknown{there}")
        found.append(names.get(name, name))
    return tuple(found)


def _normalised(mean: Sequence[float], std: Sequence[float]) -> Callable[[Tensor], Tensor]:
    def prepare(image: Tensor) -> Tensor:
        m, s = (image.new_tensor(v)[:, None, None] for v in (mean, std))
        return (image - m) / s

    return prepare


def _frozen(model: nn.Module) -> nn.Module:
    return model.eval().requires_grad_(False)
