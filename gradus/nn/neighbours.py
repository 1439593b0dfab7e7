"""Nearest neighbours that vote: whether points of a class lie together."""

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from gradus.core.errors import UsageError

NEIGHBOURS = 10
"""Neighbours that vote in `knn_accuracy`."""
ROWS = 1000
"""Points whose distances to all others are in memory at once."""


def knn_accuracy(
    points: Float[np.ndarray, "n features"] | Float[Tensor, "n features"],
    labels: Int[np.ndarray, "n"] | Int[Tensor, "n"],
    k: int = NEIGHBOURS,
) -> float:
    """The share of points whose class most of their k nearest neighbours have.

    A point is not its own neighbour; where classes are equally frequent the first one counts.

    Raises:
        UsageError: there are no k other points.
    """
    found = knn_right(torch.as_tensor(points), torch.as_tensor(labels), k)
    return float(found.double().mean())


@torch.no_grad()
def knn_right(
    points: Float[Tensor, "n features"], labels: Int[Tensor, "n"], k: int = NEIGHBOURS
) -> Bool[Tensor, "n"]:
    """For each point, whether most of its k nearest neighbours (Euclid) have its class.

    Arguments and errors are those of `knn_accuracy`.
    """
    n = len(points)
    if not 1 <= k < n:
        raise UsageError(f"k must be in [1, {n - 1}], got {k}")
    classes = int(labels.max()) + 1
    first = torch.arange(classes, device=labels.device)
    right = []
    for start in range(0, n, ROWS):
        rows = torch.arange(start, min(start + ROWS, n), device=points.device)
        distances = torch.cdist(points[rows], points)
        distances[rows - start, rows] = torch.inf
        near = labels[distances.topk(k, largest=False).indices].long()
        votes = torch.zeros(len(rows), classes, dtype=torch.long, device=labels.device)
        votes.scatter_add_(1, near, torch.ones_like(near))
        right.append((votes * classes - first).argmax(1) == labels[rows])
    return torch.cat(right)
