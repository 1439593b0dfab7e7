"""The user's own pictures: single files, folders of them, and photos of a handwritten digit."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float32, Int64, UInt8

from gradus.core.errors import DataError
from gradus.data.sets import ImageSet, stratified_split

if TYPE_CHECKING:
    from PIL import Image

FORMATS = ("PNG", "JPEG", "GIF", "BMP", "TIFF", "WEBP", "PPM")
SUFFIXES = {".png", ".jpg", ".jpeg", ".gif", ".bmp", ".tif", ".tiff", ".webp", ".pgm", ".ppm"}
SKETCH = 256  # pixels: a photo of a digit is first reduced to this, which also removes its noise
LARGEST = 500_000_000  # pixels of a file that is opened at all, to be scaled down at once
FAINTEST = 0.25  # share of the darkest ink below which a pixel counts as paper


def read_image(
    path: str | Path,
    *,
    size: tuple[int, int] | None = None,
    longest: int | None = None,
    grey: bool = True,
) -> UInt8[np.ndarray, "height width"] | UInt8[np.ndarray, "height width 3"]:
    """Reads a picture: PNG, JPEG, GIF, BMP, TIFF, WebP or PNM, the right way up.

    Grey is 0.299 red + 0.587 green + 0.114 blue (ITU-R BT.601). Transparent parts become white, or
    black where the visible parts are light.

    Args:
        path: The file.
        size: (height, width) to scale to, without keeping proportions; None keeps the size.
        longest: Scale down, keeping proportions, what has a side of more pixels; pictures of up to
            ``LARGEST`` pixels can then be read, otherwise of about a third of that.
        grey: Whether to give one grey channel instead of red, green, blue.

    Returns:
        Values 0–255: (height, width) if grey, else (height, width, 3).

    Raises:
        DataError: The file is missing, damaged or not a picture.
    """
    from PIL import Image, ImageOps

    path = Path(path)
    with _opened(path, large=longest is not None) as file:
        picture = _eight_bits(file) if longest is None else _reduced(file, longest)
        picture = _opaque(ImageOps.exif_transpose(picture))
    picture = picture.convert("L" if grey else "RGB")
    if size is not None:
        picture = picture.resize((size[1], size[0]), Image.Resampling.BICUBIC)
    return np.array(picture)


def image_size(path: str | Path) -> tuple[int, int]:
    """(height, width) in pixels of a picture of up to ``LARGEST`` pixels, from its head alone.

    Raises:
        DataError: As ``read_image``.
    """
    with _opened(Path(path), large=True) as file:
        return file.height, file.width


@contextmanager
def _opened(path: Path, *, large: bool) -> "Iterator[Image.Image]":
    """Opens a picture; what goes wrong meanwhile, Pillow's limit included, is told in one line."""
    from PIL import Image

    limit = Image.MAX_IMAGE_PIXELS
    try:
        with warnings.catch_warnings():
            if large:
                Image.MAX_IMAGE_PIXELS = LARGEST // 2  # it refuses twice as many
                warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            with Image.open(path, formats=FORMATS) as file:
                yield file
    except FileNotFoundError as error:
        raise DataError(f"{path}: no such file") from error
    except Image.UnidentifiedImageError as error:
        raise DataError(f"{path}: not a picture, expected one of {', '.join(FORMATS)}") from error
    except Image.DecompressionBombError as error:
        raise DataError(f"{path}: too large a picture ({error})") from error
    except (OSError, SyntaxError, ValueError) as error:
        raise DataError(f"{path}: damaged or unreadable picture ({error})") from error
    finally:
        Image.MAX_IMAGE_PIXELS = limit


