"""Games as pictures: a cart with its pole, MinAtar's places; what an agent thinks beside them."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Bool, Float, UInt8
from PIL import Image, ImageDraw, ImageFont

from gradus.core import plot

HEIGHT = 420
"""Height of a frame of a video, in pixels."""
PANEL = 300
"""Width of what is drawn beside it, in pixels."""
CHANNELS = ("#56B4E9", "#F0E442", "#8A6D1A", "#D55E00", "#009E73", "#CC79A7")
"""Colours of MinAtar's kinds of things; of Breakout: paddle, ball, trail, bricks."""


def draw_cart(state: Float[np.ndarray, "4"]) -> UInt8[np.ndarray, "height width 3"]:
    """CartPole as a picture: (x, ẋ, θ, θ̇) in m and rad; the track is 4.8 m wide."""
    width, ground, scale = 600, 300, 120
    picture = Image.new("RGB", (width, 400), "white")
    draw = ImageDraw.Draw(picture)
    x = width / 2 + float(state[0]) * scale
    draw.line([(0, ground), (width, ground)], fill=plot.GREY, width=3)
    draw.rectangle([x - 38, ground - 38, x + 38, ground - 4], fill=plot.INK)
    tip = (x + scale * np.sin(state[2]), ground - 34 - scale * np.cos(state[2]))
    draw.line([(x, ground - 34), tip], fill=plot.PALETTE[4], width=12)
    draw.ellipse([x - 7, ground - 41, x + 7, ground - 27], fill=plot.PALETTE[5])
    return np.asarray(picture)


def draw_places(state: Bool[np.ndarray, "10 10 channels"]) -> UInt8[np.ndarray, "400 400 3"]:
    """A state of MinAtar as coloured places; where several things are, the first is seen."""
    picture = np.zeros((10, 10, 3), dtype=np.uint8)
    for channel in range(state.shape[2] - 1, -1, -1):
        colour = CHANNELS[channel % len(CHANNELS)].lstrip("#")
        picture[state[:, :, channel]] = [int(colour[i : i + 2], 16) for i in (0, 2, 4)]
    return np.kron(picture, np.ones((40, 40, 1), dtype=np.uint8))


def beside(
    frame: UInt8[np.ndarray, "height width 3"],
    names: Sequence[str],
    scores: Float[np.ndarray, "actions"],
    action: int,
    words: Sequence[str],
    kind: str,
    span: tuple[float, float],
) -> UInt8[np.ndarray, "tall wide 3"]:
    """A frame with bars of the actions' values or probabilities to its right.

    Args:
        frame: the game.
        names: of the actions.
        scores: a number for each.
        action: the one that is done; its bar is coloured.
        words: lines above the bars.
        kind: what the bars are, in a word or two.
        span: the numbers at the left and right end of a bar.

    Returns:
        A picture whose sides are even, as video codecs ask for.
    """
    height, width = frame.shape[:2]
    wide = round(width * HEIGHT / height / 2) * 2
    smooth = Image.Resampling.NEAREST if height < HEIGHT else Image.Resampling.BILINEAR
    picture = Image.new("RGB", (wide + PANEL, HEIGHT), "white")
    picture.paste(Image.fromarray(frame).resize((wide, HEIGHT), smooth), (0, 0))
    draw = ImageDraw.Draw(picture)
    left, y = wide + 16, 14
    for line in words:
        draw.text((left, y), line, fill=plot.INK, font=_font(16))
        y += 22
    draw.text((left, y + 6), kind, fill=plot.GREY, font=_font(14))
    y += 32
    step = min(40, (HEIGHT - y - 8) / len(names))
    low, high = span
    reach = PANEL - 32
    for i, (name, score) in enumerate(zip(names, scores, strict=True)):
        top = y + i * step
        share = 0.0 if high <= low else min(max((float(score) - low) / (high - low), 0), 1)
        colour = plot.PALETTE[4] if i == action else plot.FAINT
        draw.rectangle([left, top + 16, left + reach, top + step - 6], outline=plot.GRID)
        draw.rectangle([left, top + 16, left + share * reach, top + step - 6], fill=colour)
        draw.text((left, top), name, fill=plot.INK, font=_font(12))
        draw.text((left + reach, top), f"{score:.3g}", fill=plot.INK, font=_font(12), anchor="ra")
    return np.asarray(picture)


def _font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(size)
