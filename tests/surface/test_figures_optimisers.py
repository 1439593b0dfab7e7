import functools
import math
import re

import numpy as np
import pytest

from gradus.surface import figures_optimisers as figures
from tests.figures import assert_readable

NAMES = ["figure_4_2", "figure_4_8", "figure_4_10"]


@functools.cache
def drawn(name):
    return getattr(figures, name)()


def heading(name):
    return " ".join(text.get_text().replace("\n", " ") for text in drawn(name).texts)


@pytest.mark.parametrize("name", NAMES)
def test_it_is_readable(name):
    assert_readable(drawn(name))


def test_4_2_all_six_curves_are_one():
    curves = [line.get_ydata() for line in drawn("figure_4_2").axes[-1].get_lines()]
    assert len(curves) == math.factorial(3)
    assert np.ptp(curves, axis=0).max() < 1e-14
    assert np.ptp(curves[0]) > 1
    (apart,) = re.findall(r"at most (\d)e−(\d\d)", heading("figure_4_2"))
    assert float(f"{apart[0]}e-{apart[1]}") == pytest.approx(
        max(abs(curve - curves[0]).max() for curve in curves), rel=0.5
    )


def test_4_8_the_smoothed_walk_by_hand():
    random = figures.smoothed_walk(0.0, steps=6, seed=3)
    assert set(random) <= set(range(-10, 11))
    v, expected = random[0], [random[0]]
    for r in random[1:]:
        v = 0.7 * v + 0.3 * r
        expected.append(v)
    assert figures.smoothed_walk(0.7, steps=6, seed=3) == pytest.approx(expected)
    assert figures.smoothed_walk(1.0, steps=6, seed=3) == pytest.approx([random[0]] * 6)


def test_4_8_a_long_walk_has_the_spread_that_the_subtitle_gives():
    rough, smooth = (figures.smoothed_walk(m, steps=200_000).std() for m in (0.0, 0.9))
    assert rough / smooth == pytest.approx(math.sqrt(1.9 / 0.1), rel=0.02)
    assert "√((1 + m) / (1 − m)) = 4.4" in heading("figure_4_8")


def test_4_8_titles_tell_what_is_drawn():
    panels = drawn("figure_4_8").axes
    for ax, momentum in zip(panels, figures.MOMENTA, strict=True):
        (walk,) = [line.get_ydata() for line in ax.get_lines() if len(line.get_ydata()) == 100]
        assert f"m = {momentum:g}: standard deviation {np.std(walk):.2f}" in ax.get_title("left")


def test_4_10_steepest_descent_turns_by_right_angles_and_conjugate_gradients_need_two_steps():
    zigzag, conjugate = figures.descend(restart_every=1), figures.descend()
    steps = np.diff(zigzag, axis=0)
    steps /= np.linalg.norm(steps, axis=1, keepdims=True)
    assert (steps[1:] * steps[:-1]).sum(axis=1) == pytest.approx(0, abs=1e-9)
    assert len(conjugate) == 1 + 2
    # From (κ, 1) each step multiplies the error by ((κ - 1) / (κ + 1))², the slowest there is.
    errors = figures.error_at(zigzag)
    assert errors[1:] / errors[:-1] == pytest.approx((9 / 11) ** 2, rel=1e-9)
    assert errors[-1] <= 1e-6 * errors[0] < errors[-2]
    said = f"zigzags for {len(steps)} steps; conjugate gradients need\u00a02"
    assert said in heading("figure_4_10")
