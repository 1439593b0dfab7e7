"""Changes of images, each written as its formula, for a whole batch at once (book ch. 5).

Every image of a batch has its own numbers: a shift, a factor, a yes or no. `gradus.vision.distort`
draws them at random. Images are "batch channels height width" with values in [0, 1] unless said,
colours in the order red, green, blue. Nothing is clipped, and the images given are left alone.
"""

from math import sqrt

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor
from torch.nn import functional

from gradus.core.errors import UsageError

Images = Float[Tensor, "batch channels height width"]
Numbers = Float[Tensor, "batch"]
Places = Int[Tensor, "batch"]
Choice = Bool[Tensor, "batch"]


def per_image_whitening(x: Images) -> Images:
    """(x - mean) / max(σ, 1/√N), both over all N values of an image: mean 0 and variance 1.

    The bound keeps an image of one colour from being divided by zero. The book's
    `tf.image.per_image_whitening`, now called `per_image_standardization`.
    """
    centred = x - x.mean((1, 2, 3), keepdim=True)
    deviation = centred.square().mean((1, 2, 3), keepdim=True).sqrt()
    return centred / deviation.clamp_min(1 / sqrt(x[0].numel()))


def crop(
    x: Images, top: Places, left: Places, height: int, width: int
) -> Float[Tensor, "batch channels h w"]:
    """A rectangle of each image.

    Args:
        x: the images.
        top: first row of each rectangle.
        left: first column of each rectangle.
        height: of all of them, at most that of the images.
        width: of all of them, at most that of the images.

    Raises:
        UsageError: the rectangle is larger than the images.
    """
    if not (1 <= height <= x.shape[2] and 1 <= width <= x.shape[3]):
        raise UsageError(
            f"crop must be at most the images' {x.shape[2]}×{x.shape[3]} pixels, "
            f"got {height}×{width}"
        )
    every = torch.arange(len(x), device=x.device)
    return x.unfold(2, height, 1).unfold(3, width, 1)[every, :, top, left]


def flip_left_right(x: Images, which: Choice) -> Images:
    """The chosen images mirrored: column j becomes column width - 1 - j."""
    return torch.where(_each(which), x.flip(3), x)


def flip_up_down(x: Images, which: Choice) -> Images:
    """The chosen images turned upside down: row i becomes row height - 1 - i."""
    return torch.where(_each(which), x.flip(2), x)


def transpose(x: Images, which: Choice) -> Images:
    """The chosen images with rows and columns exchanged.

    Raises:
        UsageError: the images are not square.
    """
    if x.shape[2] != x.shape[3]:
        raise UsageError(f"images must be square to be transposed, got {x.shape[2]}×{x.shape[3]}")
    return torch.where(_each(which), x.transpose(2, 3), x)


def brightness(x: Images, delta: Numbers) -> Images:
    """Each value plus δ: x + δ."""
    return x + _each(delta)


def contrast(x: Images, factor: Numbers) -> Images:
    """(x - m) · f + m, with m the mean of each channel of each image."""
    mean = x.mean((2, 3), keepdim=True)
    return torch.lerp(mean, x, _each(factor))


def saturation(x: Images, factor: Numbers) -> Images:
    """The saturation S = (V - min) / V of each pixel times f, at most 1; hue and V = max stay.

    So every colour c of a pixel becomes V - (V - c) · min(f, 1/S).

    Args:
        x: images of 3 colours, values ≥ 0.
        factor: f ≥ 0; 0 makes an image grey.

    Raises:
        UsageError: the images have not 3 colours.
    """
    _check_colour(x, "saturation")
    value, chroma = _value_and_chroma(x)
    share = torch.minimum(_each(factor), value / chroma.clamp_min(1e-12))
    return value - (value - x) * share


