"""From a config of chapter 8 to its task: the wiring."""

from collections.abc import Callable
from functools import partial

import torch
from torch import nn

from gradus.core.batches import Batch, Minibatches, whole
from gradus.core.task import Task
from gradus.memory.build import algorithm_net
from gradus.memory.generated import Generated
from gradus.memory.losses import bits_loss
from gradus.memory.recipes import AlgorithmConfig
from gradus.memory.tasks import PROBLEMS, examples, optimal_bits

VALIDATION, TEST = 1_000, 2_000
"""Seeds of the sequences that are held out; more than the batches of training ever get to."""
EACH = {VALIDATION: 200, TEST: 1000}
"""About how many sequences each has."""
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
    """A batch of training: sequences of one length, drawn at random up to what the lesson allows."""
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


def longer_lengths(config: AlgorithmConfig, model: nn.Module, _: Minibatches) -> dict[str, float]:
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
    config: AlgorithmConfig, model: nn.Module, batches: Minibatches
) -> dict[str, float]:
    """What the best possible predictor needs for the same sequences, in bits a sequence."""
    found = [optimal_bits(b[0].cpu(), b[1].cpu()) for b, _ in batches.epoch(0)]
    return {"bits of the best": float(torch.cat(found).mean())}
