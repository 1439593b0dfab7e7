"""Pictures of networks: circles and connections for feed-forward nets, boxes for all others."""

from collections.abc import Collection, Sequence
from itertools import pairwise

import numpy as np
from jaxtyping import Float, Int
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from matplotlib.patches import FancyBboxPatch
from torch import Tensor, nn

from gradus.core import plot
from gradus.core.describe import LayerRow, describe, totals
from gradus.core.errors import UsageError

MOST = 9  # neurons drawn of one layer


def draw_model(model: nn.Module, sample_input: Tensor | Sequence[Tensor]) -> Figure:
    """Draw any model: a chain of linear layers as a net of neurons, another as boxes.

    Args:
        model: Any module.
        sample_input: What the model takes, batch dimension first, at least one example.

    Returns:
        The picture, with the parameters of each layer.
    """
    rows = describe(model, sample_input)
    sizes = chain_sizes(rows, sample_input)
    if not sizes:
        return draw_boxes(rows, type(model).__name__)
    layers = [row for row in rows if row.parameters]
    names = ["input", *(row.path.replace("_", " ") for row in layers)]
    return draw_network(sizes, labels=names, parameters=[row.parameters for row in layers])


def chain_sizes(rows: Sequence[LayerRow], sample_input: Tensor | Sequence[Tensor]) -> list[int]:
    """The numbers of neurons, input first, of a chain of linear layers; empty for other models.

    Args:
        rows: The model's layers, from `describe`.
        sample_input: What the model takes, batch dimension first.
    """
    layers = [row for row in rows if row.parameters or row.flops]
    linear = all(row.kind == "Linear" and row.output_shape is not None for row in layers)
    if not layers or not linear or not isinstance(sample_input, Tensor):
        return []
    sizes = [sample_input[0].numel()]
    for row in layers:
        outputs = (row.output_shape or ())[-1]
        fits = row.parameters in (sizes[-1] * outputs, sizes[-1] * outputs + outputs)
        if row.output_shape != (outputs,) or not fits:
            return []
        sizes.append(outputs)
    return sizes


@plot.style()
def draw_network(
    sizes: Sequence[int], *, labels: Sequence[str] = (), parameters: Sequence[int] = ()
) -> Figure:
    """Draw a feed-forward net as in book figures 1-9 and 3-7, from left to right.

    Of a large layer the first and last neurons are drawn, and its true size is written.

    Args:
        sizes: Neurons of each layer, input first: two or more numbers ≥ 1.
        labels: A name for each layer; by default input, hidden 1, …, output.
        parameters: Parameters of each layer after the input; by default weights and biases.

    Returns:
        The net, its number of parameters in the title.

    Raises:
        UsageError: The sizes make no net, or the labels or parameters are not one each.
    """
    if len(sizes) < 2 or min(sizes) < 1:
        raise UsageError(f"a network needs two or more layers of ≥ 1 neurons, got {list(sizes)}")
    hidden = [f"hidden {i}" for i in range(1, len(sizes) - 1)]
    labels = list(labels) or ["input", *hidden, "output"]
    parameters = list(parameters) or [a * b + b for a, b in pairwise(sizes)]
    if len(labels) != len(sizes) or len(parameters) != len(sizes) - 1:
        raise UsageError(
            f"{len(sizes)} layers need {len(sizes)} labels and {len(sizes) - 1} counts of "
            f"parameters, got {len(labels)} and {len(parameters)}"
        )
    fig, (ax,) = plot.new_figure(size=(max(plot.SIZE[0], 1.6 * len(sizes)), plot.SIZE[1]))
    draw_neurons(ax, sizes)
    low, high = ax.get_ylim()
    for x, (label, size) in enumerate(zip(labels, sizes, strict=True)):
        ax.text(x, high, label, ha="center", va="bottom", weight="bold")
        ax.text(x, low, f"{size:,}", ha="center", va="top")
    for x, count in enumerate(parameters):
        weights = sizes[x] * sizes[x + 1]
        biases = f" + {count - weights:,}" if count > weights else ""
        sum_ = f"{sizes[x]:,} × {sizes[x + 1]:,}{biases}\n= {count:,}"
        ax.text(x + 0.5, low, sum_, ha="center", va="top", size=8.5, color=plot.GREY)
    plot.title(
        fig,
        f"The network {'-'.join(map(str, sizes))} has {sum(parameters):,} parameters",
        "Below: neurons of each layer and, between two layers, weights + biases."
        + (
            f" Of a layer of more than {MOST}, the first and last {MOST // 2} are drawn."
            if max(sizes) > MOST
            else ""
        ),
    )
    return fig


