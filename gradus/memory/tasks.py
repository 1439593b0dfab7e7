"""Tasks that need a memory, made without end: copying, recalling, sorting, predicting.

Each function draws n sequences of one length and returns what every model here learns from:

    inputs   "n time inputs"      what is shown
    targets  "n time outputs"     bits, what should be said
    asked    "n time"             1 at the steps whose output counts, else 0

Source: Graves et al. 2014, section 4; the series is that of figure 8-8 of the book. There, a
sequence is bits over time; marks have channels of their own.
"""

import math
from collections.abc import Callable, Sequence
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Generator, Tensor

from gradus.core.batches import Batch

ITEM = 3
"""Vectors in an item of associative recall."""
CONTEXT = 5
"""Bits that decide the next one in a dynamic n-gram."""
KEPT = 0.8
"""Share of the vectors that priority sort asks for."""
SEQUENCE = 5
"""Vectors in each sequence of the series."""
GROUP = 5
"""Sequences of a held-out set that are drawn together: as long, and repeated as often."""
REPEATS = 10
"""The most often that repeat copy asks for a sequence."""


class Problem(NamedTuple):
    """A kind of task.

    Attributes:
        draw: (random numbers, n, length, bits) -> inputs, targets, asked.
        more_inputs: channels of the input beside the bits.
        more_outputs: channels of the output beside the bits.
        length: what the length counts, in words.
        exact: whether there is one right answer, bit by bit.
    """

    draw: Callable[[Generator, int, int, int], Batch]
    more_inputs: int
    more_outputs: int
    length: str
    exact: bool = True


def bits_of(generator: Generator, *shape: int) -> Float[Tensor, "*shape"]:
    """Random bits, 0 and 1 as likely."""
    return torch.randint(2, shape, generator=generator).float()


def copy(generator: Generator, n: int, length: int, bits: int) -> Batch:
    """A sequence, an end mark; then the same sequence is asked for.

    Args:
        generator: the random numbers.
        n: sequences side by side.
        length: vectors in the sequence, ≥ 1.
        bits: bits in a vector, ≥ 1.
    """
    return series(generator, n, 1, bits, length)


def series(generator: Generator, n: int, length: int, bits: int, vectors: int = SEQUENCE) -> Batch:
    """Several sequences, each followed by an end mark and asked for before the next (figure 8-8).

    Args:
        generator: the random numbers.
        n: series side by side.
        length: sequences in a series, ≥ 1.
        bits: bits in a vector, ≥ 1.
        vectors: in a sequence, ≥ 1.
    """
    data = bits_of(generator, n, length, vectors, bits)
    inputs = torch.zeros(n, length, 2 * vectors + 1, bits + 1)
    targets = torch.zeros(n, length, 2 * vectors + 1, bits)
    asked = torch.zeros(n, length, 2 * vectors + 1)
    inputs[:, :, :vectors, :bits] = data
    inputs[:, :, vectors, bits] = 1
    targets[:, :, vectors + 1 :] = data
    asked[:, :, vectors + 1 :] = 1
    return inputs.flatten(1, 2), targets.flatten(1, 2), asked.flatten(1, 2)


def repeat_copy(
    generator: Generator, n: int, length: int, bits: int, repeats: int | None = None
) -> Batch:
    """A sequence, then how often to say it; last an end mark is asked for.

    The number of repeats is given on a channel of its own, scaled so that its mean is 0 and its
    variance 1. The last channel of the output is the end mark.

    Args:
        generator: the random numbers.
        n: sequences side by side, all as long and repeated as often.
        length: vectors in the sequence, ≥ 1.
        bits: bits in a vector, ≥ 1.
        repeats: how often; by default 1 to 10, at random.
    """
    drawn = int(torch.randint(1, REPEATS + 1, (), generator=generator))
    repeats = drawn if repeats is None else repeats
    data = bits_of(generator, n, length, bits)
    said = length * repeats
    time = length + 1 + said + 1
    inputs, targets = torch.zeros(n, time, bits + 2), torch.zeros(n, time, bits + 1)
    inputs[:, :length, :bits] = data
    inputs[:, length, bits] = 1
    spread = math.sqrt((REPEATS**2 - 1) / 12)
    inputs[:, length, bits + 1] = (repeats - (REPEATS + 1) / 2) / spread
    targets[:, length + 1 : -1, :bits] = data.repeat(1, repeats, 1)
    targets[:, -1, bits] = 1
    return inputs, targets, _asked(n, time, said + 1)


def associative_recall(generator: Generator, n: int, length: int, bits: int) -> Batch:
    """A list of items, then one of them; the item that came after it is asked for.

    An item is 3 vectors with a mark before it; the query has a mark of its own before and after.

    Args:
        generator: the random numbers.
        n: lists side by side.
        length: items in a list, ≥ 2.
        bits: bits in a vector, ≥ 1.
    """
    data = bits_of(generator, n, length, ITEM, bits)
    which = torch.randint(length - 1, (n,), generator=generator)
    rows = torch.arange(n)
    shown, step = length * (ITEM + 1), ITEM + 1
    time = shown + ITEM + 2 + ITEM
    inputs, targets = torch.zeros(n, time, bits + 2), torch.zeros(n, time, bits)
    listed = inputs[:, :shown].unflatten(1, (length, step))
    listed[:, :, 0, bits] = 1
    listed[:, :, 1:, :bits] = data
    inputs[:, shown : shown + ITEM + 2 : ITEM + 1, bits + 1] = 1
    inputs[:, shown + 1 : shown + 1 + ITEM, :bits] = data[rows, which]
    targets[:, -ITEM:] = data[rows, which + 1]
    return inputs, targets, _asked(n, time, ITEM)


