"""Figures of chapter 5 from trained networks: batch normalisation, and time to accuracy."""

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, MaxNLocator

from gradus.core import plot
from gradus.core.experiment import trained
from gradus.core.run import Run, processor
from gradus.data.public import find_cifar10
from gradus.vision.recipes import CIFAR10_CNN, CIFAR10_CNN_BN, MNIST_CNN, MNIST_CNN_FAST

EPOCHS = CIFAR10_CNN.config.epochs
"""Of each of the two CIFAR-10 networks."""
LENGTHS = (1, 2, 3, 5, 8)
"""Epochs of the fast recipe: each a run of its own, for its learning rate falls towards its end."""
PLAIN = {"schedule": "constant", "distort": "", "epochs": 8}
"""What makes the book's network learn at one rate throughout, from the images as they are."""


@plot.style()
def figure_5_17() -> Figure:
    """CIFAR-10 with and without batch normalisation (trains both the first time, minutes)."""
    data, validation = find_cifar10(), 2000
    runs = {
        name: trained(recipe, data=data, epochs=EPOCHS, validation=validation)
        for name, recipe in (("without", CIFAR10_CNN), ("with", CIFAR10_CNN_BN))
    }
    fig, (cost, error) = plot.new_figure(1, 2, (10, 4.3))
    for (name, run), colour, dash in zip(runs.items(), plot.PALETTE, plot.DASHES, strict=False):
        records = run.records()
        epochs = [r["epoch"] for r in records]
        cost.plot(epochs, [r["train/loss"] for r in records], dash, color=colour, label=name)
        wrong = [100 * (1 - r["validation/accuracy"]) for r in records]
        error.plot(epochs, wrong, dash, color=colour, label=name)
    cost.set(xlabel="epoch", ylabel="training cost (cross-entropy)")
    error.set(xlabel="epoch", ylabel="validation error (%)")
    scores = [run.results["test"]["accuracy"] for run in runs.values()]
    images = runs["with"].task().train.examples
    plot.title(
        fig,
        f"Batch normalisation and ten times the rate: {scores[1]:.1%} of the test photos are "
        f"right after {EPOCHS} epochs, without them {scores[0]:.1%}",
        f"The book's network for CIFAR-10, random 24×24 crops; {images:,} photos to learn from; "
        f"SGD at {CIFAR10_CNN.config.lr:g} and {CIFAR10_CNN_BN.config.lr:g}, seed 0",
    )
    for ax in (cost, error):
        ax.xaxis.set_major_locator(MaxNLocator(integer=True))
        plot.end_labels(ax)
    return fig


@plot.style()
def time_to_accuracy() -> Figure:
    """Seconds to an accuracy on MNIST: the fast recipe and a plain one (trains both, minutes)."""
    plain = trained(MNIST_CNN, **PLAIN)
    fast = [trained(MNIST_CNN_FAST, epochs=n) for n in LENGTHS]
    slow_curve = seconds_and_errors(plain)
    fast_curve = np.array([seconds_and_errors(run)[-1] for run in fast])
    fig, (ax,) = plot.new_figure()
    ax.plot(*slow_curve.T, "--s", color=plot.PALETTE[0], label="plain")
    ax.plot(*fast_curve.T, "-o", color=plot.PALETTE[1], label="fast")
    ax.set(xlabel="seconds of training", ylabel="validation error (%)", xscale="log")
    ax.xaxis.set_major_formatter("{x:g}")
    ax.xaxis.set_minor_locator(LogLocator(subs=(2, 3, 5)))
    ax.xaxis.set_minor_formatter("{x:g}")
    goal = float(slow_curve[:, 1].min())
    slow_time, fast_time = (first_time(curve, goal) for curve in (slow_curve, fast_curve))
    told = f"the fast recipe in {fast_time:.0f} s" if np.isfinite(fast_time) else "the fast never"
    plot.title(
        fig,
        f"An error of {goal:.2f} % on MNIST: {told}, the plain one in {slow_time:.0f} s",
        f"Plain: the book's network, Adam at one rate, a point an epoch. Fast: "
        f"`{MNIST_CNN_FAST.name}`, a point a run of {', '.join(map(str, LENGTHS))} epochs. "
        f"5,000 validation images, seed 0, {processor()}",
    )
    plot.end_labels(ax)
    return fig


def seconds_and_errors(run: Run) -> np.ndarray:
    """Seconds of training until the end of each epoch, and the validation error then, in %."""
    seconds = np.cumsum([r["seconds"] for r in run.records("timing")])
    errors = [100 * (1 - r["validation/accuracy"]) for r in run.records()]
    return np.stack([seconds, errors], 1)


def first_time(curve: np.ndarray, goal: float) -> float:
    """The first time at which the error is no larger than the goal; ∞ if never."""
    return next((float(s) for s, error in curve if error <= goal), float("inf"))
