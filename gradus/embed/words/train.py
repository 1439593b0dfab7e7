"""From a config of word vectors to its task: the wiring."""

import os
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from gradus.core.errors import DataError
from gradus.core.progress import current
from gradus.core.task import Loss, Metrics, Task
from gradus.data.vectors import WordVectors
from gradus.embed.words.batches import Span, TextBatches, hold_out
from gradus.embed.words.corpus import Corpus, load_corpus, vocabulary_text
from gradus.embed.words.losses import nce, negative_sampling, softmax_loss
from gradus.embed.words.noise import alias_table, keep_probability, noise_distribution
from gradus.embed.words.pairs import pairs_of
from gradus.embed.words.plan import Plan
from gradus.embed.words.questions import Questions, analogy_hits, load_questions, similarity
from gradus.embed.words.recipes import WordsConfig
from gradus.embed.words.update import compiled_update
from gradus.embed.words.windows import END
from gradus.embed.words.word2vec import Word2Vec, book_start

AT_ONCE = 2048
"""Pairs whose noise is scored at once."""
HELD_OUT = 20
"""Most of a text that is held out for validation, as a fraction: one in so many words."""
FREQUENT = 500
"""Most frequent words from which those are drawn whose neighbours are told."""
NEAREST = 8
"""Neighbours that are told."""


def words(config: WordsConfig) -> Task:
    """Learning vectors of words from a text."""
    corpus = load_corpus(config.data, config.min_count, config.vocabulary, config.text)
    out = min(config.validation, len(corpus.text) // HELD_OUT)
    spans, held, tested = hold_out(len(corpus.text), out, out)
    train = TextBatches(corpus.text, spans, config.batch_size, config.window, config.seed)
    plan = make_plan(config, corpus)
    task = Task(
        model=build(config, len(corpus.words)),
        train=train,
        validation=_held_out(corpus, held, config.window),
        test=lambda: _exam(config, corpus, tested),
        loss=_loss(config, plan),
        sample=torch.zeros(1, 1, dtype=torch.int64),
        facts={"data": config.data, "words": len(corpus.words), "read": corpus.read},
        files={"vocabulary.tsv": vocabulary_text(corpus.words, corpus.counts)},
    )
    if config.engine == "compiled":
        task.update = compiled_update(config.architecture, plan, config.threads or cores())
    if config.tell:
        task.remarks = _teller(corpus, config.tell, config.seed)
    return task


def build(config: WordsConfig, vocabulary: int) -> Word2Vec:
    """The module that a config describes."""
    start = book_start(config.dimensions) if config.book_start else {}
    biases = config.objective != "negative-sampling"
    return Word2Vec(vocabulary, config.dimensions, biases=biases, **start)


def make_plan(config: WordsConfig, corpus: Corpus) -> Plan:
    """The numbers that go with each word of the vocabulary, and the settings of a pass."""
    q = noise_distribution(corpus.counts, config.noise, config.noise_power)
    is_nce, drawn = config.objective == "nce", config.drawn or config.noise_words
    shift = np.log(config.noise_words * q) if is_nce else np.zeros(len(q))
    return Plan(
        window=config.window,
        dynamic=config.dynamic,
        skips=config.skips,
        drawn=drawn,
        share=np.float32(config.noise_words / drawn),
        group=config.group,
        average=config.average,
        nce=is_nce,
        keep=keep_probability(corpus.counts, config.sample),
        shift=shift.astype(np.float32),
        table=alias_table(q),
    )


def cores() -> int:
    """Processor cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _loss(config: WordsConfig, plan: Plan) -> Loss:
    """(model, batch) -> mean loss of the batch's pairs; where it has questions, their answers."""
    cbow = config.architecture == "cbow"

    def loss(model: Any, batch: tuple[Any, ...]) -> tuple[Tensor, Metrics]:
        mine, seen, where, *asked = batch
        before, first, key = where.tolist()
        found = pairs_of(seen.numpy(), before, len(mine), first, key, plan, cbow)
        device = model.inputs.weight.device
        inputs, outputs, noise, groups = (torch.from_numpy(a).long().to(device) for a in found)
        total = 0 * model.inputs.weight[0].sum()
        for start in range(0, len(inputs), AT_ONCE):
            part = slice(start, start + AT_ONCE)
            rows = inputs[part], outputs[part], noise[groups[part]]
            total = total + pair_losses(config.objective, plan, model, *rows).sum()
        metrics = _answers(model, asked[0]) if asked else {}
        return total / max(len(inputs), 1), metrics

    return loss


def pair_losses(
    objective: str,
    plan: Plan,
    model: Any,
    inputs: Int[Tensor, "pairs width"],
    outputs: Int[Tensor, "pairs"],
    noise: Int[Tensor, "pairs noise"],
) -> Float[Tensor, "pairs"]:
    """The loss of each pair under one of the objectives."""
    hidden = model(inputs)
    if objective == "softmax":
        return softmax_loss(model.all_scores(hidden), outputs)
    true = model.scores(hidden, outputs.unsqueeze(1)).squeeze(1)
    scores = model.scores(hidden, noise)
    share = float(plan.share)
    if objective == "nce":
        shift = torch.from_numpy(plan.shift).to(true)
        return nce(true, scores, shift[outputs], shift[noise], share)
    return negative_sampling(true, scores, noise != outputs.unsqueeze(1), share)


def _answers(model: Any, questions: Questions) -> Metrics:
    """How well the vectors answer, as metrics: what can be asked of this vocabulary."""
    vectors = model.inputs.weight.detach()
    found: Metrics = {}
    if len(questions.pairs) > 1:
        found["similarity"] = lambda: similarity(vectors, questions)
    if len(questions.analogies):
        hits = analogy_hits(vectors, questions)
        found["analogies"] = lambda: hits
        if questions.syntactic:
            found["syntactic"] = lambda: hits[-questions.syntactic :]
    return found


def _held_out(corpus: Corpus, spans: tuple[Span, ...], window: int) -> TextBatches:
    """The words of some spans as a text of their own, one batch."""
    pieces = [np.append(corpus.text[first:last], END) for first, last in spans]
    text = np.concatenate(pieces).astype(np.int32)
    return TextBatches(text, ((0, len(text)),), len(text), window)


def _exam(config: WordsConfig, corpus: Corpus, spans: tuple[Span, ...]) -> TextBatches:
    """The test: held-out words and, where they can be had, questions about the vectors."""
    batches = _held_out(corpus, spans, config.window)
    try:
        return replace(batches, more=(load_questions(corpus.words, config.data),))
    except DataError as error:
        current().note(f"similarity and analogies are not measured: {error}")
        return batches


def _teller(corpus: Corpus, several: int, seed: int) -> Callable[[Any], list[str]]:
    """Model -> the neighbours of some frequent words, a line each."""
    most = min(FREQUENT, len(corpus.words))
    chosen = np.random.default_rng(seed).choice(most, min(several, most), replace=False)
    words = [corpus.words[number] for number in sorted(chosen)]

    def tell(model: Any) -> list[str]:
        vectors = WordVectors(corpus.words, model.inputs.weight.detach().cpu().numpy())
        near = min(NEAREST, len(corpus.words) - 1)
        return [f"{w}: {', '.join(n.word for n in vectors.neighbours(w, near))}" for w in words]

    return tell
