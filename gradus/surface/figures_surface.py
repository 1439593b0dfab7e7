"""The book's figures 4-1, 4-3, 4-4 and 4-5: minima, a straight line through them, and saddles."""

from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from torch import Tensor

from gradus.core import plot
from gradus.core.experiment import trained
from gradus.core.recipe import resolve
from gradus.surface.curvature import curvature_along, expand
from gradus.surface.drawing import draw_interpolation
from gradus.surface.interpolation import alpha_grid, interpolate
from gradus.surface.random_functions import (
    critical_points,
    downward_axes,
    expected_shares,
    random_function,
)
from gradus.surface.site import open_site

EXAMPLES, WAVE, BATCH, RATE, STEPS, RUNS = 20, 5.0, 4, 0.2, 300, 20
W = np.linspace(0.2, 6.2, 601)
LOW, DEEP, SHALLOW = plot.PALETTE[0], plot.PALETTE[4], plot.PALETTE[1]
SLICES = {
    "A–B": ((1.0, 0.0), plot.PALETTE[0]),
    "C–D": ((0.0, 1.0), plot.PALETTE[4]),
    "E–F": ((2**-0.5, 2**-0.5), plot.PALETTE[2]),
}
DIMENSIONS = 8
SEARCHED = {1: (20, 20.0), 2: (10, 10.0), 3: (8, 4.0)}
"""Dimensions -> how many random functions are searched, and in how wide a box."""


def examples() -> tuple[Float[np.ndarray, "20"], Float[np.ndarray, "20"]]:
    """Inputs x and targets sin(5x) for a neuron y = sin(wx), whose error has several minima."""
    x = np.random.default_rng(315).uniform(0, 3, EXAMPLES)
    return x, np.sin(WAVE * x)


def errors_at(w: Float[np.ndarray, "n"]) -> Float[np.ndarray, "20 n"]:
    """½(t − y)² of each example at each weight; their mean is the error E."""
    x, t = examples()
    return 0.5 * (t[:, None] - np.sin(np.outer(x, w))) ** 2


