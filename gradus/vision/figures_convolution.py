"""Figures of chapter 5 on how convolution and pooling work, and on what is built of them."""

from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from matplotlib.axes import Axes
from matplotlib.colors import to_rgba
from matplotlib.figure import Figure
from matplotlib.patches import FancyBboxPatch, Rectangle
from torch import Tensor
from torch.nn import functional

from gradus.core import plot
from gradus.vision.architectures import ARCHITECTURES
from gradus.vision.arithmetic import conv_parameters, dense_parameters
from gradus.vision.layers import Conv, Dense, Pool, parse
from gradus.vision.pooling import FractionalPool
from gradus.vision.toy import DETECTORS, feature_map, response, toy_image, worked_example

KINDS = {"convolution": plot.PALETTE[5], "pool": plot.PALETTE[1], "dense": plot.PALETTE[3]}


@plot.style()
def figure_5_3() -> Figure:
    """Weights of a dense neuron and of a filter, by the size of a colour image."""
    sides = np.array([28, 32, 64, 96, 128, 200, 256, 384, 512])
    dense = [dense_parameters(3 * side * side, 1) - 1 for side in sides.tolist()]
    shared = [conv_parameters(3, 1, (5, 5)) - 1] * len(sides)
    fig, (ax,) = plot.new_figure()
    ax.plot(sides, dense, "o-", color=plot.PALETTE[0], label="dense")
    ax.plot(sides, shared, "s--", color=plot.PALETTE[1], label="5×5 filter")
    ax.set(yscale="log", xlabel="height and width of a colour image (pixels)")
    ax.set_ylabel("weights of one neuron")
    ax.yaxis.set_major_formatter("{x:,.0f}")
    at = sides.tolist().index(200)
    plot.title(
        fig,
        f"On a colour image of 200×200 a dense neuron has {dense[at]:,} weights, a filter of 5×5 "
        f"has {shared[at]}",
        "A dense neuron sees every pixel in three colours; a filter sees 5×5 of them and is used "
        "everywhere",
    )
    plot.end_labels(ax)
    return fig


@plot.style()
def figure_5_5() -> Figure:
    """The toy image."""
    image = toy_image()
    fig, (ax,) = plot.new_figure(size=(4.6, 4.9))
    _cells(ax, image, "gray_r")
    height, width = image.shape
    plot.title(
        fig,
        f"A toy image: {int(image.sum())} of {height * width} pixels are black",
        "1 black, 0 white; 11×11 pixels, two upright lines and a level one",
    )
    return fig


@plot.style()
def figure_5_6() -> Figure:
    """Detectors of vertical and horizontal lines, and where they match."""
    image = toy_image()
    fig, axes = plot.new_figure(2, 4, (10, 5.9))
    found = {}
    for row, (name, weights) in zip((axes[:4], axes[4:]), DETECTORS.items(), strict=True):
        detector = torch.tensor(weights)
        matches = feature_map(image, detector)
        found[name] = int(matches.sum())
        _cells(row[0], image, "gray_r")
        _cells(row[1], detector, plot.SIGNED, reach=1.6, numbers=True)
        _cells(row[2], response(image, detector), plot.SIGNED, reach=6.0, numbers=True)
        _cells(row[3], matches.float(), "gray_r")
        row[0].set_ylabel(f"{name} lines", weight="bold")
        for ax, words in zip(
            row, ("image x", "filter W", "response W * x", "feature map m"), strict=True
        ):
            ax.set_title(words)
    plot.title(
        fig,
        f"The filter for vertical lines matches at {found['vertical']} places, that for "
        f"horizontal ones at {found['horizontal']}",
        "m = f(W * x + b): b = 0.5 less than a perfect match (3), f is 1 above 0",
    )
    return fig


@plot.style()
def figure_5_11() -> Figure:
    """The first value of a convolution over a volume."""
    return _worked(0, 0)


