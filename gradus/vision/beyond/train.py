"""From a config of clips, sounds or sentences to its task: the wiring."""

from collections.abc import Callable, Sequence

import torch
from torch import nn

from gradus.core.batches import Batch, Batches, whole
from gradus.core.task import Task
from gradus.nn.classify import classify
from gradus.vision.beyond.build import clip_net, text_net, tone_net
from gradus.vision.beyond.clips import DIRECTIONS, moving_digits
from gradus.vision.beyond.phrases import CLASSES, encode, sentences, vocabulary
from gradus.vision.beyond.recipes import GeneratedConfig, SignalConfig, TextConfig
from gradus.vision.beyond.tones import SOUNDS, spectrogram, spoken_tones

HELD_OUT = 1000
"""Examples of the validation set and of the test set."""


def clips(config: SignalConfig) -> Task:
    """Naming the direction in which a digit moves."""

    def examples(n: int, part: str) -> Batch:
        return moving_digits(n, config.noise, part)

    return _task(config, clip_net(config), examples, list(DIRECTIONS))


def tones(config: SignalConfig) -> Task:
    """Naming the sound that a spectrogram shows."""

    def examples(n: int, part: str) -> Batch:
        sounds, labels = spoken_tones(n, config.noise, part)
        return spectrogram(sounds), labels

    return _task(config, tone_net(config), examples, SOUNDS)


def texts(config: TextConfig) -> Task:
    """Naming what a sentence says."""
    words = vocabulary()

    def examples(n: int, part: str) -> Batch:
        written, labels = sentences(n, part)
        return torch.stack([encode(s, words) for s in written]), labels

    task = _task(config, text_net(config, len(words)), examples, CLASSES)
    task.facts["words"] = words
    return task


def _task(
    config: GeneratedConfig,
    model: nn.Module,
    examples: Callable[[int, str], Batch],
    classes: Sequence[str],
) -> Task:
    """The task of naming the class of generated examples, (how many, part) -> batch."""
    train = examples(config.examples, "train")
    return Task(
        model=model,
        train=Batches(train, config.batch_size, config.seed),
        validation=whole(examples(HELD_OUT, "validation")),
        test=lambda: whole(examples(HELD_OUT, "test")),
        loss=classify,
        sample=train[0][:1],
        watch="validation/accuracy",
        better="max",
        facts={"classes": list(classes)},
    )