def descend(start: float, batch_size: int, seed: int = 0) -> Float[np.ndarray, "steps"]:
    """The weight in stochastic gradient descent on the examples, before and after each step."""
    x, t = examples()
    rng, path = np.random.default_rng(seed), [start]
    while len(path) <= STEPS:
        for rows in np.split(rng.permutation(EXAMPLES), EXAMPLES // batch_size):
            y, slope = np.sin(path[-1] * x[rows]), np.cos(path[-1] * x[rows]) * x[rows]
            path.append(float(path[-1] + RATE * ((t[rows] - y) * slope).mean()))
    return np.array(path)


def minima() -> list[float]:
    """The weights at which E has a minimum, from the left: shallow, deep, lowest."""
    error = errors_at(W).mean(axis=0)
    inside = (error[1:-1] < error[:-2]) & (error[1:-1] < error[2:])
    return W[1:-1][inside].tolist()


@plot.style()
def figure_4_1() -> Figure:
    """Minibatch descent leaves a shallow local minimum and stays in a deep one."""
    shallow, _, lowest = minima()
    runs = [descend(shallow, BATCH, seed) for seed in range(RUNS)]
    ends = np.array([run[-1] for run in runs])
    left, reached = (np.abs(ends - shallow) > 0.5).sum(), (np.abs(ends - lowest) < 0.5).sum()
    fig, (surface, steps) = plot.new_figure(1, 2, (10, 4.6))
    each = errors_at(W)
    rng = np.random.default_rng(0)
    for rows in rng.permutation(EXAMPLES).reshape(-1, BATCH):
        surface.plot(W, each[rows].mean(axis=0), "-", color=plot.PALETTE[5], lw=0.9, alpha=0.8)
    surface.plot(W, each.mean(axis=0), "-", color=plot.INK, linewidth=2.5)
    for name, w, colour in _named_minima():
        height = float(errors_at(np.array([w])).mean())
        surface.plot(w, height, "o", color=colour, markersize=8, zorder=3)
        surface.annotate(
            name, (w, height), (0, -8), textcoords="offset points", ha="center", va="top",
            color=plot.readable(colour), weight="bold",
        )  # fmt: skip
        steps.axhline(w, color=colour, linewidth=1, linestyle=":")
        steps.annotate(
            name, (1, w), (5, 0), xycoords=("axes fraction", "data"), va="center",
            textcoords="offset points", color=plot.readable(colour),
        )  # fmt: skip
    surface.set(xlabel="weight w", ylabel="error E", ylim=(-0.12, 1.5))
    surface.set_title(f"All examples (black) and minibatches of {BATCH}")
    for run in runs:
        steps.plot(run, "-", color=plot.PALETTE[3], linewidth=0.9, alpha=0.7)
    steps.plot(descend(shallow, EXAMPLES), "-", color=plot.INK, linewidth=2)
    steps.set(xlabel="step", ylabel="weight w", ylim=(0.8, 5.6))
    steps.set_title("Descent from the shallow minimum")
    plot.title(
        fig,
        f"Minibatches shake {left} of {RUNS} runs out of the shallow minimum, and "
        f"{reached or 'none'} out of the deep one",
        f"A neuron y = sin(wx) learns sin({WAVE:g}x) from {EXAMPLES} examples, ε = {RATE}. "
        "Black at the right: all examples in each step",
    )
    return fig


def _named_minima() -> list[tuple[str, float, str]]:
    return list(zip(("shallow", "deep", "lowest"), minima(), (SHALLOW, DEEP, LOW), strict=True))


@plot.style()
def figure_4_3() -> Figure:
    """The loss on the line from random start to solution of the MNIST net (trains it first)."""
    run = trained(resolve("gradus.neurons.recipes:MNIST_MLP"))
    site = open_site(run, "test", run.path / "surface", run.config.device)
    line = interpolate(
        site.task,
        site.start,
        site.solution,
        alpha_grid(-2, 2, 401),
        site.batches,
        file=site.folder / "figure-4-3.npz",
    )
    return draw_interpolation(line, f"{site.words}. θ(α) = α·solution + (1 − α)·start")


def saddle(x: Float[Tensor, "*points 2"]) -> Float[Tensor, "*points"]:
    """E = ½x² − ½y² + ½xy(x + y): a saddle at 0 with a slice of each kind through it."""
    a, b = x[..., 0], x[..., 1]
    return 0.5 * (a**2 - b**2 + a * b * (a + b))


def _slice(direction: tuple[float, float], t: Float[np.ndarray, "n"]) -> Float[np.ndarray, "n"]:
    return saddle(torch.from_numpy(np.outer(t, direction))).numpy()


@plot.style()
def figure_4_4() -> Figure:
    """A critical point cut along three directions: minimum, maximum, and neither."""
    here = expand(saddle, torch.zeros(2, dtype=torch.float64))
    t = np.linspace(-1, 1, 201)
    fig, panels = plot.new_figure(1, 3, (10, 4), share=True)
    panels[0].set_xlim(-1.25, 1.25)
    names = ("a minimum", "a maximum", "neither: an inflection")
    for ax, name, (ends, (direction, colour)) in zip(panels, names, SLICES.items(), strict=True):
        bend = curvature_along(here, torch.tensor(direction, dtype=torch.float64))
        ax.plot(t, _slice(direction, t), "-", color=colour, linewidth=2.5)
        ax.plot(0, 0, "o", color=plot.INK, markersize=7, zorder=3)
        ax.axhline(0, color=plot.GREY, linewidth=1, linestyle=":")
        ax.set_title(f"{ends}: {name}\ndᵀHd = {bend:+.0f}".replace("-", "−").replace("+0", "0"))
        ax.set_xlabel("distance along the slice")
        for letter, end in zip(ends.split("–"), (0, -1), strict=True):
            ax.annotate(
                letter, (t[end], _slice(direction, t)[end]), (9 if end else -9, 0),
                textcoords="offset points", ha="center", va="center", color=colour, weight="bold",
            )  # fmt: skip
    panels[0].set(ylabel="error E", ylim=(-0.75, 0.75))
    plot.title(
        fig,
        "One critical point is a minimum, a maximum or neither, as one slices it",
        "E = ½x² − ½y² + ½xy(x + y) at (0, 0): A–B along x, C–D along y, E–F along the diagonal. "
        "dᵀHd: second derivative along the slice",
    )
    return fig


@plot.style()
def figure_4_5() -> Figure:
    """A saddle with two of its slices, and how rare minima are in many dimensions."""
    fig, (left, right) = plot.new_figure(1, 2, (10.5, 5))
    left.remove()
    _draw_saddle(fig.add_subplot(1, 2, 1, projection="3d"))
    shares, found = _draw_shares(right)
    plot.title(
        fig,
        f"In {DIMENSIONS} dimensions one in {1 / shares[-1]:,.0f} critical points of a random "
        f"function is a minimum; (1/3)ᵈ says one in {3**DIMENSIONS:,}",
        f"Left: A–B is a minimum, C–D a maximum. Right: Gaussian random functions; dots: counted "
        f"among {found:,} critical points, ± one standard error",
    )
    return fig


def _draw_saddle(ax: Any) -> None:
    """The saddle's surface with two slices through it."""
    grid = np.linspace(-1, 1, 61)
    x, y = np.meshgrid(grid, grid)
    error = saddle(torch.from_numpy(np.stack([x, y], axis=-1))).numpy()
    ax.plot_surface(
        x, y, error, cmap=plot.MAGNITUDE, rcount=61, ccount=61, alpha=0.75, rasterized=True
    )
    for ends in ("A–B", "C–D"):
        direction, colour = SLICES[ends]
        height = _slice(direction, grid)
        ax.plot(*np.outer(direction, grid), height, "-", color=colour, linewidth=3, zorder=5)
        for letter, end in zip(ends.split("–"), (0, -1), strict=True):
            place = 1.25 * grid[end] * np.array(direction)
            ax.text(*place, height[end], letter, color=colour, weight="bold", size=12, zorder=6)
    ax.plot(0, 0, 0, "o", color=plot.INK, markersize=6, zorder=6)
    ax.set(xlabel="x", ylabel="y", zlabel="error E")
    ax.set(xticks=(-1, 0, 1), yticks=(-1, 0, 1), zticks=(-1, 0, 1))
    ax.view_init(elev=28, azim=-60)
    ax.set_box_aspect((1, 1, 0.75), zoom=0.95)


def _draw_shares(ax: Axes) -> tuple[Float[np.ndarray, "d"], int]:
    """The share of minima against the number of dimensions; how many points were counted."""
    dimensions = np.arange(1, DIMENSIONS + 1)
    shares = np.array([expected_shares(d)[0] for d in dimensions.tolist()])
    ax.plot(dimensions, shares, "-", color=plot.PALETTE[0], label="expected")
    ax.plot(dimensions, 3.0**-dimensions, "--", color=plot.PALETTE[1], label="(1/3)ᵈ")
    total = 0
    for d, (functions, side) in SEARCHED.items():
        axes = _axes_found(d, functions, side)
        share, total = axes.count(0) / len(axes), total + len(axes)
        error = np.sqrt(share * (1 - share) / len(axes))
        ax.errorbar(d, share, error, fmt="o", color=plot.INK, capsize=3, zorder=3)
    ax.set_yscale("log")
    ax.set(xlabel="dimensions d", ylabel="share of minima among critical points")
    ax.set_xticks(dimensions)
    plot.end_labels(ax)
    return shares, total


def _axes_found(dimensions: int, functions: int, side: float) -> list[int]:
    """Of every critical point found, along how many axes it is a maximum."""
    found: list[int] = []
    for seed in range(functions):
        function = random_function(dimensions, seed)
        found += downward_axes(function, critical_points(function, side))
    return found
