"""Noise words and the words that are passed over: distributions over the vocabulary, and draws.

Source: Mikolov et al. 2013, "Distributed Representations of Words and Phrases and their
Compositionality", sections 2.2 and 2.3; alias tables: Walker 1977, Vose 1991.
"""

from typing import Literal, NamedTuple, no_type_check

import numpy as np
from jaxtyping import Float, Int

from gradus.embed.words.compiled import below, compiled, fraction, hashed

NoiseName = Literal["unigram", "log-uniform"]


class AliasTable(NamedTuple):
    """A distribution in a form from which a draw costs two look-ups.

    Attributes:
        share: of each column, the part that belongs to the word itself, in [0, 1].
        other: the word that the rest of the column belongs to.
    """

    share: Float[np.ndarray, "words"]
    other: Int[np.ndarray, "words"]


def noise_distribution(
    counts: Int[np.ndarray, "words"], noise: NoiseName = "unigram", power: float = 0.75
) -> Float[np.ndarray, "words"]:
    """q(w): how probable each word is as noise; sums to 1, float64.

    Args:
        counts: how often each word stands in the text, ≥ 1, the most frequent word first.
        noise: `unigram` is ∝ countᵖᵒʷᵉʳ; `log-uniform` is log((r + 2) / (r + 1)) / log(V + 1) for
            the word of rank r = 0 … V − 1, which is what TensorFlow draws by default.
        power: 1 draws words as the text has them, 0 all alike.
    """
    if noise == "log-uniform":
        rank = np.arange(len(counts), dtype=np.float64)
        return np.log1p(1 / (rank + 1)) / np.log(len(counts) + 1)
    weight = np.asarray(counts, np.float64) ** power
    return weight / weight.sum()


def keep_probability(counts: Int[np.ndarray, "words"], sample: float) -> Float[np.ndarray, "words"]:
    """The probability with which each word of the text is kept, float32.

    With f = the word's share of the text it is min(1, √(t/f) + t/f), as word2vec and gensim have
    it; the paper prints 1 − √(t/f) as the probability of passing a word over.

    Args:
        counts: how often each word stands in the text.
        sample: t, such as 1e-3; 0 keeps every word.
    """
    if not sample:
        return np.ones(len(counts), np.float32)
    ratio = sample * counts.sum() / np.asarray(counts, np.float64)
    return np.minimum(1.0, np.sqrt(ratio) + ratio).astype(np.float32)


def alias_table(probability: Float[np.ndarray, "words"]) -> AliasTable:
    """The alias table of a distribution that sums to 1 (Vose's method)."""
    n = len(probability)
    share, other = np.array(probability, np.float64) * n, np.arange(n, dtype=np.int32)
    small = [int(i) for i in np.flatnonzero(share < 1)]
    large = [int(i) for i in np.flatnonzero(share >= 1)]
    while small and large:
        low, high = small.pop(), large[-1]
        other[low] = high
        share[high] -= 1 - share[low]
        if share[high] < 1:
            small.append(large.pop())
    share[small + large] = 1.0  # what is left is 1 but for rounding
    return AliasTable(share.astype(np.float32), other)


@compiled
@no_type_check
def draw_noise(table, key, counter, noise):
    """Fill `noise` with words drawn from an alias table; two hashes a word from `counter` on."""
    for k in range(noise.size):
        at = counter + np.uint64(2 * k)
        column = below(hashed(key, at), table.share.size)
        own = fraction(hashed(key, at + np.uint64(1))) < table.share[column]
        noise[k] = column if own else table.other[column]
