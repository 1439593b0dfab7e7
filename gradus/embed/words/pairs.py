"""The pairs of input and output words that a stretch of text gives, with their noise words.

They are those that the compiled passes go over; the losses in torch take them as tensors.
"""

from typing import NamedTuple, no_type_check

import numpy as np
from jaxtyping import Int

from gradus.embed.words.compiled import compiled
from gradus.embed.words.noise import draw_noise
from gradus.embed.words.plan import Plan
from gradus.embed.words.windows import END, NOISE, keep_words, key_of, words_around


class Pairs(NamedTuple):
    """Inputs, true outputs and noise.

    Attributes:
        inputs: word numbers; skip-gram has one in a row, CBOW all around, filled up with −1.
        outputs: the word that each row shall predict.
        noise: noise words of each group.
        groups: the group that each row belongs to.
    """

    inputs: Int[np.ndarray, "pairs width"]
    outputs: Int[np.ndarray, "pairs"]
    noise: Int[np.ndarray, "groups noise"]
    groups: Int[np.ndarray, "pairs"]


def pairs_of(
    text: Int[np.ndarray, "n"],
    before: int,
    count: int,
    first: int,
    key: int,
    plan: Plan,
    cbow: bool,
) -> Pairs:
    """The pairs of a stretch of text; arguments as in `gradus.embed.words.skipgram.skipgram`."""
    return Pairs(*_pairs(text, before, count, first, np.uint64(key), plan, cbow))


@compiled
@no_type_check
def _pairs(text, before, count, first, key, plan, cbow):
    """The four arrays of `Pairs`."""
    width = 2 * plan.window
    kept, places = np.empty(text.size, np.int32), np.empty(text.size, np.int64)
    n = keep_words(text, first, key, plan.keep, kept, places)
    rows = count if cbow else count * width
    inputs = np.full((rows, width if cbow else 1), -1, np.int32)
    outputs, groups = np.empty(rows, np.int32), np.empty(rows, np.int32)
    noise = np.empty((count, plan.drawn), np.int32)
    around = np.empty(width, np.int32)
    row, group, g = 0, -1, 0
    for at in range(n):
        if kept[at] == END or not before <= places[at] < before + count:
            continue
        place = key_of(key, first + places[at])
        m = words_around(kept, n, at, place, plan.window, plan.dynamic, plan.skips, around)
        if m == 0:
            continue
        if g == 0:
            group += 1
            draw_noise(plan.table, place, NOISE, noise[group])
        g = (g + 1) % plan.group
        for i in range(1 if cbow else m):
            if cbow:
                inputs[row, :m] = around[:m]
                outputs[row] = kept[at]
            else:
                inputs[row, 0] = kept[at]
                outputs[row] = around[i]
            groups[row] = group
            row += 1
    return inputs[:row], outputs[:row], noise[: group + 1], groups[:row]