@plot.style()
def figure_5_12() -> Figure:
    """The next value: the filter moves by the stride."""
    return _worked(0, 1)


@plot.style()
def figure_5_13() -> Figure:
    """Max pooling without and with overlap, and fractional."""
    generator = torch.Generator().manual_seed(2)
    maps = torch.randint(0, 10, (1, 1, 7, 7), generator=generator).float()
    fractional = FractionalPool((2, 2), (5, 5)).eval()
    results = {
        "feature map": maps,
        "e = 2, s = 2": functional.max_pool2d(maps, 2, 2),
        "e = 3, s = 2": functional.max_pool2d(maps, 3, 2),
        "fractional, 7 → 5": fractional(maps),
    }
    fig, axes = plot.new_figure(1, 4, (10, 3.3))
    for ax, (name, values) in zip(axes, results.items(), strict=True):
        _cells(ax, values[0, 0], plot.MAGNITUDE, reach=9.0, numbers=True, signed=False)
        ax.set(xlim=(-0.55, 6.55), ylim=(6.55, -0.55))
        ax.set_title(name)
    cells = [v.numel() for v in results.values()]
    plot.title(
        fig,
        f"Of {cells[0]} values, max pooling keeps {cells[1]}, {cells[2]} or {cells[3]}",
        "e extent, s stride; e = 2, s = 2 leaves out the last row and column of an odd map. "
        "Fractional: windows of 2×2, one or two cells apart",
    )
    return fig


@plot.style()
def figure_5_14() -> Figure:
    """Architectures from one convolution to VGG-19."""
    chosen = {name: a for name, a in ARCHITECTURES.items() if "norm" not in name}
    fig, (ax,) = plot.new_figure(size=(12, 8.2))
    counts = [_column(ax, x, name) for x, name in enumerate(chosen)]
    ax.set(xlim=(-0.5, len(chosen) - 0.5), ylim=(-25.8, 1.4))
    ax.axis("off")
    for y, (kind, colour) in zip((-21.0, -22.0, -23.0), KINDS.items(), strict=True):
        ax.add_patch(_box(0.0, y, 0.22, colour))
        ax.text(0.2, y, kind, va="center", size=9)
    plot.title(
        fig,
        f"From {counts[0]:,} parameters with one convolution to {counts[-1]:,} with sixteen",
        "Each column from the input down; parameters below its name. Every convolution and inner "
        "dense layer is followed by a ReLU. VGG: 1,000 classes, the others 10",
    )
    return fig


def _column(ax: Axes, x: int, name: str) -> int:
    """Draw a network as a column of boxes; its number of parameters."""
    architecture = ARCHITECTURES[name]
    with torch.device("meta"):
        net = architecture.build()
    count = sum(p.numel() for p in net.parameters())
    ax.text(x, 1.0, name, ha="center", va="bottom", weight="bold", size=9.5)
    ax.text(x, 0.85, f"{count:,}", ha="center", va="top", size=9, color=plot.GREY)
    channels, height, width = architecture.shape
    drawn = [(f"{height}×{width}×{channels}", "")]
    for layer in parse(architecture.layers):
        match layer:
            case Conv():
                drawn.append(
                    (f"{layer.kernel[0]}×{layer.kernel[1]}, {layer.filters}", "convolution")
                )
            case Pool():
                drawn.append(("pool", "pool"))
            case Dense():
                drawn.append((f"{layer.units:,}", "dense"))
    drawn.append((f"{architecture.classes:,}", "dense"))
    for step, (words, kind) in enumerate(drawn):
        y = -1.0 * step - 0.8
        ax.add_patch(_box(x, y, 0.8, KINDS.get(kind, "white")))
        ax.text(x, y, words, ha="center", va="center", size=8.5)
    return count


