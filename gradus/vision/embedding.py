"""A map of what a network makes of images: t-SNE of its last hidden layer (figure 5-19).

Source: van der Maaten and Hinton 2008, "Visualizing Data using t-SNE".
"""

from collections.abc import Sequence

import matplotlib as mpl
import numpy as np
import torch
from jaxtyping import Float, Int
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patheffects import withStroke
from torch import Tensor, nn

from gradus.core import plot
from gradus.core.errors import UsageError
from gradus.vision.activations import evaluating

Colour = tuple[float, float, float, float]  # red, green, blue, opacity

PANEL = 6.2
"""Width of a map, in inches."""
ACROSS = 32
"""Thumbnails across a map."""


@torch.no_grad()
def last_hidden(
    model: nn.Module, inputs: Tensor, batch_size: int = 500
) -> Float[Tensor, "n features"]:
    """The activations of a network's last hidden layer: what its last `nn.Linear` takes in.

    The network is in evaluation mode meanwhile. Where it looks at each image in several versions,
    those of the first are taken.

    Args:
        model: any network with an `nn.Linear`.
        inputs: what it takes, n examples.
        batch_size: examples looked at together.

    Raises:
        UsageError: the network has no linear layer.
    """
    linear = [module for module in model.modules() if isinstance(module, nn.Linear)]
    if not linear:
        raise UsageError("this network has no linear layer, so no last hidden layer")
    found, seen = [], []
    handle = linear[-1].register_forward_pre_hook(lambda module, given: seen.append(given[0]))
    try:
        with evaluating(model):
            for batch in inputs.split(batch_size):
                seen.clear()
                model(batch)
                found.append(seen[0].flatten(1).cpu())
    finally:
        handle.remove()
    return torch.cat(found)


@plot.style()
def draw_map(
    positions: Float[np.ndarray, "n 2"],
    labels: Int[np.ndarray, "n"],
    classes: Sequence[str],
    images: Float[np.ndarray, "n height width *channels"],
) -> Figure:
    """The map twice: each image as a dot of its class, and thumbnails of some of them.

    Args:
        positions: of the images, from `gradus.nn.tsne.tsne`.
        labels: class numbers.
        classes: their names; written where the middle of each class is.
        images: grey or in colour, values in [0, 1].

    Returns:
        The figure, without a title.
    """
    low, high = positions.min(0), positions.max(0)
    tall = float((high - low)[1] / max((high - low)[0], 1e-12))
    fig, (left, right) = plot.new_figure(1, 2, (2 * PANEL, 0.9 + PANEL * min(max(tall, 0.4), 1.1)))
    colours = [mpl.colormaps["tab10"](i % 10) for i in range(len(classes))]
    for number in range(len(classes)):
        x, y = positions[labels == number].T
        left.scatter(x, y, s=7, color=colours[number], linewidth=0)
    _names(left, positions, labels, classes, colours)
    _thumbnails(right, positions, images, [colours[label] for label in labels])
    margin = 0.03 * (high - low).max()
    for ax in (left, right):
        ax.set(xlim=(low[0] - margin, high[0] + margin), ylim=(low[1] - margin, high[1] + margin))
        ax.set_aspect("equal")
        ax.set_axis_off()
    return fig


def _names(
    ax: Axes,
    positions: Float[np.ndarray, "n 2"],
    labels: Int[np.ndarray, "n"],
    classes: Sequence[str],
    colours: Sequence[Colour],
) -> None:
    """Write each class at the median of its points, moved down where it would meet another."""
    inch = float(np.ptp(positions, axis=0).max()) / PANEL
    middles = {
        number: np.median(positions[labels == number], axis=0)
        for number in range(len(classes))
        if (labels == number).any()
    }
    placed: list[tuple[float, float, float]] = []
    for number, (x, y) in sorted(middles.items(), key=lambda m: -m[1][1]):
        half = 0.055 * len(classes[number]) * inch
        for at, low, reach in placed:
            if abs(x - at) < half + reach and y > low - 0.2 * inch:
                y = low - 0.2 * inch
        placed.append((x, y, half))
        words = ax.text(x, y, classes[number], ha="center", va="center", size=11, weight="bold")
        words.set_color(plot.readable(colours[number]))
        words.set_path_effects([withStroke(linewidth=3, foreground="white")])


def _thumbnails(
    ax: Axes,
    positions: Float[np.ndarray, "n 2"],
    images: Float[np.ndarray, "n height width *channels"],
    colours: Sequence[Colour],
) -> None:
    """Draw the images in an even grid, framed in their colours.

    Each cell that has any shows the one that lies nearest to its middle.
    """
    low = positions.min(0)
    side = float(np.ptp(positions, axis=0).max()) / ACROSS
    cells = np.floor((positions - low) / side)
    middles = low + (cells + 0.5) * side
    order = np.argsort(np.abs(positions - middles).max(1), kind="stable")
    _, first = np.unique(cells[order], axis=0, return_index=True)
    for i in order[first]:
        (x0, y0), (x1, y1) = middles[i] - 0.44 * side, middles[i] + 0.44 * side
        extent = (x0, x1, y0, y1)
        ax.imshow(images[i], cmap="gray", vmin=0, vmax=1, extent=extent, interpolation="none")
        ax.plot([x0, x1, x1, x0, x0], [y0, y0, y1, y1, y0], "-", color=colours[i], linewidth=1.4)
