"""From a config of a parser to its task: the wiring."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cache, partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from jaxtyping import Float, Int
from safetensors.torch import load_file
from torch import Tensor
from torch.nn.functional import cross_entropy

from gradus.core.batches import Batches
from gradus.core.errors import UsageError
from gradus.core.fit import fit
from gradus.core.progress import Reporter
from gradus.core.task import Details, Metrics, Report, Task, mean_of
from gradus.sequence.globally import global_loss
from gradus.sequence.parsing.build import build
from gradus.sequence.parsing.compiled import PLACES, SEEN_LABELS
from gradus.sequence.parsing.course import ROOT, Course, Part, make_course
from gradus.sequence.parsing.decode import Parsed, guess_tags, parse
from gradus.sequence.parsing.evaluation import Tree, attached, label_rows, labelled
from gradus.sequence.parsing.parser import ActionScores, Parser, tag_scores
from gradus.sequence.parsing.recipes import GlobalConfig, ParserConfig
from gradus.sequence.parsing.transitions import NOTHING, NUMBER, begin
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


class Taught(NamedTuple):
    """What comes of some sentences: mean loss, over how many things, metrics."""

    loss: Tensor
    things: int
    metrics: Metrics


Teach = Callable[[Parser, Part, Tensor], Taught]


def greedy(config: ParserConfig) -> Task:
    """Learning the right action in each state on the way to a treebank's trees."""
    return _local_task(config, make_course(config))


def _local_task(config: ParserConfig, course: Course) -> Task:
    """The task of `greedy`."""
    model = build(config, course.vocabulary)
    teach = partial(local_loss, self_norm=config.self_norm)
    return make_task(config, course, model, teach, partial(parse, beam=config.beam))


def globally(config: GlobalConfig) -> Task:
    """Learning to give a treebank's trees higher scores than the others on the beam."""
    course = make_course(config)
    model = build(config, course.vocabulary)
    normalise = config.potentials == "log-probabilities"
    teach = partial(sequence_loss, beam=config.beam, normalise=normalise)
    decode = partial(parse, beam=config.beam, normalise=normalise)
    task = make_task(config, course, model, teach, decode)
    task.pretrain = partial(_start, config, course)
    return task


def _start(
    config: GlobalConfig, course: Course, model: Any, data: Any, reporter: Reporter
) -> dict[str, Any]:
    """Bring the parser to where global training begins: a local one, made before or made now."""
    del data
    if config.start:
        _copy_weights(Path(config.start), course, model)
        return {"start": config.start}
    local = replace(
        config,
        epochs=config.local_epochs,
        batch_size=config.local_batch,
        lr=config.local_lr,
        beam=1,
    )
    task = _local_task(local, course)
    task.model.load_state_dict(model.state_dict())
    fitted = fit(task, local, reporter=reporter)
    model.load_state_dict(task.model.state_dict())
    best = fitted.records[fitted.best_epoch - 1]
    return {name: best[f"validation/{name}"] for name in ("uas", "las")}


def _copy_weights(folder: Path, course: Course, model: Parser) -> None:
    """Take over the parameters of a finished run.

    Raises:
        UsageError: it is none, or of another parser or treebank.
    """
    try:
        words = (folder / "vocabulary.json").read_text(encoding="utf-8")
        weights = load_file(folder / "weights.safetensors")
    except OSError as error:
        raise UsageError(
            f"start must be a finished run of a parser, got {folder}: {error}"
        ) from error
    if words != course.vocabulary.text():
        raise UsageError(
            f"start must be a run on the same treebank with the same settings, got {folder}: "
            "its vocabulary differs (data, sentences, min_count, tags)"
        )
    try:
        model.load_state_dict(weights)
    except RuntimeError as error:
        raise UsageError(
            f"start must be a run with the same settings, got {folder}: its network differs "
            "(vector, tag_vector, hidden, context)"
        ) from error


