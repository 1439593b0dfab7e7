"""Clips of a moving digit, for convolution in time and space (book ch. 5, other domains).

A digit drifts over a small field and, where it leaves at one edge, comes back at the other. Every
place is as likely as any other in every frame, whatever the direction: no single frame tells where
the digit is going.
"""

from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float, Int64
from torch import Tensor

from gradus.core.errors import DataError, UsageError
from gradus.data.digits import read_digits
from gradus.vision.beyond.parts import generator_of

DIRECTIONS = {
    "right": (0, 1),
    "down-right": (1, 1),
    "down": (1, 0),
    "down-left": (1, -1),
    "left": (0, -1),
    "up-left": (-1, -1),
    "up": (-1, 0),
    "up-right": (-1, 1),
}
"""Direction -> step in rows (downwards) and columns."""

FRAMES, SIDE = 8, 16
SPEEDS = (1, 2)  # pixels in a frame

Clips = Float[Tensor, "n 1 8 16 16"]


def moving_digits(
    n: int, noise: float = 0.3, part: str = "train"
) -> tuple[Clips, Int64[Tensor, "n"]]:
    """Clips of 8 frames of 16×16 pixels, and the number of each one's direction.

    The digits are scikit-learn's, 8×8. Each part has digits of its own: 1,200, 237 and 360 images.

    Args:
        n: how many clips, ≥ 1; the directions take turns.
        noise: standard deviation of what is added to every pixel, ≥ 0.
        part: `train`, `validation` or `test`; the clips depend on it, n and noise alone.

    Returns:
        clips, 0 dark and 1 light before the noise, and indices into `DIRECTIONS`.
    """
    generator = generator_of(part)
    images = _digits(part)
    labels = torch.arange(n) % len(DIRECTIONS)
    field = torch.zeros(n, SIDE, SIDE)
    field[:, :8, :8] = images[torch.randint(len(images), (n,), generator=generator)]
    speed = torch.tensor(SPEEDS)[torch.randint(len(SPEEDS), (n, 1), generator=generator)]
    start = torch.randint(SIDE, (n, 1, 2), generator=generator)
    step = torch.tensor(list(DIRECTIONS.values()))[labels] * speed
    at = start + step[:, None] * torch.arange(FRAMES)[:, None]  # "n frames 2": of the upper left
    rows, columns = ((torch.arange(SIDE) - at[..., i, None]) % SIDE for i in (0, 1))
    which = torch.arange(n)[:, None, None, None]
    clips = field[which, rows[..., :, None], columns[..., None, :]]
    return (clips + noise * torch.randn(clips.shape, generator=generator))[:, None], labels


def _digits(part: str) -> Float[Tensor, "n 8 8"]:
    digits = read_digits()
    images = {
        "train": digits.train_images[:1200],
        "validation": digits.train_images[1200:],
        "test": digits.test_images,
    }[part]
    return torch.from_numpy(images).float() / 255


def fit_clip(clip: np.ndarray) -> Float[Tensor, "1 8 16 16"]:
    """A clip of any size, as the network takes it: 8 frames, evenly spread, of 16×16 pixels.

    Args:
        clip: "frames height width", bytes 0 … 255 or fractions 0 … 1; at least 8 frames.

    Raises:
        UsageError: it has another form.
    """
    if clip.ndim != 3 or len(clip) < FRAMES or min(clip.shape) < 1 or clip.dtype.kind not in "uf":
        raise UsageError(
            f"a clip must be bytes or fractions of shape (frames ≥ {FRAMES}, height, width), "
            f"got {clip.dtype} of shape {clip.shape}"
        )
    chosen = clip[np.linspace(0, len(clip) - 1, FRAMES).round().astype(int)]
    frames = torch.from_numpy(chosen.astype(np.float32) / (255 if clip.dtype.kind == "u" else 1))
    if not frames.isfinite().all():
        raise UsageError("a clip must be of finite numbers")
    if frames.shape[1:] != (SIDE, SIDE):
        frames = torch.nn.functional.interpolate(
            frames[:, None], (SIDE, SIDE), mode="bilinear", antialias=True
        )[:, 0]
    return frames[None]


def read_clip(path: str | Path) -> np.ndarray:
    """A clip from a file: an animated .gif, or .npy with an array "frames height width".

    Raises:
        DataError: the file is missing or damaged.
    """
    from PIL import Image, ImageSequence, UnidentifiedImageError

    path = Path(path)
    try:
        if path.suffix == ".npy":
            return np.load(path, allow_pickle=False)
        with Image.open(path) as animation:
            frames = [np.array(f.convert("L")) for f in ImageSequence.Iterator(animation)]
    except FileNotFoundError as error:
        raise DataError(f"{path}: no such file") from error
    except UnidentifiedImageError as error:
        raise DataError(f"{path}: expected a clip, .gif or .npy") from error
    except (OSError, ValueError, EOFError) as error:
        raise DataError(f"{path}: damaged or unreadable clip ({error})") from error
    return np.stack(frames)


def save_clip(clip: Float[Tensor, "1 frames height width"], path: str | Path) -> None:
    """Write a clip as an animated GIF, 8 frames a second; values outside 0 … 1 are cut off."""
    from PIL import Image

    frames = (clip[0].clamp(0, 1) * 255).round().to(torch.uint8).numpy()
    first, *others = (Image.fromarray(frame) for frame in frames)
    first.save(path, save_all=True, append_images=others, duration=125, loop=0)
