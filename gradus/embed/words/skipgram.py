"""Skip-gram, compiled: a word's vector predicts the words around it.

Source: Mikolov et al. 2013, "Efficient Estimation of Word Representations in Vector Space", 3.2;
the book's chapter 6, Implementing the Skip-Gram Architecture.
"""

from typing import no_type_check

import numpy as np

from gradus.embed.words.compiled import compiled
from gradus.embed.words.logistic import add, output_room, output_step
from gradus.embed.words.noise import draw_noise
from gradus.embed.words.windows import END, NOISE, keep_words, key_of, words_around

MEASURE_EVERY = 16
"""Steps between two whose loss is measured."""


@compiled
@no_type_check
def skipgram(v, u, b, text, before, count, first, key, plan, lr):
    """Go over a stretch of text, a step of gradient descent for each group of words.

    Args:
        v: input vectors "words dimensions", changed.
        u: output vectors "words dimensions", changed.
        b: biases "words", changed in NCE.
        text: word numbers and line ends: `before` words that are only seen as context, `count`
            words to learn from, and some to be seen again.
        before: how many come before.
        count: how many are learned from.
        first: the place of text[0] in the whole text.
        key: of the epoch's random numbers.
        plan: the settings, a `gradus.embed.words.plan.Plan`.
        lr: learning rate for one pair, or for the mean over the pairs of a step (`plan.average`).

    Returns:
        (loss summed over the pairs it was measured on, how many these were, pairs in all).
    """
    group, width, d = plan.group, 2 * plan.window, v.shape[1]
    kept, places = np.empty(text.size, np.int32), np.empty(text.size, np.int64)
    n = keep_words(text, first, key, plan.keep, kept, places)
    h, e = np.empty((group, d), np.float32), np.empty((group, d), np.float32)
    words, m = np.empty(group, np.int32), np.zeros(group, np.int64)
    true, noise = np.empty((group, width), np.int32), np.empty(plan.drawn, np.int32)
    room = output_room(group, width, plan.drawn, d)
    loss, measured, pairs, steps, g = 0.0, 0, 0, 0, 0
    for at in range(n):
        w, inside = kept[at], before <= places[at] < before + count
        if w != END and inside:
            place = key_of(key, first + places[at])
            m[g] = words_around(kept, n, at, place, plan.window, plan.dynamic, plan.skips, true[g])
            if m[g]:
                words[g] = w
                h[g] = v[w]
                g += 1
                if g == 1:
                    draw_noise(plan.table, place, NOISE, noise)
        if g == group or (g and at == n - 1):
            total = m[:g].sum()
            step = np.float32(lr / total) if plan.average else np.float32(lr)
            measure = steps % MEASURE_EVERY == 0
            found = output_step(
                h[:g], e[:g], true[:g], m[:g], noise, u, b, plan, step, room, measure
            )
            for i in range(g):
                add(v[words[i]], np.float32(1.0), e[i])
            if measure:
                loss += found
                measured += total
            pairs += total
            steps += 1
            g = 0
    return loss, measured, pairs
