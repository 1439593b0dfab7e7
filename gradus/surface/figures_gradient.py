"""The book's figures 4-6 and 4-7: where the gradient points, and how it turns under a step."""

import numpy as np
import torch
from jaxtyping import Float
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from gradus.core import plot
from gradus.core.recipe import resolve
from gradus.core.task import build_task
from gradus.surface.curvature import Expansion, Step, expand, expand_task, gradient_step
from gradus.surface.drawing import step_lines
from gradus.surface.evaluation import parameter_vector
from gradus.surface.grid import evaluate_points

STEEP = 10.0
"""How much more the elliptical bowl curves along y than along x."""
ARROW, WAY = plot.PALETTE[4], plot.PALETTE[0]
START = np.array([-2.4, 1.9])
TAKEN = np.array([0.0, 0.3, 0.6, 0.8, 0.95])
"""Shares of the best step at which the gradient is looked at again."""


def bowl_at(point: Float[np.ndarray, "2"], steepness: float) -> Expansion:
    """E = ½(x² + κy²), κ the steepness, around a point."""
    bends = torch.tensor([1.0, steepness], dtype=torch.float64)
    return expand(lambda x: 0.5 * (bends * x**2).sum(), torch.from_numpy(point))


def downhill(point: Float[np.ndarray, "2"], steepness: float) -> Float[np.ndarray, "2"]:
    """The unit vector along −∇E."""
    gradient = bowl_at(point, steepness).gradient.numpy()
    return -gradient / np.linalg.norm(gradient)


def angle(one: Float[np.ndarray, "2"], other: Float[np.ndarray, "2"]) -> float:
    """The angle between two vectors, in degrees."""
    cosine = one @ other / (np.linalg.norm(one) * np.linalg.norm(other))
    return float(np.degrees(np.arccos(np.clip(cosine, -1, 1))))


def largest_miss(steepness: float) -> float:
    """The largest angle, in degrees, between −∇E and the way to the minimum, around it."""
    turns = np.linspace(0, np.pi / 2, 2001)
    places = np.stack([np.cos(turns), np.sin(turns)])
    gradients = places * np.array([[1.0], [steepness]])
    cosines = (places * gradients).sum(axis=0) / np.linalg.norm(gradients, axis=0)
    return float(np.degrees(np.arccos(cosines.clip(-1, 1))).max())


@plot.style()
def figure_4_6() -> Figure:
    """Arrows along −∇E on circular and on elliptical contours, and by how much they miss."""
    fig, (circles, ellipses, right) = plot.new_figure(1, 3, (11, 4.4))
    for ax, steepness in ((circles, 1.0), (ellipses, STEEP)):
        _draw_bowl(ax, steepness)
        for turn in np.linspace(0, 2 * np.pi, 16, endpoint=False) + np.pi / 16:
            place = np.array([2.3 * np.cos(turn), 2.3 * np.sin(turn)])
            _arrow(ax, place, 0.8 * downhill(place, steepness))
    ratios = np.geomspace(1, 1000, 61)
    worst = np.array([largest_miss(ratio) for ratio in ratios.tolist()])
    right.plot(ratios, worst, "-", color=plot.INK)
    right.axhline(90, color=plot.GREY, linewidth=1, linestyle=":")
    right.plot(STEEP, largest_miss(STEEP), "o", color=ARROW, markersize=8)
    right.set_xscale("log")
    right.xaxis.set_major_formatter("{x:g}")
    right.set(
        xlabel="κ: curvature along y / along x", ylabel="largest miss (degrees)", ylim=(0, 98)
    )
    right.set_title("The worst place around the minimum")
    circles.set_title("Circles: it points at the minimum")
    ellipses.set_title(f"{STEEP:g} times the curvature along y")
    plot.title(
        fig,
        f"With contours {np.sqrt(STEEP):.1f} times as long as wide −∇E misses the minimum by up "
        f"to {largest_miss(STEEP):.0f}°; the longer they are, the nearer to 90°",
        "E = ½(x² + κy²), κ = 1 and 10. Arrows: −∇E, all of one length; dashed: the way to the "
        "minimum",
    )
    return fig