def _box(x: float, y: float, width: float, colour: str) -> FancyBboxPatch:
    return FancyBboxPatch(
        (x - width / 2, y - 0.36),
        width,
        0.72,
        boxstyle="round,pad=0,rounding_size=0.06",
        facecolor=to_rgba(colour, 0.55),
        edgecolor=plot.FAINT,
    )


def _worked(row: int, column: int) -> Figure:
    """The volume, the first filter and the output, with one step of the filter marked."""
    example = worked_example()
    padded = functional.pad(example.x, [example.padding] * 4)
    value = example.output[0, row, column]
    products = (example.patch(row, column) * example.weight[0]).sum((1, 2))
    fig, axes = plot.new_figure(3, 3, (8.4, 8.6))
    for depth in range(3):
        left, middle, right = axes[3 * depth : 3 * depth + 3]
        _cells(left, padded[depth], "Greys", reach=6.0, numbers=True, signed=False)
        _mark(left, column * example.stride, row * example.stride, 3)
        left.add_patch(
            Rectangle(
                (0.5, 0.5), 5, 5, fill=False, edgecolor=plot.GREY, linestyle=":", linewidth=1.4
            )
        )
        left.set_title(f"input, slice {depth + 1}")
        _cells(middle, example.weight[0, depth], plot.SIGNED, reach=2.2, numbers=True)
        middle.set(xlim=(-1.6, 3.6), ylim=(3.6, -1.6))
        middle.set_title(f"filter 1, slice {depth + 1}")
        middle.text(
            1, 2.75, f"products sum to {_number(products[depth])}", ha="center", va="top", size=9
        )
        if depth < 2:
            _cells(right, example.output[depth], plot.SIGNED, reach=14.0, numbers=True)
            right.set(xlim=(-1.6, 3.6), ylim=(3.6, -1.6))
            right.set_title(f"output, slice {depth + 1}")
        else:
            right.axis("off")
    _mark(axes[2], column, row, 1)
    terms = " + ".join(_number(p) if p >= 0 else f"({_number(p)})" for p in products)
    plot.title(
        fig,
        f"Output ({row + 1}, {column + 1}) of the first filter is {_number(value)} = {terms} "
        f"+ bias {_number(example.bias[0])}",
        "5×5×3 input with zero padding 1 (outside the dotted line), two 3×3×3 filters, stride 2, "
        "3×3×2 output; f is linear",
    )
    return fig


def _number(value: float | Tensor) -> str:
    return f"{float(value):.0f}".replace("-", "−")


def _mark(ax: Axes, left: float, top: float, side: int) -> None:
    """Frame a square of cells."""
    ax.add_patch(
        Rectangle(
            (left - 0.5, top - 0.5),
            side,
            side,
            fill=False,
            edgecolor=plot.PALETTE[4],
            linewidth=2.6,
            zorder=3,
        )
    )


def _cells(
    ax: Axes,
    values: Float[Tensor, "height width"],
    colours: str,
    *,
    reach: float = 1.0,
    numbers: bool = False,
    signed: bool | None = None,
) -> None:
    """Draw a small matrix as squares, with its numbers if asked."""
    signed = colours == plot.SIGNED if signed is None else signed
    table = values.numpy()
    image = ax.imshow(
        table, cmap=colours, vmin=-reach if signed else 0, vmax=reach, interpolation="none"
    )
    height, width = table.shape
    between: dict[str, Any] = {"color": plot.FAINT, "linewidth": 0.8}
    ax.hlines(np.arange(height + 1) - 0.5, -0.5, width - 0.5, **between)
    ax.vlines(np.arange(width + 1) - 0.5, -0.5, height - 0.5, **between)
    ax.set(xticks=[], yticks=[])
    ax.grid(visible=False)
    ax.spines[:].set_visible(False)
    if numbers:
        for (i, j), value in np.ndenumerate(table):
            shade = image.to_rgba(value)[:3]
            colour = plot.ink_on(shade)
            ax.text(j, i, _number(float(value)), ha="center", va="center", size=9, color=colour)
