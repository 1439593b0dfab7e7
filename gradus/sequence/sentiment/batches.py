"""Minibatches of reviews of like length, each as wide as its own longest review."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import torch
from jaxtyping import Int64
from torch import Tensor

from gradus.core.batches import Batch, like_lengths
from gradus.core.errors import UsageError
from gradus.sequence.sentiment.recipes import Keep
from gradus.sequence.sentiment.reviews import Part


@dataclass(frozen=True)
class ReviewBatches:
    """Reviews in minibatches (word numbers "batch time", labels "batch"), 0 after a review's end.

    In training they are those of `gradus.core.batches.like_lengths`, so that little is filled up;
    without a seed the reviews come from the shortest to the longest. Nothing larger than a batch is
    ever filled up. It has what `gradus.core.batches.DataSet` asks for.

    Attributes:
        part: the reviews.
        batch_size: reviews in a batch; the last may be smaller.
        longest: words that are read of a review.
        keep: which: the first so many, the last, or half of them from each end.
        seed: with the epoch's number it fixes the order; None: by length.
        width: words to which every review is filled up; 0: the longest of its batch. Only to
            measure what that costs.
        rank: which part of each batch is ours, in [0, world).
        world: how many processes share each batch.
        device: where batches go to.
    """

    part: Part
    batch_size: int
    longest: int
    keep: Keep = "first"
    seed: int | None = None
    width: int = 0
    rank: int = 0
    world: int = 1
    device: str = "cpu"

    def __post_init__(self) -> None:
        """Refuse batches that are larger than the data."""
        if not 1 <= self.batch_size <= len(self.part):
            raise UsageError(
                f"batch_size must be between 1 and the {len(self.part):,} examples there are, "
                f"got {self.batch_size:,}"
            )

    def __len__(self) -> int:
        """Batches in an epoch."""
        return -(-self.examples // self.batch_size)

    @property
    def examples(self) -> int:
        """Reviews in the data set."""
        return len(self.part)

    @property
    def lengths(self) -> Int64[Tensor, "n"]:
        """Words that are read of each review."""
        return self.part.lengths.clamp(max=self.longest)

    @property
    def tensors(self) -> Batch:
        """The data set as one batch."""
        return self._batch(self._rows(0, self.examples)[0])

    def to(self, device: torch.device) -> "ReviewBatches":
        """The same; the reviews stay where they are, batches go to the device."""
        return replace(self, device=str(device))

    def shard(self, rank: int, world: int) -> "ReviewBatches":
        """The part of each batch that process `rank` of `world` works on."""
        return replace(self, rank=rank, world=world)

    def in_order(self, batch_size: int) -> "ReviewBatches":
        """The same by length, in batches of another size."""
        return replace(self, batch_size=batch_size, seed=None)

    def epoch(self, epoch: int, start: int = 0) -> Iterator[tuple[Batch, float]]:
        """The batches of one epoch, from batch number `start` on.

        Yields:
            (batch, share) as `gradus.core.batches.Batches.epoch`.
        """
        for rows in self._rows(epoch, self.batch_size)[start:]:
            ours = rows.tensor_split(self.world)[self.rank]
            share = len(ours) * self.world / len(rows)
            yield self._batch(ours if len(ours) else rows[:1]), share

    def _rows(self, epoch: int, size: int) -> list[Tensor]:
        """Which reviews are in each batch."""
        if self.seed is None:
            return list(self.lengths.argsort(stable=True).split(size))
        return like_lengths(self.lengths, size, self.seed, epoch)

    def _batch(self, rows: Int64[Tensor, "batch"]) -> Batch:
        """Reviews as one rectangle."""
        texts = [self._cut(a, b) for a, b in zip(*self._spans(rows), strict=True)]
        width = self.width or max(len(text) for text in texts)
        numbers = torch.zeros(len(rows), width, dtype=torch.int64)
        for row, text in zip(numbers, texts, strict=True):
            row[: len(text)] = text
        return numbers.to(self.device), self.part.labels[rows].to(self.device)

    def _spans(self, rows: Int64[Tensor, "batch"]) -> tuple[list[int], list[int]]:
        """Where reviews begin and end."""
        return self.part.starts[rows].tolist(), self.part.starts[rows + 1].tolist()

    def _cut(self, first: int, after: int) -> Tensor:
        """The words that are read of one review."""
        return cut(self.part.numbers[first:after], self.longest, self.keep)


def cut(numbers: Tensor, longest: int, keep: Keep) -> Tensor:
    """At most so many of a review's words: the first, the last, or half of them from each end."""
    if len(numbers) <= longest:
        return numbers
    if keep == "first":
        return numbers[:longest]
    if keep == "last":
        return numbers[-longest:]
    tail = longest // 2
    return torch.cat([numbers[: longest - tail], numbers[len(numbers) - tail :]])