@plot.style()
def figure_4_7() -> Figure:
    """The gradient along one step against it, and a net's loss along such a step."""
    fig, (circles, ellipses, right) = plot.new_figure(1, 3, (11.5, 4.6))
    turned = []
    for ax, steepness in ((circles, 1.0), (ellipses, STEEP)):
        best = gradient_step(bowl_at(START, steepness)).best
        gradient = bowl_at(START, steepness).gradient.numpy()
        _draw_bowl(ax, steepness)
        places = START - TAKEN[:, None] * best * gradient
        ax.plot(*places.T, "-", color=WAY, linewidth=1.2)
        for place in places:
            _arrow(ax, place, 0.55 * downhill(place, steepness), dashed=False)
        turned.append(angle(downhill(places[-1], steepness), downhill(START, steepness)))
        ax.plot(*START, "o", color=WAY, markersize=7)
        ax.set(xlim=(-3.1, 0.5), ylim=(-0.9, 2.7))
        ax.set_title(f"κ = {steepness:g}: −∇E turns by {turned[-1]:.0f}°")
    step, rates, measured = _net_step()
    step_lines(right, step, rates, measured)
    right.set_title("A net's loss along −∇E")
    at = float(np.interp(step.best, rates, measured))
    plot.title(
        fig,
        f"On long contours −∇E turns by {turned[-1]:.0f}° under a step; a net's best step was to "
        f"end at {step.predict(np.array([step.best]))[0]:.2f}, and ends at {at:.2f}",
        f"Left: E = ½(x² + κy²), arrows of one length along {TAKEN[-1]:.0%} of the best step. "
        "Right: digits-mlp at its random start, test examples".replace("%", " %"),
    )
    plot.end_labels(right)
    return fig


def _net_step() -> tuple[Step, Float[np.ndarray, "41"], Float[np.ndarray, "41"]]:
    """A step against the gradient at the digits net's random start, predicted and measured."""
    recipe = resolve("gradus.neurons.recipes:DIGITS_MLP")
    task = build_task(recipe, recipe.config)
    expansion = expand_task(task, task.test())
    step = gradient_step(expansion)
    rates = np.linspace(0, 2 * step.best, 41)
    basis = torch.stack([parameter_vector(task.model), expansion.gradient])
    coordinates = np.stack([np.ones_like(rates), -rates], axis=1)
    return step, rates, evaluate_points(task, task.test(), coordinates, basis)["loss"]


def _draw_bowl(ax: Axes, steepness: float) -> None:
    """Contours of E, its minimum, and axes in which right angles look right."""
    x, y = np.meshgrid(np.linspace(-3.2, 3.2, 201), np.linspace(-3.2, 3.2, 201))
    error = 0.5 * (x**2 + steepness * y**2)
    levels = 0.5 * np.linspace(0.3, 4.5, 8) ** 2 * np.sqrt(steepness)
    ax.contour(x, y, error, levels, cmap=plot.MAGNITUDE, vmax=1.3 * levels.max(), linewidths=1.1)
    ax.plot(0, 0, "*", color=plot.INK, markersize=12, markeredgecolor="white", zorder=4)
    ax.set(aspect="equal", xlim=(-3.2, 3.2), ylim=(-3.2, 3.2), xlabel="x", ylabel="y")
    ax.grid(visible=False)


def _arrow(
    ax: Axes, place: Float[np.ndarray, "2"], way: Float[np.ndarray, "2"], dashed: bool = True
) -> None:
    """An arrow from a place, and dashed the way from there to the minimum."""
    if dashed:
        ax.plot(*np.stack([place, 0.15 * place]).T, "--", color=plot.FAINT, linewidth=0.9)
    style = {"arrowstyle": "-|>", "color": ARROW, "linewidth": 1.6, "shrinkA": 0, "shrinkB": 0}
    ax.annotate("", tuple(place + way), tuple(place), arrowprops=style, zorder=5)
    ax.plot(*place, ".", color=ARROW, markersize=5)
