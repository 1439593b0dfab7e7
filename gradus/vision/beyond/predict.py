"""Answers about clips, sounds and sentences from a finished run, from its folder alone."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from gradus.core.run import Run
from gradus.data.answers import Answer, Predictor, answer, probabilities
from gradus.vision.beyond.build import clip_net, text_net, tone_net
from gradus.vision.beyond.clips import fit_clip, read_clip
from gradus.vision.beyond.phrases import encode, unknown
from gradus.vision.beyond.tones import RATE, fit_sound, read_sound, spectrogram


def load_clips(run: Run) -> Predictor:
    """Where a digit moves: takes .gif and .npy files, or arrays "frames height width".

    Clips of other lengths and sizes are fitted by `fit_clip`. Each answer has `input`, `label`,
    `probability` and `top`, the most probable directions.
    """
    config: Any = run.config

    def read(source: str | Path | np.ndarray) -> Tensor:
        return fit_clip(source if isinstance(source, np.ndarray) else read_clip(source))

    return _predictor(run, clip_net(config), read)


def load_tones(run: Run) -> Predictor:
    """Which sound is heard: takes .wav files, or arrays of samples at 16 kHz.

    The loudest quarter of a second is listened to. Each answer has `input`, `label`, `probability`
    and `top`, the most probable sounds.
    """
    config: Any = run.config

    def read(source: str | Path | np.ndarray) -> Tensor:
        samples, rate = (source, RATE) if isinstance(source, np.ndarray) else read_sound(source)
        return spectrogram(fit_sound(samples, rate))[0]

    return _predictor(run, tone_net(config), read)


def load_texts(run: Run) -> Predictor:
    """What a sentence says of its things: takes sentences.

    Each answer has `input`, `label`, `probability`, `top` and, where there are any, `unknown`: the
    words that the training did not have, which are passed over.
    """
    config: Any = run.config
    words = run.info["facts"]["words"]
    predict = _predictor(run, text_net(config, len(words)), lambda text: encode(text, words))

    def with_unknown(*inputs: str) -> list[Answer]:
        answers = predict(*inputs)
        strange = [unknown(text, words) for text in inputs]
        return [
            {**found, **({"unknown": new} if new else {})}
            for found, new in zip(answers, strange, strict=True)
        ]

    return with_unknown


def _predictor(run: Run, model: nn.Module, read: Callable[[Any], Tensor]) -> Predictor:
    """Answers of the run's model; `read` makes one input of what the user gives."""
    model.load_state_dict(run.load_weights())
    model.eval()
    classes = run.info["facts"]["classes"]

    def predict(*inputs: Any) -> list[Answer]:
        found = probabilities(model, torch.stack([read(given) for given in inputs]))
        return [
            {"input": "array" if isinstance(i, np.ndarray) else str(i), **answer(p, classes)}
            for i, p in zip(inputs, found, strict=True)
        ]

    return predict
