"""From a config of reviews to its task: the wiring."""

import torch
from torch import Tensor

from gradus.core.errors import UsageError
from gradus.core.task import Task
from gradus.nn.classify import classify
from gradus.sequence.sentiment.batches import ReviewBatches
from gradus.sequence.sentiment.build import build
from gradus.sequence.sentiment.recipes import ReviewConfig
from gradus.sequence.sentiment.reviews import CLASSES, Part, load_reviews

LOOKED_AT = 100
"""Reviews read side by side where nothing is learned."""
CHOICE = 7
"""Seed of the choice where not all reviews are taken, the same for every training."""


def reviews(config: ReviewConfig) -> Task:
    """Naming whether a review is positive or negative."""
    read = load_reviews(config.data, config.vocabulary)
    train, validation = held_out(config, read.train)
    sample, _ = batches(config, validation, 1).tensors
    return Task(
        model=build(config, len(read.words)),
        train=batches(config, train, config.batch_size, config.seed),
        validation=batches(config, validation),
        test=lambda: batches(config, some(read.test, config.tests)),
        loss=classify,
        sample=sample[:1],
        watch="validation/accuracy",
        better="max",
        facts={"classes": list(CLASSES), "known": len(read.words)},
        files={"vocabulary.txt": "\n".join(read.words) + "\n"},
    )


def batches(
    config: ReviewConfig, part: Part, batch_size: int = LOOKED_AT, seed: int | None = None
) -> ReviewBatches:
    """Reviews as the config reads them; without a seed by length."""
    size = batch_size if seed is not None else min(batch_size, len(part))
    return ReviewBatches(part, size, config.longest, config.keep, seed)


def held_out(config: ReviewConfig, part: Part) -> tuple[Part, Part]:
    """The reviews to learn from, and those to choose by: the last of each class.

    Reviews of one film stand in a row, so that few films are in both, as few are in both training
    and test. Held out at random, reviews of films that the training knows look too easy.

    Raises:
        UsageError: none is left to learn from.
    """
    classes = [(part.labels == label).nonzero()[:, 0] for label in range(len(CLASSES))]
    each, least = config.validation // len(CLASSES), min(map(len, classes))
    if each >= least:
        raise UsageError(
            f"validation must be below {2 * least:,}, twice the reviews of the smaller class, got "
            f"{config.validation:,}"
        )
    kept = part.pick(torch.cat([rows[:-each] for rows in classes]))
    return some(kept, config.examples), part.pick(torch.cat([rows[-each:] for rows in classes]))


def some(part: Part, many: int) -> Part:
    """At most so many of the reviews, chosen at random, always the same (0: all)."""
    return part.pick(shuffled(len(part))[:many]) if 0 < many < len(part) else part


def shuffled(n: int) -> Tensor:
    """The numbers below n in a random order, always the same."""
    return torch.randperm(n, generator=torch.Generator().manual_seed(CHOICE))
