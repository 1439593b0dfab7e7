"""Figures of chapter 6 from autoencoders for digits: what is rebuilt, codes, few labels."""

from typing import Any

from matplotlib.figure import Figure
from torch import Tensor

from gradus.core import plot
from gradus.core.experiment import trained
from gradus.core.run import Run
from gradus.embed.compare import both
from gradus.embed.few_labels import few_labels
from gradus.embed.recipes import MNIST_AUTOENCODER
from gradus.embed.run_figures import codes, draw_few_labels, first_of_each, picture_rows, rebuilt

LARGE: dict[str, Any] = {"code": 30}
"""What makes the autoencoder the one with codes of 30 numbers."""
MANY = (1, 3, 10, 30, 100, 300)
DRAWS = 10


@plot.style()
def figure_6_1() -> Figure:
    """A classifier with few labels, on 30-number codes and on pixels (trains one, minutes)."""
    run = trained(MNIST_AUTOENCODER, **LARGE)
    return draw_few_labels(few_labels(run, MANY, DRAWS), run)


def figure_6_9() -> Figure:
    """Digits rebuilt from two numbers early, midway and at the end (trains, many minutes)."""
    return rebuilt(_small())


@plot.style()
def figure_6_10() -> Figure:
    """Digits rebuilt by PCA and by autoencoders from 2 and from 30 numbers (trains two)."""
    runs = (_small(), trained(MNIST_AUTOENCODER, **LARGE))
    rows: dict[str, Tensor] = {}
    costs: list[float] = []
    for run in runs:
        linear, ours, images, labels = both(run)
        at = first_of_each(labels)
        rows.setdefault("image", images[at])
        for found in (linear, ours):
            rows[f"{found.name}, {found.codes.shape[1]}: {found.cost:.2f}"] = found.rebuilt[at]
            costs.append(found.cost)
    fig = picture_rows(rows, runs[0])
    small, large = (run.info["config"]["code"] for run in runs)
    plot.title(
        fig,
        f"An autoencoder rebuilds digits from {small} numbers to within {costs[1]:.2f}, PCA to "
        f"within {costs[0]:.2f}; from {large} numbers {costs[3]:.2f} and {costs[2]:.2f}",
        f"Behind each method the mean of ‖x̂ − x‖ over {len(images):,} test images; "
        f"{runs[0].results['epochs']} epochs, seed 0",
    )
    return fig


def figure_6_11() -> Figure:
    """Two-number codes of digits by PCA and by the autoencoder (trains, many minutes)."""
    return codes(_small())


def _small() -> Run:
    """The autoencoder with codes of two numbers."""
    return trained(MNIST_AUTOENCODER)
