"""From a config of chapter 8 to its task: the wiring."""

import random
from functools import partial
from pathlib import Path

import torch
from torch import nn

from gradus.core.batches import Batch, Batches, BatchSource, whole
from gradus.core.errors import UsageError
from gradus.core.task import Task
from gradus.memory.babi import NAMES, Stories, Story, find_babi, lexicon, read_babi, tensors
from gradus.memory.bucketed import Bucketed
from gradus.memory.build import algorithm_net, story_net
from gradus.memory.generated import Generated
from gradus.memory.losses import answer_loss, bits_loss, judged, upto_last_answer
from gradus.memory.recipes import AlgorithmConfig, StoryConfig
from gradus.memory.stories import generated_stories
from gradus.memory.tasks import PROBLEMS, examples, optimal_bits

VALIDATION, TEST = 1_000, 2_000
"""Seeds of the sequences that are held out; more than the batches of training ever get to."""
EACH = {VALIDATION: 200, TEST: 1000}
"""About how many sequences each has."""
FAILED = 0.05
"""Error from which on a task counts as failed."""
LOOKED_AT = 64
"""Stories read side by side where nothing is learned."""
LONGER = 20
"""Sequences of each length that was never trained on."""


def algorithm(config: AlgorithmConfig) -> Task:
    """Learning an algorithm from sequences without end."""
    lengths = range(config.shortest, config.longest + 1)
    exact = PROBLEMS[config.problem].exact
    return Task(
        model=algorithm_net(config),
        train=Generated(
            partial(draw, config), config.batch_size, config.batches, 10_000 + config.seed
        ),
        validation=whole(held_out(config, lengths, VALIDATION)),
        test=lambda: whole(held_out(config, lengths, TEST)),
        loss=bits_loss,
        sample=held_out(config, lengths[:1], VALIDATION)[0][:1, :2],
        watch="validation/bits",
        better="min",
        goal=config.goal or None,
        report=partial(longer_lengths, config) if exact else partial(against_the_best, config),
    )


def draw(config: AlgorithmConfig, generator: torch.Generator, n: int, epoch: int) -> Batch:
    """A batch of training: sequences of one length, at random up to what the lesson allows."""
    longest = config.longest
    if config.lessons:
        grown = min(1.0, (epoch + 1) / config.lessons)
        longest = config.shortest + round(grown * (config.longest - config.shortest))
    length = int(torch.randint(config.shortest, longest + 1, (), generator=generator))
    return PROBLEMS[config.problem].draw(generator, n, length, config.bits)


def held_out(config: AlgorithmConfig, lengths: range, part: int) -> Batch:
    """Sequences of all lengths, as many of each."""
    each = max(1, EACH[part] // len(lengths))
    return examples(PROBLEMS[config.problem], lengths, each, config.bits, part)


def longer_lengths(config: AlgorithmConfig, model: nn.Module, _: BatchSource) -> dict[str, float]:
    """The share of sequences not said exactly, at each length never trained on."""
    return {f"error at {n}": error_at(config, model, n) for n in config.longer}


@torch.inference_mode()
def error_at(config: AlgorithmConfig, model: nn.Module, length: int) -> float:
    """The share of fresh sequences of one length that have a bit wrong."""
    problem = PROBLEMS[config.problem]
    batch = examples(problem, (length,), LONGER, config.bits, TEST + length)
    device = next(model.parameters()).device
    _, metrics = bits_loss(model, tuple(t.to(device) for t in batch))
    return float(metrics["error"]().float().mean())


def against_the_best(
    config: AlgorithmConfig, model: nn.Module, batches: BatchSource
) -> dict[str, float]:
    """What the best possible predictor needs for the same sequences, in bits a sequence."""
    found = [optimal_bits(b[0].cpu(), b[1].cpu()) for b, _ in batches.epoch(0)]
    return {"bits of the best": float(torch.cat(found).mean())}


def stories(config: StoryConfig) -> Task:
    """Answering questions on stories of several kinds, learned together."""
    read = read_stories(config)
    known = lexicon(s for part in read.values() for told in part.values() for s in told)
    train, validation = split_stories(config, read["train"])
    tested = [story for told in read["test"].values() for story in told]
    batch = tensors(train, known)
    lengths = torch.tensor([len(story.words) for story in train])
    return Task(
        model=story_net(config, len(known)),
        train=Bucketed(batch, lengths, config.batch_size, config.seed),
        validation=in_order(validation, known),
        test=lambda: in_order(tested, known),
        loss=answer_loss,
        sample=batch[0][:1, :2],
        watch="validation/error",
        better="min",
        report=errors_by_task,
        facts={"words": known, "tasks": {str(task): NAMES[task - 1] for task in config.tasks}},
    )


def read_stories(config: StoryConfig) -> Stories:
    """The stories that the config names."""
    if config.data == "generated":
        return generated_stories(config.tasks, config.stories or 1000)
    source = find_babi() if config.data == "babi" else Path(config.data).expanduser()
    return read_babi(source, config.tasks)


def split_stories(
    config: StoryConfig, told: dict[int, list[Story]]
) -> tuple[list[Story], list[Story]]:
    """The stories to learn from, and of every task the share to choose by; the cut is fixed."""
    train: list[Story] = []
    validation: list[Story] = []
    for task, every in told.items():
        kept = [story for story in every if len(story.words) <= config.longest]
        random.Random(task).shuffle(kept)
        kept = kept[: config.stories or None]
        out = max(1, round(config.held_out * len(kept)))
        if out >= len(kept):
            raise UsageError(
                f"task {task} has {len(kept)} stories of at most {config.longest} words, too few "
                "to hold some out: raise stories or longest"
            )
        validation += kept[:out]
        train += kept[out:]
    return train, validation


def in_order(told: list[Story], known: list[str]) -> Batches:
    """Stories to measure on, by length, so that little is filled up."""
    ordered = sorted(told, key=lambda story: len(story.words))
    return Batches(tensors(ordered, known), min(LOOKED_AT, len(ordered)))


def errors_by_task(model: nn.Module, batches: BatchSource) -> dict[str, float]:
    """The share of questions answered wrong of each task, their mean, and the tasks that failed."""
    wrong: dict[int, int] = {}
    asked: dict[int, int] = {}
    for batch, _ in batches.epoch(0):
        words, answers, questions, tasks = upto_last_answer(batch)
        found, there = judged(model(words), answers, questions)
        for task in tasks.unique().tolist():
            rows = tasks == task
            wrong[task] = wrong.get(task, 0) + int((found & there)[rows].sum())
            asked[task] = asked.get(task, 0) + int(there[rows].sum())
    errors = {task: wrong[task] / asked[task] for task in sorted(asked)}
    return {
        **{f"error {task}, {NAMES[task - 1]}": error for task, error in errors.items()},
        "error, mean of tasks": sum(errors.values()) / len(errors),
        "tasks failed": float(sum(error > FAILED for error in errors.values())),
    }
