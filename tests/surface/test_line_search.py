import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.interpolate import CubicHermiteSpline

from gradus.core.errors import UsageError
from gradus.surface.line_search import Point, cubic_minimum, exact, strong_wolfe

numbers = st.floats(-5, 5)


def parabola(lowest, bend):
    return lambda a: (bend / 2 * (a - lowest) ** 2, bend * (a - lowest))


def valley(a):
    """Moré and Thuente's first test function (1994, equation 5.1), β = 2."""
    return -a / (a**2 + 2), (a**2 - 2) / (a**2 + 2) ** 2


def wavy(a):
    return math.cos(3 * a) - 0.5 * a + 0.02 * a**2, -3 * math.sin(3 * a) - 0.5 + 0.04 * a


def fulfils(phi, step, c1, c2):
    value, slope = phi(0.0)
    low_enough = step.value <= value + c1 * step.alpha * slope
    return low_enough and abs(step.slope) <= c2 * abs(slope)


@pytest.mark.parametrize("phi", [parabola(2, 3), parabola(1e-4, 1e4), valley, wavy])
@pytest.mark.parametrize("first", [1e-3, 0.1, 1.0, 30.0, 1000.0])
@pytest.mark.parametrize("c2", [0.9, 0.1, 0.01])
def test_what_is_found_fulfils_the_strong_wolfe_conditions(phi, first, c2):
    called = []

    def counted(alpha):
        called.append(alpha)
        return phi(alpha)

    step = strong_wolfe(counted, *phi(0.0), first, c2=c2)
    assert step.found
    assert fulfils(phi, step, 1e-4, c2)
    assert (step.value, step.slope) == phi(step.alpha)
    assert step.evaluations == len(called)
    assert called[-1] == step.alpha  # callers rely on it: the last point looked at is the one found


@given(numbers, numbers, st.floats(-5, -0.01), st.floats(0.01, 10), st.floats(0.02, 0.9))
def test_quartics_of_any_shape(a3, a2, a1, first, c2):
    def phi(a):
        value = a**4 / 4 + a3 * a**3 / 3 + a2 * a**2 / 2 + a1 * a
        return value, a**3 + a3 * a**2 + a2 * a + a1

    step = strong_wolfe(phi, *phi(0.0), first, c1=1e-4, c2=c2, max_evaluations=60)
    assert step.found
    assert fulfils(phi, step, 1e-4, c2)


def test_the_first_length_is_taken_if_it_will_do():
    step = strong_wolfe(parabola(1, 1), 0.5, -1.0, 1.0)
    assert (step.alpha, step.evaluations, step.found) == (1.0, 1, True)


def test_a_parabola_takes_two_evaluations_after_a_step_too_far():
    step = strong_wolfe(parabola(3, 1), *parabola(3, 1)(0.0), 7.0, c2=0.1)
    assert step.alpha == pytest.approx(3, rel=1e-12)
    assert step.evaluations == 2


def test_a_wall_that_is_not_finite_counts_as_too_far():
    def phi(a):
        return (-a, -1.0) if a < 0.3 else (math.nan, math.nan)

    step = strong_wolfe(phi, 0.0, -1.0, 1.0, c2=0.5)
    assert not step.found  # the slope never gets flatter
    assert 0 < step.alpha < 0.3

    def log_barrier(a):
        return (-math.log(1 - a) - 3 * a, 1 / (1 - a) - 3) if a < 1 else (math.inf, math.nan)

    step = strong_wolfe(log_barrier, 0.0, -2.0, 50.0, c2=0.1)
    assert step.found
    assert step.alpha == pytest.approx(2 / 3, abs=0.1)


def test_where_it_falls_for_ever_the_lowest_point_seen_is_returned():
    step = strong_wolfe(lambda a: (-a, -1.0), 0.0, -1.0, max_evaluations=5)
    assert not step.found
    assert step.evaluations == 5
    assert step.alpha == -step.value == 10.0**4  # each goes ten times as far


def test_where_nothing_is_lower_alpha_is_zero():
    step = strong_wolfe(lambda a: (1.0 + a, -1.0), 1.0, -1.0, max_evaluations=10)  # a wrong slope
    assert not step.found
    assert (step.alpha, step.value, step.slope) == (0.0, 1.0, -1.0)


