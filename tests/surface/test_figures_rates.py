import functools

import numpy as np
import pytest

from gradus.core.schedule import SCHEDULES
from gradus.surface import figures_rates
from gradus.surface.figures import FIGURES, race
from tests.figures import assert_readable


@pytest.fixture
def short(monkeypatch):
    """Trainings of a few epochs."""
    for name, value in {"EPOCHS": 8, "SEEDS": 2, "POINTS": 80}.items():
        monkeypatch.setattr(figures_rates, name, value)


def test_the_schedules_are_drawn_as_they_are(short):
    figure = figures_rates.schedules()
    assert_readable(figure)
    panels = {ax.get_title(loc="left").split(":")[0]: ax for ax in figure.axes}
    assert list(panels) == [*SCHEDULES, "plateau"]
    for name, schedule in SCHEDULES.items():
        rates = panels[name].get_lines()[0].get_ydata()
        expected = [figures_rates.RATE * schedule(step, 80) for step in range(80)]
        np.testing.assert_allclose(rates, expected)
    steps = panels["plateau"].get_lines()[0].get_ydata()
    assert steps[0] == figures_rates.RATE
    assert (np.diff(steps) <= 0).all()


def test_the_title_names_the_lowest_loss(short):
    figure = figures_rates.schedules()
    titles = [ax.get_title(loc="left") for ax in figure.axes]
    ends = {t.split(":")[0]: float(t.split(": ")[1].split(" ±")[0]) for t in titles}
    heading = figure.texts[0].get_text().replace("\n", " ")
    best = heading.split("schedules ")[1].split(" ends")[0]
    assert ends[best] == min(ends.values())


@functools.cache
def lr_range():
    return figures_rates.lr_range()


def test_the_range_test_of_the_digits_net_has_a_valley():
    assert_readable(lr_range())
    assert "A rate to begin with: ε = 0.0" in lr_range().texts[0].get_text()
    (ax,) = lr_range().axes
    assert ax.get_xscale() == "log"


def test_the_race_has_a_figure_of_its_end():
    assert_readable(race())
    assert "first at the minimum" in race().texts[0].get_text()
    assert {"lr-range", "pretraining", "race", "schedules"} <= set(FIGURES)
