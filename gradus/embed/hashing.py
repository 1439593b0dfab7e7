"""Semantic hashing: codes of bits that are addresses of a memory, neighbours a few bits away.

Symbols: b bits, h code in {0, 1}ᵇ, r radius of a Hamming ball.

Source: Salakhutdinov and Hinton 2009, "Semantic Hashing"; book ch. 6 names it as a use of codes.
"""

import itertools
import math

import numpy as np
import torch
from jaxtyping import Bool, Float, Int, Int64
from torch import Tensor, nn

from gradus.core.errors import UsageError
from gradus.core.recipe import check_setting

MOST_BITS = 62
"""An address is one number of 64 bits."""
MOST_ADDRESSES = 1_000_000
"""Addresses that a ball may have."""


class Bits(nn.Module):
    """A code of bits: in training h = σ(z + noise), else 1 where z > 0 and 0 elsewhere.

    The noise is normal. What it cannot wash out are logits far from 0, so it drives each unit to
    one of its two ends, and rounding then costs little.

    Source: Salakhutdinov and Hinton 2009, section 3.3 (there the noise is added to the logit in
    the forward pass of fine-tuning, standard deviation 4).
    """

    def __init__(self, noise: float = 4.0) -> None:
        """Make it.

        Args:
            noise: standard deviation of the noise on the logits, ≥ 0.
        """
        super().__init__()
        check_setting(noise >= 0, "noise", "≥ 0", noise)
        self.noise = noise

    def forward(self, z: Float[Tensor, "batch bits"]) -> Float[Tensor, "batch bits"]:
        """The code of these logits."""
        if not self.training:
            return (z > 0).to(z)
        return torch.sigmoid(z + self.noise * torch.randn_like(z))

    def extra_repr(self) -> str:
        """What is printed in the brackets."""
        return f"noise={self.noise:g}"


def pack(code: Float[Tensor, "n bits"]) -> Int64[np.ndarray, "n"]:
    """The address of each code: its bits as one number, the first bit the lowest.

    Args:
        code: 0 or 1 each; at most `MOST_BITS` of them.

    Raises:
        UsageError: there are too many bits, or other values than 0 and 1.
    """
    bits = code.shape[1]
    if not 1 <= bits <= MOST_BITS:
        raise UsageError(f"an address has 1 to {MOST_BITS} bits, got {bits}")
    if not torch.equal(code, (code > 0).to(code)):
        raise UsageError("bits must be 0 or 1: round the code first")
    return code.cpu().numpy().astype(np.int64) @ (1 << np.arange(bits, dtype=np.int64))


def hamming(addresses: Int64[np.ndarray, "n"], other: int) -> Int64[np.ndarray, "n"]:
    """In how many bits each address differs from another one."""
    return np.bitwise_count(addresses ^ other).astype(np.int64)


def ball(address: int, radius: int, bits: int) -> Int64[np.ndarray, "m"]:
    """All addresses at most `radius` bits from this one, the nearest first.

    Raises:
        UsageError: a number is out of its range, or the ball has too many addresses.
    """
    check_setting(0 <= radius <= bits, "radius", f"in [0, {bits}] bits", radius)
    size = sum(math.comb(bits, r) for r in range(radius + 1))
    if size > MOST_ADDRESSES:
        raise UsageError(
            f"a ball of radius {radius} has {size:,} addresses of {bits} bits, at most "
            f"{MOST_ADDRESSES:,} are looked at: take a smaller radius"
        )
    flips = [
        sum(1 << bit for bit in turned)
        for r in range(radius + 1)
        for turned in itertools.combinations(range(bits), r)
    ]
    return address ^ np.array(flips, dtype=np.int64)


class HashTable:
    """Which items lie at which address.

    To find what lies near an address it looks at the addresses around it and at nothing else: the
    time hangs on the radius and on what is found, not on the number of items.
    """

    def __init__(self, code: Float[Tensor, "n bits"]) -> None:
        """Put each code's number into its place."""
        self.bits = code.shape[1]
        addresses = pack(code)
        self._items = np.argsort(addresses, kind="stable")
        self._places, first = np.unique(addresses[self._items], return_index=True)
        self._first = np.append(first, len(addresses))

    def __len__(self) -> int:
        """How many addresses hold something."""
        return len(self._places)

    def find(
        self, code: Float[Tensor, "bits"], radius: int
    ) -> tuple[Int64[np.ndarray, "m"], Int64[np.ndarray, "m"]]:
        """The items within `radius` bits of a code, the nearest first.

        Returns:
            (their numbers, their distances in bits).

        Raises:
            UsageError: as `ball`; or the code has another number of bits.
        """
        if len(code) != self.bits:
            raise UsageError(f"the table holds codes of {self.bits} bits, got {len(code)}")
        centre = int(pack(code[None])[0])
        looked = ball(centre, radius, self.bits)
        places = np.searchsorted(self._places, looked)
        places[places == len(self._places)] = 0
        hits = places[self._places[places] == looked]
        found = [self._items[self._first[p] : self._first[p + 1]] for p in hits]
        counts = [len(part) for part in found]
        distances = np.repeat(hamming(self._places[hits], centre), counts)
        return np.concatenate([*found, np.empty(0, np.int64)]), distances


Queries = tuple[Float[Tensor, "q numbers"], Int[Tensor, "q"]]
Items = tuple[Float[Tensor, "n numbers"], Int[Tensor, "n"]]


@torch.no_grad()
def of_the_class(k: int, queries: Queries, items: Items, *, rows: int = 500) -> Bool[Tensor, "q k"]:
    """For the k items whose codes are nearest to each query's, whether they have its class.

    The distance is Euclid's; between codes of bits its square is the Hamming distance, so the order
    is the same.

    Args:
        k: items looked at, in [1, n], the nearest first.
        queries: codes and class numbers.
        items: the same, of what is searched.
        rows: queries whose distances are in memory at once.

    Raises:
        UsageError: there are no k items.
    """
    codes, labels = items
    check_setting(1 <= k <= len(codes), "k", f"in [1, {len(codes):,}], the items", k)
    found = []
    for query, label in zip(queries[0].split(rows), queries[1].split(rows), strict=True):
        near = torch.cdist(query, codes).topk(k, largest=False).indices
        found.append(labels[near] == label[:, None])
    return torch.cat(found)


def precision_at(k: int, queries: Queries, items: Items) -> float:
    """Of the k items nearest to a query, the share that have its class: mean over the queries.

    Arguments and errors are those of `of_the_class`.
    """
    return float(of_the_class(k, queries, items).double().mean())


def bit_entropy(code: Float[Tensor, "n bits"]) -> float:
    """How evenly bits are used: the mean entropy of a bit over the codes, in bits, at most 1."""
    share = code.double().mean(0)
    entropy = torch.special.entr(share) + torch.special.entr(1 - share)
    return float(entropy.mean()) / math.log(2)
