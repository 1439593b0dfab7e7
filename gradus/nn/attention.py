"""Attention: a query looks over a memory and takes a weighted mean of it (book figure 7-27).

    α = softmax(score(q, m_1), …, score(q, m_T)),    c = Σ_i α_i m_i

The two families differ in the score alone. T: positions of the memory, words of a sentence,
regions of a picture or frames of a sound; Q: queries, which look side by side.

Sources: Bahdanau, Cho, Bengio 2015, "Neural Machine Translation by Jointly Learning to Align and
Translate", section 3.1; Luong, Pham, Manning 2015, "Effective Approaches to Attention-based Neural
Machine Translation", section 3.1; the scale is Vaswani et al. 2017, equation 1.
"""

import math

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from gradus.core.errors import UsageError

SCORES = ("dot", "scaled", "general")
"""What `DotAttention` can score by."""

Queries = Float[Tensor, "batch queries query_size"]
Memory = Float[Tensor, "batch positions memory_size"]
Keys = Float[Tensor, "batch positions size"]
Mask = Bool[Tensor, "batch positions"]
Weights = Float[Tensor, "batch queries positions"]
Context = Float[Tensor, "batch queries memory_size"]


def masked_softmax(scores: Weights, mask: Mask | None = None) -> Weights:
    """α_i = exp(s_i) / Σ_j exp(s_j) over the positions that may be looked at, 0 elsewhere.

    Args:
        scores: s, one for each query and position.
        mask: true where a position may be looked at; None: all may.

    Returns:
        the weights α ≥ 0 of each query, summing to 1. Where nothing may be looked at they are all
        0, and so are their gradients: such a query reads a context of zeros.
    """
    if mask is None:
        return scores.softmax(-1)
    hidden = ~mask.unsqueeze(1)
    lowest = torch.finfo(scores.dtype).min  # not -inf: a row of nothing else would become NaN
    return scores.masked_fill(hidden, lowest).softmax(-1).masked_fill(hidden, 0.0)


def read(weights: Weights, memory: Memory) -> Context:
    """Take from the memory what each query looks at: c = Σ_i α_i m_i."""
    return torch.bmm(weights, memory)


def dot_scores(
    queries: Float[Tensor, "batch queries size"], keys: Keys, scale: float = 1.0
) -> Weights:
    """s_i = scale · qᵀk_i."""
    return torch.bmm(queries, keys.mT) * scale


def additive_scores(
    queries: Float[Tensor, "batch queries size"], keys: Keys, v: Float[Tensor, "size"]
) -> Weights:
    """s_i = vᵀ tanh(q + k_i), for q and k_i of one size: every query meets every position.

    It holds batch × Q × T × size numbers; the dot product holds none.
    """
    return torch.tanh(queries.unsqueeze(2) + keys.unsqueeze(1)) @ v


class DotAttention(nn.Module):
    """Luong's attention, scored by a product: one matrix product for all queries.

    score(q, m): qᵀm ("dot"), qᵀm / √size ("scaled"), qᵀ W m ("general", W = `key.weight`).

    Attributes:
        key: W, of "general" alone.
    """

    key: nn.Linear | None

    def __init__(self, query_size: int, memory_size: int, score: str = "dot") -> None:
        """Make the attention.

        Args:
            query_size: numbers in a query, ≥ 1.
            memory_size: numbers in a position of the memory, ≥ 1; without W as many as a query has.
            score: dot, scaled or general.

        Raises:
            UsageError: a number is out of its range, the score unknown, or the sizes differ where
                no W stands between them.
        """
        super().__init__()
        _check_sizes(query_size=query_size, memory_size=memory_size)
        if score not in SCORES:
            raise UsageError(f"score must be one of {', '.join(SCORES)}, got {score!r}")
        if score != "general" and query_size != memory_size:
            raise UsageError(
                f"score {score} needs queries as wide as the memory, got query_size={query_size} "
                f"and memory_size={memory_size}: make them equal, or choose general"
            )
        self.scale = 1 / math.sqrt(query_size) if score == "scaled" else 1.0
        self.key = nn.Linear(memory_size, query_size, bias=False) if score == "general" else None

    def keys(self, memory: Memory) -> Keys:
        """k_i = W m_i, or m_i itself: what does not depend on the query, to be computed once."""
        return memory if self.key is None else self.key(memory)

    def forward(
        self, queries: Queries, memory: Memory, mask: Mask | None = None, keys: Keys | None = None
    ) -> tuple[Context, Weights]:
        """Look over the memory.

        Args:
            queries: q.
            memory: m.
            mask: true where a position may be looked at; see `masked_softmax`.
            keys: `keys` of this memory, where they are known already.

        Returns:
            (contexts c, weights α), one of each a query.
        """
        keys = self.keys(memory) if keys is None else keys
        weights = masked_softmax(dot_scores(queries, keys, self.scale), mask)
        return read(weights, memory), weights


class AdditiveAttention(nn.Module):
    """Bahdanau's attention, scored by a small network: score(q, m) = vᵀ tanh(W q + U m + b).

    Attributes:
        query: W and b.
        key: U.
        v: v.
    """

    def __init__(self, query_size: int, memory_size: int, size: int) -> None:
        """Make the attention.

        Args:
            query_size: numbers in a query, ≥ 1.
            memory_size: numbers in a position of the memory, ≥ 1.
            size: neurons of the small network, ≥ 1.

        Raises:
            UsageError: a number is out of its range.
        """
        super().__init__()
        _check_sizes(query_size=query_size, memory_size=memory_size, size=size)
        self.query = nn.Linear(query_size, size)
        self.key = nn.Linear(memory_size, size, bias=False)
        self.v = nn.Parameter(torch.empty(size))
        nn.init.uniform_(self.v, -1 / math.sqrt(size), 1 / math.sqrt(size))

    def keys(self, memory: Memory) -> Keys:
        """k_i = U m_i: what does not depend on the query, to be computed once for all steps."""
        return self.key(memory)

    def forward(
        self, queries: Queries, memory: Memory, mask: Mask | None = None, keys: Keys | None = None
    ) -> tuple[Context, Weights]:
        """Look over the memory.

        Args:
            queries: q.
            memory: m.
            mask: true where a position may be looked at; see `masked_softmax`.
            keys: `keys` of this memory, where they are known already.

        Returns:
            (contexts c, weights α), one of each a query.
        """
        keys = self.keys(memory) if keys is None else keys
        weights = masked_softmax(additive_scores(self.query(queries), keys, self.v), mask)
        return read(weights, memory), weights


def _check_sizes(**sizes: int) -> None:
    for name, size in sizes.items():
        if size < 1:
            raise UsageError(f"{name} must be ≥ 1, got {size}")
