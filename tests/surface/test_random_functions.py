import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gradus.surface.random_functions import (
    critical_points,
    downward_axes,
    expected_shares,
    random_function,
)


@given(d=st.integers(1, 4), seed=st.integers(0, 100))
def test_gradient_and_hessian_are_differences(d, seed):
    function, h = random_function(d, seed), 1e-5
    x = np.random.default_rng(seed).normal(size=(3, d))
    for axis, step in enumerate(h * np.eye(d)):
        slope = (function.value(x + step) - function.value(x - step)) / (2 * h)
        np.testing.assert_allclose(function.gradient(x)[:, axis], slope, atol=1e-8)
        bend = (function.gradient(x + step) - function.gradient(x - step)) / (2 * h)
        np.testing.assert_allclose(function.hessian(x)[:, axis], bend, atol=1e-8)


def test_the_functions_have_the_covariance_that_they_say():
    near, far = np.zeros((1, 2)), np.array([[0.6, 0.8]])
    values = [
        [random_function(2, seed).value(place)[0] for place in (near, far)] for seed in range(3000)
    ]
    expected = [[1, np.exp(-0.5)], [np.exp(-0.5), 1]]
    np.testing.assert_allclose(np.cov(np.array(values).T), expected, atol=0.06)


def test_in_one_dimension_every_change_of_sign_is_found():
    for seed in range(5):
        function = random_function(1, seed)
        grid = np.linspace(0, 20, 20001)[:, None]
        changes = np.diff(np.sign(function.gradient(grid)[:, 0])) != 0
        found = critical_points(function, 20.0)
        np.testing.assert_allclose(found[:, 0], grid[:-1, 0][changes], atol=2e-3)
        kinds = downward_axes(function, found)
        assert all(one != other for one, other in itertools.pairwise(kinds))


def test_in_two_dimensions_minima_maxima_and_saddles_are_told_apart():
    function = random_function(2, 0)
    found = critical_points(function, 6.0)
    circle = 1e-3 * np.exp(2j * np.pi * np.arange(16) / 16)
    around = np.stack([circle.real, circle.imag], axis=1)
    for point, downward in zip(found, downward_axes(function, found), strict=True):
        rise = function.value(point + around) - function.value(point[None])
        assert downward == (0 if (rise > 0).all() else 2 if (rise < 0).all() else 1)
    assert len(found) > 5


@pytest.mark.parametrize(("d", "shares"), [(1, [1 / 2, 1 / 2]), (2, [1 / 4, 1 / 2, 1 / 4])])
def test_the_shares_that_are_known(d, shares):
    # In one dimension minima and maxima take turns; in two, saddles are as many as both together.
    assert expected_shares(d) == pytest.approx(shares, abs=0.01)


@pytest.mark.parametrize("d", range(1, 8))
def test_the_shares_sum_to_one_and_to_zero_with_turning_signs(d):
    # The second by Morse: in the mean over the plane the signed count of critical points is 0.
    shares = expected_shares(d)
    assert len(shares) == d + 1
    assert shares.sum() == pytest.approx(1)
    assert (shares * (-1) ** np.arange(d + 1)).sum() == pytest.approx(0, abs=0.02)


@pytest.mark.parametrize(("d", "functions", "side"), [(1, 20, 20.0), (2, 10, 10.0), (3, 8, 4.0)])
def test_what_is_found_has_the_shares_expected(d, functions, side):
    kinds = [
        kind
        for seed in range(functions)
        for kind in downward_axes(
            random_function(d, seed), critical_points(random_function(d, seed), side)
        )
    ]
    for kind, share in enumerate(expected_shares(d)):
        deviation = np.sqrt(share * (1 - share) / len(kinds))
        assert kinds.count(kind) / len(kinds) == pytest.approx(share, abs=3 * deviation)
