"""The book's figures of chapter 2 that show gradient descent on an error surface."""

from itertools import pairwise
from typing import Any

import numpy as np
from jaxtyping import Float
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from gradus.core import plot
from gradus.neurons.delta_rule import Descent, delta_rule, largest_stable_rate, meals

PATH = plot.PALETTE[4]
AXES = {"xlabel": "w1, price of a burger", "ylabel": "w2, price of fries"}
START = np.array([0.4, 4.6])


def two_prices() -> tuple[Float[np.ndarray, "20 2"], Float[np.ndarray, "20"]]:
    """The fast-food problem with two items only: servings of burgers and fries, and the cost."""
    servings, cost = meals(20, seed=0, prices=(2.5, 1.5, 0.0))
    return servings[:, :2], cost


def error_at(w: Float[np.ndarray, "*rows places 2"]) -> Float[np.ndarray, "*rows places"]:
    """E = ½ Σ (t − w·x)² of the two prices, at each pair of weights."""
    x, t = two_prices()
    return 0.5 * ((t - w @ x.T) ** 2).sum(axis=-1)


@plot.style()
def figure_2_2() -> Figure:
    """The error surface of a linear neuron: a quadratic bowl, with its contours below."""
    x, t = two_prices()
    lowest = np.linalg.lstsq(x, t, rcond=None)[0]
    curvatures, axes = np.linalg.eigh(x.T @ x)
    # At height h the bowl is the ellipse w = lowest + √(2h/λ1) cos φ axis1 + √(2h/λ2) sin φ axis2.
    rim = 300.0
    height, phi = np.meshgrid(rim * np.linspace(0, 1, 41) ** 2, np.linspace(0, 2 * np.pi, 121))
    circle = np.stack([np.cos(phi), np.sin(phi)], axis=-1)
    w = lowest + (circle * np.sqrt(2 * height[..., None] / curvatures)) @ axes.T
    w1, w2, error, floor = w[..., 0], w[..., 1], error_at(w), -0.8 * rim

    fig, (panel,) = plot.new_figure(size=(7, 5.2), projection="3d")
    ax: Any = panel  # what only 3-D axes can do has no types
    ax.plot_surface(w1, w2, error, cmap=plot.MAGNITUDE, rcount=121, ccount=41, rasterized=True)
    rings = np.linspace(0, rim, 7)[1:]
    ax.contour(w1, w2, error, rings * 0.999, cmap=plot.MAGNITUDE, vmin=0, vmax=rim, offset=floor)
    ax.plot([lowest[0]] * 2, [lowest[1]] * 2, [floor, 0], ":o", color=plot.INK, markersize=5)
    ax.set(**AXES, zlabel="error E", zlim=(floor, rim), zticks=np.linspace(0, rim, 4))
    ax.view_init(elev=24, azim=-112)
    ax.set_box_aspect((1.4, 1.4, 1), zoom=1.05)
    gentle, steep = curvatures
    plot.title(
        fig,
        f"The error is a bowl, {steep / gentle:.1f} times as steep across as along, with one "
        f"lowest point: w = ({lowest[0]:.2f}, {lowest[1]:.2f})",
        f"A linear neuron learns the prices of burgers and fries from {len(x)} meals. Below the "
        "bowl its contours",
    )
    return fig


@plot.style()
def figure_2_3() -> Figure:
    """Contours of the error surface and the path that gradient descent takes over them."""
    x, t = two_prices()
    rate = 0.3 * largest_stable_rate(x)
    descent = delta_rule(x, t, learning_rate=rate, epochs=40, w0=START)
    path, errors = descent.weights, descent.errors
    fig, (ax,) = plot.new_figure(size=(7, 5.4))
    _draw_contours(ax, errors[[16, 11, 7, 4, 2, 1, 0]], (-1.2, 6.2), (0.3, 5))
    _draw_path(ax, descent)
    for here, after in pairwise(path[:4]):
        _right_angle(ax, here, after - here)
    ax.annotate("start", tuple(START), (8, 5), textcoords="offset points")
    ax.set(**AXES)
    plot.title(
        fig,
        "Every step crosses its contour at a right angle: the error falls from "
        f"{errors[0]:,.0f} to {errors[-1]:.1f} in {len(errors) - 1} steps",
        f"A linear neuron learns the prices of burgers and fries from {len(x)} meals, "
        f"ε = {rate:.4f}. Each contour passes through a position of the path",
    )
    return fig


def _draw_contours(
    ax: Axes,
    levels: Float[np.ndarray, "n"],
    limits1: tuple[float, float],
    limits2: tuple[float, float],
) -> None:
    """Draw lines of equal error and a star at the lowest, in axes where right angles look right."""
    x, t = two_prices()
    w1, w2 = np.linspace(*limits1, 300), np.linspace(*limits2, 300)
    error = error_at(np.stack(np.meshgrid(w1, w2), axis=-1))
    top = 1.2 * levels.max()  # leaves out the brightest, which fades on white
    ax.contour(w1, w2, error, levels, cmap=plot.MAGNITUDE, vmin=0, vmax=top, linewidths=1.2)
    lowest = np.linalg.lstsq(x, t, rcond=None)[0]
    ax.plot(*lowest, "*", color=plot.INK, markersize=12, markeredgecolor="white", zorder=4)
    ax.set(aspect="equal", xlim=limits1, ylim=limits2)
    ax.grid(visible=False)


def _draw_path(ax: Axes, descent: Descent) -> None:
    ax.plot(*descent.weights.T, "-o", color=PATH, linewidth=1.5, markersize=3.5, zorder=3)


def _right_angle(
    ax: Axes, corner: Float[np.ndarray, "2"], direction: Float[np.ndarray, "2"], side: float = 0.12
) -> None:
    """Draw the little square between a direction and the contour that it crosses."""
    ahead = side * direction / np.linalg.norm(direction)
    across = np.array([-ahead[1], ahead[0]])
    square = np.array([corner + ahead, corner + ahead + across, corner + across])
    ax.plot(*square.T, "-", color=plot.INK, linewidth=1)


@plot.style()
def figure_2_4() -> Figure:
    """Gradient descent with a learning rate that is too small, right, and too large."""
    x, t = two_prices()
    bound, steps = largest_stable_rate(x), 15
    fig, panels = plot.new_figure(1, 3, (10, 4.6), share=True)
    growth = 0.0
    for ax, name, share in zip(
        panels, ("too small", "right", "too large"), (0.02, 0.6, 1.06), strict=True
    ):
        descent = delta_rule(x, t, learning_rate=share * bound, epochs=steps, w0=START)
        first, last = descent.errors[[0, -1]]
        growth = last / first
        _draw_contours(ax, 2500 * np.linspace(0.1, 1, 10) ** 2, (-1.2, 6.2), (-1.8, 5.3))
        _draw_path(ax, descent)
        ax.set_title(
            f"{name}: ε = {share:g} × bound\nerror {first:,.0f} → {last:,.{int(last < 10)}f}"
        )
        ax.set_xlabel(AXES["xlabel"])
    panels[0].set_ylabel(AXES["ylabel"])
    plot.title(
        fig,
        f"Above ε = 2/λmax = {bound:.4f} gradient descent diverges: "
        f"in {steps} steps the error grows {growth:.1f}-fold",
        f"A linear neuron learns two prices from {len(x)} meals; {steps} steps from one start. "
        "λmax: largest eigenvalue of Σ x xᵀ. Star: minimum",
    )
    return fig
