"""A first convolution that whitens patches of images, set from the data and never trained."""

import torch
from jaxtyping import Float
from torch import Tensor, nn

from gradus.core.errors import UsageError

IMAGES = 5000
"""Images whose patches are enough."""
EPSILON = 5e-4
"""Added to the variances, so that directions of almost no variance are not blown up."""


def whitening(
    images: Float[Tensor, "n channels height width"], size: int
) -> tuple[Float[Tensor, "filters channels size size"], Float[Tensor, "filters"]]:
    """Filters and biases whose outputs for patches are uncorrelated and of variance about 1.

    With μ the mean of all patches, Σ = Q Λ Qᵀ their covariance, the filters are the rows of
    W = (Λ + ε)^-½ Qᵀ, most variance first, followed by -W so that a rectifier loses nothing; the
    biases are -Wμ and Wμ.

    Source: Page 2019, "How to Train Your ResNet", part 8; Jordan 2024, "94% on CIFAR-10 in 3.29
    Seconds on a Single GPU", section 3.2.

    Args:
        images: to take the patches of.
        size: side of a patch, in pixels.

    Returns:
        filters, 2 · channels · size² of them, and their biases.
    """
    patches = images.double().unfold(2, size, 1).unfold(3, size, 1).permute(0, 2, 3, 1, 4, 5)
    patches = patches.reshape(-1, images.shape[1] * size * size)
    mean = patches.mean(0)
    covariance = (patches - mean).T @ (patches - mean) / len(patches)
    variances, directions = torch.linalg.eigh(covariance)
    filters = (directions / (variances + EPSILON).sqrt()).T.flip(0)
    bias = -filters @ mean
    both = torch.cat([filters, -filters]).view(-1, images.shape[1], size, size)
    return both.to(images.dtype), torch.cat([bias, -bias]).to(images.dtype)


@torch.no_grad()
def whiten_(conv: nn.Module, images: Float[Tensor, "n channels height width"]) -> None:
    """Set a convolution to whiten patches of these images, and freeze its weights.

    Its biases go on learning.

    Args:
        conv: the first convolution of a network.
        images: as the network sees them.

    Raises:
        UsageError: it is no convolution with a bias and two filters for each number in a patch.
    """
    wanted = 0
    if isinstance(conv, nn.Conv2d) and conv.bias is not None:
        size = conv.kernel_size[0]
        wanted = 2 * conv.in_channels * size * size
        if conv.kernel_size == (size, size) and conv.out_channels == wanted:
            filters, bias = whitening(images, size)
            conv.weight.copy_(filters)
            conv.bias.copy_(bias)
            conv.weight.requires_grad_(False)
            return
    raise UsageError(
        "whitening needs a first layer of square patches, with a bias and 2 filters for each "
        f"number in a patch, such as conv 2x2x{2 * 4 * images.shape[1]}, got {conv}"
    )
