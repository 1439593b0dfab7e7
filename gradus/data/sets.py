"""A set of labelled images in memory, and how it is cut."""

from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Int64, UInt8

from gradus.core.errors import UsageError


@dataclass(frozen=True)
class ImageSet:
    """Labelled images, split into a training and a test part.

    Images are grey, (n, height, width), or coloured, (n, height, width, 3), with values 0–255.
    Labels are indices into ``classes``.
    """

    name: str
    """Name of the set, or of the folder it was read from."""
    train_images: UInt8[np.ndarray, "train *image"]
    """Images to learn from."""
    train_labels: Int64[np.ndarray, "train"]
    """Their classes, 0 … len(classes) − 1."""
    test_images: UInt8[np.ndarray, "test *image"]
    """Images kept for the final score."""
    test_labels: Int64[np.ndarray, "test"]
    """Their classes, 0 … len(classes) − 1."""
    classes: tuple[str, ...]
    """Name of each class."""


def first(images: ImageSet, limit: int) -> ImageSet:
    """Keeps the first images of a set; the memory of the others is freed.

    Args:
        images: The set.
        limit: How many training images and how many test images to keep at most, ≥ 1.

    Returns:
        A set of the same classes.

    Raises:
        UsageError: ``limit`` is below 1.
    """
    if limit < 1:
        raise UsageError(f"limit must be ≥ 1, got {limit}")
    return replace(
        images,
        train_images=images.train_images[:limit].copy(),
        train_labels=images.train_labels[:limit].copy(),
        test_images=images.test_images[:limit].copy(),
        test_labels=images.test_labels[:limit].copy(),
    )


def stratified_split(
    labels: Int64[np.ndarray, "n"],
) -> tuple[Int64[np.ndarray, "train"], Int64[np.ndarray, "test"]]:
    """Splits examples 80/20 so that each class is split 80/20 too, to within one example.

    The examples are shuffled with a fixed seed, sorted by class, and every fifth one is taken for
    the test. The same labels always give the same split.

    Args:
        labels: Class of each example.

    Returns:
        Ascending indices of the training and of the test examples: every index in one of them;
        the test part holds ⌈n / 5⌉.
    """
    order = np.random.default_rng(0).permutation(len(labels))
    order = order[np.argsort(labels[order], kind="stable")]
    in_test = np.zeros(len(labels), dtype=bool)
    in_test[order[::5]] = True
    return np.flatnonzero(~in_test), np.flatnonzero(in_test)
