"""The figures of chapter 6 by their number in the book, those of words apart."""

from collections.abc import Callable

from matplotlib.figure import Figure

from gradus.embed.figures_codes import figure_6_1, figure_6_9, figure_6_10, figure_6_11
from gradus.embed.figures_plain import figure_6_2, figure_6_3, figure_6_8
from gradus.embed.figures_robust import figure_6_12, figure_6_13, figure_6_14, figure_6_16

FIGURES: dict[str, Callable[[], Figure]] = {
    "6-1": figure_6_1,
    "6-2": figure_6_2,
    "6-3": figure_6_3,
    "6-8": figure_6_8,
    "6-9": figure_6_9,
    "6-10": figure_6_10,
    "6-11": figure_6_11,
    "6-12": figure_6_12,
    "6-13": figure_6_13,
    "6-14": figure_6_14,
    "6-16": figure_6_16,
}
"""Number in the book -> function that draws it."""