def make_task(
    config: ParserConfig, course: Course, model: Parser, teach: Teach, decode: Decode
) -> Task:
    """The task of parsing a treebank; an example is a sentence.

    Args:
        config: the settings.
        course: the treebank.
        model: the parser.
        teach: what is learned from some sentences of a part, given by number.
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
            taught = teach(model, part, chosen)
            return taught.loss, taught.metrics
        return _measured(model, part, chosen, course.vocabulary, teach, decode)

    columns = len(course.vocabulary.forms) + bool(course.vocabulary.tags)
    columns *= 2 * config.context + 1
    return Task(
        model=model,
        train=Batches(examples(0).tensors, min(config.batch_size, len(train.bank)), config.seed),
        validation=examples(1),
        test=lambda: examples(2),
        loss=loss,
        report=_predicted(course, decode) if course.vocabulary.tags else None,
        details=_by_label(course, decode),
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


def local_loss(
    model: Parser, part: Part, chosen: Int[Tensor, "n"], self_norm: float = 0.0
) -> Taught:
    """−ln p(right action | state), the mean over the states of some sentences; and the tags'.

    With α = `self_norm` above 0, α (ln Σ exp score)² is added: then Σ exp score is near 1, and the
    scores are nearly log-probabilities, where global training can begin with them.

    Source: Devlin et al. 2014, "Fast and Robust Neural Network Joint Models for Statistical Machine
    Translation", section 2.2.
    """
    here = several(part.bank, chosen)
    scores, actions = state_scores(model, part, chosen, here)
    loss = cross_entropy(scores, actions, reduction="sum") / max(len(actions), 1)
    if self_norm:
        loss = loss + self_norm * scores.logsumexp(1).square().sum() / max(len(actions), 1)
    hits = partial(_hits, scores.detach(), actions)
    return Taught(loss + tag_loss(model, here), len(actions), {"accuracy": hits})


def sequence_loss(
    model: Parser, part: Part, chosen: Int[Tensor, "n"], beam: int, normalise: bool = False
) -> Taught:
    """The loss of `global_loss`, the mean over some sentences; and the tags'.

    A state must have the same scores whenever it is looked at. So the hidden units that are left
    out are drawn once for each sentence, and what is left out of words' vectors once for all. With
    `normalise` log-probabilities take the place of the scores.
    """
    model.actions.rest.eval()
    here = several(part.bank, chosen)
    counts = part.lessons.starts.diff()[chosen]
    rows = part.lessons.actions[ranges(part.lessons.starts[chosen], counts)]
    gold = np.full((len(chosen), int(counts.max())), NOTHING, NUMBER)
    filled = np.arange(gold.shape[1]) < counts.cpu().numpy()[:, None]
    gold[filled] = rows.cpu().numpy()
    states = begin(here.lengths.cpu().numpy(), model.arc_labels)
    scores = ActionScores(model, here, held=True)

    def potentials(*described: Tensor) -> Tensor:
        return scores(*described).log_softmax(1) if normalise else scores(*described)

    losses, found = global_loss(states, gold, potentials, beam, here.where.device)
    kept = torch.from_numpy(~found.fallen)
    return Taught(losses.mean() + tag_loss(model, here), len(chosen), {"kept": lambda: kept})


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
    model: Parser, part: Part, chosen: Tensor, vocabulary: Vocabulary, teach: Teach, decode: Decode
) -> tuple[Tensor, Metrics]:
    """The loss of some sentences, and how well they are parsed with the treebank's tags."""
    taught = [teach(model, part, group) for group in chosen.split(AT_ONCE)]
    shares = [t.things / sum(t.things for t in taught) for t in taught]
    loss = sum(share * t.loss for share, t in zip(shares, taught, strict=True))
    found = {
        name: mean_of_means([mean_of(t.metrics[name]()) for t in taught], shares)
        for name in taught[0].metrics
    }
    gold = [part.gold[i] for i in chosen.tolist()]

    @cache
    def trees() -> list[Tree]:
        return named(decode(model, part.bank.take(chosen)), vocabulary)

    return torch.as_tensor(loss), {
        **found,
        "uas": lambda: attached(gold, trees()),
        "las": lambda: attached(gold, trees()) & labelled(gold, trees()),
    }


def mean_of_means(means: Sequence[float], shares: Sequence[float]) -> Callable[[], Tensor]:
    """What gives the mean over groups of which each has a share."""
    mean = sum(m * s for m, s in zip(means, shares, strict=True))
    return lambda: torch.tensor(mean)


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


def _by_label(course: Course, decode: Decode) -> Details:
    """(model, examples) -> a row for each label, parsed with the treebank's tags."""

    def details(model: Any, examples: Any) -> list[dict[str, Any]]:
        (chosen, number), _ = next(examples.epoch(0))
        part = course.part(int(number[0]), chosen.device)
        trees = named(decode(model, part.bank), course.vocabulary)
        return label_rows(part.gold, trees)

    return details


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
