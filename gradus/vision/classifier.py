"""A network with what is done to its images before it, and to its answers after it."""

from collections.abc import Callable, Mapping

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from gradus.core.errors import UsageError
from gradus.vision.augment import per_image_whitening, turning, warp

Looks = Callable[[Tensor], list[Tensor]]


def _moved(x: Tensor, *moves: tuple[int, int]) -> list[Tensor]:
    """The images, and moved by one pixel down and to the right or back; the edge is repeated."""
    padded = functional.pad(x, (1, 1, 1, 1), mode="replicate")
    height, width = x.shape[2:]
    return [padded[:, :, 1 - i : 1 - i + height, 1 - j : 1 - j + width] for i, j in moves]


def _turned(x: Tensor, *degrees: float) -> list[Tensor]:
    matrices = turning(x.new_tensor(degrees))
    return [warp(x, matrix.expand(len(x), 2, 2)) for matrix in matrices]


def _mirrored(looks: list[Tensor]) -> list[Tensor]:
    return [version for look in looks for version in (look, look.flip(3))]


VIEWS: Mapping[str, Looks] = {
    "one": lambda x: [x],
    "flip": lambda x: _mirrored([x]),
    "shifts": lambda x: [x, *_moved(x, (-1, 0), (1, 0), (0, -1), (0, 1))],
    "turns": lambda x: [x, *_turned(x, -12, -6, 6, 12)],
    "flip-shifts": lambda x: _mirrored([x, *_moved(x, (-1, -1), (1, 1))]),
}
"""Name -> the versions of a batch of images whose answers are averaged."""


class Classifier(nn.Module):
    """A network that sees the middle of each image, whitened, once or in several versions.

    In training it sees the images as they come, so that random crops of the right size pass; in
    evaluation its logits are the mean over the versions that `views` names.
    """

    def __init__(
        self, net: nn.Module, size: int = 0, whiten: bool = False, views: str = "one"
    ) -> None:
        """Make the classifier.

        Args:
            net: images "batch channels height width" -> logits "batch classes".
            size: side of the square in the middle of an image that the network sees, in pixels;
                0: the whole image.
            whiten: bring each image to mean 0 and variance 1 (`per_image_whitening`).
            views: a key of `VIEWS`.

        Raises:
            UsageError: no views are called so.
        """
        super().__init__()
        if views not in VIEWS:
            raise UsageError(f"views must be one of {', '.join(VIEWS)}, got {views!r}")
        self.net = net
        self.size, self.whiten, self.views = size, whiten, views

    def forward(
        self, x: Float[Tensor, "batch channels height width"]
    ) -> Float[Tensor, "batch classes"]:
        """The logits of each image's classes."""
        if self.training or self.views == "one":
            return self.net(self.prepared(x))
        looks = VIEWS[self.views](x)
        return torch.stack([self.net(self.prepared(look)) for look in looks]).mean(0)

    def prepared(
        self, x: Float[Tensor, "batch channels height width"]
    ) -> Float[Tensor, "batch channels h w"]:
        """What the network gets to see of the images."""
        if self.size:
            top, left = (x.shape[2] - self.size) // 2, (x.shape[3] - self.size) // 2
            x = x[:, :, top : top + self.size, left : left + self.size]
        return per_image_whitening(x) if self.whiten else x

    def extra_repr(self) -> str:
        """The settings, for print."""
        return f"size={self.size}, whiten={self.whiten}, views={self.views}"
