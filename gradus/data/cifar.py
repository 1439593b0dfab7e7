"""CIFAR-10 in its binary version: records of one label byte and 32×32 pixels in three colours.

A record has 3,073 bytes: the label, 0–9, then 1,024 bytes of red, of green and of blue, row by row.
The archive holds a folder with ``data_batch_1.bin`` …, ``test_batch.bin`` and ``batches.meta.txt``,
which names the classes. Source: Krizhevsky 2009; https://www.cs.toronto.edu/~kriz/cifar.html,
section "Binary version".
"""

import re
import tarfile
import zlib
from pathlib import Path

import numpy as np
from jaxtyping import Int64, UInt8

from gradus.core.errors import DataError
from gradus.data.sets import ImageSet

SIDE = 32
RECORD = 1 + 3 * SIDE * SIDE
CLASSES = (
    "airplane",
    "automobile",
    "bird",
    "cat",
    "deer",
    "dog",
    "frog",
    "horse",
    "ship",
    "truck",
)
MEAN = (0.49139968, 0.48215841, 0.44653091)
"""Mean red, green and blue of the 50,000 training images, values in [0, 1]."""
STD = (0.24703223, 0.24348513, 0.26158784)
"""Their standard deviations."""

TEST, META = "test_batch.bin", "batches.meta.txt"
TRAINING = re.compile(r"data_batch_(\d+)\.bin")


def read_cifar(path: str | Path, *, name: str = "") -> ImageSet:
    """Reads CIFAR-10, or a set in its form, from the archive or the folder it unpacks to.

    Every number of training batches will do, and every number of records in them.

    Args:
        path: A ``.tar.gz`` or ``.tar`` with the files in it; or a folder that holds them, or that
            holds the folder ``cifar-10-batches-bin``.
        name: Name of the set; by default that of the folder or file.

    Returns:
        The set: images (n, 32, 32, 3), classes as ``batches.meta.txt`` names them, or CIFAR-10's
        own where that file is not there.

    Raises:
        DataError: A file is missing, empty, damaged, truncated, or holds a label above 9.
    """
    path = Path(path)
    files = _from_folder(path) if path.is_dir() else _from_archive(path)
    numbers = sorted(int(found[1]) for file in files if (found := TRAINING.fullmatch(file)))
    for number in range(1, max(numbers, default=1) + 1):
        if number not in numbers:
            raise DataError(f"{path}: expected a file data_batch_{number}.bin, found none")
    if TEST not in files:
        raise DataError(f"{path}: expected a file {TEST}, found none")
    parts = [_records(files[f"data_batch_{n}.bin"], path / f"data_batch_{n}.bin") for n in numbers]
    test_images, test_labels = _records(files[TEST], path / TEST)
    return ImageSet(
        name=name or path.resolve().name.removesuffix(".gz").removesuffix(".tar"),
        train_images=np.concatenate([images for images, _ in parts]),
        train_labels=np.concatenate([labels for _, labels in parts]),
        test_images=test_images,
        test_labels=test_labels,
        classes=_classes(files.get(META), path / META),
    )


def is_cifar(path: Path) -> bool:
    """Whether this is meant as CIFAR-10: a tar archive, or a folder with its files."""
    if path.is_dir():
        return _unpacked(path) is not None
    return path.name.endswith((".tar", ".tar.gz", ".tgz"))


def _records(
    data: bytes, path: Path
) -> tuple[UInt8[np.ndarray, "n 32 32 3"], Int64[np.ndarray, "n"]]:
    """Images and labels of one batch file."""
    whole, rest = divmod(len(data), RECORD)
    if not whole or rest:
        fault = "truncated" if rest else "empty file"
        raise DataError(
            f"{path}: {fault}, expected whole records of {RECORD:,} bytes, found {len(data):,} "
            f"bytes: {whole:,} records and {rest:,} bytes"
        )
    table = np.frombuffer(data, np.uint8).reshape(whole, RECORD)
    labels = table[:, 0].astype(np.int64)
    if labels.max() >= len(CLASSES):
        at = int(labels.argmax())
        raise DataError(f"{path}: expected labels 0 to 9, found {labels[at]} in record {at:,}")
    planes = table[:, 1:].reshape(whole, 3, SIDE, SIDE)
    return np.ascontiguousarray(planes.transpose(0, 2, 3, 1)), labels


def _classes(data: bytes | None, path: Path) -> tuple[str, ...]:
    """The ten names, one a line."""
    if data is None:
        return CLASSES
    names = tuple(data.decode(errors="replace").split())
    if len(names) != len(CLASSES):
        raise DataError(f"{path}: expected {len(CLASSES)} class names, found {len(names)}")
    return names


def _wanted(name: str) -> bool:
    return bool(TRAINING.fullmatch(name)) or name in (TEST, META)


def _unpacked(folder: Path) -> Path | None:
    """The folder itself or the one in it that holds the batches."""
    for place in (folder, folder / "cifar-10-batches-bin"):
        if place.is_dir() and any(
            TRAINING.fullmatch(p.name) or p.name == TEST for p in place.iterdir()
        ):
            return place
    return None


def _from_folder(folder: Path) -> dict[str, bytes]:
    """The set's files in a folder, by name."""
    place = _unpacked(folder) or folder
    try:
        return {p.name: p.read_bytes() for p in place.iterdir() if _wanted(p.name)}
    except OSError as error:
        raise DataError(f"{error.filename}: cannot be read ({error.strerror})") from error


def _from_archive(path: Path) -> dict[str, bytes]:
    """The set's files in a tar archive, by name; nothing is unpacked to the disk."""
    try:
        with tarfile.open(path) as archive:
            return {
                Path(member.name).name: archive.extractfile(member).read()  # type: ignore[union-attr]
                for member in archive
                if member.isfile() and _wanted(Path(member.name).name)
            }
    except FileNotFoundError as error:
        raise DataError(f"{path}: no such file") from error
    except (tarfile.TarError, EOFError, zlib.error) as error:
        raise DataError(
            f"{path}: truncated or damaged, expected a tar archive, gzipped or not"
        ) from error
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror or error})") from error
