"""Minibatches that are made as they are asked for: a data set without end."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import torch

from gradus.core.batches import Batch
from gradus.core.errors import UsageError

Draw = Callable[[torch.Generator, int, int], Batch]
"""(random numbers, how many examples, epoch) -> a batch on the CPU."""


@dataclass(frozen=True)
class Generated:
    """Minibatches that depend on seed, epoch and number alone, each drawn anew.

    So a training that was stopped goes on with the very batches that it would have had. It has
    what `gradus.core.batches.BatchSource` asks for.

    Attributes:
        draw: makes a batch.
        batch_size: examples in a batch.
        batches: batches that are called an epoch.
        seed: with the number of the epoch and of the batch it fixes the batch.
        device: where batches go to.
        rank: which part of each batch is ours, in [0, world).
        world: how many processes share each batch.
    """

    draw: Draw
    batch_size: int
    batches: int
    seed: int
    device: str = "cpu"
    rank: int = 0
    world: int = 1

    def __post_init__(self) -> None:
        """Refuse batches of nothing."""
        for name in ("batch_size", "batches"):
            if getattr(self, name) < 1:
                raise UsageError(f"{name} must be ≥ 1, got {getattr(self, name)}")

    def __len__(self) -> int:
        """Batches in an epoch."""
        return self.batches

    @property
    def examples(self) -> int:
        """Examples in an epoch."""
        return self.batches * self.batch_size

    def to(self, device: torch.device) -> "Generated":
        """The same batches on `device`."""
        return replace(self, device=str(device))

    def shard(self, rank: int, world: int) -> "Generated":
        """The part of each batch that process `rank` of `world` works on."""
        return replace(self, rank=rank, world=world)

    def batch(self, epoch: int, number: int) -> Batch:
        """The whole batch of this number in this epoch, both from 0, on the CPU."""
        seed = ((self.seed * 1_000_003 + epoch) * 1_000_003 + number) % 2**63
        return self.draw(torch.Generator().manual_seed(seed), self.batch_size, epoch)

    def epoch(self, epoch: int, start: int = 0) -> Iterator[tuple[Batch, float]]:
        """The batches of one epoch, from batch number `start` on.

        Yields:
            (batch, share) as `gradus.core.batches.Batches.epoch`.
        """
        for number in range(start, self.batches):
            batch = self.batch(epoch, number)
            rows = torch.arange(self.batch_size).tensor_split(self.world)[self.rank]
            share = len(rows) * self.world / self.batch_size
            rows = rows if len(rows) else torch.zeros(1, dtype=torch.long)
            ours = batch if self.world == 1 else tuple(t[rows] for t in batch)
            yield tuple(t.to(self.device) for t in ours), share
