"""Public data sets by name, and the one door through which images are loaded.

A new set of images is a ``RemoteSet`` in ``SETS`` and a function in ``READERS``.
"""

import os
from collections.abc import Callable
from difflib import get_close_matches
from pathlib import Path

from gradus.core.download import RemoteFile, RemoteSet, data_folder, locate, status
from gradus.core.errors import UsageError
from gradus.data.cifar import is_cifar, read_cifar
from gradus.data.digits import read_digits
from gradus.data.idx import PARTS, is_idx_folder, read_idx_folder, read_idx_set
from gradus.data.images import read_image_folder
from gradus.data.sets import ImageSet, first


def _idx_files(
    mirrors: tuple[str, ...], published: tuple[tuple[str, int], ...]
) -> tuple[RemoteFile, ...]:
    """The four files of a set like MNIST, in the order of ``PARTS``."""
    return tuple(
        RemoteFile(f"{part}.gz", tuple(f"{mirror}/{part}.gz" for mirror in mirrors), sha256, size)
        for part, (sha256, size) in zip(PARTS, published, strict=True)
    )


MNIST = RemoteSet(
    name="mnist",
    files=_idx_files(
        (
            "https://ossci-datasets.s3.amazonaws.com/mnist",
            "https://storage.googleapis.com/cvdf-datasets/mnist",
        ),
        (
            ("440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609", 9_912_422),
            ("3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c", 28_881),
            ("8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6", 1_648_877),
            ("f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6", 4_542),
        ),
    ),
    licence="usually given as CC BY-SA 3.0 (LeCun, Cortes, Burges)",
    source="http://yann.lecun.com/exdb/mnist/",
    about="Handwritten digits, 28×28 grey: 60,000 to train, 10,000 to test",
)

FASHION_MNIST = RemoteSet(
    name="fashion-mnist",
    files=_idx_files(
        (
            "https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion",
            "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com",
        ),
        (
            ("3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84", 26_421_880),
            ("a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845", 29_515),
            ("346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073", 4_422_102),
            ("67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5", 5_148),
        ),
    ),
    licence="MIT (Zalando SE)",
    source="https://github.com/zalandoresearch/fashion-mnist",
    about="Photos of clothes, 28×28 grey, 10 classes: 60,000 to train, 10,000 to test",
)

FASHION_CLASSES = (
    "T-shirt/top",
    "Trouser",
    "Pullover",
    "Dress",
    "Coat",
    "Sandal",
    "Shirt",
    "Sneaker",
    "Bag",
    "Ankle boot",
)

CIFAR10 = RemoteSet(
    name="cifar10",
    files=(
        RemoteFile(
            "cifar-10-binary.tar.gz",
            (
                "https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz",
                "https://mindspore-website.obs.cn-north-4.myhuaweicloud.com/notebook/datasets/"
                "cifar-10-binary.tar.gz",
            ),
            "c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd",
            170_052_171,
        ),
    ),
    licence="none stated; cite Krizhevsky 2009",
    source="https://www.cs.toronto.edu/~kriz/cifar.html",
    about="Photos of animals and vehicles, 32×32 in colour: 50,000 to train, 10,000 to test",
)

SETS: dict[str, RemoteSet] = {remote.name: remote for remote in (MNIST, FASHION_MNIST, CIFAR10)}
"""The sets that are downloaded, by name."""


def read_mnist() -> ImageSet:
    """Reads MNIST, downloading it if needed: 60,000 + 10,000 digits, 28×28.

    Raises:
        UsageError, DataError: As ``gradus.core.download.locate``.
    """
    return _read_idx(MNIST, tuple("0123456789"))


def read_fashion_mnist() -> ImageSet:
    """Reads Fashion-MNIST, downloading it if needed: 60,000 + 10,000 clothes, 28×28.

    Raises:
        UsageError, DataError: As ``gradus.core.download.locate``.
    """
    return _read_idx(FASHION_MNIST, FASHION_CLASSES)


def read_cifar10() -> ImageSet:
    """Reads CIFAR-10, downloading it if needed: 50,000 + 10,000 photos, 32×32×3.

    Raises:
        UsageError, DataError: As ``gradus.core.download.locate``.
    """
    return read_cifar(locate(CIFAR10.files[0], folder=CIFAR10.name), name=CIFAR10.name)


def find_cifar10() -> str:
    """CIFAR-10 as it is on this machine, for figures and benchmarks: ``data`` of ``load_images``.

    Returns:
        "cifar10"; but where the published archive is not on this machine and
        ``$GRADUS_DATA/cifar10`` holds an archive of fewer of its images, the path of that one.
    """
    folder = data_folder()
    if folder is None or status(CIFAR10)[0].path:
        return CIFAR10.name
    parts = sorted((folder / CIFAR10.name).glob("*.tar.gz"))
    return str(parts[0]) if parts else CIFAR10.name


READERS: dict[str, Callable[[], ImageSet]] = {
    "digits": read_digits,
    "mnist": read_mnist,
    "fashion-mnist": read_fashion_mnist,
    "cifar10": read_cifar10,
}
"""How each set of images is read, by name."""


def load_images(data: str, limit: int | None = None, *, grey: bool = True) -> ImageSet:
    """Loads images by the name of a public set or from the user's own files.

    Args:
        data: A name in ``READERS``; or the path of a folder that holds IDX files as MNIST does
            (``read_idx_folder``) or one folder of pictures per class (``read_image_folder``);
            or the path of an archive or folder of CIFAR-10's binary batches (``read_cifar``).
            A folder that has the name of a set is written ``./mnist``.
        limit: How many training and how many test images to keep at most; None keeps all.
        grey: Whether pictures in folders are read as one grey channel instead of three colours.

    Returns:
        The set.

    Raises:
        UsageError: ``data`` is no known name, folder or archive, or ``limit`` is below 1.
        DataError: A file is missing and cannot be downloaded, or is damaged.
    """
    images = READERS[data]() if data in READERS else _read_path(data, grey)
    return images if limit is None else first(images, limit)


def _read_path(data: str, grey: bool) -> ImageSet:
    """Reads the user's own files in whichever of the three layouts they have."""
    path = Path(os.path.expanduser(data))
    if data and path.exists() and is_cifar(path):
        return read_cifar(path)
    if not data or not path.is_dir():
        near = get_close_matches(data, READERS)
        hint = f"did you mean {' or '.join(near)}? " if near else ""
        raise UsageError(
            f"data must be a folder, a CIFAR-10 archive or one of {', '.join(READERS)}, "
            f"got {data!r}: {hint}no such {'folder' if '/' in data else 'set or folder'}"
        )
    if is_idx_folder(path):
        return read_idx_folder(path)
    return read_image_folder(path, grey=grey)


def _read_idx(remote: RemoteSet, classes: tuple[str, ...]) -> ImageSet:
    """Finds or downloads the four files of a set and reads them."""
    paths = tuple(locate(file, folder=remote.name) for file in remote.files)
    return read_idx_set(paths, name=remote.name, classes=classes)
