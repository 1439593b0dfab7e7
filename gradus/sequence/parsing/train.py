"""From a config of a parser to its task: the wiring."""

from collections.abc import Callable, Sequence
from functools import cache, partial
from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.nn.functional import cross_entropy

from gradus.core.batches import Batches
from gradus.core.task import Loss, Metrics, Report, Task
from gradus.sequence.parsing.build import build
from gradus.sequence.parsing.compiled import PLACES, SEEN_LABELS
from gradus.sequence.parsing.course import ROOT, Course, Part, make_course
from gradus.sequence.parsing.decode import Parsed, guess_tags, parse_greedily
from gradus.sequence.parsing.evaluation import Tree, attached, labelled
from gradus.sequence.parsing.parser import ActionScores, Parser, tag_scores
from gradus.sequence.parsing.recipes import ParserConfig
from gradus.sequence.parsing.treebank import (
    Several,
    Treebank,
    Vocabulary,
    encode,
    ranges,
    several,
)

AT_ONCE = 128
"""Sentences whose states are scored together where nothing is learned."""

Decode = Callable[[Parser, Treebank], list[Parsed]]


def greedy(config: ParserConfig) -> Task:
    """Learning the right action in each state on the way to a treebank's trees."""
    course = make_course(config)
    model = build(config, course.vocabulary)
    return make_task(config, course, model, local_loss, parse_greedily)


def make_task(
    config: ParserConfig,
    course: Course,
    model: Parser,
    teach: Callable[[Parser, Part, Tensor], tuple[Tensor, Metrics]],
    decode: Decode,
) -> Task:
    """The task of parsing a treebank; an example is a sentence.

    Args:
        config: the settings.
        course: the treebank.
        model: the parser.
        teach: (parser, part, sentences' numbers) -> mean loss and metrics, in training.
        decode: how sentences are parsed in validation and test.
    """
    cpu = torch.device("cpu")
    train = course.part(0, cpu)

    def examples(number: int) -> Batches:
        count = len(course.part(number, cpu).bank)
        return Batches((torch.arange(count), torch.full((count,), number)), count)

    def loss(model: Any, batch: tuple[Tensor, ...]) -> tuple[Tensor, Metrics]:
        chosen, number = batch
        part = course.part(int(number[0]), chosen.device)
        if model.training:
            return teach(model, part, chosen)
        return _measured(model, part, chosen, course.vocabulary, decode)

    columns = len(course.vocabulary.forms) + bool(course.vocabulary.tags)
    columns *= 2 * config.context + 1
    return Task(
        model=model,
        train=Batches(examples(0).tensors, min(config.batch_size, len(train.bank)), config.seed),
        validation=examples(1),
        test=lambda: examples(2),
        loss=loss,
        report=_predicted(course, decode) if course.vocabulary.tags else None,
        sample=torch.zeros(2, PLACES * columns + SEEN_LABELS, dtype=torch.int64),
        watch="validation/las",
        better="max",
        facts={
            "data": config.data,
            "sentences": len(train.bank),
            "not projective": train.lessons.crossed,
            "arcs lifted": train.lessons.lifted,
        },
        files={"vocabulary.json": course.vocabulary.text()},
    )


def local_loss(model: Parser, part: Part, chosen: Int[Tensor, "n"]) -> tuple[Tensor, Metrics]:
    """−ln p(right action | state), the mean over the states of some sentences; and the tags'."""
    here = several(part.bank, chosen)
    scores, actions = state_scores(model, part, chosen, here)
    loss = cross_entropy(scores, actions)
    hits = partial(_hits, scores.detach(), actions)
    return loss + tag_loss(model, here), {"accuracy": hits}


def state_scores(
    model: Parser, part: Part, chosen: Int[Tensor, "n"], here: Several
) -> tuple[Float[Tensor, "states actions"], Int[Tensor, "states"]]:
    """The scores of the actions in all states on the way to some trees, and the right ones."""
    counts = part.lessons.starts.diff()[chosen]
    rows = ranges(part.lessons.starts[chosen], counts)
    owner = torch.repeat_interleave(torch.arange(len(chosen), device=chosen.device), counts)
    places, seen = part.lessons.places[rows], part.lessons.seen[rows]
    return ActionScores(model, here)(places, seen, owner), part.lessons.actions[rows].long()


def tag_loss(model: Parser, here: Several) -> Tensor:
    """−ln p(right tag | words around), the mean over the words; 0 where there are no tags."""
    if model.tagger is None:
        return torch.zeros((), device=here.where.device)
    return cross_entropy(tag_scores(model, here), here.tokens[here.where[1:], -1])


def _hits(scores: Tensor, right: Tensor) -> Tensor:
    """The share of the states in which the right action has the highest score."""
    return (scores.argmax(1) == right).float().mean()


def _measured(
    model: Parser, part: Part, chosen: Tensor, vocabulary: Vocabulary, decode: Decode
) -> tuple[Tensor, Metrics]:
    """The local loss of some sentences, and how well they are parsed with the treebank's tags."""
    losses, hits, counts = [], [], []
    for group in chosen.split(AT_ONCE):
        loss, metrics = local_loss(model, part, group)
        losses.append(loss)
        hits.append(metrics["accuracy"]())
        counts.append(part.lessons.starts.diff()[group].sum().clamp(min=1))
    shares = torch.stack(counts) / sum(counts)
    gold = [part.gold[i] for i in chosen.tolist()]

    @cache
    def trees() -> list[Tree]:
        return named(decode(model, part.bank.take(chosen)), vocabulary)

    return (torch.stack(losses) * shares).sum(), {
        "accuracy": lambda: (torch.stack(hits) * shares).sum(),
        "uas": lambda: attached(gold, trees()),
        "las": lambda: attached(gold, trees()) & labelled(gold, trees()),
    }


def _predicted(course: Course, decode: Decode) -> Report:
    """(model, examples) -> how well they are parsed with the tags that the parser guesses."""

    def report(model: Any, examples: Any) -> dict[str, float]:
        (chosen, number), _ = next(examples.epoch(0))
        part = course.part(int(number[0]), chosen.device)
        tags = guess_tags(model, part.bank, course.vocabulary.tags)
        trees = parse_with_tags(model, part, tags, course.vocabulary, decode)
        right = attached(part.gold, trees)
        words = [row for s in part.sentences for row in s.words]
        guesses = [tag for several_tags in tags for tag in several_tags]
        hits = [course.vocabulary.tag(w) == t for w, t in zip(words, guesses, strict=True)]
        return {
            "tags": sum(hits) / len(hits),
            "uas_own_tags": float(right.float().mean()),
            "las_own_tags": float((right & labelled(part.gold, trees)).float().mean()),
        }

    return report


def parse_with_tags(
    model: Parser,
    part: Part,
    tags: Sequence[Sequence[str]],
    vocabulary: Vocabulary,
    decode: Decode,
) -> list[Tree]:
    """The trees of a part's sentences with other tags than the treebank's."""
    forms = [[row.form for row in s.words] for s in part.sentences]
    bank = encode(forms, tags, vocabulary).to(part.bank.tokens.device)
    return named(decode(model, bank), vocabulary)


def named(parsed: Sequence[Parsed], vocabulary: Vocabulary) -> list[Tree]:
    """Trees with the names of their labels."""
    names = [ROOT, *vocabulary.labels]
    return [(heads, [names[n] for n in numbers]) for heads, numbers in parsed]
