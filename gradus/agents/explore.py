"""Explore or exploit: greedy, ε-greedy, annealed ε-greedy, sampling from the policy, by name."""

import re
from dataclasses import dataclass

from gradus.core.errors import UsageError

BOOK = (
    "greedy",
    "epsilon-0.05",
    "epsilon-0.25",
    "epsilon-0.5",
    "epsilon-0.9",
    "annealed-1.0-0.001",
    "annealed-0.5-0.001",
    "annealed-0.25-0.001",
)
"""The eight settings of the book's figure 9-6."""


@dataclass(frozen=True)
class Exploration:
    """How actions are chosen while learning.

    Attributes:
        name: as the user writes it.
        first: ε at the beginning, in [0, 1].
        last: ε at the end of the annealing, in [0, 1].
        sampled: draw from the policy where the action is not random; else take the best.
    """

    name: str
    first: float
    last: float
    sampled: bool = False

    def epsilon(self, done: float) -> float:
        """ε when a share `done` of the annealing is over: a straight line, then constant."""
        share = min(max(done, 0.0), 1.0)
        return self.first * (1 - share) + self.last * share


def exploration(name: str) -> Exploration:
    """The exploration that a name spells out.

    Args:
        name: `greedy`, `sample`, `epsilon-E` such as epsilon-0.05, or `annealed-FROM-TO` such as
            annealed-1.0-0.001.

    Raises:
        UsageError: the name is none of these, or an ε is outside [0, 1].
    """
    if name in ("greedy", "sample"):
        return Exploration(name, 0.0, 0.0, sampled=name == "sample")
    number = r"(\d+(?:\.\d+)?|\.\d+)"
    found = re.fullmatch(f"epsilon-{number}|annealed-{number}-{number}", name)
    if found:
        one, first, last = (None if g is None else float(g) for g in found.groups())
        first, last = (one, one) if one is not None else (first, last)
        if first is not None and last is not None and max(first, last) <= 1:
            return Exploration(name, first, last)
    raise UsageError(
        "explore must be greedy, sample, epsilon-E or annealed-FROM-TO with ε in [0, 1], such as "
        f"epsilon-0.05 or annealed-1.0-0.001; got {name!r}"
    )