def draw_neurons(ax: Axes, sizes: Sequence[int], silent: Sequence[Collection[int]] = ()) -> None:
    """Draw the neurons and connections of a feed-forward net, layer k at x = k, inputs left.

    Args:
        ax: The panel; its frame and ticks are taken away.
        sizes: Neurons of each layer, input first.
        silent: For each layer the neurons (counted from 0 at the top) that are switched off: they
            are drawn hollow and without connections. By default none.
    """
    places = [_places(size) for size in sizes]
    alive = [
        ~np.isin(neurons, list(off))
        for (neurons, _), off in zip(places, list(silent) or [()] * len(sizes), strict=True)
    ]
    reach = max(max(heights) for _, heights in places) + 0.65
    diameter = min(150 / (2 * reach), 28)  # points
    for x in range(len(sizes) - 1):
        lines = [
            [(x, here), (x + 1, there)]
            for here in places[x][1][alive[x]]
            for there in places[x + 1][1][alive[x + 1]]
        ]
        ax.add_collection(LineCollection(lines, colors=plot.FAINT, linewidths=0.7, zorder=1))
    for x, ((neurons, heights), on) in enumerate(zip(places, alive, strict=True)):
        last = x == len(sizes) - 1
        colour = plot.INK if x == 0 else plot.PALETTE[1] if last else plot.PALETTE[0]
        ax.scatter(np.full(on.sum(), x), heights[on], diameter**2, color=colour, zorder=2)
        ax.scatter(
            np.full((~on).sum(), x),
            heights[~on],
            diameter**2,
            facecolor="white",
            edgecolor=plot.FAINT,
            linewidth=1.5,
            zorder=2,
        )
        if len(neurons) < sizes[x]:
            ax.scatter([x, x, x], [-0.45, 0, 0.45], 7, color=plot.INK, zorder=2)
    ax.set(xlim=(-0.45, len(sizes) - 0.55), ylim=(-reach, reach))
    ax.set_axis_off()


def _places(size: int) -> tuple[Int[np.ndarray, "n"], Float[np.ndarray, "n"]]:
    """The neurons of a layer that are drawn, top first, and their heights, centred on 0."""
    half = MOST // 2
    neurons = np.arange(size) if size <= MOST else np.r_[:half, size - half : size]
    heights = -np.arange(len(neurons), dtype=float)
    if size > MOST:
        heights[half:] -= 1.5
    return neurons, heights - heights.mean()


@plot.style()
def draw_boxes(rows: Sequence[LayerRow], name: str) -> Figure:
    """Draw any model as a column of boxes, each with its parameters and its arithmetic.

    Args:
        rows: The model's layers, from `describe`.
        name: What to call the model in the title.

    Returns:
        The layers from the input down, with bars of their parameters and FLOPs.

    Raises:
        UsageError: There is no layer.
    """
    if not rows:
        raise UsageError(f"{name} has no layers to draw")
    fig, (ax,) = plot.new_figure(size=(9, 0.36 * len(rows) + 1.5))
    ax.set(xlim=(0, 8.7), ylim=(len(rows) - 0.5, -1.2))
    ax.set_axis_off()
    ax.plot([1.9, 1.9], [0, len(rows) - 1], color=plot.FAINT, zorder=0)
    for y, row in enumerate(rows):
        trained = row.parameters > 0
        edge = plot.PALETTE[0] if trained else plot.FAINT
        ax.add_patch(
            FancyBboxPatch((0.08, y - 0.3), 3.6, 0.6, "round,pad=0.06", fc="white", ec=edge, lw=1.4)
        )
        ax.text(
            0.12, y, _shorten(row.path or name), va="center", weight="bold" if trained else "normal"
        )
        ax.text(3.64, y, _shorten(row.kind, 16), va="center", ha="right", size=9, color=plot.GREY)
        shape = " × ".join(map(str, row.output_shape)) if row.output_shape else ""
        ax.text(3.95, y, shape, va="center", size=9)
    parameters, flops = totals(rows)
    _bars(ax, 5.4, "parameters", [row.parameters for row in rows], plot.PALETTE[0])
    _bars(ax, 7.1, "FLOPs, one example", [row.flops for row in rows], plot.PALETTE[1])
    for x, head in ((0.05, "layer"), (3.95, "output")):
        ax.text(x, -0.85, head, va="center", weight="bold")
    plot.title(
        fig,
        f"{name} has {parameters:,} parameters and needs {flops:,} FLOPs for an example",
        "From the input down; a multiply-add is 2 FLOPs. Blue frames: layers with parameters.",
    )
    return fig


def _shorten(text: str, most: int = 24) -> str:
    """The end of a text that has more than `most` letters."""
    return text if len(text) <= most else "…" + text[1 - most :]


def _bars(ax: Axes, left: float, head: str, values: Sequence[int], colour: str) -> None:
    """Draw a column of bars with their numbers; nothing for zeros."""
    longest = max(*values, 1)
    ax.text(left, -0.85, head, va="center", weight="bold")
    for y, value in enumerate(values):
        if value:
            length = 0.7 * value / longest
            ax.barh(y, length, 0.5, left, color=colour)
            ax.text(left + length + 0.06, y, f"{value:,}", va="center", size=9)
