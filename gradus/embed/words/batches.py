"""A long text cut into stretches, which stand for minibatches in the training loop."""

import itertools
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from jaxtyping import Int
from torch import Tensor

from gradus.core.batches import Batch
from gradus.core.errors import UsageError

AROUND = 8
"""Words to each side of a stretch that are seen as context, in windows: some are passed over."""
PIECES = 20
"""In how many places words are held out."""

Span = tuple[int, int]
"""First place, and the one after the last."""


@dataclass(frozen=True)
class TextBatches:
    """Stretches of a text, in an order that depends on the seed and the epoch alone.

    It has the same doors as `gradus.core.batches.Batches`. A batch is (the words to learn from,
    those with the words around, where): `where` holds how many words come before, the place of the
    first of these in the text, and the key of the random numbers that the epoch draws.

    Attributes:
        text: word numbers and line ends; it may be mapped into memory.
        spans: which parts of it are ours, in order.
        batch_size: words in a stretch; the last one of a span may be shorter.
        window: farthest distance of words that belong together.
        seed: fixes order and random numbers; None keeps the order.
        rank: which part of the stretches is ours, in [0, world).
        world: how many processes share them.
        more: what is laid behind each batch, such as questions for a test.
    """

    text: Int[np.ndarray, "n"]
    spans: tuple[Span, ...]
    batch_size: int
    window: int
    seed: int | None = None
    rank: int = 0
    world: int = 1
    more: tuple[Any, ...] = ()

    def __post_init__(self) -> None:
        """Refuse what gives no batch."""
        if self.batch_size < 1:
            raise UsageError(f"batch_size must be ≥ 1, got {self.batch_size}")
        if not self.examples:
            raise UsageError("the text must hold words to learn from, got none")

    @property
    def examples(self) -> int:
        """Words to learn from, line ends among them."""
        return sum(last - first for first, last in self.spans)

    def __len__(self) -> int:
        """Batches in an epoch."""
        return sum(-(-(last - first) // self.batch_size) for first, last in self.spans)

    @property
    def tensors(self) -> Batch:
        """The text as a tensor."""
        return (torch.from_numpy(self.text),)

    def to(self, device: torch.device) -> "TextBatches":
        """The same: the text stays where it is, the pairs made of it go to the device."""
        del device
        return self

    def shard(self, rank: int, world: int) -> "TextBatches":
        """The part that process `rank` of `world` works on: a part of each stretch."""
        return replace(self, rank=rank, world=world)

    def in_order(self, batch_size: int) -> "TextBatches":
        """The same from start to end, in stretches of another size."""
        return replace(self, batch_size=batch_size, seed=None)

    def epoch(self, epoch: int, start: int = 0) -> Iterator[tuple[tuple[Any, ...], float]]:
        """The batches of one epoch, from batch number `start` on.

        Yields:
            (batch, share), as `gradus.core.batches.Batches.epoch`.
        """
        cuts = [
            (at, min(at + self.batch_size, span[1]), span)
            for span in self.spans
            for at in range(*span, self.batch_size)
        ]
        order = np.arange(len(cuts))
        if self.seed is not None:
            generator = torch.Generator().manual_seed((self.seed * 1_000_003 + epoch) % 2**63)
            order = torch.randperm(len(cuts), generator=generator).numpy()
        key = ((self.seed or 0) * 1_000_003 + epoch) % 2**63
        for i in order[start:]:
            first, last, span = cuts[i]
            share = 1.0
            if self.world > 1:
                n = last - first
                first, last = (first + n * (self.rank + k) // self.world for k in (0, 1))
                share = (last - first) * self.world / n
            yield self._stretch(first, max(last, first + 1), span, key), share

    def _stretch(self, first: int, last: int, span: Span, key: int) -> tuple[Any, ...]:
        """The batch of one stretch."""
        reach = AROUND * self.window
        low, high = max(span[0], first - reach), min(span[1], last + reach)
        seen: Tensor = torch.from_numpy(np.array(self.text[low:high]))
        before = first - low
        where = torch.tensor([before, low, key], dtype=torch.int64)
        return (seen[before : before + last - first], seen, where, *self.more)


def hold_out(n: int, validation: int, test: int) -> tuple[tuple[Span, ...], ...]:
    """Cut words off in some places all over a text, for validation and test.

    Args:
        n: words of the text.
        validation: how many are held out for validation, ≥ 1.
        test: how many for the test, ≥ 1.

    Returns:
        (training, validation, test), each a tuple of spans.

    Raises:
        UsageError: there is nothing to hold out, or less than half of the text would be left.
    """
    out = validation + test
    if validation < 1 or test < 1 or 2 * out >= n:
        raise UsageError(
            f"a text of {n:,} words is too short to hold {validation:,} words out for validation "
            f"and {test:,} for the test: take a longer one"
        )
    pieces = max(1, min(PIECES, validation, test))
    edges = [n * i // pieces for i in range(pieces + 1)]
    train, held, tested = [], [], []
    for i, (low, high) in enumerate(itertools.pairwise(edges)):
        a = validation * (i + 1) // pieces - validation * i // pieces
        b = test * (i + 1) // pieces - test * i // pieces
        train.append((low, high - a - b))
        held.append((high - a - b, high - b))
        tested.append((high - b, high))
    return tuple(train), tuple(held), tuple(tested)