def test_it_stops_when_nothing_is_left_between_the_ends_of_the_interval():
    step = strong_wolfe(lambda a: (1.0 + a, -1.0), 1.0, -1.0, 5e-324, max_evaluations=100)
    assert not step.found
    assert step.evaluations < 3


@pytest.mark.parametrize("search", [strong_wolfe, exact])
@pytest.mark.parametrize(
    ("arguments", "settings", "message"),
    [
        ((0.0, 1.0), {}, "leads down"),
        ((0.0, 0.0), {}, "leads down"),
        ((0.0, math.nan), {}, "leads down"),
        ((math.inf, -1.0), {}, "finite φ"),
        ((0.0, -1.0, 0.0), {}, "alpha must be > 0"),
        ((0.0, -1.0, math.inf), {}, "alpha must be > 0"),
        ((0.0, -1.0), {"max_evaluations": 0}, "max_evaluations must be ≥ 1, got 0"),
    ],
)
def test_mistakes_are_named(search, arguments, settings, message):
    with pytest.raises(UsageError, match=message):
        search(parabola(1, 1), *arguments, **settings)


@pytest.mark.parametrize(("c1", "c2"), [(0.0, 0.5), (0.5, 0.4), (0.1, 1.0)])
def test_constants_in_the_wrong_order_are_refused(c1, c2):
    with pytest.raises(UsageError, match="0 < c1 < c2 < 1"):
        strong_wolfe(parabola(1, 1), 0.5, -1.0, c1=c1, c2=c2)


@given(st.floats(0.01, 100), st.floats(0.01, 100), st.floats(0.01, 100))
def test_an_exact_search_ends_at_the_lowest_point_of_a_parabola(lowest, bend, trial):
    phi = parabola(lowest, bend)
    step = exact(phi, *phi(0.0), trial)
    assert step.found
    assert step.evaluations == 2
    assert step.alpha == pytest.approx(lowest, rel=1e-9)


def test_an_exact_search_of_what_is_no_parabola_with_a_minimum():
    line = exact(lambda a: (-a, -1.0), 0.0, -1.0)
    assert (line.found, line.alpha, line.evaluations) == (False, 1.0, 1)
    hill = exact(lambda a: (-(a**2) - a, -2 * a - 1), 0.0, -1.0)
    assert (hill.found, hill.alpha) == (False, 1.0)
    lie = exact(lambda a: (1.0 + a, a - 1.0), 1.0, -1.0)  # slopes of a parabola, values of none
    assert (lie.found, lie.alpha, lie.evaluations) == (False, 0.0, 2)
    with pytest.raises(UsageError, match="max_evaluations ≥ 2"):
        exact(parabola(1, 1), 0.5, -1.0, max_evaluations=1)


@given(numbers, numbers, numbers, numbers, st.floats(0.1, 5), st.floats(0.1, 5))
def test_cubic_minimum_is_that_of_scipys_hermite_cubic(v0, v1, s0, s1, left, width):
    a, b = Point(left, v0, s0), Point(left + width, v1, s1)
    guess, swapped = cubic_minimum(a, b), cubic_minimum(b, a)
    cubic = CubicHermiteSpline([a.alpha, b.alpha], [v0, v1], [s0, s1])
    steep = np.abs([v0 / width, v1 / width, s0, s1]).max()
    third = abs(float(cubic(a.alpha, 3))) * width**2
    if math.isnan(guess) or third < 1e-3 * steep:  # no minimum, or nearly a parabola
        return
    assert float(cubic(guess, 1)) == pytest.approx(0, abs=1e-6 * steep * (1 + guess**2))
    assert float(cubic(guess, 2)) >= -1e-5 * steep * (1 + abs(guess))
    assert swapped == pytest.approx(guess, rel=1e-5, abs=1e-5)


def test_a_cubic_without_a_minimum_has_none():
    assert math.isnan(cubic_minimum(Point(0, 0, 1), Point(1, 2, 4)))  # rises everywhere
    assert math.isnan(cubic_minimum(Point(0, 0, -1), Point(1, math.inf, math.nan)))
