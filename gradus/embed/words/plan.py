"""What a compiled pass over the text has to know, in one tuple."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from gradus.embed.words.noise import AliasTable


class Plan(NamedTuple):
    """The settings of a pass; numba takes named tuples as they are.

    Attributes:
        window: farthest distance c of words that belong together, in kept words.
        dynamic: whether the distance is drawn from 1 … c for each word.
        skips: how many words of a window are drawn; 0: all.
        drawn: how many noise words are drawn for a group.
        share: what each of them counts for a pair: K / drawn.
        group: words of the text that share their noise words and make one step.
        average: whether a step is for the mean over its pairs, instead of for the sum.
        nce: noise-contrastive estimation instead of negative sampling.
        keep: each word's probability of being kept.
        shift: what is taken from each word's score; zeros but for NCE.
        table: the distribution of the noise words.
    """

    window: int
    dynamic: bool
    skips: int
    drawn: int
    share: np.float32
    group: int
    average: bool
    nce: bool
    keep: Float[np.ndarray, "words"]
    shift: Float[np.ndarray, "words"]
    table: AliasTable