def prepare_digit(
    image: UInt8[np.ndarray, "height width"] | UInt8[np.ndarray, "height width channels"],
    side: int,
) -> UInt8[np.ndarray, "side side"]:
    """Turns a photo or scan of one digit into the form that digit data sets have.

    Whether ink or paper is the darker is seen from the border; uneven light is evened out by a
    plane through the border. The box around the ink is then scaled, the strongest ink to 255, and
    put on black:

    * as in MNIST: the longer side of the box fills 20/28 of ``side``, proportions are kept, and the
      centre of mass comes to the centre, to within half a pixel;
    * for ``side`` 8 as in scikit-learn's digits: the box fills all 8 rows and is widened by up to
      a quarter, to at most 6 columns, in the middle.

    Source: LeCun, Cortes, Burges, "The MNIST database of handwritten digits"; the rule for 8×8 is
    read off the data.

    Args:
        image: One digit and nothing else, any size; grey, grey and alpha, RGB or RGBA, 0–255.
        side: Height and width wanted, in pixels, ≥ 8.

    Returns:
        Light ink on black, 0–255.

    Raises:
        DataError: No digit can be told from its background.
    """
    from PIL import Image

    picture = _opaque(Image.fromarray(image)).convert("L")
    picture.thumbnail((SKETCH, SKETCH))
    ink = _ink(np.asarray(picture, dtype=np.float32))
    rows, columns = np.flatnonzero(ink.any(axis=1)), np.flatnonzero(ink.any(axis=0))
    box = ink[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    height, width = _box_size(box.shape[0], box.shape[1], side)
    scaled = Image.fromarray(box).resize((width, height), Image.Resampling.BILINEAR)
    digit = np.asarray(scaled)
    top, left = ((side - height) // 2, (side - width) // 2) if side == 8 else _by_mass(digit, side)
    canvas = np.zeros((side, side), dtype=np.uint8)
    canvas[top : top + height, left : left + width] = np.rint(digit * (255 / digit.max()))
    return canvas


def read_image_folder(
    folder: str | Path, size: tuple[int, int] | None = None, *, grey: bool = True
) -> ImageSet:
    """Reads a folder of pictures sorted into one folder per class.

    The layout is ``train/<class>/*.png`` and ``test/<class>/*.png``; or ``<class>/*.png``, which is
    split 80/20 within each class, always in the same way. Any suffix of ``read_image``'s formats
    will do; other files are passed over. Pictures are shuffled, always in the same way, so that the
    first ones show all classes.

    Args:
        folder: The folder.
        size: (height, width) to scale every picture to; None expects them to have one size.
        grey: Whether to read one grey channel instead of red, green, blue.

    Returns:
        The set, named after the folder, its classes in alphabetical order.

    Raises:
        DataError: The layout is another one, a class is empty, a picture is damaged, or sizes
            differ.
    """
    folder = Path(folder)
    split = (folder / "train").is_dir() and (folder / "test").is_dir()
    classes = _subfolders(folder / "train" if split else folder)
    if not classes:
        raise DataError(
            f"{folder}: expected train/<class>/*.png and test/<class>/*.png, or <class>/*.png, "
            "found no class folders"
        )
    if split:
        train, train_labels = _shuffled(*_listed(folder / "train", classes))
        test, test_labels = _shuffled(*_listed(folder / "test", classes))
    else:
        paths, labels = _shuffled(*_listed(folder, classes))
        train_at, test_at = stratified_split(labels)
        train, train_labels = [paths[i] for i in train_at], labels[train_at]
        test, test_labels = [paths[i] for i in test_at], labels[test_at]
    images = _stacked(train + test, size, grey)
    name = folder.resolve().name
    n = len(train)
    return ImageSet(name, images[:n], train_labels, images[n:], test_labels, classes)


def _eight_bits(picture: "Image.Image") -> "Image.Image":
    """Brings 16-bit grey to 8 bits (Pillow would clip it) and decodes everything else."""
    from PIL import Image

    if picture.mode.startswith("I;16"):
        return Image.fromarray((np.asarray(picture) >> 8).astype(np.uint8))
    if picture.mode in ("I", "F"):
        raise ValueError(f"expected 8 or 16 bits a channel, found mode {picture.mode}")
    picture.load()
    return picture


def _reduced(picture: "Image.Image", longest: int) -> "Image.Image":
    """The picture in 8 bits, no side longer than this; a JPEG is decoded small to begin with."""
    picture.draft("RGB", (longest, longest))
    picture = _eight_bits(picture)
    if picture.mode in ("1", "P"):  # whose numbers cannot be averaged
        picture = picture.convert("RGBA" if picture.has_transparency_data else "RGB")
    picture.thumbnail((longest, longest), reducing_gap=2.0)
    return picture


def _opaque(picture: "Image.Image") -> "Image.Image":
    """Puts a picture with transparent parts on white, or on black if what is visible is light."""
    from PIL import Image

    if not picture.has_transparency_data:
        return picture
    picture = picture.convert("RGBA")
    light = np.asarray(picture.convert("L"), dtype=np.float32)
    alpha = np.asarray(picture.getchannel("A"), dtype=np.float32)
    ground = "black" if (light * alpha).sum() >= 128 * alpha.sum() else "white"
    return Image.alpha_composite(Image.new("RGBA", picture.size, ground), picture)


def _ink(grey: Float32[np.ndarray, "height width"]) -> Float32[np.ndarray, "height width"]:
    """How far each pixel stands out from the paper; 0 for the paper itself."""
    low, high = grey.min(), grey.max()
    if high - low < 32:
        raise DataError(
            f"no digit found: the picture's grey levels go from {low:.0f} to {high:.0f} only, "
            "expected ink and paper at least 32 apart"
        )
    y, x = np.indices(grey.shape)
    edge = (y == 0) | (y == grey.shape[0] - 1) | (x == 0) | (x == grey.shape[1] - 1)
    ground, margin = np.median(grey[edge]), (high - low) / 3
    edge &= np.abs(grey - ground) < margin  # ink may touch the border
    points = np.stack([np.ones_like(grey), y, x], axis=-1)
    plane = points @ np.linalg.lstsq(points[edge], grey[edge])[0]
    plane = plane.clip(ground - margin, ground + margin)
    ink = plane - grey if ground > (low + high) / 2 else grey - plane
    return np.where(ink > FAINTEST * ink.max(), ink, 0).astype(np.float32)


def _box_size(height: int, width: int, side: int) -> tuple[int, int]:
    """(height, width) that the box around the ink is scaled to."""
    if side == 8:
        return 8, min(6, max(1, round(1.25 * 8 * width / height)))
    scale = side * 20 / 28 / max(height, width)
    return max(1, round(scale * height)), max(1, round(scale * width))


def _by_mass(digit: Float32[np.ndarray, "height width"], side: int) -> tuple[int, int]:
    """(top, left) that bring the centre of mass to the centre, without cutting anything off."""
    y, x = np.indices(digit.shape)
    at = [round(side / 2 - float((axis * digit).sum() / digit.sum())) for axis in (y, x)]
    top, left = (min(max(0, a), side - n) for a, n in zip(at, digit.shape, strict=True))
    return top, left


def _subfolders(folder: Path) -> tuple[str, ...]:
    """Names of the class folders, sorted."""
    return tuple(sorted(p.name for p in folder.iterdir() if p.is_dir() and p.name[0] != "."))


def _listed(folder: Path, classes: tuple[str, ...]) -> tuple[list[Path], Int64[np.ndarray, "n"]]:
    """All pictures below the class folders, class by class, and the class of each."""
    if strange := set(_subfolders(folder)) - set(classes):
        raise DataError(
            f"{folder / min(strange)}: not a training class, expected one of {', '.join(classes)}"
        )
    paths: list[Path] = []
    labels: list[int] = []
    for label, name in enumerate(classes):
        found = sorted(p for p in (folder / name).glob("*") if p.suffix.lower() in SUFFIXES)
        if not found:
            raise DataError(f"{folder / name}: expected pictures of this class, found none")
        paths += found
        labels += [label] * len(found)
    return paths, np.array(labels, dtype=np.int64)


def _shuffled(
    paths: list[Path], labels: Int64[np.ndarray, "n"]
) -> tuple[list[Path], Int64[np.ndarray, "n"]]:
    """The same examples in a fixed random order."""
    order = np.random.default_rng(0).permutation(len(paths))
    return [paths[i] for i in order], labels[order]


def _stacked(
    paths: list[Path], size: tuple[int, int] | None, grey: bool
) -> UInt8[np.ndarray, "n *image"]:
    """Reads pictures of one size into one array."""
    sample = read_image(paths[0], size=size, grey=grey)
    images = np.empty((len(paths), *sample.shape), dtype=np.uint8)
    for image, path in zip(images, paths, strict=True):
        picture = read_image(path, size=size, grey=grey)
        if picture.shape != sample.shape:
            raise DataError(
                f"{path}: expected {sample.shape[0]}×{sample.shape[1]} pixels as in {paths[0]}, "
                f"found {picture.shape[0]}×{picture.shape[1]}; give a size to scale all pictures to"
            )
        image[:] = picture
    return images
