"""Drawings of what was measured on an error surface: a line, a plane, a spectrum, a step."""

from typing import Any

import numpy as np
from jaxtyping import Float
from matplotlib.axes import Axes
from matplotlib.colors import LogNorm, Normalize
from matplotlib.figure import Figure
from matplotlib.patheffects import withStroke
from matplotlib.ticker import MaxNLocator

from gradus.core import plot
from gradus.surface.curvature import Step
from gradus.surface.interpolation import Interpolation
from gradus.surface.lanczos import Spectrum
from gradus.surface.plane import Plane

LEVELS = 16
FLOOR = 1e-7
"""The least density that is drawn, as a share of the greatest."""
START, SOLUTION, PATH = plot.PALETTE[4], plot.PALETTE[0], plot.PALETTE[4]


@plot.style()
def draw_interpolation(line: Interpolation, subtitle: str = "") -> Figure:
    """The loss on the line through start and solution, and what it does between the two.

    Args:
        line: what was measured.
        subtitle: model, data, number of examples.
    """
    fig, (ax,) = plot.new_figure()
    alphas, losses = line.alphas, line.losses
    ax.axvspan(0, 1, color=plot.GRID, alpha=0.5, linewidth=0)
    ax.plot(alphas, losses, "-", color=plot.INK)
    ax.set(xlabel="α: 0 is the random start, 1 the solution", ylabel="loss per example")
    _leave_room_below(ax, losses)
    for name, alpha, colour, offset in (
        ("start", 0.0, START, (9, 2)),
        ("solution", 1.0, SOLUTION, (0, -10)),
    ):
        at = losses[alphas == alpha]
        if len(at) == 0:
            continue
        ax.plot(alpha, at[0], "o", color=colour, markersize=8, zorder=3)
        ax.annotate(
            f"{name}: {at[0]:.3g}",
            (alpha, at[0]),
            offset,
            textcoords="offset points",
            ha="left" if name == "start" else "center",
            va="bottom" if name == "start" else "top",
            color=plot.readable(colour),
        )
    plot.title(fig, _line_finding(line), subtitle)
    return fig


def _line_finding(line: Interpolation) -> str:
    between = (line.alphas >= 0) & (line.alphas <= 1)
    alphas, losses = line.alphas[between], line.losses[between]
    if len(losses) < 2:
        low, high = line.losses.min(), line.losses.max()
        return f"The loss on the line lies between {low:.3g} and {high:.3g}"
    if line.barrier:
        return (
            f"Between start and solution stands a hill, {line.hill:.3g} high: the straight way "
            "has a barrier"
        )
    lowest = int(losses.argmin())
    where = "at the solution" if lowest == len(losses) - 1 else f"at α = {alphas[lowest]:.2f}"
    return (
        f"Straight from the start the loss falls from {losses[0]:.3g} to {losses[lowest]:.2g} "
        f"{where}, without a barrier"
    )


def _leave_room_below(ax: Axes, losses: Float[np.ndarray, "n"]) -> None:
    """Room for words below the curve; a logarithmic axis where it spans a factor of ten."""
    seen = losses[np.isfinite(losses)]
    low, high = seen.min(), seen.max()
    if _spans(losses):
        ax.set_yscale("log")
        ax.yaxis.set_major_formatter("{x:g}")
        ax.set_ylim(low * (low / high) ** 0.15, high * (high / low) ** 0.05)
    elif high > low:
        ax.set_ylim(low - 0.15 * (high - low), high + 0.05 * (high - low))


def _spans(losses: Float[np.ndarray, "*n"]) -> bool:
    seen = losses[np.isfinite(losses)]
    return bool(seen.min() > 0 and seen.max() > 10 * seen.min())


