"""Minibatches of pairs: of like length, or drawn from the book's buckets.

A batch is (wanted, source, lengths, given, steps):

- wanted: "tokens", what the decoder should say, sentence after sentence, each ended by EOS. It has
  an entry for each token, so that means over a batch are means over tokens.
- source: "batch positions", filled up with PAD after `lengths` tokens.
- given: "batch time", what the decoder reads: GO and the target, filled up after `steps` tokens.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, NamedTuple

import numpy as np
import torch
from jaxtyping import Bool, Int, Int64
from torch import Tensor

from gradus.core.batches import Batch
from gradus.sequence.translation.corpus import Pairs
from gradus.sequence.translation.tokens import EOS, GO, PAD

Rows = Int64[np.ndarray, "rows"]
Bucket = tuple[int, int]
Lengths = tuple[Int64[np.ndarray, "n"], Int64[np.ndarray, "n"]]


class Order(NamedTuple):
    """Which pairs come together, and when.

    Attributes:
        batches: batches in every epoch.
        rows: epoch -> the rows of each of its batches.
    """

    batches: int
    rows: Callable[[int], list[Rows]]


def padded(sequences: Sequence[np.ndarray]) -> Int64[np.ndarray, "batch time"]:
    """Sequences of numbers as rows of one array, filled up with PAD."""
    found = np.full((len(sequences), max(map(len, sequences))), PAD, np.int64)
    for row, numbers in zip(found, sequences, strict=True):
        row[: len(numbers)] = numbers
    return found


def reaches(lengths: Int[Tensor, "batch"], time: int) -> Bool[Tensor, "batch time"]:
    """Where a sequence of each length still goes on."""
    return torch.arange(time, device=lengths.device) < lengths.unsqueeze(1)


def make_batch(pairs: Pairs, rows: Rows, reverse: bool = False) -> Batch:
    """The batch of some pairs.

    Args:
        pairs: all.
        rows: which.
        reverse: turn the source sentences round, the last word first (Sutskever et al. 2014).
    """
    sources = [pairs.source[row][:: -1 if reverse else 1] for row in rows.tolist()]
    targets = [pairs.target[row] for row in rows.tolist()]
    wanted = np.concatenate([np.append(target, EOS) for target in targets])
    given = padded([np.append(GO, target) for target in targets])
    arrays = (
        wanted,
        padded(sources),
        np.array([len(s) for s in sources]),
        given,
        np.array([len(t) + 1 for t in targets]),
    )
    return tuple(torch.from_numpy(a.astype(np.int64)) for a in arrays)


def by_length(lengths: Lengths, batch_size: int, seed: int | None) -> Order:
    """Batches of rows of like length, with about equally many tokens in each.

    All rows are put in order by their lengths, at random among equals, and cut where a batch
    would have more than `batch_size` × (mean length of the longer side) places, PAD included. Then
    the batches are shuffled.

    Args:
        lengths: tokens read, and tokens to be said, of each row.
        batch_size: pairs of mean length in a batch; of longer ones there are fewer.
        seed: with the epoch's number it fixes the order; None: sorted by length.
    """
    source, target = lengths
    places = np.maximum(source, target)
    cuts = _cuts(places[np.lexsort((target, source))], batch_size * float(places.mean()))

    def rows(epoch: int) -> list[Rows]:
        if seed is None:
            return np.split(np.lexsort((target, source)), cuts)
        draw = np.random.default_rng([seed, epoch])
        mixed = draw.permutation(len(source))
        batches = np.split(mixed[np.lexsort((target[mixed], source[mixed]))], cuts)
        return [batches[i] for i in draw.permutation(len(batches))]

    return Order(len(cuts) + 1, rows)


def _cuts(places: Int64[np.ndarray, "n"], room: float) -> list[int]:
    """Where to cut so that no batch, filled up to its longest, has more than `room` places."""
    cuts, first, longest = [], 0, 0
    for at, place in enumerate(places.tolist()):
        longest = max(longest, place)
        if at > first and longest * (at + 1 - first) > room:
            cuts.append(at)
            first, longest = at, place
    return cuts


def in_buckets(pairs: Pairs, buckets: Sequence[Bucket]) -> Int64[np.ndarray, "n"]:
    """The number of the first bucket that each pair fits, EOS included in its target.

    Pairs that fit none get the last; `gradus.sequence.translation.corpus` has cut them to it.
    """
    source, target = pairs.lengths
    fits = [(source <= s) & (target <= t) for s, t in buckets[:-1]]
    return np.select(fits, np.arange(len(fits)), len(fits))


def from_buckets(
    pairs: Pairs, buckets: Sequence[Bucket], batch_size: int, batches: int, seed: int
) -> Order:
    """The book's way: draw a bucket by the number of its pairs, then pairs from it at random.

    Args:
        pairs: all.
        buckets: (source, target) lengths up to which a bucket goes, the shortest first.
        batch_size: pairs in a batch.
        batches: batches that are called an epoch.
        seed: with the epoch's number it fixes what is drawn.
    """
    numbers = in_buckets(pairs, buckets)
    members = [np.flatnonzero(numbers == b) for b in range(len(buckets))]
    shares = np.array([len(m) for m in members]) / len(pairs)

    def rows(epoch: int) -> list[Rows]:
        draw = np.random.default_rng([seed, epoch])
        chosen = draw.choice(len(buckets), batches, p=shares)
        return [draw.choice(members[b], batch_size) for b in chosen]

    return Order(batches, rows)


@dataclass(frozen=True)
class RowBatches:
    """Rows of sentences in minibatches. It has what `gradus.core.batches.BatchSource` asks for.

    Attributes:
        data: what the rows are of; `Pairs`, say.
        make: (data, rows) -> a batch.
        lengths: tokens read, and tokens to be said, of each row.
        order: which rows come together.
        batch_size: rows in a batch, about.
        device: where batches go to.
        rank: which part of each batch is ours, in [0, world).
        world: how many processes share each batch.
        seed: None: the order is given; the order knows its own seed.
    """

    data: Any
    make: Callable[[Any, Rows], Batch]
    lengths: Lengths
    order: Order
    batch_size: int
    device: str = "cpu"
    rank: int = 0
    world: int = 1
    seed: int | None = None

    def __len__(self) -> int:
        """Batches in an epoch."""
        return self.order.batches

    @property
    def examples(self) -> int:
        """Rows in the data set."""
        return len(self.lengths[0])

    @property
    def tensors(self) -> Batch:
        """The whole data set as one batch."""
        return self.make(self.data, np.arange(self.examples))

    def to(self, device: torch.device) -> "RowBatches":
        """The same batches on `device`."""
        return replace(self, device=str(device))

    def shard(self, rank: int, world: int) -> "RowBatches":
        """The part of each batch that process `rank` of `world` works on."""
        return replace(self, rank=rank, world=world)

    def in_order(self, batch_size: int) -> "RowBatches":
        """The same rows, sorted by length, in batches of another size."""
        order = by_length(self.lengths, batch_size, None)
        return replace(self, order=order, batch_size=batch_size)

    def epoch(self, epoch: int, start: int = 0) -> Iterator[tuple[Batch, float]]:
        """The batches of one epoch, from batch number `start` on.

        Yields:
            (batch, share) as `gradus.core.batches.Batches.epoch`.
        """
        steps = self.lengths[1]
        for rows in self.order.rows(epoch)[start:]:
            ours = np.array_split(rows, self.world)[self.rank]
            share = float(steps[ours].sum() * self.world / steps[rows].sum())
            batch = self.make(self.data, ours if len(ours) else rows[:1])
            yield tuple(t.to(self.device) for t in batch), share


def pair_batches(pairs: Pairs, order: Order, batch_size: int, reverse: bool = False) -> RowBatches:
    """Pairs in minibatches, as `make_batch` makes them."""
    return RowBatches(pairs, partial(make_batch, reverse=reverse), pairs.lengths, order, batch_size)
