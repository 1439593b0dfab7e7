"""Each change of images against its formula, written with loops over single values."""

import colorsys
import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from gradus.core.errors import UsageError
from gradus.vision import augment

N, HEIGHT, WIDTH = 3, 5, 7


def photos(channels=3, height=HEIGHT, width=WIDTH, seed=0):
    draw = torch.Generator().manual_seed(seed)
    return torch.rand(N, channels, height, width, generator=draw, dtype=torch.float64)


def close(found, expected):
    np.testing.assert_allclose(found.numpy(), np.asarray(expected), rtol=1e-9, atol=1e-12)


def by_value(x, change):
    """A new batch, each value from (image, channel, row, column)."""
    out = np.empty(x.shape)
    for place in np.ndindex(*x.shape):
        out[place] = change(*place)
    return out


def by_pixel(x, change):
    """A new batch, each pixel from change(image, (red, green, blue))."""
    out = np.empty(x.shape)
    for n, i, j in np.ndindex(x.shape[0], *x.shape[2:]):
        out[n, :, i, j] = change(n, [float(x[n, c, i, j]) for c in range(3)])
    return out


# Values -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("channels", [1, 3])
def test_per_image_whitening(channels):
    x = photos(channels)
    found = augment.per_image_whitening(x)
    for image, white in zip(x.tolist(), found.tolist(), strict=True):
        values = [v for plane in image for row in plane for v in row]
        mean = math.fsum(values) / len(values)
        deviation = math.sqrt(math.fsum((v - mean) ** 2 for v in values) / len(values))
        expected = [(v - mean) / max(deviation, 1 / math.sqrt(len(values))) for v in values]
        close(torch.tensor(white, dtype=torch.float64).flatten(), expected)
    close(found.mean((1, 2, 3)), np.zeros(N))
    close(found.var((1, 2, 3), correction=0), np.ones(N))


def test_whitening_of_one_colour_is_finite():
    x = torch.full((1, 3, 4, 4), 0.7, dtype=torch.float64, requires_grad=True)
    found = augment.per_image_whitening(x)
    close(found.detach(), np.zeros((1, 3, 4, 4)))


def test_whitening_of_a_faint_image_divides_by_the_bound():
    x = torch.zeros(1, 1, 4, 4, dtype=torch.float64)
    x[0, 0, 0, 0] = 1e-3
    close(augment.per_image_whitening(x).max(), (1e-3 - 1e-3 / 16) * math.sqrt(16))


def test_brightness():
    x, delta = photos(), torch.tensor([-0.3, 0.0, 0.25], dtype=torch.float64)
    close(
        augment.brightness(x, delta),
        by_value(x, lambda n, c, i, j: float(x[n, c, i, j]) + float(delta[n])),
    )


def test_contrast():
    x, factor = photos(), torch.tensor([0.2, 1.0, 1.8], dtype=torch.float64)

    def expected(n, c, i, j):
        plane = x[n, c].flatten().tolist()
        mean = math.fsum(plane) / len(plane)
        return (float(x[n, c, i, j]) - mean) * float(factor[n]) + mean

    close(augment.contrast(x, factor), by_value(x, expected))


def test_saturation():
    x, factor = photos(), torch.tensor([0.0, 0.6, 3.0], dtype=torch.float64)

    def expected(n, rgb):
        h, s, v = colorsys.rgb_to_hsv(*rgb)
        return colorsys.hsv_to_rgb(h, min(1.0, s * float(factor[n])), v)

    close(augment.saturation(x, factor), by_pixel(x, expected))


def test_hue():
    x, turn = photos(), torch.tensor([-0.4, 0.0, 1 / 3], dtype=torch.float64)

    def expected(n, rgb):
        h, s, v = colorsys.rgb_to_hsv(*rgb)
        return colorsys.hsv_to_rgb((h + float(turn[n])) % 1.0, s, v)

    close(augment.hue(x, turn), by_pixel(x, expected))


@given(
    rgb=st.lists(st.sampled_from([0.0, 0.25, 0.5, 1.0]), min_size=3, max_size=3),
    turn=st.sampled_from([-0.5, -1 / 3, 0.0, 1 / 6, 0.5]),
    factor=st.sampled_from([0.0, 0.5, 1.0, 7.0]),
)
def test_hue_and_saturation_of_colours_on_the_edges(rgb, turn, factor):
    x = torch.tensor(rgb, dtype=torch.float64).view(1, 3, 1, 1)
    h, s, v = colorsys.rgb_to_hsv(*rgb)
    turned = augment.hue(x, torch.tensor([turn], dtype=torch.float64))
    close(turned.flatten(), colorsys.hsv_to_rgb((h + turn) % 1.0, s, v))
    fuller = augment.saturation(x, torch.tensor([factor], dtype=torch.float64))
    close(fuller.flatten(), colorsys.hsv_to_rgb(h, min(1.0, s * factor), v))


# Places -------------------------------------------------------------------------------------------


def test_crop():
    x, top, left = photos(), torch.tensor([0, 1, 2]), torch.tensor([4, 0, 2])
    found = augment.crop(x, top, left, 3, 3)
    close(found, by_value(found, lambda n, c, i, j: x[n, c, top[n] + i, left[n] + j]))


