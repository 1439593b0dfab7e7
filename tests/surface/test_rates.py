"""Learning rates for a comparison: the ladder, the grid, the choice, what lies beyond its ends."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gradus.surface.rates import AROUND, BEYOND, best, beyond, grid, ladder, rung, search


def test_the_ladder_has_two_rungs_in_each_power_of_ten():
    assert [ladder(i) for i in range(-4, 4)] == [0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30]
    assert ladder(-9) == 3e-5


@given(st.integers(-16, 8))
def test_every_rate_of_the_ladder_knows_its_place(place):
    assert rung(ladder(place)) == place


def test_grids_lie_around_their_middle():
    assert grid(0.1) == [0.01, 0.03, 0.1, 0.3, 1]
    assert grid(0.0003) == [3e-5, 1e-4, 3e-4, 1e-3, 3e-3]


def test_the_best_has_the_best_value_then_the_lowest_loss():
    tried = {0.1: (0.9, 0.4), 0.3: (0.95, 0.3), 1.0: (0.95, 0.2), 3.0: None}
    assert best(tried, "max") == 1.0
    assert best(tried, "min") == 0.1
    assert best({0.1: None, 0.3: (0.0, 9.0)}, "max") == 0.3
    alike = dict.fromkeys((0.01, 0.03, 0.1, 0.3, 1.0), (0.5, 1.0))
    assert best(alike, "max") == 0.1, "of equal ones the middle"
    assert beyond(alike, "max") is None


def test_where_all_failed_the_smallest_is_left():
    assert best({1.0: None, 0.1: None, 0.3: None}, "max") == 0.1


@pytest.mark.parametrize(
    ("values", "further"),
    [((3, 2, 1), 0.03), ((1, 2, 3), 3.0), ((1, 3, 2), None), ((1, None, None), 0.03)],
)
def test_beyond_the_end_where_the_best_lies(values, further):
    tried = {
        lr: None if value is None else (value, 0.0)
        for lr, value in zip((0.1, 0.3, 1.0), values, strict=True)
    }
    assert beyond(tried, "max") == further
    assert beyond({}, "max") is None


@given(st.integers(-10, 10), st.sampled_from(["min", "max"]))
def test_a_search_finds_the_best_rung_that_it_can_come_to(place, better):
    sign = 1 if better == "min" else -1
    calls, told = [], []

    def measure(lr):
        calls.append(lr)
        return sign * abs(2 * math.log10(lr) - place), 0.0

    tried = search(1.0, measure, better, lambda *pair: told.append(pair))
    reach = AROUND + BEYOND
    assert rung(best(tried, better)) == max(-reach, min(reach, place))
    assert calls == list(tried), "no rate is tried twice"
    assert set(grid(1.0)) <= set(tried)
    assert len(told) == len(tried) - len(grid(1.0)) == min(BEYOND, max(0, abs(place) - 1))
    assert (beyond(tried, better) is not None) == (abs(place) >= reach)
