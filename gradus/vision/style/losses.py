"""Neural style: what makes two images alike in content, in style, and smooth.

Source: Gatys, Ecker, Bethge 2015, "A Neural Algorithm of Artistic Style" (arXiv 1508.06576); the
equations' numbers are those of that paper. Its symbols: F activations of layer l for the image x
that is made, P for the photograph p, N feature maps of M places each, G and A Gram matrices of x
and of the artwork a.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor


def gram(
    features: Float[Tensor, "batch channels height width"],
) -> Float[Tensor, "batch channels channels"]:
    """How often two feature maps are active at the same place: Gᵢⱼ = Σₖ Fᵢₖ Fⱼₖ / M (equation 3).

    The paper's Gᵢⱼ is the sum. Ours is the mean over the M places, so that images of two sizes can
    be compared; `style_loss` then lacks the 1/M² that the paper's has.
    """
    rows = features.flatten(2)
    return rows @ rows.transpose(1, 2) / rows.shape[2]


def content_loss(
    features: Float[Tensor, "1 channels height width"],
    photograph: Float[Tensor, "1 channels height width"],
) -> Float[Tensor, ""]:
    """½ Σᵢⱼ (Fᵢⱼ − Pᵢⱼ)² (equation 1)."""
    return 0.5 * (features - photograph).square().sum()


def style_loss(
    grams: Float[Tensor, "1 channels channels"], artwork: Float[Tensor, "1 channels channels"]
) -> Float[Tensor, ""]:
    """E = Σᵢⱼ (Gᵢⱼ − Aᵢⱼ)² / 4N², the matrices from `gram` (equation 4)."""
    return (grams - artwork).square().sum() / (4 * grams.shape[1] ** 2)


def total_variation(image: Float[Tensor, "1 channels height width"]) -> Float[Tensor, ""]:
    """Σ (x[i+1,j] − x[i,j])² + (x[i,j+1] − x[i,j])², the mean over all values of the image.

    Mahendran and Vedaldi 2015, equation 5 with β = 2, whose gradient is smooth.
    """
    down = (image[..., 1:, :] - image[..., :-1, :]).square().sum()
    across = (image[..., :, 1:] - image[..., :, :-1]).square().sum()
    return (down + across) / image.numel()


@dataclass(frozen=True)
class Weights:
    """What the parts of the loss count; content and style are 1 where all features are 0."""

    content: float = 1.0
    """α: of the content."""
    style: float = 1.0
    """β: of the style, the mean over its layers."""
    variation: float = 1.0
    """Of the total variation."""


@dataclass(frozen=True)
class Loss:
    """The loss of an image and its parts, each times its weight."""

    total: Tensor
    content: Tensor
    style: Tensor
    variation: Tensor


@dataclass(frozen=True)
class Targets:
    """What an image should be like: layer -> P of the photograph, layer -> A of the artwork."""

    content: Mapping[str, Tensor]
    style: Mapping[str, Tensor]

    def loss(self, found: Mapping[str, Tensor], image: Tensor, weights: Weights) -> Loss:
        """α · content + β · style + weight · total variation (equation 7).

        Layers differ by orders of magnitude in what they answer, and networks too. So each layer's
        loss is divided by that of features which are all 0, ½ΣP² or ΣA²/4N²: the paper's factors
        w, chosen so that each layer begins to count alike. The mean over layers is taken.

        Args:
            found: layer -> features of the image, at least those of both targets.
            image: the image, values in [0, 1].
            weights: of the three parts.
        """
        content = [_relative(content_loss, found[k], p) for k, p in self.content.items()]
        style = [_relative(style_loss, gram(found[k]), a) for k, a in self.style.items()]
        parts = (
            weights.content * _mean(content, image),
            weights.style * _mean(style, image),
            weights.variation * total_variation(image),
        )
        return Loss(sum(parts, torch.zeros_like(parts[0])), *parts)


def _relative(loss: object, found: Tensor, wanted: Tensor) -> Tensor:
    """A loss as a share of that of zeros; undivided where zeros are what is wanted."""
    scale = loss(torch.zeros_like(wanted), wanted)  # type: ignore[operator]
    return loss(found, wanted) / torch.where(scale > 0, scale, 1)  # type: ignore[operator]


def _mean(losses: list[Tensor], image: Tensor) -> Tensor:
    return torch.stack(losses).mean() if losses else image.new_zeros(())
