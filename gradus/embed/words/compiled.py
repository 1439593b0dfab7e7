"""How this chapter's inner loops are compiled, and the random numbers they draw.

Every random number is a hash of a key and of a counter (SplitMix64, Steele et al. 2014), never the
next one of a stream: what a word of the text draws depends on the seed, the epoch and the word's
place alone, not on how the text was cut or on who draws before.
"""

from functools import partial
from pathlib import Path
from typing import no_type_check

import numpy as np

from gradus.core.loops import compiled_loop, folder_stamp

STAMP = folder_stamp(Path(__file__).parent)
"""Which version of this folder's files is compiled."""
compiled = partial(compiled_loop, fastmath=True)
"""Compile a function."""

GOLDEN = np.uint64(0x9E3779B97F4A7C15)
FIRST = np.uint64(0xBF58476D1CE4E5B9)
SECOND = np.uint64(0x94D049BB133111EB)
UNIT = np.float32(2.0**-24)


@compiled
@no_type_check
def hashed(key, counter):
    """64 random bits for a key and a counter (both uint64)."""
    z = key + (counter + np.uint64(1)) * GOLDEN
    z = (z ^ (z >> np.uint64(30))) * FIRST
    z = (z ^ (z >> np.uint64(27))) * SECOND
    return z ^ (z >> np.uint64(31))


@compiled
@no_type_check
def fraction(bits):
    """A number in [0, 1) from the upper 24 of 64 random bits."""
    return np.float32(bits >> np.uint64(40)) * UNIT


@compiled
@no_type_check
def below(bits, limit):
    """A whole number in [0, limit) from 64 random bits, limit ≤ 2³²; each as likely to 2⁻³²."""
    return np.int64(((bits >> np.uint64(32)) * np.uint64(limit)) >> np.uint64(32))
