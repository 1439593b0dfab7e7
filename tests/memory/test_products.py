"""The compiled products: NumPy's as reference."""

from pathlib import Path

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from gradus.core.loops import folder_stamp
from gradus.memory.compiled import products
from gradus.memory.compiled.loop import forward_part
from gradus.memory.compiled.products import add_rows, dots
from gradus.memory.compiled.step import forward_one

SMALL = st.integers(1, 9)


def numbers(*shape, seed):
    return np.random.default_rng(seed).standard_normal(shape).astype(np.float32)


@settings(max_examples=20, deadline=None)
@given(SMALL, SMALL, st.integers(1, 40), st.integers(0, 2), st.integers(0, 2))
def test_dots(vectors, rows, width, first, after):
    x, others = numbers(vectors, width, seed=0), numbers(rows, width, seed=1)
    found = np.zeros((vectors, first + rows + after), np.float32)
    dots(x, others, found, first)
    expected = np.pad(x @ others.T, ((0, 0), (first, after)))
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)


@settings(max_examples=20, deadline=None)
@given(SMALL, SMALL, st.integers(1, 40), st.integers(0, 2))
def test_add_rows(sums, rows, width, first):
    shares, others = numbers(sums, first + rows, seed=0), numbers(rows, width, seed=1)
    found = np.ones((sums, width), np.float32)
    add_rows(shares, first, others, found)
    expected = 1 + shares[:, first:] @ others
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)


def test_what_is_kept_on_disk_belongs_to_the_folders_files():
    """Numba itself would not see a change in the file of a function that another one calls."""
    stamp = folder_stamp(Path(products.__file__).parent)
    assert {name for name, _ in stamp} >= {"products.py", "equations.py", "step.py"}
    for function in (forward_part, forward_one):
        assert function._cache._cache_file._source_stamp == stamp
