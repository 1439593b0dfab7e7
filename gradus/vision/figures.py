"""The figures of chapter 5 by their number in the book."""

from collections.abc import Callable

from matplotlib.figure import Figure

from gradus.vision.figures_convolution import (
    figure_5_3,
    figure_5_5,
    figure_5_6,
    figure_5_11,
    figure_5_12,
    figure_5_13,
    figure_5_14,
)
from gradus.vision.figures_inside import figure_5_18, figure_5_19, figure_5_20
from gradus.vision.figures_training import figure_5_17, time_to_accuracy

FIGURES: dict[str, Callable[[], Figure]] = {
    "5-3": figure_5_3,
    "5-5": figure_5_5,
    "5-6": figure_5_6,
    "5-11": figure_5_11,
    "5-12": figure_5_12,
    "5-13": figure_5_13,
    "5-14": figure_5_14,
    "5-17": figure_5_17,
    "5-18": figure_5_18,
    "5-19": figure_5_19,
    "5-20": figure_5_20,
    "time-to-accuracy": time_to_accuracy,
}
"""Number in the book, or a name of our own -> function that draws it."""
