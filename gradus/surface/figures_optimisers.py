"""The book's figures 4-2, 4-8 and 4-10: rearranged neurons, momentum, and zigzag."""

from itertools import permutations
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from torch import Tensor, nn

from gradus.core import plot
from gradus.surface.conjugate_gradient import ConjugateGradient
from gradus.surface.identifiability import permute_units

UNITS = (plot.PALETTE[0], plot.PALETTE[1], plot.PALETTE[2])
MOMENTA = (0.0, 0.5, 0.9, 0.99)
STEEP = 10.0  # curvature across figure 4-10's valley; along it 1
CLOSE = 1e-6  # of the error at the start: counts as arrived


@plot.style()
def figure_4_2() -> Figure:
    """Every order of three hidden neurons, and the one function that they all compute."""
    net = _small_net()
    orders = list(permutations(range(3)))
    twins = [permute_units(net, 1, order) for order in orders]
    x = torch.linspace(-3, 3, 241, dtype=torch.float64)
    points = torch.stack([x, torch.zeros_like(x)], dim=1)
    with torch.no_grad():
        outputs = [twin(points)[:, 0].numpy() for twin in twins]
    apart = max(float(np.abs(output - outputs[0]).max()) for output in outputs)

    fig, axes = plot.new_figure(2, 4, (10, 4.6))
    grid: Any = axes[0].get_gridspec()
    grid.set_width_ratios([1, 1, 1, 1.7])
    for ax in (axes[3], axes[7]):
        ax.remove()
    curves = fig.add_subplot(grid[:, 3])
    for ax, twin, order in zip([*axes[:3], *axes[4:7]], twins, orders, strict=True):
        _draw_net(ax, twin, order)
    for i, output in enumerate(outputs):
        width = 1.5 + 2.2 * (len(outputs) - i)
        curves.plot(x, output, "-", color=plot.PALETTE[i], linewidth=width)
    curves.set(xlabel="input x1 (x2 = 0)", ylabel="output y")
    curves.set_title("All six outputs, one on another")
    plot.title(
        fig,
        "The 3! = 6 orders of three hidden neurons compute one function: outputs differ by at most "
        f"{apart:.0e}".replace("e-", "e−"),
        "A net of 2 inputs, 3 tanh neurons, 1 output. A neuron keeps its letter and its "
        "connections. Thick: large weight; dashed: negative",
    )
    return fig


def _small_net() -> nn.Sequential:
    """A net of 2, 3 and 1 neurons with random weights."""
    generator = torch.Generator().manual_seed(6)
    net = nn.Sequential(nn.Linear(2, 3), nn.Tanh(), nn.Linear(3, 1)).double()
    with torch.no_grad():
        for parameter in net.parameters():
            parameter.normal_(0, 1.5, generator=generator)
    return net


def _draw_net(ax: Axes, net: nn.Sequential, order: tuple[int, ...]) -> None:
    """Draw the net with each hidden neuron in its own colour."""
    into, out_of = (net.get_parameter(f"{i}.weight").detach() for i in (0, 2))
    inputs, hidden = ((0.0, 0.5), (0.0, -0.5)), [(1.0, 1.0 - i) for i in range(3)]
    for i, (place, unit) in enumerate(zip(hidden, order, strict=True)):
        for start, weight in zip(inputs, into[i], strict=True):
            _connect(ax, start, place, float(weight), UNITS[unit])
        _connect(ax, place, (2.0, 0.0), float(out_of[0, i]), UNITS[unit])
        ax.plot(*place, "o", color=UNITS[unit], markersize=19)
        ink = plot.ink_on(UNITS[unit])
        ax.text(*place, "ABC"[unit], ha="center", va="center", color=ink, weight="bold")
    for place in (*inputs, (2.0, 0.0)):
        ax.plot(*place, "o", color=plot.INK, markersize=13)
    ax.set(xlim=(-0.25, 2.25), ylim=(-1.45, 1.45))
    ax.set_axis_off()


def _connect(
    ax: Axes, start: tuple[float, float], end: tuple[float, float], weight: float, colour: str
) -> None:
    """Draw a connection as thick as its weight is large; dashed if it is negative."""
    dash = "-" if weight > 0 else (0, (2.2, 1.2))
    width = 0.6 + 1.3 * abs(weight)
    ax.plot(*zip(start, end, strict=True), linestyle=dash, color=colour, linewidth=width, zorder=0)


def smoothed_walk(
    momentum: float, steps: int = 100, seed: int = 0, largest: int = 10
) -> Float[np.ndarray, "steps"]:
    """The steps of a random walk, smoothed by momentum.

        v_i = m·v_{i-1} + (1 - m)·r_i,    v_0 = r_0

    Args:
        momentum: m, in [0, 1]; 0 leaves the random steps r as they are.
        steps: how many.
        seed: of the random steps, which are the same for every momentum.
        largest: r is a whole number from -largest to largest.

    Source: book ch. 4, "Momentum-Based Optimization", figure 4-8. (The book's listing draws new
    random steps for each momentum, and its loop keeps none of the smoothed ones.)
    """
    random = np.random.default_rng(seed).integers(-largest, largest + 1, steps).astype(float)
    walk = random.copy()
    for i in range(1, steps):
        walk[i] = momentum * walk[i - 1] + (1 - momentum) * random[i]
    return walk