@plot.style()
def draw_plane(plane: Plane, subtitle: str = "") -> Figure:
    """The loss on a plane through the solution: contours with the path, and the surface.

    Args:
        plane: what was measured.
        subtitle: model, data, number of examples, directions.
    """
    losses = np.clip(plane.losses, None, np.nanmax(plane.losses[np.isfinite(plane.losses)]))
    logarithmic = _spans(losses)
    norm = (LogNorm if logarithmic else Normalize)(losses.min(), losses.max())
    fig, (left, right) = plot.new_figure(1, 2, (10.5, 5.2))
    right.remove()
    _contours(left, plane, losses, norm)
    ax: Any = fig.add_subplot(1, 2, 2, projection="3d")
    a, b = np.meshgrid(plane.a, plane.b)
    height = np.log10(losses) if logarithmic else losses
    ax.plot_surface(a, b, height, cmap=plot.MAGNITUDE, rcount=81, ccount=81, rasterized=True)
    ax.set(xlabel="a", ylabel="b")
    ax.set_zlabel("loss", labelpad=7)
    for axis in (ax.xaxis, ax.yaxis, ax.zaxis):
        axis.set_major_locator(MaxNLocator(4))
    if logarithmic:
        ax.zaxis.set_major_formatter(lambda power, _: f"{10**power:.2g}")
    ax.view_init(elev=32, azim=-60)
    ax.set_box_aspect((1, 1, 0.7), zoom=0.92)
    plot.title(fig, _plane_finding(plane), subtitle)
    return fig


def _contours(
    ax: Axes, plane: Plane, losses: Float[np.ndarray, "rows columns"], norm: Normalize
) -> None:
    """Filled contours, some with their loss, the path and the solution."""
    space = np.geomspace if isinstance(norm, LogNorm) else np.linspace
    levels = space(losses.min(), losses.max(), LEVELS)
    filled = ax.contourf(plane.a, plane.b, losses, levels, norm=norm, cmap=plot.MAGNITUDE)
    lines = ax.contour(plane.a, plane.b, losses, levels, colors="white", linewidths=0.5)
    for text in ax.clabel(lines, levels[2:-1:3], fmt="%.2g", fontsize=8, inline=False):
        background = filled.cmap(norm(float(text.get_text())))
        halo = withStroke(linewidth=3, foreground=background)
        text.set(color=plot.ink_on(background), path_effects=[halo])
        across, up = ax.transAxes.inverted().transform(ax.transData.transform(text.get_position()))
        if min(across, up, 1 - across, 1 - up) < 0.05:
            text.remove()
    if len(plane.path):
        ax.plot(*plane.path.T, "-o", color=PATH, markersize=5, markeredgecolor="white")
        start = ax.annotate("start", tuple(plane.path[0]), (8, 6), textcoords="offset points")
        start.set_path_effects([withStroke(linewidth=3, foreground="white")])
    ax.plot(0, 0, "*", color="white", markeredgecolor=plot.INK, markersize=14, zorder=4)
    ax.set(xlabel=f"a, {plane.names[0]}", ylabel=f"b, {plane.names[1]}")
    ax.grid(visible=False)


def _plane_finding(plane: Plane) -> str:
    row, column = plane.lowest
    a, b = plane.a[column], plane.b[row]
    near = abs(a) <= plane.a[1] - plane.a[0] and abs(b) <= plane.b[1] - plane.b[0]
    where = "at the solution" if near else f"at ({a:.2g}, {b:.2g}), away from the solution"
    words = (
        f"Of {plane.losses.size:,} points on the plane the loss is lowest {where}: "
        f"{plane.losses[row, column]:.3g}; the highest is {np.nanmax(plane.losses):.3g}"
    )
    return words.replace("-", "−")


