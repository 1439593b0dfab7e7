"""How far images of a class lie from each other and from those of other classes (figure 6-8)."""

import torch
from jaxtyping import Float, Int64
from torch import Tensor

ROWS = 1000
"""Images whose distances to all others are in memory at once."""


@torch.no_grad()
def class_distances(
    images: Float[Tensor, "n features"], labels: Int64[Tensor, "n"], classes: int
) -> Float[Tensor, "classes classes"]:
    """Mean ‖a − b‖ over all pairs of a from the row's class and b from the column's, a ≠ b.

    A class of one image has no pair of its own: NaN, as where a class is empty.

    Args:
        images: vectors.
        labels: class numbers.
        classes: how many there are.
    """
    belongs = torch.nn.functional.one_hot(labels, classes).to(images)
    sums = images.new_zeros(classes, classes, dtype=torch.float64)
    for start in range(0, len(images), ROWS):
        here = slice(start, start + ROWS)
        rows = torch.arange(start, min(start + ROWS, len(images)))
        distances = torch.cdist(images[here], images)
        distances[rows - start, rows] = 0
        sums += (belongs[here].T @ distances @ belongs).double()
    count = belongs.sum(0).double()
    pairs = torch.outer(count, count) - torch.diag(count)
    return sums / pairs


def distances_from(
    image: Float[Tensor, "features"],
    images: Float[Tensor, "n features"],
    labels: Int64[Tensor, "n"],
    classes: int,
) -> Float[Tensor, "classes"]:
    """Mean ‖image − b‖ over the images b of each class."""
    far = torch.linalg.vector_norm(images - image, dim=1)
    return torch.stack([far[labels == c].mean() for c in range(classes)])


def class_means(
    images: Float[Tensor, "n features"], labels: Int64[Tensor, "n"], classes: int
) -> Float[Tensor, "classes features"]:
    """The mean image of each class."""
    return torch.stack([images[labels == c].mean(0) for c in range(classes)])
