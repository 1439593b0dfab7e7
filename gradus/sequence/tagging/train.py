"""From a config of a tagger to its task: the wiring."""

from collections.abc import Callable, Sequence
from typing import Any

import torch
from jaxtyping import Bool, Int
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from gradus.core.batches import Batch, Batches, BatchSource, whole
from gradus.core.task import Metrics, Task
from gradus.data.conll import Tagged
from gradus.nn.classify import right
from gradus.sequence.tagging.data import load_text, tags_of
from gradus.sequence.tagging.features import Lexicon, make_lexicon
from gradus.sequence.tagging.recipes import TaggerConfig
from gradus.sequence.tagging.scores import per_tag, shares
from gradus.sequence.tagging.tagger import Tagger
from gradus.sequence.tagging.windows import make_windows

SENTENCE = (
    "The woman , after grabbing her umbrella , went to the bank to deposit her cash .".split()
)
"""The book's, tagged after each epoch."""
NO_TAG = -100
"""Stands for a tag that the training did not have: it adds nothing to the loss, and is missed."""


def tagger(config: TaggerConfig) -> Task:
    """Learning to tag from a tagged text."""
    text = load_text(config.data, config.validation, config.sentences)
    words = [word for sentence in text.train for word in sentence.words]
    lexicon = make_lexicon(words, config.prefixes, config.suffixes, config.min_count)
    tags, seen = tags_of(text.train), set(words)

    def examples(sentences: Sequence[Tagged]) -> Batch:
        return tensors(sentences, lexicon, tags, seen, config.before, config.after)

    train = examples(text.train)
    return Task(
        model=build(config, lexicon, len(tags)),
        train=Batches(train, min(config.batch_size, len(train[0])), config.seed),
        validation=whole(examples(text.validation)),
        test=lambda: whole(examples(text.test())),
        loss=lambda model, batch: tag_loss(model, batch, config.smoothing),
        sample=train[0][:4],
        watch="validation/accuracy",
        better="max",
        remarks=_teller(lexicon, tags, config),
        report=shares,
        details=lambda model, batches: per_tag(model, batches, tags),
        facts={"classes": tags, "data": config.data, "words": len(seen), "tokens": len(words)},
        files={"features.txt": lexicon.text()},
    )


def build(config: TaggerConfig, lexicon: Lexicon, tags: int) -> Tagger:
    """The module that a config describes."""
    return Tagger(
        len(lexicon.names),
        config.dimensions,
        config.before + 1 + config.after,
        config.hidden,
        tags,
        dropout=config.dropout,
        word_dropout=config.word_dropout,
    )


def tensors(
    sentences: Sequence[Tagged],
    lexicon: Lexicon,
    tags: Sequence[str],
    seen: set[str],
    before: int,
    after: int,
) -> tuple[Int[Tensor, "tokens window columns"], Int[Tensor, "tokens"], Bool[Tensor, "tokens"]]:
    """Sentences as examples, one for each word: its window, its tag, whether the training had it."""
    numbers = {tag: number for number, tag in enumerate(tags)}
    words = [sentence.words for sentence in sentences]
    windows = make_windows(words, lexicon.rows, lexicon.edge, before, after).rows()
    labels = [numbers.get(tag, NO_TAG) for sentence in sentences for tag in sentence.tags]
    known = [word in seen for sentence in words for word in sentence]
    return windows, torch.tensor(labels), torch.tensor(known)


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


def _teller(
    lexicon: Lexicon, tags: Sequence[str], config: TaggerConfig
) -> Callable[[Any], list[str]]:
    """Model -> the book's sentence with its tags."""
    windows = make_windows([SENTENCE], lexicon.rows, lexicon.edge, config.before, config.after)

    @torch.inference_mode()
    def tell(model: Any) -> list[str]:
        training = model.training
        model.eval()
        device = model.first.weight.device
        found = model(windows.rows().to(device)).argmax(1).tolist()
        model.train(training)
        return [" ".join(f"{w}/{tags[t]}" for w, t in zip(SENTENCE, found, strict=True))]

    return tell