@plot.style()
def draw_spectrum(
    spectrum: Spectrum,
    largest: Float[np.ndarray, "k"],
    smallest: Float[np.ndarray, "l"],
    subtitle: str = "",
) -> Figure:
    """The density of the Hessian's eigenvalues, and the largest and smallest one by one.

    Args:
        spectrum: the density.
        largest: the largest eigenvalues, falling.
        smallest: the smallest, rising.
        subtitle: model, data, number of examples. "Near 0" in the title is within 1 % of the
            largest eigenvalue.
    """
    low = min(spectrum.nodes.min(), smallest[0])
    high = max(spectrum.nodes.max(), largest[0])
    width = (high - low) / 200 or max(abs(high), 1) / 200
    grid = np.linspace(low - 6 * width, high + 6 * width, 1201)
    density = spectrum.density(grid, width)
    fig, (ax,) = plot.new_figure()
    ax.fill_between(grid, density, FLOOR * density.max(), color=plot.PALETTE[5], alpha=0.35, lw=0)
    ax.plot(grid, density, "-", color=plot.PALETTE[0], linewidth=1.5)
    for values, colour, name in (
        (largest, plot.PALETTE[4], f"the {len(largest)} largest"),
        (smallest, plot.PALETTE[2], "the smallest"),
    ):
        ax.plot(
            values,
            np.full(len(values), 2 * FLOOR * density.max()),
            "|",
            color=colour,
            markersize=16,
            markeredgewidth=1.8,
            label=name,
        )
    ax.set_yscale("log")
    ax.set(xlabel="eigenvalue λ", ylabel="density of eigenvalues")
    ax.set_ylim(FLOOR * density.max(), 3 * density.max())
    ax.legend(loc="upper right", labelspacing=1.4)
    plot.title(fig, _spectrum_finding(spectrum, largest[0], smallest[0]), subtitle)
    return fig


def _spectrum_finding(spectrum: Spectrum, largest: float, smallest: float) -> str:
    top = max(abs(largest), abs(smallest))
    flat = float((spectrum.weights * (abs(spectrum.nodes) <= 0.01 * top)).sum(axis=1).mean())
    words = (
        f"{flat:.1%} of the eigenvalues lie near 0; the largest is {largest:.3g}, "
        f"the smallest {smallest:.2g}"
    )
    return words.replace("-", "−").replace("%", " %")


@plot.style()
def draw_step(
    step: Step,
    rates: Float[np.ndarray, "k"],
    measured: Float[np.ndarray, "k"],
    subtitle: str = "",
) -> Figure:
    """The loss that a step of −εg really ends at, and the second-order prediction.

    Args:
        step: the prediction.
        rates: ε of each step, rising from 0.
        measured: the loss after it.
        subtitle: model, data, number of examples.
    """
    fig, (ax,) = plot.new_figure()
    step_lines(ax, step, rates, measured)
    plot.title(fig, _step_finding(step, rates, measured), subtitle)
    plot.end_labels(ax)
    return fig


def step_lines(
    ax: Axes, step: Step, rates: Float[np.ndarray, "k"], measured: Float[np.ndarray, "k"]
) -> None:
    """Measured and predicted loss in a panel, the best rate marked."""
    predicted = step.predict(rates)
    ax.plot(rates, measured, "-", color=plot.INK, label="measured")
    ax.plot(rates, predicted, "--", color=plot.PALETTE[1], label="second order")
    if np.isfinite(step.best):
        ax.axvline(step.best, color=plot.GREY, linewidth=1, linestyle=":")
        ax.annotate(
            f"ε* = {step.best:.2g}",
            (step.best, 1.0),
            (5, -4),
            xycoords=("data", "axes fraction"),
            textcoords="offset points",
            va="top",
            color=plot.GREY,
        )
    seen = measured[np.isfinite(measured)]
    room = 0.1 * (seen.max() - seen.min())
    ax.set(xlabel="rate ε of the step −εg", ylabel="loss per example")
    ax.set_ylim(min(seen.min(), predicted.min()) - room, max(seen.max(), step.value) + room)


def _step_finding(
    step: Step, rates: Float[np.ndarray, "k"], measured: Float[np.ndarray, "k"]
) -> str:
    if not np.isfinite(step.best):
        return "Along the gradient the surface does not curve up: to second order no step is best"
    at = float(np.interp(step.best, rates, measured))
    predicted = step.predict(np.array([step.best]))[0]
    return (
        f"A step with ε* = {step.best:.2g} takes the loss from {step.value:.3g} to {at:.3g}; "
        f"to second order it was to be {predicted:.3g}"
    )
