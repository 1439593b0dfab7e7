"""A set of images as a task takes it: tensors to learn from, to choose by and to be tested on."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Float, Integer
from torch import Tensor

from gradus.core.batches import Batch, split
from gradus.data.public import load_images

Prepare = Callable[[Tensor], Tensor]
"""Images, "batch height width *channels" with grey levels 0 … 255 -> a model's inputs."""


def pixels(images: Integer[Tensor, "batch *size"]) -> Float[Tensor, "batch features"]:
    """Grey levels 0 … 255 as one vector in [0, 1] an image (figure 1-3)."""
    return images.flatten(1).float().div_(255)


@dataclass(frozen=True, eq=False)
class ImageParts:
    """The three parts of a set of images; inputs and class numbers in each.

    Attributes:
        train: to learn from.
        validation: to choose by.
        test: opens the part that is kept for the final score.
        classes: the name of each class.
        shape: of an image: (height, width), or (height, width, 3) in colour.
    """

    train: Batch
    validation: Batch
    test: Callable[[], Batch]
    classes: tuple[str, ...]
    shape: tuple[int, ...]

    @property
    def facts(self) -> dict[str, Any]:
        """What is needed to answer later, for `Task.facts`."""
        return {"classes": list(self.classes), "shape": list(self.shape)}


def image_parts(
    data: str, validation: int, prepare: Prepare = pixels, *, grey: bool = True
) -> ImageParts:
    """Load a set of images and cut it into its parts.

    Args:
        data: a name or a folder, as `gradus.data.public.load_images` takes it.
        validation: training images kept apart; which, depends on nothing but their number.
        prepare: makes inputs of images.
        grey: whether pictures in folders are read as one grey channel instead of three colours.

    Raises:
        UsageError, DataError: as `load_images` and `gradus.core.batches.split`.
    """
    images = load_images(data, grey=grey)
    whole = torch.as_tensor(images.train_images), torch.as_tensor(images.train_labels)
    test = torch.as_tensor(images.test_images), torch.as_tensor(images.test_labels)
    classes, shape = images.classes, images.train_images.shape[1:]
    kept, held_out = split(whole, validation)
    del images, whole  # they are copied by now
    return ImageParts(
        train=(prepare(kept[0]), kept[1]),
        validation=(prepare(held_out[0]), held_out[1]),
        test=lambda: (prepare(test[0]), test[1]),
        classes=classes,
        shape=shape,
    )
