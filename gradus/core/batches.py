"""Minibatches straight from tensors in memory: a batch is an index, no worker processes."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Protocol, runtime_checkable

import torch
from jaxtyping import Int
from torch import Tensor

from gradus.core.errors import UsageError

Batch = tuple[Tensor, ...]

CHUNK = 8
"""Minibatches gathered from memory at once: fewer, larger copies."""
EVALUATION_BATCH = 5000
"""Examples looked at together where nothing is learned."""
POOL = 50
"""Minibatches whose sequences are sorted by length together."""


@runtime_checkable
class BatchSource(Protocol):
    """What the training loop asks of its examples: `Batches` from memory, or what is made anew."""

    @property
    def examples(self) -> int:
        """Examples in an epoch."""

    def __len__(self) -> int:
        """Batches in an epoch."""

    def to(self, device: torch.device) -> "BatchSource":
        """The same with what it gives on `device`."""

    def shard(self, rank: int, world: int) -> "BatchSource":
        """The part of each batch that process `rank` of `world` works on."""

    def epoch(self, epoch: int, start: int = 0) -> Iterator[tuple[Batch, float]]:
        """The batches of one epoch from number `start` on, each with its share; see `Batches`."""


@runtime_checkable
class DataSet(BatchSource, Protocol):
    """A source with an end, which can be gone through in its given order: `Batches`, or a text."""

    @property
    def tensors(self) -> Batch:
        """The data set."""

    @property
    def batch_size(self) -> int:
        """Examples in a batch."""

    @property
    def seed(self) -> int | None:
        """Fixes the order with the epoch's number; None keeps the given order."""

    def to(self, device: torch.device) -> "DataSet":
        """The same with what it gives on `device`."""

    def in_order(self, batch_size: int) -> "DataSet":
        """The same in the given order, in batches of another size."""


@dataclass(frozen=True)
class Batches:
    """A data set cut into minibatches, in an order that depends on the seed and the epoch alone.

    So the order of any epoch can be had again without replaying the ones before it.

    Attributes:
        tensors: the data set; all have the same length n in their first dimension.
        batch_size: examples in a batch; the last batch of an epoch may be smaller.
        seed: with the epoch's number it fixes the order; None keeps the given order.
        rank: which part of each batch is ours, in [0, world).
        world: how many processes share each batch.
    """

    tensors: Batch
    batch_size: int
    seed: int | None = None
    rank: int = 0
    world: int = 1

    def __post_init__(self) -> None:
        """Refuse tensors of unequal length and batches larger than the data."""
        lengths = [len(t) for t in self.tensors]
        if not lengths or len(set(lengths)) != 1:
            raise UsageError(f"tensors must be of one length, got lengths {lengths}")
        if not 1 <= self.batch_size <= lengths[0]:
            raise UsageError(
                f"batch_size must be between 1 and the {lengths[0]:,} examples there are, "
                f"got {self.batch_size:,}"
            )

    def __len__(self) -> int:
        """Batches in an epoch."""
        return -(-self.examples // self.batch_size)

    @property
    def examples(self) -> int:
        """Examples in the data set."""
        return len(self.tensors[0])

    def to(self, device: torch.device) -> "Batches":
        """The same batches with the data set on `device`."""
        return replace(self, tensors=tuple(t.to(device) for t in self.tensors))

    def shard(self, rank: int, world: int) -> "Batches":
        """The part of each batch that process `rank` of `world` works on."""
        return replace(self, rank=rank, world=world)

    def in_order(self, batch_size: int) -> "Batches":
        """The same data set in the given order, in batches of another size."""
        return replace(self, batch_size=batch_size, seed=None)

    def order(self, epoch: int) -> Int[Tensor, "n"]:
        """The examples' indices in the order of this epoch."""
        if self.seed is None:
            return torch.arange(self.examples)
        generator = torch.Generator().manual_seed((self.seed * 1_000_003 + epoch) % 2**63)
        return torch.randperm(self.examples, generator=generator)

    def epoch(self, epoch: int, start: int = 0) -> Iterator[tuple[Batch, float]]:
        """The batches of one epoch, from batch number `start` on.

        Yields:
            (batch, share): share is our examples × processes / all examples of the batch: the
            factor that makes the mean over processes of the mean losses the loss of the whole
            batch. A process left without an example gets one with share 0.
        """
        if self.world > 1:
            yield from self._shards(epoch, start)
            return
        order = None if self.seed is None else self.order(epoch).to(self.tensors[0].device)
        size = self.batch_size
        for first in range(start * size, self.examples, CHUNK * size):
            here = slice(first, first + CHUNK * size)
            chunk = [
                t[here] if order is None else t.index_select(0, order[here]) for t in self.tensors
            ]
            for batch in zip(*(t.split(size) for t in chunk), strict=True):
                yield batch, 1.0

    def _shards(self, epoch: int, start: int) -> Iterator[tuple[Batch, float]]:
        """Our part of each batch, with its share."""
        order = self.order(epoch).to(self.tensors[0].device)
        for rows in list(order.split(self.batch_size))[start:]:
            ours = rows.tensor_split(self.world)[self.rank]
            share = len(ours) * self.world / len(rows)
            ours = ours if len(ours) else rows[:1]
            yield tuple(t[ours] for t in self.tensors), share


def like_lengths(
    lengths: Int[Tensor, "n"], batch_size: int, seed: int, epoch: int
) -> list[Int[Tensor, "batch"]]:
    """The rows of each minibatch of an epoch of sequences: those of like length together.

    The sequences are shuffled, sorted by length in pools of 50 minibatches, and the minibatches
    shuffled again.

    Args:
        lengths: of each sequence.
        batch_size: sequences in a batch; the last of the pools may be smaller.
        seed: with the epoch's number it fixes the order.
        epoch: from 0.
    """
    generator = torch.Generator().manual_seed((seed * 1_000_003 + epoch) % 2**63)
    rows = torch.randperm(len(lengths), generator=generator)
    pools = rows.split(POOL * batch_size)
    ordered = [pool[lengths[pool].argsort(stable=True)] for pool in pools]
    batches = [batch for pool in ordered for batch in pool.split(batch_size)]
    return [batches[i] for i in torch.randperm(len(batches), generator=generator)]


def whole(tensors: Batch) -> Batches:
    """A data set to measure on: in the given order, in batches as large as memory likes."""
    return Batches(tensors, min(EVALUATION_BATCH, len(tensors[0])))


def split(
    tensors: Sequence[Tensor], held_out: int, seed: int = 0
) -> tuple[tuple[Tensor, ...], tuple[Tensor, ...]]:
    """Cut `held_out` examples off at random, for validation.

    Args:
        tensors: the data set; all have the same length in their first dimension.
        held_out: how many examples go into the second part, in [1, n).
        seed: the cut depends on it alone.

    Returns:
        (kept, held out), each a tuple of tensors in the given order.

    Raises:
        UsageError: `held_out` leaves one of the parts empty.
    """
    n = len(tensors[0])
    if not 1 <= held_out < n:
        raise UsageError(
            f"the validation set must take between 1 and {n - 1:,} of the {n:,} training "
            f"examples, got {held_out:,}"
        )
    order = torch.randperm(n, generator=torch.Generator().manual_seed(seed))
    kept, out = order[held_out:], order[:held_out]
    return tuple(t[kept] for t in tensors), tuple(t[out] for t in tensors)
