"""Saying a sequence backwards: a task whose right attention is known at every step."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, cast

import numpy as np
import torch
from torch import Tensor, nn

from gradus.core.batches import Batch, BatchSource
from gradus.core.errors import UsageError
from gradus.core.run import Run
from gradus.core.task import Metrics, Task
from gradus.data.answers import Answer
from gradus.sequence.translation.batches import RowBatches, by_length, make_batch, pair_batches
from gradus.sequence.translation.corpus import Pairs, Sentences
from gradus.sequence.translation.decode import attention_of, in_batches
from gradus.sequence.translation.losses import translation_loss
from gradus.sequence.translation.recipes import ReversalConfig
from gradus.sequence.translation.seq2seq import Seq2Seq
from gradus.sequence.translation.tokens import SPECIAL
from gradus.sequence.translation.train import build

FIRST = len(SPECIAL)
"""Number of the first symbol."""
VALIDATION, TEST = 1_000_001, 1_000_002
"""Seeds of the sequences that are held out."""
HELD_OUT = 300
"""How many sequences each has."""


def sequences(config: ReversalConfig, n: int, seed: tuple[int, ...]) -> Pairs:
    """Sequences of random symbols and the same backwards, their lengths drawn evenly.

    Args:
        config: symbols and lengths.
        n: how many.
        seed: what is drawn depends on it alone.
    """
    draw = np.random.default_rng(seed)
    lengths = draw.integers(config.shortest, config.longest + 1, n)
    rows = [draw.integers(FIRST, FIRST + config.symbols, length) for length in lengths]
    starts = np.concatenate([[0], lengths.cumsum()])
    forwards = np.concatenate(rows).astype(np.int32)
    backwards = np.concatenate([row[::-1] for row in rows]).astype(np.int32)
    return Pairs(Sentences(forwards, starts), Sentences(backwards, starts))


@dataclass(frozen=True)
class Sequences:
    """Minibatches of sequences, each drawn anew: a `gradus.core.batches.BatchSource`.

    Attributes:
        config: symbols, lengths, batches and seed.
        device: where batches go to.
        rank: which part of each batch is ours, in [0, world).
        world: how many processes share each batch.
    """

    config: ReversalConfig
    device: str = "cpu"
    rank: int = 0
    world: int = 1

    def __len__(self) -> int:
        """Batches in an epoch."""
        return self.config.batches

    @property
    def examples(self) -> int:
        """Sequences in an epoch."""
        return self.config.batches * self.config.batch_size

    def to(self, device: torch.device) -> "Sequences":
        """The same batches on `device`."""
        return replace(self, device=str(device))

    def shard(self, rank: int, world: int) -> "Sequences":
        """The part of each batch that process `rank` of `world` works on."""
        return replace(self, rank=rank, world=world)

    def epoch(self, epoch: int, start: int = 0) -> Iterator[tuple[Batch, float]]:
        """The batches of one epoch, from batch number `start` on, as `Batches.epoch`."""
        for number in range(start, len(self)):
            size = self.config.batch_size
            pairs = sequences(self.config, size, (self.config.seed, epoch, number))
            ours = np.array_split(np.arange(size), self.world)[self.rank]
            steps = pairs.target.lengths + 1
            share = float(steps[ours].sum() * self.world / steps.sum())
            batch = make_batch(pairs, ours if len(ours) else np.arange(1))
            yield tuple(t.to(self.device) for t in batch), share


def reversal(config: ReversalConfig) -> Task:
    """Learning to say sequences backwards."""
    size = FIRST + config.symbols

    def held_out(seed: int) -> RowBatches:
        pairs = sequences(config, HELD_OUT, (seed,))
        return pair_batches(
            pairs, by_length(pairs.lengths, config.batch_size, None), config.batch_size
        )

    return Task(
        model=build(config, (size, size)),
        train=Sequences(config),
        validation=held_out(VALIDATION),
        test=lambda: held_out(TEST),
        loss=reversal_loss,
        sample=torch.full((1, config.shortest), FIRST),
        report=partial(report, config),
    )


def reversal_loss(model: nn.Module, batch: Batch) -> tuple[Tensor, Metrics]:
    """Cross-entropy, in nats; and of every token whether it was wrong, given those before it."""
    loss, _ = translation_loss()(model, batch)

    def error() -> Tensor:
        wanted, *given = batch
        source, lengths, read, steps = given
        with torch.no_grad():
            net: Any = getattr(model, "module", model)
            return (net.output(net(source, read, lengths, steps)).argmax(1) != wanted).float()

    return loss, {"error": error}


@torch.inference_mode()
def report(config: ReversalConfig, model: nn.Module, batches: BatchSource) -> dict[str, float]:
    """What is asked of a finished run: attention on the right place, sequences said exactly."""
    assert isinstance(model, Seq2Seq)
    assert isinstance(batches, RowBatches)
    pairs = batches.data
    found: dict[str, float] = {}
    if model.attention is not None:
        found["attention right"] = attention_right(model, batches)
    sources = [pairs.source[row].tolist() for row in range(len(pairs))]
    for name, width in (("exact greedy", 1), ("exact beam", config.beam)):
        said = in_batches(model, sources, width, config.length_power)
        right = [a.tokens == s[::-1] for a, s in zip(said, sources, strict=True)]
        found[name] = sum(right) / len(right)
    return found


@torch.inference_mode()
def attention_right(model: Seq2Seq, batches: RowBatches) -> float:
    """The mean share of the attention on the symbol that is to be said next.

    The step that says the end has no such symbol and does not count.
    """
    found, steps_in_all = 0.0, 0
    for (_, source, lengths, given, _), _ in batches.epoch(0):
        memory, state = model.encode(source, lengths)
        _, weights, _ = model.decode(given, memory, state)
        assert weights is not None
        step = torch.arange(given.shape[1], device=source.device)
        right = lengths.unsqueeze(1) - 1 - step  # the last symbol first; below 0 there is none
        shares = weights.gather(2, right.clamp_min(0).unsqueeze(2)).squeeze(2)
        found += float(shares[right >= 0].sum())
        steps_in_all += int(lengths.sum())
    return found / steps_in_all


class Reverser:
    """Says sequences backwards.

    Attributes:
        model: in evaluation mode.
        config: the run's.
    """

    def __init__(self, run: Run) -> None:
        self.config = cast(ReversalConfig, run.config)
        size = FIRST + self.config.symbols
        self.model = build(self.config, (size, size))
        self.model.load_state_dict(run.load_weights())
        self.model.eval()

    def __call__(self, *inputs: str) -> list[Answer]:
        """Each answer has `input` and `text`, the numbers said, of symbols such as "3 1 4 1 5"."""
        sources = [self._symbols(given) for given in inputs]
        said = in_batches(self.model, sources, self.config.beam, self.config.length_power)
        return [
            {"input": str(given), "text": " ".join(str(t - FIRST) for t in answer.tokens)}
            for given, answer in zip(inputs, said, strict=True)
        ]

    def look(self, text: str) -> tuple[np.ndarray, list[str], list[str]]:
        """(the attention's weights "steps positions", symbols read, symbols said with the end)."""
        source = self._symbols(text)
        (said,) = in_batches(self.model, [source], self.config.beam, self.config.length_power)
        weights = attention_of(self.model, torch.tensor(source), said.tokens)
        read, spoken = ([str(t - FIRST) for t in part] for part in (source, said.tokens))
        return weights.numpy(), read, [*spoken, "(end)"]

    def draw(self, text: str) -> Any:
        """The map of the attention as a sequence is said."""
        from gradus.sequence.translation.drawing import attention_map

        return attention_map(*self.look(text), f"Beam of {self.config.beam}")

    def _symbols(self, text: str) -> list[int]:
        """Numbers in [0, symbols) as tokens.

        Raises:
            UsageError: there is none, or one is none of these.
        """
        parts, top = str(text).split(), self.config.symbols
        if not parts or not all(p.isdigit() and int(p) < top for p in parts):
            raise UsageError(
                f"a sequence must be numbers in [0, {top - 1}] with spaces between, got {text!r}"
            )
        return [int(p) + FIRST for p in parts]


def load_reversal(run: Run) -> Reverser:
    """Says a sequence backwards: takes numbers such as "3 1 4 1 5"; see `Reverser`."""
    return Reverser(run)
