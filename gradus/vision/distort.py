"""Random changes of training images, described in one line (book ch. 5, image preprocessing).

For example, for the book's CIFAR-10 networks:

    crop 24, flip, brightness 0.25, contrast 0.2 1.8

The changes are made in the order in which they are written, with fresh numbers for every image of
every batch. Images have values in [0, 1].

    crop SIZE             a square of SIZE pixels, anywhere
    shift PIXELS [FILL]   moved by up to so many pixels each way; what comes in at the edge is
                          constant (0, unless said), reflect or replicate: padding, then a crop
    flip                  left and right exchanged, for every other image
    flip-up               top and bottom exchanged, for every other image
    transpose             rows and columns exchanged, for every other image
    brightness D          plus a number in [-D, D]
    contrast LOW HIGH     distance from the channel's mean times a factor in [LOW, HIGH]
    saturation LOW HIGH   saturation of the colours times a factor in [LOW, HIGH]
    hue D                 colours turned by [-D, D] of the colour circle; D at most 0.5
    cutout SIZE           a square of SIZE pixels set to 0, its centre anywhere
    warp DEGREES [SCALE [BEND]]
                          turned by up to DEGREES either way; larger or smaller, each way by itself,
                          by up to the share SCALE; bent smoothly by about BEND pixels
"""

import math
import types
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from gradus.core.errors import UsageError
from gradus.core.recipe import check_setting, nearest
from gradus.vision import augment
from gradus.vision.augment import Images

Generator = torch.Generator | None
Distortion = Callable[..., Tensor]
"""(images, generator=None) -> images; None draws from torch's global generator."""

BEND_WIDTH = 4.0
"""Standard deviation of the Gaussian that smooths the bends of `warp`, in pixels."""


def distortion(text: str) -> Distortion:
    """What a description does to a batch of images.

    Args:
        text: in the language above; nothing but spaces leaves the images as they are.

    Raises:
        UsageError: a word is not understood or a number is out of its range.
    """
    steps = [_step(part) for part in text.split(",")] if text.strip() else []

    def distort(x: Images, generator: Generator = None) -> Tensor:
        for step in steps:
            x = step(x, generator=generator)
        return x

    return distort


def random_crop(x: Images, size: int, generator: Generator = None) -> Tensor:
    """A square of `size` pixels of each image, every place equally likely."""
    top = _whole_numbers(x, x.shape[2] - size + 1, generator)
    left = _whole_numbers(x, x.shape[3] - size + 1, generator)
    return augment.crop(x, top, left, size, size)


def random_shift(
    x: Images, most: int, fill: str = "constant", generator: Generator = None
) -> Tensor:
    """Each image moved by whole pixels in [-most, most] along each axis."""
    down, right = (_whole_numbers(x, 2 * most + 1, generator) - most for _ in range(2))
    return augment.shift(x, down, right, most, fill)


def random_flip(x: Images, generator: Generator = None) -> Tensor:
    """Every image mirrored with probability ½."""
    return augment.flip_left_right(x, _coins(x, generator))


def random_flip_up(x: Images, generator: Generator = None) -> Tensor:
    """Every image turned upside down with probability ½."""
    return augment.flip_up_down(x, _coins(x, generator))


def random_transpose(x: Images, generator: Generator = None) -> Tensor:
    """Every image transposed with probability ½."""
    return augment.transpose(x, _coins(x, generator))


def random_brightness(x: Images, most: float, generator: Generator = None) -> Tensor:
    """Plus a number in [-most, most] for each image."""
    return augment.brightness(x, _uniform(x, -most, most, generator))


def random_contrast(x: Images, low: float, high: float, generator: Generator = None) -> Tensor:
    """Contrast times a factor in [low, high] for each image."""
    return augment.contrast(x, _uniform(x, low, high, generator))


def random_saturation(x: Images, low: float, high: float, generator: Generator = None) -> Tensor:
    """Saturation times a factor in [low, high] for each image."""
    return augment.saturation(x, _uniform(x, low, high, generator))


def random_hue(x: Images, most: float, generator: Generator = None) -> Tensor:
    """Colours turned by [-most, most] turns for each image."""
    return augment.hue(x, _uniform(x, -most, most, generator))


