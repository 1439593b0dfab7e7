"""The figures of chapters 1 and 2 by their number in the book, drawn from computed results."""

from collections.abc import Callable

from matplotlib.figure import Figure

from gradus.neurons.figures_descent import figure_2_2, figure_2_3, figure_2_4
from gradus.neurons.figures_flat import figure_2_6, figure_2_7
from gradus.neurons.figures_neurons import (
    figure_1_4,
    figure_1_9,
    figure_1_11,
    figure_1_12,
    figure_1_13,
)
from gradus.neurons.figures_overfitting import figure_2_8, figure_2_9, figure_2_16

FIGURES: dict[str, Callable[[], Figure]] = {
    "1-4": figure_1_4,
    "1-9": figure_1_9,
    "1-11": figure_1_11,
    "1-12": figure_1_12,
    "1-13": figure_1_13,
    "2-2": figure_2_2,
    "2-3": figure_2_3,
    "2-4": figure_2_4,
    "2-6": figure_2_6,
    "2-7": figure_2_7,
    "2-8": figure_2_8,
    "2-9": figure_2_9,
    "2-16": figure_2_16,
}
"""Number in the book -> function that draws it."""
