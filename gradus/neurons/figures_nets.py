"""Figures of chapters 2 and 3 from trained nets: planes divided, images named."""

import time
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from matplotlib.figure import Figure

from gradus.core import plot
from gradus.core.batches import Batches
from gradus.core.drawing import draw_model
from gradus.core.experiment import trained
from gradus.core.fit import Fitted, fit
from gradus.core.progress import Silent
from gradus.core.run import processor
from gradus.core.task import Task, build_task, evaluate
from gradus.neurons.build import net
from gradus.neurons.recipes import DIGITS_MLP, MNIST_LOGISTIC, MNIST_MLP, PLANAR_NET
from gradus.neurons.run_figures import draw_plane

SEEDS = 5
COST = 0.3
"""The training cost that batch sizes race to."""


@plot.style()
def figure_2_10() -> Figure:
    """What 3, 6 and 20 hidden neurons make of the same points."""
    sizes = (3, 6, 20)
    panels = [(f"{size} hidden neurons", {"hidden": (size,)}) for size in sizes]
    fig, (train, test) = _planes(panels)
    plot.title(
        fig,
        f"With {sizes[0]}, {sizes[1]} and {sizes[2]} hidden neurons {_percents(train)} of the "
        f"training points are right, but {_percents(test)} of new ones",
        _planar_words(),
    )
    return fig


@plot.style()
def figure_2_11() -> Figure:
    """What one, two and four hidden layers of three neurons make of the same points."""
    layers = (1, 2, 4)
    names = ("one hidden layer", "two hidden layers", "four hidden layers")
    panels = [(name, {"hidden": (3,) * n}) for name, n in zip(names, layers, strict=True)]
    fig, (train, test) = _planes(panels)
    plot.title(
        fig,
        f"One, two and four layers of three neurons: {_percents(train)} of the training points, "
        f"{_percents(test)} of new ones",
        _planar_words(),
    )
    return fig


@plot.style()
def figure_2_15() -> Figure:
    """What the L2 penalty makes of 20 hidden neurons."""
    strengths = (0.0, 0.01, 0.1, 1.0)
    panels = [(f"λ = {l2:g}" if l2 else "no penalty", {"l2": l2}) for l2 in strengths]
    fig, (_, test) = _planes(panels)
    best = int(np.argmax(test[1:])) + 1
    plot.title(
        fig,
        f"The L2 penalty smooths the border: with λ = {strengths[best]:g} {test[best]:.0%} of new "
        f"points are right, without it {test[0]:.0%}, with λ = 1 {test[-1]:.0%}",
        f"One hidden layer of 20 neurons. {_planar_words()}",
    )
    return fig


@plot.style()
def figure_3_4() -> Figure:
    """Softmax regression as a network: pixels to digits in one layer."""
    return _drawn(MNIST_LOGISTIC)


@plot.style()
def figure_3_5() -> Figure:
    """The training curves of both MNIST nets (trains them the first time, minutes)."""
    runs = [(trained(r), r.summary.split(":")[0]) for r in (MNIST_LOGISTIC, MNIST_MLP)]
    names = ("one layer", "two hidden layers")
    fig, (cost, error) = plot.new_figure(1, 2, (10, 4.3))
    lowest = []
    for (run, _), name, colour, dash in zip(runs, names, plot.PALETTE, plot.DASHES, strict=False):
        records = run.records()
        updates = [r["step"] for r in records]
        cost.plot(updates, [r["train/loss"] for r in records], dash, color=colour, label=name)
        wrong = [100 * (1 - r["validation/accuracy"]) for r in records]
        error.plot(updates, wrong, dash, color=colour, label=name)
        lowest.append(min(wrong))
    cost.set(xlabel="minibatches", ylabel="training cost (cross-entropy)", yscale="log")
    error.set(xlabel="minibatches", ylabel="validation error (%)", yscale="log")
    cost.yaxis.set_major_formatter("{x:g}")
    error.yaxis.set_major_formatter("{x:g}")
    error.yaxis.set_minor_formatter("{x:g}")
    plot.title(
        fig,
        f"Two hidden layers cut the validation error on MNIST from {lowest[0]:.1f} % to "
        f"{lowest[1]:.1f} %",
        f"{runs[0][0].results['epochs']} epochs of SGD for one layer, "
        f"{runs[1][0].results['epochs']} of Adam with dropout for the deeper net; seed 0",
    )
    for ax in (cost, error):
        plot.end_labels(ax)
    return fig


@plot.style()
def figure_3_7() -> Figure:
    """The feed-forward net 784-256-256-10."""
    return _drawn(MNIST_MLP)


@plot.style()
def batch_sizes() -> Figure:
    """Whole-set, minibatch and per-example gradient descent, by updates and by seconds."""
    contestants = {"one example": (1, 0.02), "32 examples": (32, 0.2), "all 1,237": (1237, 0.5)}
    fig, (by_update, by_second) = plot.new_figure(1, 2, (10, 4.3))
    reached = {}
    for (name, (size, lr)), colour, dash in zip(
        contestants.items(), plot.PALETTE, plot.DASHES, strict=False
    ):
        fitted, seconds = _timed(batch_size=size, lr=lr, epochs=300 if size > 1000 else 10)
        losses = [r["train/loss"] for r in fitted.records]
        updates = [r["step"] for r in fitted.records]
        by_update.plot(updates, losses, dash, color=colour, label=name)
        by_second.plot(seconds, losses, dash, color=colour)
        reached[name] = next(
            (s, u) for s, u, v in zip(seconds, updates, losses, strict=True) if v < COST
        )
    for ax, what in ((by_update, "updates"), (by_second, "seconds")):
        ax.axhline(COST, color=plot.GREY, linewidth=1)
        ax.set(xlabel=what, xscale="log", yscale="log", ylabel="training cost (cross-entropy)")
        ax.yaxis.set_major_formatter("{x:g}")
    fig.legend(loc="outside right center", title="examples an update")
    soonest = min(reached, key=lambda name: reached[name][0])
    told = "; ".join(f"{n}: {s:.2g} s, {u:,} updates" for n, (s, u) in reached.items())
    plot.title(
        fig,
        f"Updates from {soonest} reach a cost of {COST} soonest",
        f"{told}. Handwritten digits 8×8, two hidden layers of 64; rates 0.02, 0.2, 0.5; seed 0; "
        f"{processor()}. A cost is the mean over an epoch",
    )
    return fig


