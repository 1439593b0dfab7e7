"""CBOW, compiled: the mean of the vectors around a word predicts it.

Source: Mikolov et al. 2013, "Efficient Estimation of Word Representations in Vector Space", 3.1.
Each word around is moved by its share 1/m of the hidden vector's gradient: word2vec and older
gensim leave the division out (İrsoy et al. 2021, "Corrected CBOW Performs as well as Skip-gram").
"""

from typing import no_type_check

import numpy as np

from gradus.embed.words.compiled import compiled
from gradus.embed.words.logistic import add, output_room, output_step
from gradus.embed.words.noise import draw_noise
from gradus.embed.words.skipgram import MEASURE_EVERY
from gradus.embed.words.windows import END, NOISE, keep_words, key_of, words_around


@compiled
@no_type_check
def cbow(v, u, b, text, before, count, first, key, plan, lr):
    """Go over a stretch of text; arguments and result are those of `skipgram`."""
    group, width, d = plan.group, 2 * plan.window, v.shape[1]
    kept, places = np.empty(text.size, np.int32), np.empty(text.size, np.int64)
    n = keep_words(text, first, key, plan.keep, kept, places)
    h, e = np.empty((group, d), np.float32), np.empty((group, d), np.float32)
    around, m = np.empty((group, width), np.int32), np.zeros(group, np.int64)
    true, noise = np.empty((group, 1), np.int32), np.empty(plan.drawn, np.int32)
    one = np.ones(group, np.int64)
    room = output_room(group, 1, plan.drawn, d)
    loss, measured, pairs, steps, g = 0.0, 0, 0, 0, 0
    for at in range(n):
        w, inside = kept[at], before <= places[at] < before + count
        if w != END and inside:
            place = key_of(key, first + places[at])
            m[g] = words_around(
                kept, n, at, place, plan.window, plan.dynamic, plan.skips, around[g]
            )
            if m[g]:
                true[g, 0] = w
                h[g] = 0
                for i in range(m[g]):
                    add(h[g], np.float32(1.0 / m[g]), v[around[g, i]])
                g += 1
                if g == 1:
                    draw_noise(plan.table, place, NOISE, noise)
        if g == group or (g and at == n - 1):
            step = np.float32(lr / g) if plan.average else np.float32(lr)
            measure = steps % MEASURE_EVERY == 0
            found = output_step(
                h[:g], e[:g], true[:g], one[:g], noise, u, b, plan, step, room, measure
            )
            for c in range(g):
                for i in range(m[c]):
                    add(v[around[c, i]], np.float32(1.0 / m[c]), e[c])
            if measure:
                loss += found
                measured += g
            pairs += g
            steps += 1
            g = 0
    return loss, measured, pairs
