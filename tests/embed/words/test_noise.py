"""Noise words, words passed over, windows: distributions against their formulas.

The rooms: gradus.embed.words.noise and gradus.embed.words.windows.
"""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import chisquare

from gradus.embed.words.noise import (
    alias_table,
    draw_noise,
    keep_probability,
    noise_distribution,
)
from gradus.embed.words.windows import END, keep_words, key_of, words_around
from tests.embed.words.small import COUNTS, V, text


def test_noise_is_the_count_to_three_quarters():
    q = noise_distribution(np.array([16, 1]))
    np.testing.assert_allclose(q, [8 / 9, 1 / 9], rtol=1e-12)
    np.testing.assert_allclose(noise_distribution(COUNTS, power=0.0), 1 / V)
    np.testing.assert_allclose(noise_distribution(COUNTS, power=1.0), COUNTS / COUNTS.sum())


def test_log_uniform_noise_is_tensorflows():
    q = noise_distribution(COUNTS, "log-uniform")
    np.testing.assert_allclose(
        q, [(np.log(r + 2) - np.log(r + 1)) / np.log(V + 1) for r in range(V)], rtol=1e-12
    )
    assert q.sum() == pytest.approx(1, abs=1e-12)


def test_draws_have_the_distribution_asked_for():
    q = noise_distribution(COUNTS)
    drawn = np.empty(50_000, np.int32)
    draw_noise(alias_table(q), np.uint64(9), np.uint64(0), drawn)
    assert chisquare(np.bincount(drawn, minlength=V), q * len(drawn)).pvalue > 0.001
    wrong = chisquare(np.bincount(drawn, minlength=V), COUNTS / COUNTS.sum() * len(drawn))
    assert wrong.pvalue < 1e-6


@given(st.lists(st.integers(1, 10**6), min_size=1, max_size=60))
def test_an_alias_table_adds_up_to_its_distribution(counts):
    q = np.array(counts) / np.sum(counts)
    table = alias_table(q)
    total = np.zeros(len(q))
    for word, (share, other) in enumerate(zip(table.share, table.other, strict=True)):
        total[word] += share / len(q)
        total[other] += (1 - share) / len(q)
    np.testing.assert_allclose(total, q, atol=1e-6)


def test_words_are_kept_with_the_probability_of_the_formula():
    counts = np.array([1000, 10, 1])
    kept = keep_probability(counts, 0.01)
    f = counts / counts.sum()
    np.testing.assert_allclose(kept, np.minimum(1, np.sqrt(0.01 / f) + 0.01 / f), rtol=1e-6)
    assert kept[2] == 1
    np.testing.assert_array_equal(keep_probability(counts, 0.0), 1)
    words = np.zeros(100_000, np.int32)
    found, places = np.empty(100_000, np.int32), np.empty(100_000, np.int64)
    n = keep_words(words, 0, np.uint64(4), kept, found, places)
    assert n / 100_000 == pytest.approx(kept[0], abs=4 * np.sqrt(0.25 / 100_000))


def test_what_is_kept_does_not_depend_on_where_the_text_is_cut():
    words, keep = text(200), keep_probability(COUNTS, 0.05)
    kept, places = np.empty(200, np.int32), np.empty(200, np.int64)
    n = keep_words(words, 0, np.uint64(4), keep, kept, places)
    whole = [(int(p), int(w)) for p, w in zip(places[:n], kept[:n], strict=True)]
    assert (kept[:n] == END).sum() == (words == END).sum()
    parts = []
    for first in range(0, 200, 30):
        n = keep_words(words[first : first + 30], first, np.uint64(4), keep, kept, places)
        parts += [(int(p) + first, int(w)) for p, w in zip(places[:n], kept[:n], strict=True)]
    assert parts == whole


def around(kept, at, window, dynamic=False, skips=0, place=0):
    found = np.empty(2 * window, np.int32)
    key = np.uint64(key_of(np.uint64(1), place))
    m = words_around(kept, len(kept), at, key, window, dynamic, skips, found)
    return found[:m].tolist()


@given(st.integers(0, 39), st.integers(1, 6))
def test_the_window_ends_with_the_line(at, window):
    kept = text(40)
    line = at // 10
    if kept[at] == END:
        return
    near = range(max(at - window, 10 * line), min(at + window, 10 * line + 8, 39) + 1)
    assert sorted(around(kept, at, window)) == sorted(kept[i] for i in near if i != at)


def test_a_dynamic_window_takes_each_reach_equally_often():
    kept = np.arange(11, dtype=np.int32)
    sizes = [len(around(kept, 5, 5, True, place=p)) // 2 for p in range(5000)]
    assert chisquare(np.bincount(sizes, minlength=6)[1:]).pvalue > 0.001


def test_skips_draw_without_repeats_each_equally_often():
    kept = np.arange(11, dtype=np.int32)
    found = [around(kept, 5, 5, skips=4, place=p) for p in range(5000)]
    assert all(len(set(f)) == 4 and 5 not in f for f in found)
    counts = np.delete(np.bincount(np.ravel(found), minlength=11), 5)
    assert chisquare(counts).pvalue > 0.001
    assert sorted(around(kept, 0, 2, skips=4)) == [1, 2]
