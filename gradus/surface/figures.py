"""The figures of chapter 4 by their number in the book, and a few of our own."""

from collections.abc import Callable

from matplotlib.figure import Figure

from gradus.surface.animation import draw_race
from gradus.surface.figures_gradient import figure_4_6, figure_4_7
from gradus.surface.figures_momentum import figure_4_9
from gradus.surface.figures_optimisers import figure_4_2, figure_4_8, figure_4_10
from gradus.surface.figures_pretraining import pretraining
from gradus.surface.figures_rates import lr_range, schedules
from gradus.surface.figures_surface import figure_4_1, figure_4_3, figure_4_4, figure_4_5
from gradus.surface.race import race as let_run

LANDSCAPE = "ravine"


def race() -> Figure:
    """The end of a race of seven optimisers down a ravine (`gradus race` films it)."""
    return draw_race(let_run(LANDSCAPE), LANDSCAPE)


FIGURES: dict[str, Callable[[], Figure]] = {
    "4-1": figure_4_1,
    "4-2": figure_4_2,
    "4-3": figure_4_3,
    "4-4": figure_4_4,
    "4-5": figure_4_5,
    "4-6": figure_4_6,
    "4-7": figure_4_7,
    "4-8": figure_4_8,
    "4-9": figure_4_9,
    "4-10": figure_4_10,
    "lr-range": lr_range,
    "pretraining": pretraining,
    "race": race,
    "schedules": schedules,
}
"""Number in the book, or a name of our own -> function that draws it."""
