"""What convolutional networks take in: images as planes of grey or colour."""

from jaxtyping import Float, Integer
from torch import Tensor


def planes(images: Integer[Tensor, "batch *size"]) -> Float[Tensor, "batch channels height width"]:
    """Grey levels 0 … 255 as planes in [0, 1], one or three an image.

    Args:
        images: "batch height width", or "batch height width 3" in colour.
    """
    stacked = images.movedim(-1, 1) if images.ndim == 4 else images[:, None]
    return stacked.float().div_(255).contiguous()
