"""The figures of chapters 1–3 by their number in the book, and two more, drawn from real runs."""

from collections.abc import Callable

from matplotlib.figure import Figure

from gradus.neurons.figures_descent import figure_2_2, figure_2_3, figure_2_4
from gradus.neurons.figures_flat import figure_2_6, figure_2_7
from gradus.neurons.figures_nets import (
    batch_sizes,
    figure_2_10,
    figure_2_11,
    figure_2_15,
    figure_3_4,
    figure_3_5,
    figure_3_7,
    initialisers,
)
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
    "2-10": figure_2_10,
    "2-11": figure_2_11,
    "2-15": figure_2_15,
    "2-16": figure_2_16,
    "3-4": figure_3_4,
    "3-5": figure_3_5,
    "3-7": figure_3_7,
    "batch-sizes": batch_sizes,
    "initialisers": initialisers,
}
"""Number in the book, or a name of our own -> function that draws it."""