def hue(x: Images, turn: Numbers) -> Images:
    """The hue of each pixel turned by δ turns of the colour circle; saturation and value stay.

    With H in sixths of a turn, V = max and C = V - min of a pixel, its red is V - C · r(5 + H + 6δ)
    where r(k) = min(k mod 6, 4 - (k mod 6)) within [0, 1]; green has 3 for the 5, blue 1.

    Args:
        x: images of 3 colours.
        turn: δ, in turns: ⅓ makes red green.

    Raises:
        UsageError: the images have not 3 colours.
    """
    _check_colour(x, "hue")
    value, chroma = _value_and_chroma(x)
    red, green, blue = x.split(1, dim=1)
    sixths = torch.where(
        value == red,
        green - blue,
        torch.where(value == green, blue - red + 2 * chroma, red - green + 4 * chroma),
    ) / chroma.clamp_min(1e-12)
    turns = sixths / 6 + _each(turn) + x.new_tensor([5, 3, 1]).view(1, 3, 1, 1) / 6
    k = 6 * (turns - turns.floor())
    return value - chroma * torch.minimum(k, 4 - k).clamp(0, 1)


def cutout(x: Images, row: Places, column: Places, size: int) -> Images:
    """A square of each image set to 0; what of it lies outside is lost.

    Source: DeVries and Taylor 2017, "Improved Regularization of Convolutional Neural Networks with
    Cutout".

    Args:
        x: the images.
        row: first row of each square; may be negative.
        column: first column of each square; may be negative.
        size: its side.
    """
    rows = _within(row, x.shape[2], size)[:, None, :, None]
    columns = _within(column, x.shape[3], size)[:, None, None, :]
    return x.masked_fill(rows & columns, 0)


def shift(x: Images, down: Places, right: Places, most: int, fill: str = "constant") -> Images:
    """Each image moved by whole pixels.

    Args:
        x: the images.
        down: pixels downwards, in [-most, most].
        right: pixels to the right, in [-most, most].
        most: the largest of all, ≥ 0.
        fill: what comes in at the edge: `constant` (0), `reflect` or `replicate`.
    """
    padded = functional.pad(x, (most,) * 4, mode=fill)
    return crop(padded, most - down, most - right, x.shape[2], x.shape[3])


def warp(x: Images, matrix: Float[Tensor, "batch 2 2"], bend: Tensor | None = None) -> Images:
    """Each image turned, stretched or sheared about its centre, and bent; 0 comes in from outside.

    The pixel at place p, measured from the centre, is read from place A·p + b(p), between four
    pixels by bilinear interpolation.

    Args:
        x: the images.
        matrix: A, on (column, row).
        bend: b, "batch height width 2", in pixels, (column, row); None: 0.
    """
    half = x.new_tensor([x.shape[3], x.shape[2]]) / 2
    scaled = matrix * half / half[:, None]  # torch measures from the centre in halves of a side
    centred = torch.cat([scaled, torch.zeros_like(scaled[:, :, :1])], 2)
    grid = functional.affine_grid(centred, list(x.shape), align_corners=False)
    if bend is not None:
        grid = grid + bend / half
    return functional.grid_sample(x, grid, align_corners=False)


def turning(degrees: Numbers) -> Float[Tensor, "batch 2 2"]:
    """The matrix with which `warp` turns an image counter-clockwise by so many degrees."""
    angle = torch.deg2rad(degrees)
    rows = torch.stack([angle.cos(), -angle.sin(), angle.sin(), angle.cos()], 1)
    return rows.view(-1, 2, 2)


def _each(numbers: Tensor) -> Tensor:
    """One number an image, to stand beside "batch channels height width"."""
    return numbers.view(-1, 1, 1, 1)


def _within(first: Places, length: int, size: int) -> Bool[Tensor, "batch length"]:
    """Which of `length` places lie in [first, first + size)."""
    place = torch.arange(length, device=first.device)
    return (place >= first[:, None]) & (place < first[:, None] + size)


def _value_and_chroma(x: Tensor) -> tuple[Tensor, Tensor]:
    """V = max and V - min over the colours of each pixel, "batch 1 height width"."""
    value = x.amax(1, keepdim=True)
    return value, value - x.amin(1, keepdim=True)


def _check_colour(x: Tensor, what: str) -> None:
    if x.shape[1] != 3:
        raise UsageError(f"{what} is for images of 3 colours, got {x.shape[1]} channels")
