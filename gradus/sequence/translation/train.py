"""From a config of a translator to its task: the wiring."""

from functools import partial
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch
from torch import nn

from gradus.core.batches import BatchSource
from gradus.core.extras import extra
from gradus.core.task import Task
from gradus.data.pairs import PARTS, Pair, Part, read_pairs
from gradus.sequence.translation.average import Averaged, chosen
from gradus.sequence.translation.batches import (
    Order,
    RowBatches,
    by_length,
    from_buckets,
    pair_batches,
)
from gradus.sequence.translation.corpus import Corpus, Plan, keep, load_corpus, open_corpus
from gradus.sequence.translation.losses import (
    Sampler,
    bucket_names,
    perplexity,
    translation_loss,
)
from gradus.sequence.translation.recipes import Seq2SeqConfig, TranslationConfig
from gradus.sequence.translation.scores import report_bleu
from gradus.sequence.translation.seq2seq import Seq2Seq
from gradus.sequence.translation.toy import toy_pairs

TOY_HELD_OUT = 50
"""Pairs of validation and of test, where the language is made up."""
REPORTED = 3000
"""Sentences of validation or test that are translated for BLEU, at most."""


def translation(config: TranslationConfig) -> Task:
    """Learning to translate from pairs of sentences."""
    extra("sacrebleu", "text")  # BLEU comes last: whether it can be had is said now
    corpus = read_corpus(config)
    sizes = (len(corpus.tokenizers[0]), len(corpus.tokenizers[1]))
    pairs = corpus.parts["train"]
    buckets = buckets_of(config)
    order = (
        from_buckets(pairs, buckets, config.batch_size, config.batches, config.seed)
        if buckets
        else by_length(pairs.lengths, config.batch_size, config.seed)
    )
    samples = min(config.samples, sizes[1] - 1)
    return Task(
        model=translator(config, sizes),
        train=_batches(config, corpus, "train", order),
        validation=held_out(config, corpus, "validation"),
        test=lambda: held_out(config, corpus, "test"),
        loss=translation_loss(
            config.smoothing, Sampler(sizes[1], samples) if samples else None, buckets
        ),
        sample=torch.from_numpy(pairs.source[0].astype("int64")).unsqueeze(0),
        project=_average(config.average) if config.average else None,
        report=partial(report, config, corpus),
        facts={"sizes": list(sizes), "parts": corpus.facts},
        files={
            f"{side}.json": tokenizer.dump()
            for side, tokenizer in zip(("source", "target"), corpus.tokenizers, strict=True)
        },
    )


def read_corpus(config: TranslationConfig) -> Corpus:
    """The pairs that the config names, as numbers."""
    plan = Plan(
        config.data,
        config.tokens,
        config.vocabulary,
        config.shared,
        config.kept,
        config.pairs,
    )
    if config.data != "toy":
        return load_corpus(plan)
    parts: dict[Part, Any] = {part: partial(texts_of, config, part) for part in PARTS}
    with TemporaryDirectory() as folder:
        keep(Path(folder) / "toy", plan, parts)
        return open_corpus(Path(folder) / "toy")


def texts_of(config: TranslationConfig, part: Part) -> list[Pair]:
    """The sentences of a part as they are written; pairs with an empty side left out."""
    if config.data == "toy":
        return list(toy_pairs(part, (config.pairs or 2000) if part == "train" else TOY_HELD_OUT))
    return [pair for pair in read_pairs(config.data, part) if all(pair)]


def build(
    config: Seq2SeqConfig, sizes: tuple[int, int], tied: bool = False, shared: bool = False
) -> Seq2Seq:
    """The network that a config describes, for vocabularies of these sizes."""
    return Seq2Seq(
        *sizes,
        embedding=config.embedding,
        hidden=config.hidden,
        layers=config.layers,
        cell=config.cell,
        bidirectional=config.bidirectional,
        score=config.score,
        place=config.place,
        dropout=config.dropout,
        tied=tied,
        shared=shared,
    )


def translator(config: TranslationConfig, sizes: tuple[int, int]) -> nn.Module:
    """The network of a translator; with `average` together with its running mean."""
    model = build(config, sizes, tied=config.tied, shared=config.shared)
    return Averaged(model) if config.average else model


def buckets_of(config: TranslationConfig) -> list[tuple[int, int]]:
    """The config's buckets as pairs of lengths."""
    return list(zip(config.buckets[::2], config.buckets[1::2], strict=True))


def _average(decay: float) -> Any:
    """What is done after each step: the running mean moves."""
    return lambda model, lr: model.update(decay)


def _batches(config: TranslationConfig, corpus: Corpus, part: Part, order: Order) -> RowBatches:
    return pair_batches(corpus.parts[part], order, config.batch_size, config.reverse)


def held_out(config: TranslationConfig, corpus: Corpus, part: Part) -> RowBatches:
    """A part to measure on: sorted by length, each pair once."""
    return _batches(
        config, corpus, part, by_length(corpus.parts[part].lengths, config.batch_size, None)
    )


def report(
    config: TranslationConfig, corpus: Corpus, model: nn.Module, batches: BatchSource
) -> dict[str, float]:
    """What is asked of a finished translator: perplexity, also by bucket, and BLEU."""
    assert isinstance(batches, RowBatches)
    found = perplexities(config, model, batches)
    part: Part = next((p for p, pairs in corpus.parts.items() if pairs is batches.data), "test")
    if part == "train":
        return found
    references = [target for _, target in islice(texts_of(config, part), REPORTED)]
    return found | report_bleu(
        chosen(model),
        corpus.tokenizers,
        batches.data,
        references,
        config.reverse,
        config.beam,
        config.length_power,
    )


@torch.inference_mode()
def perplexities(
    config: TranslationConfig, model: nn.Module, batches: RowBatches
) -> dict[str, float]:
    """The perplexity of all tokens, and of each bucket's."""
    buckets = buckets_of(config) or [config.kept]
    loss = translation_loss(buckets=buckets)
    sums: dict[str, float] = {}
    for batch, _ in batches.epoch(0):
        for name, values in loss(model, batch)[1].items():
            sums[name] = sums.get(name, 0.0) + float(values().sum())
    names = bucket_names(buckets)
    totals = [sum(sums[f"{what} {name}"] for name in names) for what in ("nats", "tokens")]
    found = {"perplexity": perplexity(*totals)}
    if len(buckets) > 1:
        for name in names:
            value = perplexity(sums[f"nats {name}"], sums[f"tokens {name}"])
            if value == value:  # a bucket without a token has none
                found[f"perplexity {name}"] = value
    return found
