"""Minibatches of sequences of like length, so that little is filled up."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import torch
from jaxtyping import Int
from torch import Tensor

from gradus.core.batches import Batch, like_lengths


@dataclass(frozen=True)
class Bucketed:
    """Padded sequences in minibatches of like length; the order depends on seed and epoch alone.

    The minibatches are those of `gradus.core.batches.like_lengths`. What no sequence of a minibatch
    has is cut off. It has what `gradus.core.batches.BatchSource` asks for.

    Attributes:
        tensors: "n time" each, or "n"; padded at the end.
        lengths: of each sequence.
        batch_size: sequences in a batch; the last may be smaller.
        seed: with the epoch's number it fixes the order.
        rank: which part of each batch is ours, in [0, world).
        world: how many processes share each batch.
    """

    tensors: Batch
    lengths: Int[Tensor, "n"]
    batch_size: int
    seed: int
    rank: int = 0
    world: int = 1

    def __len__(self) -> int:
        """Batches in an epoch."""
        return -(-self.examples // self.batch_size)

    @property
    def examples(self) -> int:
        """Sequences in the data set."""
        return len(self.lengths)

    def to(self, device: torch.device) -> "Bucketed":
        """The same batches with the data set on `device`; the lengths stay on the CPU."""
        return replace(self, tensors=tuple(t.to(device) for t in self.tensors))

    def shard(self, rank: int, world: int) -> "Bucketed":
        """The part of each batch that process `rank` of `world` works on."""
        return replace(self, rank=rank, world=world)

    def order(self, epoch: int) -> list[Tensor]:
        """The rows of each batch of this epoch."""
        return like_lengths(self.lengths, self.batch_size, self.seed, epoch)

    def epoch(self, epoch: int, start: int = 0) -> Iterator[tuple[Batch, float]]:
        """The batches of one epoch, from batch number `start` on.

        Yields:
            (batch, share) as `gradus.core.batches.Batches.epoch`.
        """
        for rows in self.order(epoch)[start:]:
            longest = int(self.lengths[rows].max())
            ours = rows.tensor_split(self.world)[self.rank]
            share = len(ours) * self.world / len(rows)
            ours = ours if len(ours) else rows[:1]
            picked = [t[ours.to(t.device)] for t in self.tensors]
            yield tuple(t[:, :longest] if t.ndim > 1 else t for t in picked), share
