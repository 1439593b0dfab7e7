"""A sum tree: numbers that can be changed, and drawn in proportion, in O(log n); compiled.

Source: Schaul et al. 2016, appendix B.2.1.
"""

from typing import no_type_check

import numba
import numpy as np
from jaxtyping import Float, Int


class SumTree:
    """Priorities p_i ≥ 0 of `size` places, all 0 at first.

    The leaves stand at the end of one array, a parent holds the sum of its two children, the root
    the sum of all.

    Args:
        size: places, ≥ 1.
    """

    def __init__(self, size: int) -> None:
        self.size = size
        self.leaves = 1 << max(size - 1, 0).bit_length()
        self.sums = np.zeros(2 * self.leaves)

    @property
    def total(self) -> float:
        """Σ p_i."""
        return float(self.sums[1])

    def put(self, places: Int[np.ndarray, "n"], priorities: Float[np.ndarray, "n"]) -> None:
        """Set the priorities of some places; of a place named twice the last one counts."""
        _put(self.sums, self.leaves, places, priorities)

    def get(self, places: Int[np.ndarray, "n"]) -> Float[np.ndarray, "n"]:
        """The priorities of some places."""
        return self.sums[self.leaves + places]

    def find(self, marks: Float[np.ndarray, "n"]) -> Int[np.ndarray, "n"]:
        """For each mark m in [0, total) the place i with p_0 + … + p_{i−1} ≤ m < p_0 + … + p_i."""
        return _find(self.sums, self.leaves, marks)


@numba.njit(cache=True)
@no_type_check
def _put(sums, leaves, places, priorities):
    """Set leaves, then the sums above each."""
    for k in range(len(places)):
        node = leaves + places[k]
        sums[node] = priorities[k]
        node //= 2
        while node >= 1:
            sums[node] = sums[2 * node] + sums[2 * node + 1]
            node //= 2


@numba.njit(cache=True)
@no_type_check
def _find(sums, leaves, marks):
    """From the root down: left where the mark lies in the left half's sum."""
    found = np.empty(len(marks), dtype=np.int64)
    for k in range(len(marks)):
        node, mark = 1, marks[k]
        while node < leaves:
            node *= 2
            # Rounding may leave a mark at the very end: never go where there is nothing.
            if mark >= sums[node] and sums[node + 1] > 0:
                mark -= sums[node]
                node += 1
        found[k] = node - leaves
    return found
