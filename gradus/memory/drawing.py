"""Drawing what a memory did over time: bits, vectors and weightings as images, gates as lines."""

from collections.abc import Mapping

import numpy as np
from jaxtyping import Float
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure

from gradus.core import plot
from gradus.memory.trace import Trace

WEIGHTS = LinearSegmentedColormap.from_list("weights", ["white", plot.INK])
"""Weightings: from white to ink."""


def over_time(
    ax: Axes, values: Float[np.ndarray, "time rows"], name: str, *, signed: bool = False
) -> None:
    """An image with time to the right and a row for each number.

    Args:
        ax: the panel.
        values: weightings and bits in [0, 1], or signed numbers.
        name: what the rows are.
        signed: colour by sign, white at 0, instead of from white to ink.
    """
    top = float(np.abs(values).max()) or 1.0
    low, high, colours = (-top, top, plot.SIGNED) if signed else (0.0, 1.0, WEIGHTS)
    ax.imshow(values.T, aspect="auto", interpolation="nearest", cmap=colours, vmin=low, vmax=high)
    ax.set_ylabel(name)
    ax.set_yticks([])
    ax.grid(visible=False)


def gates_over_time(ax: Axes, gates: Mapping[str, Float[np.ndarray, "time"]]) -> None:
    """Gates in [0, 1] as lines, named beside the panel."""
    for name, values in gates.items():
        ax.plot(values, label=name, linewidth=1.5)
        ax.set_xlim(-0.5, len(values) - 0.5)
    ax.set(ylim=(-0.05, 1.05), yticks=[0, 1], ylabel="gates")
    ax.legend(loc="center left", bbox_to_anchor=(1.0, 0.5))


def used(weightings: Float[np.ndarray, "time rows"], least: float = 0.02) -> slice:
    """The rows from the first to the last that ever gets more than `least`, with one beside."""
    rows = np.flatnonzero(weightings.max(0) > least)
    if not len(rows):
        return slice(0, weightings.shape[1])
    return slice(max(0, rows[0] - 1), rows[-1] + 2)


@plot.style()
def ntm_figure(found: Trace, outputs: Float[np.ndarray, "time outputs"]) -> Figure:
    """What an NTM does with a sequence: input, add vectors, write weighting; output, reads, read.

    Args:
        found: of `gradus.memory.trace.trace`.
        outputs: the probability of a 1, and 0 where nothing is asked for.
    """
    fig, axes = plot.new_figure(3, 2, (10, 7.4))
    write, read = found["write_weightings"][:, 0], found["read_weightings"][:, 0]
    rows = used(np.concatenate([write, read]))
    over_time(axes[0], found["inputs"], "input")
    over_time(axes[1], outputs, "output")
    over_time(axes[2], found["add"][:, 0], "added", signed=True)
    over_time(axes[3], found["reads"][:, 0], "read", signed=True)
    over_time(axes[4], write[:, rows], "write weighting\nby location")
    over_time(axes[5], read[:, rows], "read weighting\nby location")
    for ax in axes[:4]:
        ax.tick_params(labelbottom=False)
    for ax in axes[4:]:
        ax.set_xlabel("time step")
    return fig


@plot.style()
def dnc_figure(found: Trace, outputs: Float[np.ndarray, "time outputs"]) -> Figure:
    """What a DNC does with a sequence, top to bottom as in figure 8-9 of the book.

    Args:
        found: of `gradus.memory.trace.trace`.
        outputs: the probability of a 1, and 0 where nothing is asked for.
    """
    fig, axes = plot.new_figure(6, 1, (9, 10.5))
    over_time(axes[0], found["inputs"], "input")
    over_time(axes[1], outputs, "output")
    over_time(axes[2], found["write_weightings"][:, 0], "write\nweighting")
    over_time(axes[3], found["read_weightings"][:, 0], "read\nweighting")
    over_time(axes[5], found["usage"], "usage by\nlocation")
    for ax in axes[:5]:
        ax.tick_params(labelbottom=False)
    axes[5].set_xlabel("time step")
    gates = {"free": "free", "allocation": "allocation_gate", "write": "write_gate"}
    gates_over_time(axes[4], {name: found[key][:, 0] for name, key in gates.items()})
    return fig
