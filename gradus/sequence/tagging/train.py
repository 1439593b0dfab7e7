"""From a config of a tagger to its task: the wiring."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from gradus.core.batches import Batch, Batches, whole
from gradus.core.errors import UsageError
from gradus.core.progress import current
from gradus.core.task import Metrics, Task
from gradus.data.conll import Tagged
from gradus.nn.classify import right
from gradus.sequence.tagging.cache import Vectors, load_vectors
from gradus.sequence.tagging.data import Text, load_text, tags_of
from gradus.sequence.tagging.features import make_lexicon
from gradus.sequence.tagging.recipes import TaggerConfig
from gradus.sequence.tagging.scores import per_tag, shares
from gradus.sequence.tagging.tagger import Tagger
from gradus.sequence.tagging.windows import Reader

SENTENCE = [
    "The",
    "woman",
    ",",
    "after",
    "grabbing",
    "her",
    "umbrella",
    ",",
    "went",
    "to",
    "the",
    "bank",
    "to",
    "deposit",
    "her",
    "cash",
    ".",
]
"""The book's, tagged after each epoch."""
NO_TAG = -100
"""Stands for a tag that the training did not have: it adds nothing to the loss, and is missed."""


def tagger(config: TaggerConfig) -> Task:
    """Learning to tag from a tagged text."""
    text = load_text(config.data, config.validation, config.sentences, config.tags)
    words = [word for sentence in text.train for word in sentence.words]
    lexicon = make_lexicon(words, config.prefixes, config.suffixes, config.min_count)
    vectors = _vectors(config, text)
    reader = Reader(lexicon, config.before, config.after, vectors.keys if vectors else ())
    tags, seen = tags_of(text.train), set(words)

    def examples(sentences: Sequence[Tagged]) -> Batch:
        return tensors(sentences, reader, tags, seen)

    train = examples(text.train)
    return Task(
        model=build(config, reader, len(tags), vectors.table if vectors else None),
        train=Batches(train, min(config.batch_size, len(train[0])), config.seed),
        validation=whole(examples(text.validation)),
        test=lambda: whole(examples(text.test())),
        loss=lambda model, batch: tag_loss(model, batch, config.smoothing),
        sample=train[0][:4],
        watch="validation/accuracy",
        better="max",
        remarks=_teller(reader, tags),
        report=shares,
        details=lambda model, batches: per_tag(model, batches, tags),
        facts={"classes": tags, "data": config.data, "words": len(seen), "tokens": len(words)},
        files={
            "features.txt": lexicon.text(),
            **({"vectors.txt": "\n".join(reader.keys)} if vectors else {}),
        },
    )


def _vectors(config: TaggerConfig, text: Text) -> Vectors | None:
    """The vectors of a file for the words of all three parts, of which no tag is looked at."""
    if not config.vectors:
        return None
    parts = (text.train, text.validation, text.test())
    found = load_vectors(config.vectors, [s.words for part in parts for s in part])
    n = len(found.keys) - 1
    current().note(f"{found.found:,} of {n:,} words have a vector in {config.vectors}")
    if found.table.shape[1] != config.dimensions:
        raise UsageError(
            f"dimensions must be {found.table.shape[1]}, as the vectors of {config.vectors} have, "
            f"got {config.dimensions}"
        )
    return found


def build(
    config: TaggerConfig,
    reader: Reader,
    tags: int,
    vectors: Float[np.ndarray, "keys dimensions"] | None = None,
) -> Tagger:
    """The module that a config describes.

    Args:
        config: its settings.
        reader: makes its inputs.
        tags: how many.
        vectors: of the reader's keys, where it has any; None leaves them to be loaded.
    """
    model = Tagger(
        len(reader.lexicon.names),
        config.dimensions,
        config.before + 1 + config.after,
        config.hidden,
        tags,
        dropout=config.dropout,
        word_dropout=config.word_dropout,
        given=len(reader.keys),
    )
    if model.given is not None and vectors is not None:
        model.given.weight.copy_(torch.from_numpy(vectors))
    return model


def tensors(
    sentences: Sequence[Tagged], reader: Reader, tags: Sequence[str], seen: set[str]
) -> tuple[Int[Tensor, "tokens window columns"], Int[Tensor, "tokens"], Bool[Tensor, "tokens"]]:
    """Sentences as examples, one a word: its window, its tag, whether the training had it."""
    numbers = {tag: number for number, tag in enumerate(tags)}
    words = [sentence.words for sentence in sentences]
    labels = [numbers.get(tag, NO_TAG) for sentence in sentences for tag in sentence.tags]
    known = [word in seen for sentence in words for word in sentence]
    return reader.windows(words).rows(), torch.tensor(labels), torch.tensor(known)


def tag_loss(model: nn.Module, batch: Batch, smoothing: float = 0.0) -> tuple[Tensor, Metrics]:
    """Cross-entropy of the softmax over the tags, and whether each is right.

    Args:
        model: windows -> logits "batch tags".
        batch: windows, tags, and whatever else.
        smoothing: share of the target that is spread over all tags alike.
    """
    windows, labels, *_ = batch
    logits = model(windows)
    loss = cross_entropy(logits, labels, ignore_index=NO_TAG, label_smoothing=smoothing)
    return loss, {"accuracy": lambda: right(logits.detach(), labels)}


def _teller(reader: Reader, tags: Sequence[str]) -> Callable[[Any], list[str]]:
    """Model -> the book's sentence with its tags."""
    windows = reader.windows([SENTENCE]).rows()

    @torch.inference_mode()
    def tell(model: Any) -> list[str]:
        training = model.training
        model.eval()
        found = model(windows.to(model.first.weight.device)).argmax(1).tolist()
        model.train(training)
        return [" ".join(f"{w}/{tags[t]}" for w, t in zip(SENTENCE, found, strict=True))]

    return tell
