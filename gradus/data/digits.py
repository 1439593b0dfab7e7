"""The 8×8 handwritten digits that ship inside scikit-learn: data with nothing to download."""

import importlib.util
from pathlib import Path

import numpy as np

from gradus.core.errors import DataError
from gradus.data.sets import ImageSet, stratified_split


def read_digits() -> ImageSet:
    """Reads the 1,797 bundled digits and splits them, always in the same way.

    Each image is 8×8. The published values 0–16 count the ink in a block of 4×4 pixels; they are
    scaled to 0–255 and rounded, so ``rint(value / 255 * 16)`` gives them back. The split is
    stratified: 1,437 to train and 360 to test. The same people wrote both parts.

    The file is read directly: importing ``sklearn.datasets`` takes about a second.

    Source: Alpaydin and Kaynak, "Optical Recognition of Handwritten Digits", UCI, 1998: its test
    part (CC BY 4.0).

    Returns:
        The set, with light ink on a dark ground as in MNIST.

    Raises:
        DataError: scikit-learn or its file is missing or not what it should be.
    """
    path = _bundled_file()
    try:
        table = np.loadtxt(path, delimiter=",", dtype=np.uint8)
    except (OSError, EOFError, ValueError) as error:
        raise DataError(f"{path}: cannot be read ({error}); reinstall scikit-learn") from error
    if table.shape != (1797, 65):
        raise DataError(f"{path}: expected 1797 rows of 65 numbers, found shape {table.shape}")
    images = np.rint(table[:, :64] * (255 / 16)).astype(np.uint8).reshape(-1, 8, 8)
    labels = table[:, 64].astype(np.int64)
    train, test = stratified_split(labels)
    return ImageSet(
        name="digits",
        train_images=images[train],
        train_labels=labels[train],
        test_images=images[test],
        test_labels=labels[test],
        classes=tuple("0123456789"),
    )


def _bundled_file() -> Path:
    """Where scikit-learn keeps the digits; found without importing it."""
    spec = importlib.util.find_spec("sklearn")
    if spec is None or spec.origin is None:
        raise DataError("the digits ship inside scikit-learn, which is not installed")
    return Path(spec.origin).parent / "datasets" / "data" / "digits.csv.gz"