@plot.style()
def figure_4_8() -> Figure:
    """The steps of one random walk under four momenta."""
    fig, panels = plot.new_figure(len(MOMENTA), 1, (7, 6), share=True)
    spread = {}
    for ax, momentum, colour in zip(panels, MOMENTA, plot.PALETTE, strict=False):
        walk = smoothed_walk(momentum)
        spread[momentum] = float(walk.std())
        ax.axhline(0, color=plot.FAINT, linewidth=1, zorder=0)
        ax.plot(walk, "-", color=colour, linewidth=1.5, marker="o", markersize=2.5)
        ax.set(ylabel="step", ylim=(-11.5, 11.5), yticks=(-10, 0, 10), xlim=(-1, 100))
        ax.set_title(f"m = {momentum:g}: standard deviation {spread[momentum]:.2f}")
    panels[-1].set_xlabel("time")
    strong = MOMENTA[2]
    plot.title(
        fig,
        f"Momentum {strong} makes the steps of a random walk {spread[0] / spread[strong]:.1f} "
        f"times smaller; {MOMENTA[3]} mostly repeats the first",
        "v ← m·v + (1 − m)·r with random steps r from −10 to 10, the same in each panel; the "
        f"first v is r. In the long run {strong} makes them "
        f"√((1 + m) / (1 − m)) = {((1 + strong) / (1 - strong)) ** 0.5:.1f} times smaller",
    )
    return fig


def descend(restart_every: int | None = None, steps: int = 50) -> Float[np.ndarray, "places 2"]:
    """Walk down figure 4-10's quadratic with exact line searches until it is at the minimum.

    Args:
        restart_every: 1 makes it steepest descent, the default conjugate gradients.
        steps: how many at most.

    Returns:
        The start and the place after each step, until the error is 10⁻⁶ of the first.
    """
    x = torch.tensor([STEEP, 1.0], dtype=torch.float64, requires_grad=True)
    optimiser = ConjugateGradient(
        [x], max_iter=1, restart_every=restart_every, line_search="exact", tolerance_grad=0
    )

    def closure() -> Tensor:
        optimiser.zero_grad()
        error = (x[0] ** 2 + STEEP * x[1] ** 2) / 2
        error.backward()
        return error

    places = [x.detach().clone()]
    for _ in range(steps):
        optimiser.step(closure)
        places.append(x.detach().clone())
    path = torch.stack(places).numpy()
    far = error_at(path) > CLOSE * error_at(path)[0]
    return path[: far.sum() + 1]


def error_at(places: Float[np.ndarray, "*rows 2"]) -> Float[np.ndarray, "*rows"]:
    """E = ½ (x² + 10 y²)."""
    return (places[..., 0] ** 2 + STEEP * places[..., 1] ** 2) / 2


@plot.style()
def figure_4_10() -> Figure:
    """The zigzag of steepest descent beside the path of conjugate gradients."""
    zigzag, conjugate = descend(restart_every=1), descend()
    fig, panels = plot.new_figure(2, 1, (9, 5.6))
    paths = (
        ("Steepest descent", zigzag, plot.PALETTE[4]),
        ("Conjugate gradients", conjugate, plot.PALETTE[0]),
    )
    for ax, (name, path, colour) in zip(panels, paths, strict=True):
        _draw_valley(ax)
        ax.plot(*path.T, "-o", color=colour, linewidth=1.6, markersize=4, zorder=3)
        ax.set_title(f"{name}: {len(path) - 1} steps")
        ax.set_ylabel("y")
    for i in range(1, 6):
        _right_angle(panels[0], *zigzag[i - 1 : i + 2])
    panels[1].set_xlabel("x")
    plot.title(
        fig,
        f"Steepest descent zigzags for {len(zigzag) - 1} steps; "
        f"conjugate gradients need\u00a0{len(conjugate) - 1}",
        f"E = ½ (x² + {STEEP:g} y²), until it is a millionth of the first. An exact line search "
        "ends where it only touches a line of equal E. Star: minimum",
    )
    return fig


def _draw_valley(ax: Axes) -> None:
    """Draw lines of equal E through the zigzag's first corners, and a star at the minimum."""
    x, y = np.linspace(-1.6, 11, 400), np.linspace(-1.4, 1.4, 120)
    levels = np.sort(error_at(descend(restart_every=1, steps=8)))
    grid = error_at(np.stack(np.meshgrid(x, y), axis=-1))
    top = 1.2 * levels[-1]
    ax.contour(x, y, grid, levels, cmap=plot.MAGNITUDE, vmin=0, vmax=top, linewidths=1)
    ax.plot(0, 0, "*", color=plot.INK, markersize=12, markeredgecolor="white", zorder=4)
    ax.set(aspect="equal", xlim=(x[0], x[-1]), ylim=(y[0], y[-1]))
    ax.grid(visible=False)


def _right_angle(
    ax: Axes,
    before: Float[np.ndarray, "2"],
    corner: Float[np.ndarray, "2"],
    after: Float[np.ndarray, "2"],
) -> None:
    """Draw the little square in the angle at a corner of a path."""
    one, other = (0.13 * (end - corner) / np.linalg.norm(end - corner) for end in (before, after))
    square = np.array([corner + one, corner + one + other, corner + other])
    ax.plot(*square.T, "-", color=plot.INK, linewidth=1, zorder=3)
