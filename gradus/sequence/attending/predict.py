"""Descriptions by a finished run, from its folder alone."""

from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from gradus.core.errors import DataError, UsageError
from gradus.core.run import Run
from gradus.data.answers import Answer, Predictor, name_of
from gradus.data.images import read_image
from gradus.sequence.attending import scenes, tunes
from gradus.sequence.attending.build import END, describer, examples
from gradus.sequence.attending.describer import Describer
from gradus.sequence.attending.recipes import AttendingConfig


def load_described(run: Run) -> tuple[Describer, list[str]]:
    """The network of a run, in evaluation mode, and its words."""
    config: Any = run.config
    model = describer(config)
    model.load_state_dict(run.load_weights())
    return model.eval(), run.info["facts"]["classes"]


def load_describer(run: Run) -> Predictor:
    """What is in a picture, or a tune, and where it was looked at.

    It takes numbers, from 0, of the scenes or tunes of the test; of pictures also files, or
    arrays "height width" of bytes, light digits on dark ground; of sounds also .npy files, or
    arrays, of samples at 4 kHz. Each answer has `input`; `said`, the names in order; `at`, where
    the network looked most at each: row and column of the region from 1, or the second of the
    frame's middle; and `attention`, how much of it lay there.
    """
    model, names = load_described(run)
    config: Any = run.config

    def predict(*inputs: str | int | Path | np.ndarray) -> list[Answer]:
        return [{"input": name_of(i), **describe(model, names, config, i)} for i in inputs]

    return predict


@torch.inference_mode()
def describe(model: Describer, names: list[str], config: AttendingConfig, given: Any) -> Answer:
    """The description of one input."""
    logits, looked = model(_read(config, given))
    words = [names[i] for i in logits[0].argmax(1).tolist()]
    said = words[: words.index(END)] if END in words else words
    share, most = looked[0, : len(said)].max(1)
    return {
        "said": said,
        "at": [place(config, i) for i in most.tolist()],
        "attention": [round(s, 4) for s in share.tolist()],
    }


def place(config: AttendingConfig, region: int) -> str:
    """Where a region is, in words."""
    if config.over == "regions":
        return f"row {region // scenes.GRID + 1}, column {region % scenes.GRID + 1}"
    return f"{(region * tunes.HOP + tunes.WINDOW / 2) / tunes.RATE:.3f} s"


def _read(config: AttendingConfig, given: Any) -> Float[Tensor, "1 *shape"]:
    """One input of the network."""
    if isinstance(given, int) or (isinstance(given, str) and given.isdigit()):
        n = config.held_out
        if not 0 <= int(given) < n:
            raise UsageError(f"the number of a test example must be in [0, {n}), got {given}")
        return examples(config, n, "test")[0][int(given)][None]
    if config.over == "regions":
        return _picture(given if isinstance(given, np.ndarray) else read_image(given, grey=True))
    return _sound(given if isinstance(given, np.ndarray) else _samples(given))


def _picture(pixels: np.ndarray) -> Float[Tensor, "1 1 40 40"]:
    """A grey picture of any size, scaled to that of the scenes."""
    from PIL import Image

    if pixels.ndim != 2 or pixels.dtype != np.uint8:
        raise UsageError(
            f"a picture must be bytes (uint8) of shape (height, width), got {pixels.dtype} of "
            f"shape {pixels.shape}"
        )
    side = (scenes.SIDE, scenes.SIDE)
    scaled = np.array(Image.fromarray(pixels).resize(side, Image.Resampling.BOX))
    return torch.from_numpy(scaled).float()[None, None] / 255


def _sound(samples: np.ndarray) -> Float[Tensor, "1 128 31"]:
    """Samples at 4 kHz, cut or filled up with silence to 1.024 s."""
    if samples.ndim != 1 or not len(samples) or not np.isfinite(samples).all():
        raise UsageError(f"a sound must be finite samples in a row, got shape {samples.shape}")
    kept = torch.zeros(1, tunes.LENGTH)
    first = torch.from_numpy(samples[: tunes.LENGTH].astype(np.float32))
    kept[0, : len(first)] = first
    return tunes.spectrogram(kept)


def _samples(path: str | Path) -> np.ndarray:
    """The array in a .npy file."""
    try:
        return np.load(path, allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise DataError(f"{path}: not a .npy file of samples ({error})") from error
