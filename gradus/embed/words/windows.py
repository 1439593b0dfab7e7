"""Which words of a text are kept, and which of them stand around a word: compiled."""

from typing import no_type_check

import numpy as np

from gradus.embed.words.compiled import below, compiled, fraction, hashed

END = -1
"""Stands in the text where a line ends; no window reaches over it."""
KEEPING, WIDTH, CHOICE, NOISE = np.uint64(0), np.uint64(1), np.uint64(2), np.uint64(1024)
"""Counters of a place's random numbers."""
PLACES = np.uint64(1 << 20)


@compiled
@no_type_check
def key_of(key, place):
    """The key of the random numbers of one place in the text."""
    return hashed(key, np.uint64(place) + PLACES)


@compiled
@no_type_check
def keep_words(text, first, key, keep, kept, places):
    """The words of a stretch of text that are not passed over, and the line ends.

    Args:
        text: word numbers and END.
        first: the place of text[0] in the whole text.
        key: of the epoch's random numbers.
        keep: each word's probability of being kept.
        kept: is filled with what is kept, in order.
        places: is filled with where in `text` each stood.

    Returns:
        how many there are.
    """
    n = 0
    for i in range(text.size):
        w = text[i]
        if w != END and fraction(hashed(key_of(key, first + i), KEEPING)) >= keep[w]:
            continue
        kept[n], places[n] = w, i
        n += 1
    return n


@compiled
@no_type_check
def words_around(kept, n, at, key, window, dynamic, skips, around):
    """The words in the window around kept[at], without it.

    Args:
        kept: words and line ends, the first n count.
        n: how many there are.
        at: which of them is in the middle.
        key: of its place.
        window: farthest distance c.
        dynamic: the distance is drawn from 1 … c for each place, as in word2vec, so that near words
            are taken more often.
        skips: how many of the words in the window are drawn, without repeats; 0 takes all.
        around: is filled with them.

    Returns:
        how many there are.
    """
    reach = window
    if dynamic:
        reach = 1 + below(hashed(key, WIDTH), window)
    m = 0
    for i in range(at - 1, max(at - reach, 0) - 1, -1):
        if kept[i] == END:
            break
        around[m] = kept[i]
        m += 1
    for i in range(at + 1, min(at + reach, n - 1) + 1):
        if kept[i] == END:
            break
        around[m] = kept[i]
        m += 1
    if skips == 0 or m <= skips:
        return m
    for i in range(skips):  # the start of a random order (Fisher-Yates)
        j = i + below(hashed(key, CHOICE + np.uint64(i)), m - i)
        around[i], around[j] = around[j], around[i]
    return skips