@plot.style()
def initialisers() -> Figure:
    """What the distribution of the initial weights does to learning."""
    kinds = {
        "he: normal, √(2/n)": "he",
        "lecun: normal, √(1/n)": "lecun",
        "uniform(−1, 1)": "uniform",
        "zeros": "zeros",
    }
    fig, panels = plot.new_figure(1, 2, (10, 4.3))
    names = {"train/loss": "training cost (cross-entropy)", "error": "validation error (%)"}
    wrong = {}
    styles = zip(plot.PALETTE, plot.DASHES, strict=False)
    for (label, init), (colour, dash) in zip(kinds.items(), styles, strict=False):
        records = [_timed(init=init, epochs=20, seed=s)[0].records for s in range(SEEDS)]
        for ax, name in zip(panels, names, strict=True):
            curves = np.array([[_value(r, name) for r in seed] for seed in records])
            mean, error = curves.mean(0), curves.std(0, ddof=1) / np.sqrt(SEEDS)
            epochs = np.arange(1, len(mean) + 1)
            ax.plot(epochs, mean, dash, color=colour, label=label)
            ax.fill_between(epochs, mean - error, mean + error, color=colour, alpha=0.2, lw=0)
        wrong[init] = mean[-1]
    for ax, name in zip(panels, names.values(), strict=True):
        ax.set(xlabel="epoch", ylabel=name, yscale="log")
        ax.yaxis.set_major_formatter("{x:g}")
        plot.end_labels(ax)
    plot.title(
        fig,
        f"Weights from uniform(−1, 1) learn the training set by heart: {wrong['uniform']:.1f} % "
        f"validation error after 20 epochs, {wrong['he']:.1f} % from He's; zeros learn nothing",
        "Handwritten digits 8×8, two hidden layers of 64 ReLU neurons; mean ± standard error of "
        f"{SEEDS} seeds",
    )
    return fig


PLANAR: dict[str, Any] = {
    "shape": "moons",
    "noise": 0.4,
    "examples": 60,
    "epochs": 600,
    "batch_size": 10,
    "lr": 0.1,
    "momentum": 0.9,
    "hidden": (20,),
}
"""Points and training of the divided planes; each panel changes one of them."""


def _planes(panels: Sequence[tuple[str, dict[str, Any]]]) -> tuple[Figure, tuple[Any, Any]]:
    """One plane a setting, and the shares of training and of new points that are right."""
    fig, axes = plot.new_figure(1, len(panels), (3.4 * len(panels), 4.4), share=True)
    right: tuple[list[float], list[float]] = ([], [])
    for ax, (name, settings) in zip(axes, panels, strict=True):
        task = _fitted_plane(**settings)
        scores = [evaluate(task, b)["accuracy"] for b in (task.train, task.test())]
        for values, score in zip(right, scores, strict=True):
            values.append(score)
        assert isinstance(task.train, Batches)
        draw_plane(ax, task.model, *task.train.tensors)
        ax.set_title(f"{name}\ntraining {scores[0]:.0%}, new {scores[1]:.0%}")
    return fig, right


def _fitted_plane(**settings: Any) -> Task:
    """A planar net fitted as closely to its training points as it can be."""
    config = PLANAR_NET.configure(**{**PLANAR, **settings})
    task = build_task(PLANAR_NET, config)
    task.watch = "train/loss"
    fit(task, config, reporter=Silent())
    task.model.eval()
    return task


def _planar_words() -> str:
    return (
        f"{PLANAR['examples']} points of two half moons, noise {PLANAR['noise']}; tanh neurons, "
        f"{PLANAR['epochs']} epochs in batches of {PLANAR['batch_size']}, seed 0. "
        "New: 1,000 other points"
    )


def _percents(shares: Sequence[float]) -> str:
    return ", ".join(f"{s:.0%}" for s in shares)


def _drawn(recipe: Any) -> Figure:
    """A recipe's net, drawn; it is not trained and needs no data."""
    return draw_model(net(recipe.config, 784, 10), torch.zeros(1, 784))


class _Clock(Silent):
    """Notes when each epoch ended."""

    def __init__(self) -> None:
        self.started = time.perf_counter()
        self.ends: list[float] = []

    def epoch(self, record: dict[str, Any], epochs: int) -> None:
        """Note the time since the start, in s."""
        self.ends.append(time.perf_counter() - self.started)


def _timed(**settings: Any) -> tuple[Fitted, list[float]]:
    """A net on the small digits, and the seconds at the end of each epoch."""
    config = DIGITS_MLP.configure(**settings)
    task, clock = build_task(DIGITS_MLP, config), _Clock()
    return fit(task, config, reporter=clock), clock.ends


def _value(record: dict[str, Any], name: str) -> float:
    """A value of a record; `error` is the validation error in %."""
    return 100 * (1 - record["validation/accuracy"]) if name == "error" else record[name]