def random_cutout(x: Images, size: int, generator: Generator = None) -> Tensor:
    """A square set to 0 whose middle pixel may be any pixel of the image."""
    row, column = (_whole_numbers(x, n, generator) - size // 2 for n in x.shape[2:])
    return augment.cutout(x, row, column, size)


def random_warp(
    x: Images,
    degrees: float,
    scale: float = 0.0,
    bend: float = 0.0,
    generator: Generator = None,
) -> Tensor:
    """Each image turned, stretched and bent a little, with one interpolation for all three.

    The bend is Gaussian noise smoothed over `BEND_WIDTH` pixels, then scaled to a standard
    deviation of `bend` pixels: the elastic distortion of Simard et al. 2003, "Best Practices for
    Convolutional Neural Networks", section 2.
    """
    turn = augment.turning(_uniform(x, -degrees, degrees, generator))
    sizes = [_uniform(x, 1 - scale, 1 + scale, generator) for _ in range(2)]  # across and down
    field = _bends(x, bend, generator) if bend else None
    return augment.warp(x, turn / torch.stack(sizes, 1)[:, :, None], field)


def _bends(x: Images, bend: float, generator: Generator) -> Tensor:
    """Smooth random displacements, "batch height width 2", of standard deviation `bend` pixels."""
    reach = math.ceil(2 * BEND_WIDTH)
    places = torch.arange(-reach, reach + 1, device=x.device, dtype=x.dtype)
    kernel = torch.exp(-0.5 * (places / BEND_WIDTH) ** 2)
    kernel = kernel / kernel.square().sum().sqrt()  # so that smoothed noise keeps its variance
    noise = torch.randn(
        2 * len(x), 1, x.shape[2] + 2 * reach, x.shape[3] + 2 * reach,
        generator=generator, device=x.device, dtype=x.dtype,
    )  # fmt: skip
    smooth = functional.conv2d(noise, kernel.view(1, 1, -1, 1))
    smooth = functional.conv2d(smooth, kernel.view(1, 1, 1, -1))
    return bend * smooth.view(len(x), 2, *x.shape[2:]).permute(0, 2, 3, 1)


def _whole_numbers(x: Images, n: int, generator: Generator) -> Tensor:
    """One of 0 … n - 1 for each image."""
    return torch.randint(max(n, 1), (len(x),), generator=generator, device=x.device)


def _uniform(x: Images, low: float, high: float, generator: Generator) -> Tensor:
    """A number in [low, high) for each image."""
    drawn = torch.rand(len(x), generator=generator, device=x.device, dtype=x.dtype)
    return low + (high - low) * drawn


def _coins(x: Images, generator: Generator) -> Tensor:
    """Yes or no for each image."""
    return torch.rand(len(x), generator=generator, device=x.device) < 0.5


@dataclass(frozen=True)
class _Form:
    """How a change is written.

    Attributes:
        make: (images, *values, generator) -> images.
        shown: the words after the name, as in the language.
        read: what reads each of them.
        least: how many there must be.
        holds: the rule that their values keep.
        rule: that rule in words.
    """

    make: Distortion
    shown: str = ""
    read: tuple[Callable[[str], float | str], ...] = ()
    least: int = 0
    holds: Callable[..., bool] = lambda *_: True
    rule: str = ""


def _fill(word: str) -> str:
    if word not in ("constant", "reflect", "replicate"):
        raise ValueError
    return word


_RANGE = "0 ≤ LOW ≤ HIGH"


def _ranged(make: Distortion) -> _Form:
    return _Form(make, "LOW HIGH", (float, float), 2, lambda a, b: 0 <= a <= b < math.inf, _RANGE)


FORMS: Mapping[str, _Form] = types.MappingProxyType(
    {
        "crop": _Form(random_crop, "SIZE", (int,), 1, lambda n: n >= 1, "≥ 1"),
        "shift": _Form(
            random_shift, "PIXELS [constant|reflect|replicate]", (int, _fill), 1,
            lambda n, *_: n >= 0, "≥ 0",
        ),
        "flip": _Form(random_flip),
        "flip-up": _Form(random_flip_up),
        "transpose": _Form(random_transpose),
        "brightness": _Form(
            random_brightness, "D", (float,), 1, lambda d: 0 <= d < math.inf, "≥ 0"
        ),
        "contrast": _ranged(random_contrast),
        "saturation": _ranged(random_saturation),
        "hue": _Form(random_hue, "D", (float,), 1, lambda d: 0 <= d <= 0.5, "in [0, 0.5]"),
        "cutout": _Form(random_cutout, "SIZE", (int,), 1, lambda n: n >= 1, "≥ 1"),
        "warp": _Form(
            random_warp, "DEGREES [SCALE [BEND]]", (float, float, float), 1,
            lambda d, s=0.0, b=0.0: 0 <= d <= 180 and 0 <= s < 1 and 0 <= b < math.inf,
            "DEGREES in [0, 180], SCALE in [0, 1), BEND ≥ 0",
        ),
    }
)  # fmt: skip
"""Every change by its word."""


def _step(part: str) -> Distortion:
    """The change that is written between two commas."""
    name, *words = part.split() or [""]
    if name not in FORMS:
        raise UsageError(
            f"distort: {name!r} must be one of {', '.join(FORMS)}{nearest(name, [*FORMS])}"
        )
    form = FORMS[name]
    try:
        values = [read(word) for read, word in zip(form.read, words, strict=False)]
    except ValueError:
        values = []
    if not form.least <= len(values) == len(words):
        expected = f"{name} {form.shown}".rstrip()
        raise UsageError(f"distort: expected {expected!r}, got {part.strip()!r}")
    check_setting(form.holds(*values), f"distort: {name}", form.rule, " ".join(words))
    return lambda x, generator=None: form.make(x, *values, generator=generator)
