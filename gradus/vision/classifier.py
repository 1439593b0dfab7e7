"""A network with what is done to its images before it, and to its answers after it."""

from collections.abc import Callable, Mapping

from jaxtyping import Float
from torch import Tensor, nn

from gradus.core.errors import UsageError
from gradus.vision.augment import per_image_whitening

Looks = Callable[[Tensor], list[Tensor]]


def _shifted(x: Tensor) -> list[Tensor]:
    """Five looks: as it is, and moved by one pixel each way; what leaves comes in opposite."""
    return [x, *(x.roll(step, axis) for axis in (2, 3) for step in (-1, 1))]


VIEWS: Mapping[str, Looks] = {
    "one": lambda x: [x],
    "flip": lambda x: [x, x.flip(3)],
    "shifts": _shifted,
    "flip-shifts": lambda x: [v for look in _shifted(x) for v in (look, look.flip(3))],
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
        if self.training:
            return self._look(x)
        looks = VIEWS[self.views](x)
        return sum((self._look(look) for look in looks[1:]), self._look(looks[0])) / len(looks)

    def _look(self, x: Tensor) -> Tensor:
        if self.size:
            top, left = (x.shape[2] - self.size) // 2, (x.shape[3] - self.size) // 2
            x = x[:, :, top : top + self.size, left : left + self.size]
        return self.net(per_image_whitening(x) if self.whiten else x)

    def extra_repr(self) -> str:
        """The settings, for print."""
        return f"size={self.size}, whiten={self.whiten}, views={self.views}"
