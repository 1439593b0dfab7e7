"""Drawings of chapter 9: a maze with values and moves, an MDP as a graph, curves of return."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float
from matplotlib.axes import Axes
from matplotlib.patches import FancyArrowPatch, Rectangle

from gradus.agents.mdp import MAZE, MDP, MOVES
from gradus.core import plot

SIGNS = {"M": "mouse", "W": "water\n+1", "P": "poison\n−10", "C": "cheese\n+100"}
FLOORS = {"W": "#D6EAF8", "P": "#F9D9C6", "C": "#FBF3C4", "M": "#EDEFF2"}


def draw_maze(ax: Axes, q: Float[np.ndarray, "s a"] | None = None) -> None:
    """The mouse's maze; with Q also the best value of each place and the move to it.

    Args:
        ax: where.
        q: values of the maze's states in the order of its free places.
    """
    state = 0
    for i, row in enumerate(MAZE):
        for j, sign in enumerate(row):
            floor = plot.INK if sign == "#" else FLOORS.get(sign, "white")
            ax.add_patch(Rectangle((j, i), 1, 1, facecolor=floor, edgecolor=plot.FAINT))
            if sign == "#":
                continue
            height = 0.2 if q is not None and sign == "M" else 0.5
            ax.text(j + 0.5, i + height, SIGNS.get(sign, ""), ha="center", va="center", size=9)
            if q is not None and sign not in "WPC":
                _draw_move(ax, i, j, q[state])
            state += 1
    ax.set(xlim=(0, len(MAZE[0])), ylim=(len(MAZE), 0), aspect="equal", xticks=[], yticks=[])
    ax.grid(visible=False)
    ax.spines[:].set_visible(False)


def _draw_move(ax: Axes, i: int, j: int, row: Float[np.ndarray, "a"]) -> None:
    """The best value of a place, and an arrow for the best move; nothing where none is known."""
    if not row.any():
        return
    down, right = list(MOVES.values())[int(row.argmax())]
    ax.text(j + 0.5, i + 0.83, f"{row.max():.3g}", ha="center", va="center", size=8.5)
    middle = (j + 0.5, i + 0.52)
    ax.add_patch(
        FancyArrowPatch(
            (middle[0] - 0.18 * right, middle[1] - 0.18 * down),
            (middle[0] + 0.18 * right, middle[1] + 0.18 * down),
            arrowstyle="-|>",
            mutation_scale=12,
            color=plot.PALETTE[0],
        )
    )


def draw_mdp(ax: Axes, mdp: MDP) -> None:
    """States as circles on a circle, actions as diamonds, transitions as arrows with P, rewards."""
    count = len(mdp.states)
    angles = np.pi / 2 + 2 * np.pi * np.arange(count) / count
    places = 2.2 * np.stack([np.cos(angles), np.sin(angles)], 1)
    for s, name in enumerate(mdp.states):
        for a, action in enumerate(mdp.actions):
            turn = angles[s] + (1.15 if a else -1.15)
            here = places[s] + 1.45 * np.array([np.cos(turn), np.sin(turn)])
            _arrow(ax, places[s], here, 0.0, plot.GREY, 16, 11)
            for t in np.nonzero(mdp.transition[s, a])[0]:
                _draw_transition(ax, mdp, (s, a, int(t)), here, places[t])
            ax.plot(*here, marker="D", markersize=19, color=plot.PALETTE[4])
            ax.text(here[0], here[1], action, ha="center", va="center", size=8.5, color="white")
        ax.plot(*places[s], marker="o", markersize=34, color=plot.PALETTE[0])
        ax.text(
            places[s][0], places[s][1], name, ha="center", va="center", color="white", weight="bold"
        )
    ax.set(xlim=(-3.9, 3.9), ylim=(-2.9, 3.1), aspect="equal", xticks=[], yticks=[])
    ax.grid(visible=False)
    ax.spines[:].set_visible(False)


def _draw_transition(
    ax: Axes,
    mdp: MDP,
    which: tuple[int, int, int],
    start: Float[np.ndarray, "2"],
    end: Float[np.ndarray, "2"],
) -> None:
    """An arrow from an action to a state, its probability, and what it pays where it pays."""
    own, pays = which[0] == which[2], mdp.reward[which]
    bend = 0.75 if own else 0.18
    colour = plot.INK if not pays else plot.readable(plot.PALETTE[2 if pays > 0 else 4])
    _arrow(ax, start, end, bend, colour, 11, 19)
    way = end - start
    aside = np.array([way[1], -way[0]]) * bend / 2
    words = f"{mdp.transition[which]:g}" + (f"  ({pays:+g})" if pays else "")
    x, y = start + (0.5 if own else 0.42) * way + aside
    ax.text(
        x,
        y,
        words,
        ha="center",
        va="center",
        size=8.5,
        color=colour,
        bbox={"facecolor": "white", "edgecolor": "none", "pad": 0.8},
    )


def _arrow(
    ax: Axes,
    start: Float[np.ndarray, "2"],
    end: Float[np.ndarray, "2"],
    bend: float,
    colour: str,
    away: float,
    short: float,
) -> None:
    ax.add_patch(
        FancyArrowPatch(
            (start[0], start[1]),
            (end[0], end[1]),
            connectionstyle=f"arc3,rad={bend}",
            arrowstyle="-|>",
            mutation_scale=11,
            shrinkA=away,
            shrinkB=short,
            color=colour,
            linewidth=1.1,
        )
    )


def band(
    ax: Axes, x: Sequence[float], runs: Float[np.ndarray, "seeds points"], label: str, number: int
) -> None:
    """The mean of several runs with its standard error as a band."""
    colour, dash = plot.PALETTE[number % 8], plot.DASHES[number % 8]
    mean = runs.mean(0)
    ax.plot(x, mean, color=colour, linestyle=dash, label=label)
    if len(runs) > 1:
        error = runs.std(0, ddof=1) / np.sqrt(len(runs))
        ax.fill_between(x, mean - error, mean + error, color=colour, alpha=0.18, linewidth=0)
