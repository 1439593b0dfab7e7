"""The IDX format of MNIST and its successors: arrays with a small header, often gzipped.

A file is: two zero bytes, one byte for the type, one for the number of dimensions; then each
dimension as a big-endian 32-bit number; then the values, big-endian, last dimension fastest.
Source: LeCun, Cortes, Burges, "The MNIST database of handwritten digits", section "File formats".
"""

import gzip
import zlib
from io import BufferedIOBase
from math import prod
from pathlib import Path

import numpy as np
from jaxtyping import Int64, Shaped, UInt8

from gradus.core.errors import DataError
from gradus.data.sets import ImageSet

TYPES = {0x08: "u1", 0x09: "i1", 0x0B: "i2", 0x0C: "i4", 0x0D: "f4", 0x0E: "f8"}
CHUNK = 1 << 20  # bytes read at a time
PARTS = (
    "train-images-idx3-ubyte",
    "train-labels-idx1-ubyte",
    "t10k-images-idx3-ubyte",
    "t10k-labels-idx1-ubyte",
)


def read_idx(path: str | Path) -> Shaped[np.ndarray, "*dims"]:
    """Reads one IDX file, gzipped or not (seen from its content, not its name).

    Args:
        path: The file.

    Returns:
        A writable array in the machine's byte order: uint8, int8, int16, int32, float32 or float64.

    Raises:
        DataError: The file is missing, empty, damaged, truncated, longer than its header says, or
            not IDX at all.
    """
    path = Path(path)
    try:
        with path.open("rb") as raw:
            zipped = raw.peek(2)[:2] == b"\x1f\x8b"
            if not zipped:
                return _read(raw, path)
            with gzip.open(raw) as file:
                return _read(file, path)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise DataError(f"{path}: damaged gzip file ({error})") from error
    except FileNotFoundError as error:
        raise DataError(f"{path}: no such file") from error
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror})") from error


def read_idx_folder(folder: str | Path) -> ImageSet:
    """Reads a folder that holds the four files of MNIST or of a set made like it.

    Args:
        folder: Holds ``train-images-idx3-ubyte``, ``train-labels-idx1-ubyte``,
            ``t10k-images-idx3-ubyte`` and ``t10k-labels-idx1-ubyte``, each with or without ``.gz``.

    Returns:
        The set, named after the folder; its classes are named "0", "1", … up to the highest label.

    Raises:
        DataError: A file is missing or wrong, or images and labels do not fit together.
    """
    folder = Path(folder)
    return read_idx_set(tuple(_part(folder, name) for name in PARTS), name=folder.resolve().name)


def read_idx_set(
    paths: tuple[Path, ...], *, name: str, classes: tuple[str, ...] | None = None
) -> ImageSet:
    """Reads the four IDX files of a set.

    Args:
        paths: Training images, training labels, test images, test labels.
        name: Name of the set.
        classes: Name of each class; by default "0", "1", … up to the highest label.

    Returns:
        The set.

    Raises:
        DataError: A file is wrong, or images and labels do not fit together.
    """
    train_images, test_images = _images(paths[0]), _images(paths[2])
    train_labels = _labels(paths[1], paths[0], len(train_images))
    test_labels = _labels(paths[3], paths[2], len(test_images))
    if test_images.shape[1:] != train_images.shape[1:]:
        raise DataError(
            f"{paths[2]}: expected images of {_size(train_images)} as in {paths[0].name}, "
            f"found {_size(test_images)}"
        )
    if classes is None:
        classes = tuple(str(label) for label in range(train_labels.max() + 1))
    for path, labels in ((paths[1], train_labels), (paths[3], test_labels)):
        if labels.max() >= len(classes):
            raise DataError(
                f"{path}: expected labels 0 to {len(classes) - 1}, found {labels.max()}"
            )
    return ImageSet(name, train_images, train_labels, test_images, test_labels, classes)


def is_idx_folder(folder: Path) -> bool:
    """Whether any of the four files is there, so that the folder is meant as IDX."""
    return any((folder / f"{name}{end}").is_file() for name in PARTS for end in ("", ".gz"))


def _read(file: BufferedIOBase, path: Path) -> Shaped[np.ndarray, "*dims"]:
    """Reads header and values, in pieces so that a large file is in memory only once."""
    head = file.read(4)
    if not head:
        raise DataError(f"{path}: empty file, expected IDX")
    if len(head) < 4 or head[:2] != b"\0\0" or head[2] not in TYPES:
        raise DataError(
            f"{path}: not an IDX file, expected it to start with 00 00, a type "
            f"(08, 09, 0b, 0c, 0d, 0e) and the number of dimensions, found {head.hex(' ')}"
        )
    dims = file.read(4 * head[3])
    if len(dims) < 4 * head[3]:
        raise DataError(
            f"{path}: truncated, expected a header of {4 + 4 * head[3]} bytes, "
            f"found {4 + len(dims)} bytes"
        )
    shape = tuple(int(n) for n in np.frombuffer(dims, ">u4")) if dims else ()
    dtype = np.dtype(TYPES[head[2]])
    expected = prod(shape) * dtype.itemsize
    values = _values(file, expected)
    found = len(values) + sum(len(rest) for rest in iter(lambda: file.read(CHUNK), b""))
    if found != expected:
        fault = "truncated" if found < expected else "bytes left over"
        raise DataError(
            f"{path}: {fault}, expected {expected} bytes of values (shape {shape}), found {found}"
        )
    try:
        big = np.ndarray(shape, dtype.newbyteorder(">"), buffer=values)
    except ValueError as error:  # more dimensions than NumPy has
        raise DataError(f"{path}: expected a possible shape, found {shape}") from error
    return big.astype(dtype, copy=False)


def _values(file: BufferedIOBase, expected: int) -> bytearray:
    """Reads up to the expected number of bytes; a false header cannot make it take more memory."""
    values = bytearray()
    while len(values) < expected and (piece := file.read(min(CHUNK, expected - len(values)))):
        values += piece
    return values


def _part(folder: Path, name: str) -> Path:
    """The file of that name in the folder, gzipped or not."""
    for path in (folder / name, folder / f"{name}.gz"):
        if path.is_file():
            return path
    raise DataError(f"{folder}: expected a file {name} or {name}.gz, found none")


def _images(path: Path) -> UInt8[np.ndarray, "n height width"]:
    """Reads a file of grey images."""
    images = read_idx(path)
    if images.ndim != 3 or images.dtype != np.uint8 or not images.size:
        raise DataError(
            f"{path}: expected uint8 images, (n, height, width), "
            f"found {images.dtype} of shape {images.shape}"
        )
    return images


def _labels(path: Path, images: Path, count: int) -> Int64[np.ndarray, "n"]:
    """Reads a file of labels and checks that there is one for each image."""
    labels = read_idx(path)
    if labels.ndim != 1 or labels.dtype != np.uint8:
        raise DataError(
            f"{path}: expected uint8 labels, (n,), found {labels.dtype} of shape {labels.shape}"
        )
    if len(labels) != count:
        raise DataError(
            f"{path}: expected {count} labels, one for each image in {images.name}, "
            f"found {len(labels)}"
        )
    return labels.astype(np.int64)


def _size(images: UInt8[np.ndarray, "n height width"]) -> str:
    """Size of the images in words."""
    return f"{images.shape[1]}×{images.shape[2]} pixels"
