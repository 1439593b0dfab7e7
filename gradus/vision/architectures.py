"""Networks from small to VGG, each one line (book figure 5-14)."""

from typing import NamedTuple

from gradus.vision.convnet import ConvNet
from gradus.vision.vgg import BLOCKS, vgg_layers


class Architecture(NamedTuple):
    """A network by its description.

    Attributes:
        layers: in the language of `gradus.vision.layers`.
        shape: of the images that it is meant for: channels, height, width.
        classes: how many it tells apart.
    """

    layers: str
    shape: tuple[int, int, int]
    classes: int

    def build(self) -> ConvNet:
        """The network, its weights new."""
        return ConvNet(self.layers, self.shape, self.classes)


IMAGENET = (3, 224, 224)
ARCHITECTURES: dict[str, Architecture] = {
    "one convolution": Architecture("conv 5x5x32 relu, pool 2", (1, 28, 28), 10),
    "two convolutions": Architecture(
        "conv 5x5x32 relu, pool 2, conv 5x5x64 relu, pool 2, dense 1024 relu dropout 0.5",
        (1, 28, 28),
        10,
    ),
    "stacked": Architecture(
        "conv 3x3x64 relu, conv 3x3x64 relu, pool 2, conv 3x3x128 relu, conv 3x3x128 relu, pool 2, "
        "conv 3x3x256 relu, conv 3x3x256 relu, pool 2, "
        "dense 512 relu dropout 0.5, dense 512 relu dropout 0.5",
        (3, 32, 32),
        10,
    ),
    **{f"VGG-{depth}": Architecture(vgg_layers(depth), IMAGENET, 1000) for depth in BLOCKS},
    **{
        f"VGG-{depth} norm": Architecture(vgg_layers(depth, norm=True), IMAGENET, 1000)
        for depth in BLOCKS
    },
}
"""Name -> network. The second is the book's for MNIST."""