def dynamic_ngrams(generator: Generator, n: int, length: int, bits: int) -> Batch:
    """Bits whose probability hangs on the five before them, by a table that is drawn anew.

    Every step asks for the next bit. The table's 32 probabilities come from Beta(½, ½), as
    sin²(π U / 2) with U uniform.

    Args:
        generator: the random numbers.
        n: sequences side by side, each with a table of its own.
        length: bits in a sequence, > 5.
        bits: 1.
    """
    table = (torch.rand(n, 2**CONTEXT, generator=generator) * math.pi / 2).sin().square()
    noise = torch.rand(n, length, generator=generator)
    stream = torch.zeros(n, length)
    stream[:, :CONTEXT] = (noise[:, :CONTEXT] < 0.5).float()
    for t in range(CONTEXT, length):
        p = table.gather(1, _context(stream, t))[:, 0]
        stream[:, t] = (noise[:, t] < p).float()
    inputs, targets = stream[:, :-1, None], stream[:, 1:, None]
    return inputs, targets, _asked(n, length - 1, length - CONTEXT)


def optimal_bits(inputs: Float[Tensor, "n time 1"], targets: Float[Tensor, "n time 1"]) -> Tensor:
    """What the best predictor of n-grams needs: P(1) = (N₁ + ½) / (N₀ + N₁ + 1) (Murphy 2012).

    N₀ and N₁ count the zeros and ones seen so far after the same five bits.

    Returns:
        -Σ log₂ P(next bit) of each sequence, over the steps that `dynamic_ngrams` asks for.
    """
    stream = torch.cat([inputs[:, :1, 0], targets[..., 0]], 1)
    seen = torch.full((len(stream), 2**CONTEXT, 2), 0.5)
    total = torch.zeros(len(stream))
    rows = torch.arange(len(stream))
    for t in range(CONTEXT, stream.shape[1]):
        context, bit = _context(stream, t)[:, 0], stream[:, t].long()
        counts = seen[rows, context]
        total -= (counts[rows, bit] / counts.sum(1)).log2()
        seen[rows, context, bit] += 1
    return total


def priority_sort(generator: Generator, n: int, length: int, bits: int) -> Batch:
    """Vectors with priorities; those of the highest priorities are asked for, in their order.

    Args:
        generator: the random numbers.
        n: lists side by side.
        length: vectors in a list, ≥ 1; of 20, the 16 first are asked for.
        bits: bits in a vector, ≥ 1.
    """
    data = bits_of(generator, n, length, bits)
    priority = torch.rand(n, length, generator=generator) * 2 - 1
    kept = math.ceil(KEPT * length)
    order = priority.argsort(1, descending=True)[:, :kept]
    time = length + 1 + kept
    inputs, targets = torch.zeros(n, time, bits + 2), torch.zeros(n, time, bits)
    inputs[:, :length, :bits] = data
    inputs[:, :length, bits] = priority
    inputs[:, length, bits + 1] = 1
    targets[:, -kept:] = data.gather(1, order[..., None].expand(-1, -1, bits))
    return inputs, targets, _asked(n, time, kept)


def _asked(n: int, time: int, last: int) -> Float[Tensor, "n time"]:
    """1 at the last so many steps."""
    asked = torch.zeros(n, time)
    asked[:, time - last :] = 1
    return asked


def _context(stream: Tensor, t: int) -> Tensor:
    """The five bits before t as a number, "n 1"."""
    places = 2 ** torch.arange(CONTEXT)
    return (stream[:, t - CONTEXT : t].long() * places).sum(1, keepdim=True)


PROBLEMS = {
    "copy": Problem(copy, 1, 0, "vectors in the sequence"),
    "repeat-copy": Problem(repeat_copy, 2, 1, "vectors in the sequence"),
    "recall": Problem(associative_recall, 2, 0, "items in the list"),
    "ngrams": Problem(dynamic_ngrams, 0, 0, "bits in the sequence", exact=False),
    "sort": Problem(priority_sort, 2, 0, "vectors in the list"),
    "series": Problem(series, 1, 0, "sequences in the series"),
}
"""Name -> kind of task."""


def examples(problem: Problem, lengths: Sequence[int], each: int, bits: int, seed: int) -> Batch:
    """A set of sequences of several lengths, the short ones filled up with zeros, not asked for.

    Args:
        problem: what is drawn.
        lengths: of the sequences.
        each: how many of each length.
        bits: bits in a vector.
        seed: the set depends on it and the other arguments alone.
    """
    generator = Generator().manual_seed(seed)
    groups = [min(GROUP, each - first) for first in range(0, each, GROUP)]
    parts = [problem.draw(generator, n, length, bits) for length in lengths for n in groups]
    longest = max(part[0].shape[1] for part in parts)
    return tuple(torch.cat([_pad(part[i], longest) for part in parts]) for i in range(3))


def _pad(tensor: Tensor, time: int) -> Tensor:
    """More time steps, of zeros."""
    padded = tensor.new_zeros(len(tensor), time, *tensor.shape[2:])
    padded[:, : tensor.shape[1]] = tensor
    return padded