@pytest.mark.parametrize("memory_format", [torch.contiguous_format, torch.channels_last])
def test_flips_and_transpose_of_the_chosen(memory_format):
    x = photos(height=6, width=6).contiguous(memory_format=memory_format)
    which = torch.tensor([True, False, True])
    for change, place in (
        (augment.flip_left_right, lambda i, j: (i, 5 - j)),
        (augment.flip_up_down, lambda i, j: (5 - i, j)),
        (augment.transpose, lambda i, j: (j, i)),
    ):

        def expected(n, c, i, j, place=place):
            return x[n, c, *(place(i, j) if which[n] else (i, j))]

        close(change(x, which), by_value(x, expected))
        close(change(change(x, which), which), x)


@pytest.mark.parametrize("fill", ["constant", "reflect", "replicate"])
@pytest.mark.parametrize("size", [(5, 7), (6, 6)])
def test_shift(fill, size):
    x = photos(1, *size)
    down, right = torch.tensor([-2, 0, 1]), torch.tensor([2, -1, 0])

    def read(place, n):
        """The place of the image that an outside place shows; None: 0."""
        if fill == "replicate":
            return min(max(place, 0), n - 1)
        if fill == "reflect":
            return 2 * (n - 1) - abs(place) if abs(place) >= n else abs(place)
        return place if 0 <= place < n else None

    def expected(n, c, i, j):
        row, column = read(i - int(down[n]), size[0]), read(j - int(right[n]), size[1])
        return 0.0 if row is None or column is None else x[n, c, row, column]

    close(augment.shift(x, down, right, 2, fill), by_value(x, expected))


def test_cutout():
    x, row, column = photos(), torch.tensor([-1, 2, 4]), torch.tensor([0, 6, -5])

    def expected(n, c, i, j):
        inside = row[n] <= i < row[n] + 3 and column[n] <= j < column[n] + 3
        return 0.0 if inside else x[n, c, i, j]

    close(augment.cutout(x, row, column, 3), by_value(x, expected))


@pytest.mark.parametrize("bent", [False, True])
def test_warp(bent):
    x = photos(2)
    draw = torch.Generator().manual_seed(1)
    matrix = torch.eye(2, dtype=torch.float64) + 0.3 * torch.randn(
        N, 2, 2, generator=draw, dtype=torch.float64
    )
    bend = torch.randn(N, HEIGHT, WIDTH, 2, generator=draw, dtype=torch.float64) if bent else None

    def at(n, c, row, column):
        inside = 0 <= row < HEIGHT and 0 <= column < WIDTH
        return float(x[n, c, row, column]) if inside else 0.0

    def expected(n, c, i, j):
        u, v = j + 0.5 - WIDTH / 2, i + 0.5 - HEIGHT / 2
        (a, b), (p, q) = matrix[n].tolist()
        across, down = a * u + b * v, p * u + q * v
        if bend is not None:
            across, down = across + float(bend[n, i, j, 0]), down + float(bend[n, i, j, 1])
        column, row = across + WIDTH / 2 - 0.5, down + HEIGHT / 2 - 0.5
        left, top = math.floor(column), math.floor(row)
        s, t = column - left, row - top
        return (
            (1 - t) * ((1 - s) * at(n, c, top, left) + s * at(n, c, top, left + 1))
            + t * ((1 - s) * at(n, c, top + 1, left) + s * at(n, c, top + 1, left + 1))
        )  # fmt: skip

    close(augment.warp(x, matrix, bend), by_value(x, expected))


def test_a_quarter_turn_is_exact():
    x = photos(1, 4, 4)
    quarter = torch.tensor([[0.0, -1.0], [1.0, 0.0]], dtype=torch.float64).expand(N, 2, 2)
    close(augment.warp(x, quarter), x.rot90(1, (2, 3)))


# Mistakes -----------------------------------------------------------------------------------------


def test_the_images_given_are_left_alone():
    x = photos(height=6, width=6)
    before = x.clone()
    none, all_, half = torch.zeros(N, dtype=int), torch.ones(N, dtype=bool), torch.full((N,), 0.5)
    for found in (
        augment.per_image_whitening(x),
        augment.flip_left_right(x, all_),
        augment.flip_up_down(x, all_),
        augment.transpose(x, all_),
        augment.contrast(x, half.double()),
        augment.saturation(x, half.double()),
        augment.hue(x, half.double()),
        augment.cutout(x, none, none, 2),
        augment.crop(x, none, none, 2, 2),
        augment.shift(x, none, none, 1),
    ):
        found.zero_()
        assert torch.equal(x, before)


def test_refusals():
    x, none = photos(), torch.zeros(N, dtype=int)
    with pytest.raises(UsageError, match="crop must be at most the images' 5×7 pixels, got 6×6"):
        augment.crop(x, none, none, 6, 6)
    with pytest.raises(UsageError, match="images must be square to be transposed, got 5×7"):
        augment.transpose(x, torch.ones(N, dtype=bool))
    for change in (augment.hue, augment.saturation):
        with pytest.raises(UsageError, match=r"is for images of 3 colours, got 1 channels"):
            change(photos(1), torch.zeros(N, dtype=torch.float64))
