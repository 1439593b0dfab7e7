"""The book's figures of chapter 2 on overfitting: a line against a polynomial, and dropout."""

import numpy as np
import torch
from jaxtyping import Float
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.polynomial import Polynomial
from torch.nn import functional

from gradus.core import plot
from gradus.core.drawing import draw_neurons
from gradus.neurons.delta_rule import squared_error

POINTS, DEGREE, SEED = 13, 12, 5
Points = tuple[Float[np.ndarray, "13"], Float[np.ndarray, "13"]]


def noisy_line(seed: int = SEED) -> tuple[Points, Points]:
    """Points around the line y = 1 + x/2 with normal noise of standard deviation 0.8.

    Args:
        seed: Fixes the noise and the places of the new points.

    Returns:
        13 points to learn from, x even over [0, 10]; and 13 new ones, x random in between.
    """
    rng = np.random.default_rng(seed)
    x = np.stack([np.linspace(0, 10, POINTS), rng.uniform(0, 10, POINTS)])
    y = 1 + x / 2 + rng.normal(0, 0.8, x.shape)
    return (x[0], y[0]), (x[1], y[1])


def fit_both(points: Points) -> tuple[Polynomial, Polynomial]:
    """The line and the polynomial of degree 12 with the least squared error on the points."""
    return Polynomial.fit(*points, 1), Polynomial.fit(*points, DEGREE)


def errors_on(points: Points, models: tuple[Polynomial, Polynomial]) -> tuple[float, float]:
    """E = ½ Σ (t − y)² of the line and of the polynomial."""
    x, t = points
    line, polynomial = (squared_error(t, model(x)) for model in models)
    return line, polynomial


@plot.style()
def figure_2_8() -> Figure:
    """A line and a polynomial of degree 12 fitted to the same points."""
    learned, _ = noisy_line()
    models = fit_both(learned)
    line, polynomial = errors_on(learned, models)
    fig, (ax,) = plot.new_figure()
    _draw_models(ax, models)
    ax.plot(*learned, "o", color=plot.INK, markersize=6)
    plot.title(
        fig,
        f"The polynomial of degree {DEGREE} meets all {POINTS} points: squared error "
        f"{polynomial:.2f}, the line's {line:.2f}",
        f"Least squares on points around a straight line, noise 0.8, seed {SEED}. E = ½ Σ (t − y)²",
    )
    plot.end_labels(ax)
    return fig


@plot.style()
def figure_2_9() -> Figure:
    """The same two models on new points."""
    learned, new = noisy_line()
    models = fit_both(learned)
    line, polynomial = errors_on(new, models)
    fig, (ax,) = plot.new_figure()
    _draw_models(ax, models)
    ax.plot(*learned, "o", color=plot.FAINT, markersize=6)
    ax.vlines(*new, models[1](new[0]), color=plot.PALETTE[1], linewidth=1)
    ax.plot(*new, "D", color=plot.PALETTE[4], markersize=6)
    seeds = [noisy_line(seed) for seed in range(200)]
    usual = np.median([errors_on(new, fit_both(learned)) for learned, new in seeds], axis=0)
    plot.title(
        fig,
        f"On {POINTS} new points the line is far better: squared error {line:.1f}, "
        f"the polynomial's {polynomial:.0f}",
        f"Grey: the points that both were fitted to, seed {SEED}. Thin lines: the polynomial's "
        f"errors. Medians of {len(seeds)} seeds: line {usual[0]:.1f}, polynomial {usual[1]:.0f}",
    )
    plot.end_labels(ax)
    return fig


def _draw_models(ax: Axes, models: tuple[Polynomial, Polynomial]) -> None:
    x = np.linspace(0, 10, 501)
    for model, label in zip(models, ("line", f"degree {DEGREE}"), strict=True):
        ax.plot(x, model(x), label=label)
    ax.set(xlabel="x", ylabel="y", xlim=(-0.3, 10.3))


SIZES, DROPPED = (4, 6, 6, 2), 0.5


def silent_units(seed: int) -> list[list[int]]:
    """The hidden neurons that dropout silences in one minibatch, layer by layer."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        kept = [functional.dropout(torch.ones(size), DROPPED) for size in SIZES[1:-1]]
    return [[], *((layer == 0).nonzero().squeeze(1).tolist() for layer in kept), []]


@plot.style()
def figure_2_16() -> Figure:
    """A network and what dropout leaves of it in two minibatches."""
    fig, panels = plot.new_figure(1, 3, (10, 4.2))
    masks: list[list[list[int]]] = [[[] for _ in SIZES], silent_units(1), silent_units(2)]
    counts = [sum(map(len, mask)) for mask in masks]
    hidden = sum(SIZES[1:-1])
    names = ("no dropout", "one minibatch", "another minibatch")
    for ax, name, mask in zip(panels, names, masks, strict=True):
        draw_neurons(ax, SIZES, mask)
        ax.set_title(name, loc="center")
    plot.title(
        fig,
        f"Each minibatch trains another network: dropout silences {counts[1]}, then {counts[2]} "
        f"of {hidden} hidden neurons",
        f"Hidden neurons are silenced with probability {DROPPED}, so {2**hidden:,} networks share "
        f"these weights; the outputs of those left are multiplied by {1 / (1 - DROPPED):g}",
    )
    return fig
