"""What pre-training is worth: a deep sigmoid net from both starts (book ch. 4, first section)."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from gradus.core import plot
from gradus.core.experiment import trained
from gradus.core.run import Run
from gradus.surface.recipes import MNIST_DEEP_SIGMOID
from gradus.surface.run_figures import draw_gradients

SEEDS = 3
STARTS: dict[str, dict[str, Any]] = {
    "pre-trained": {},
    "random start": {"pretrain_epochs": 0, "lr": 3.0},
}
"""Each with its learning rate; benchmarks/pretraining.py compares a grid of them."""


def pretraining() -> Figure:
    """Pre-trained against a random start, at equal epochs (trains six nets, many minutes)."""
    return draw_starts(
        {
            name: [trained(MNIST_DEEP_SIGMOID, seed=seed, **settings) for seed in range(SEEDS)]
            for name, settings in STARTS.items()
        }
    )


@plot.style()
def draw_starts(starts: Mapping[str, Sequence[Run]]) -> Figure:
    """Draw validation accuracy by epoch, and the gradient by layer, for runs from several starts.

    Args:
        starts: name -> runs that differ in the seed alone, two or more; the first start is the one
            that the heading is about. All have the same number of epochs.
    """
    fig, (accuracy, gradient) = plot.new_figure(1, 2, (10.5, 4.6))
    last = {
        name: _draw_accuracy(accuracy, name, runs, number)
        for number, (name, runs) in enumerate(starts.items())
    }
    accuracy.set(xlabel="epoch on the labels", ylabel="validation accuracy (%)")
    accuracy.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    plot.end_labels(accuracy)
    draw_gradients(gradient, {name: _gradients(runs) for name, runs in starts.items()})
    plot.end_labels(gradient)
    (first, best), *others = last.items()
    run = starts[first][0]
    epochs = run.results["epochs"]
    plot.title(
        fig,
        f"After {epochs} epochs {best:.1f} % of the validation set are right where the net is "
        f"{first}, " + ", ".join(f"{value:.1f} % from a {name}" for name, value in others),
        f"{_words(run)} Rates {_rates(starts)}. "
        f"Mean ± one standard error of {len(starts[first])} seeds",
    )
    return fig


def _draw_accuracy(ax: Axes, name: str, runs: Sequence[Run], number: int) -> float:
    """Draw the mean, its band and the runs behind it; the last epoch's mean, in %."""
    curves = 100 * np.array([[r["validation/accuracy"] for r in run.records()] for run in runs])
    epochs = np.arange(1, curves.shape[1] + 1)
    mean, error = curves.mean(0), curves.std(0, ddof=1) / np.sqrt(len(runs))
    colour = plot.PALETTE[number]
    ax.plot(epochs, curves.T, "-", color=colour, linewidth=0.8, alpha=0.4)
    ax.fill_between(epochs, mean - error, mean + error, color=colour, alpha=0.2, linewidth=0)
    ax.plot(epochs, mean, plot.DASHES[number], color=colour, label=name)
    return float(mean[-1])


def _gradients(runs: Sequence[Run]) -> list[float]:
    """The norm in each layer at the start, its mean over the runs."""
    return np.mean([run.info["pretraining"]["gradients"] for run in runs], axis=0).tolist()


def _words(run: Run) -> str:
    """The net and its data."""
    config: Any = run.config
    sizes = "-".join(map(str, config.hidden))
    return f"{config.data.capitalize()}, hidden layers {sizes} of {config.activation} units, SGD."


def _rates(starts: Mapping[str, Sequence[Run]]) -> str:
    return " and ".join(f"{runs[0].config.lr:g} ({name})" for name, runs in starts.items())
