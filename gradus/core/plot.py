"""The one look of every figure: colours, style, titles that state a finding, labels, saving.

No function here touches pyplot, and Matplotlib's settings change only inside `style()`, so that a
program which draws its own figures beside these notices nothing.

Typical use:

    @plot.style()
    def figure() -> Figure:
        fig, (ax,) = plot.new_figure()
        ax.plot(steps, error, label="momentum")
        plot.end_labels(ax)
        plot.title(fig, f"Momentum needs {n} steps", "mean of 5 seeds")
        return fig
"""

import io
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
from cycler import cycler
from jaxtyping import Float
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_hex, to_rgb
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.lines import Line2D
from matplotlib.text import Text
from matplotlib.ticker import ScalarFormatter

from gradus.core.errors import RunError
from gradus.core.files import write_atomically

INK = "#1B2A41"  # text, and the last category
GREY = "#5B6878"  # subtitles and remarks
FAINT = "#C9D0D9"  # connections, runs behind a mean, what is switched off
GRID = "#E6EAEF"
# Okabe & Ito's order: told apart by all common kinds of colour vision.
PALETTE = (
    "#0072B2",
    "#E69F00",
    "#009E73",
    "#CC79A7",
    "#D55E00",
    "#56B4E9",
    "#F0E442",
    INK,
)
DASHES = ("-", "--", "-.", ":", (0, (5, 1)), (0, (3, 1, 1, 1, 1, 1)), (0, (1, 1)), (0, (8, 3)))
MAGNITUDE = "viridis"  # colour map of values ≥ 0
SIGNED = "RdBu_r"  # colour map of signed values, its white at zero
SIZE = (7.0, 4.3)  # inches, one panel
DPI = 160

STYLE: dict[Any, Any] = {
    "font.family": "DejaVu Sans",  # ships with Matplotlib: the same on every machine
    "font.size": 10,
    "mathtext.fontset": "dejavusans",
    "text.color": INK,
    "axes.labelcolor": INK,
    "axes.titlecolor": INK,
    "axes.titlesize": 10.5,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.titlepad": 7,
    "axes.edgecolor": "#8A94A3",
    "axes.linewidth": 0.8,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "axes.prop_cycle": cycler(color=PALETTE) + cycler(linestyle=DASHES),
    "axes.formatter.useoffset": False,
    "axes.formatter.limits": (-5, 8),
    "axes.formatter.use_mathtext": True,
    "grid.color": GRID,
    "grid.linewidth": 0.7,
    "xtick.color": "#8A94A3",
    "ytick.color": "#8A94A3",
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "xtick.labelsize": 9,
    "ytick.labelsize": 9,
    "lines.linewidth": 2.0,
    "lines.solid_capstyle": "round",
    "legend.frameon": False,
    "legend.fontsize": 9,
    "image.cmap": MAGNITUDE,
    "figure.facecolor": "white",
    "figure.dpi": DPI,
    "svg.hashsalt": "gradus",  # equal figures give equal bytes
    "svg.fonttype": "path",
}
_MARGIN = 0.14  # inches between the titles and the figure's edge
_DRAWING = threading.RLock()  # Matplotlib's settings belong to the process: one thread at a time


@contextmanager
def style() -> Iterator[None]:
    """Hold the look while the block (or, as a decorator, the function) draws; then restore."""
    with _DRAWING, mpl.rc_context(STYLE):
        yield


@style()
def new_figure(
    rows: int = 1,
    cols: int = 1,
    size: tuple[float, float] = SIZE,
    *,
    share: bool = False,
    projection: str | None = None,
) -> tuple[Figure, list[Axes]]:
    """Make a figure of rows × cols panels that lays itself out.

    Args:
        rows: Panels from top to bottom, ≥ 1.
        cols: Panels from left to right, ≥ 1.
        size: Width and height in inches.
        share: Give all panels the same axes, for panels that are compared.
        projection: Matplotlib's name of an axes type, such as "3d".

    Returns:
        The figure and its panels, row by row: `fig, (ax,) = new_figure()`.
    """
    fig = Figure(figsize=size, layout="constrained")
    FigureCanvasAgg(fig)
    _lay_out_below(fig, 1.0)
    axes = fig.subplots(
        rows,
        cols,
        sharex=share,
        sharey=share,
        squeeze=False,
        subplot_kw={"projection": projection},
    )
    return fig, list(axes.flat)


@style()
def title(fig: Figure, finding: str, subtitle: str = "") -> None:
    """Head a figure with what it shows, and below it, in grey, how that was found.

    Both are broken into lines that fit; the panels move down to make room. Calling it again
    replaces the earlier words. The numbers at the ticks get their commas here too, so it comes
    after the panels are drawn.

    Args:
        fig: A figure of `new_figure`.
        finding: The finding as a sentence, its numbers taken from the computation.
        subtitle: Setting, data, seeds, machine.
    """
    for old in [text for text in fig.texts if text.get_gid() == "title"]:
        old.remove()
    width, height = fig.get_size_inches()
    top = 1 - _MARGIN / height
    for words, font in (
        (finding, {"size": 12.5, "weight": "bold", "color": INK}),
        (subtitle, {"size": 9.5, "color": GREY}),
    ):
        if not words:
            continue
        text = fig.text(_MARGIN / width, top, words, fontdict=font, va="top", gid="title")
        _wrap(text, (width - 2 * _MARGIN) * fig.dpi)
        top -= text.get_window_extent().height / (height * fig.dpi) + 0.06 / height
    _lay_out_below(fig, top - 0.04 / height)
    for axis in (a for ax in fig.axes for a in (ax.xaxis, ax.yaxis)):
        if type(axis.get_major_formatter()) is ScalarFormatter:
            axis.set_major_formatter(_Grouped())


class _Grouped(ScalarFormatter):
    """Matplotlib's numbers at ticks; where they come to ten thousand, 500,000 for 500000."""

    def format_ticks(self, values: Any) -> list[str]:
        labels, at = super().format_ticks(values), np.asarray(values, dtype=float)
        large = at.size and np.abs(at).max() >= 10_000 and (at % 1 == 0).all()
        if not large or self.get_offset():
            return labels
        return [self.fix_minus(f"{x:,.0f}") for x in at]


def _lay_out_below(fig: Figure, top: float) -> None:
    """Keep the panels within the figure's margins and below `top`, a share of its height."""
    width, height = fig.get_size_inches()
    side, bottom = 0.6 * _MARGIN / width, 0.6 * _MARGIN / height
    engine = fig.get_layout_engine()
    if isinstance(engine, ConstrainedLayoutEngine):
        engine.set(rect=(side, bottom, 1 - 2 * side, top - bottom))


def _wrap(text: Text, width: float) -> None:
    """Break a text at spaces into lines no wider than `width` pixels; no-break spaces hold."""
    lines: list[str] = []
    for word in text.get_text().split(" "):
        longer = f"{lines[-1]} {word}" if lines else word
        text.set_text(longer)
        if lines and text.get_window_extent().width <= width:
            lines[-1] = longer
        else:
            lines.append(word)
    text.set_text("\n".join(lines))


def end_labels(ax: Axes, lines: Sequence[Line2D] | None = None, size: float = 9.5) -> list[Text]:
    """Write each line's label at its right end, in its colour, moved apart where they would meet.

    Call it when the axes' limits are final.

    Args:
        ax: The panel.
        lines: The lines to name; by default all that were given a label.
        size: Letter height in points.

    Returns:
        The labels, in the order of the lines; a line without a finite point gets none.
    """
    if lines is None:
        lines = [line for line in ax.get_lines() if not str(line.get_label()).startswith("_")]
    ends = [(line, end) for line in lines if (end := _last_point(line)) is not None]
    if not ends:
        return []
    ax.figure.draw_without_rendering()  # type: ignore[union-attr]  # settles the layout
    pixels_per_point = ax.figure.dpi / 72
    heights = np.array([line.get_transform().transform(end)[1] for line, end in ends])
    heights /= pixels_per_point
    shifts = spread(heights, gap=1.25 * size) - heights
    return [
        ax.annotate(
            str(line.get_label()),
            end,
            xytext=(7, float(shift)),
            textcoords="offset points",
            va="center",
            size=size,
            color=readable(line.get_color()),
            annotation_clip=False,
        )
        for (line, end), shift in zip(ends, shifts, strict=True)
    ]


def _last_point(line: Line2D) -> tuple[float, float] | None:
    """The last point of a line whose x and y are finite."""
    points = np.asarray(line.get_xydata(), dtype=float)
    finite = points[np.isfinite(points).all(axis=1)]
    return (float(finite[-1, 0]), float(finite[-1, 1])) if len(finite) else None


def spread(positions: Float[np.ndarray, "n"], gap: float) -> Float[np.ndarray, "n"]:
    """Move positions as little as possible so that any two are at least `gap` apart.

    The order stays. The answer minimises the sum of squared moves: with r the rank, it is the
    isotonic regression of position − r·gap (pool adjacent violators), plus r·gap.
    """
    order = np.argsort(positions, kind="stable")
    blocks: list[tuple[float, int]] = []  # mean and count
    for rank, value in enumerate(positions[order]):
        mean, count = float(value) - rank * gap, 1
        while blocks and blocks[-1][0] > mean:
            before, members = blocks.pop()
            mean = (mean * count + before * members) / (count + members)
            count += members
        blocks.append((mean, count))
    moved = np.repeat([mean for mean, _ in blocks], [count for _, count in blocks])
    result = np.empty_like(positions)
    result[order] = moved + gap * np.arange(len(positions))
    return result


def readable(colour: Any) -> str:
    """Darken a colour towards the ink until text in it reads on white (contrast ≥ 4.5)."""
    start, ink = np.array(to_rgb(colour)), np.array(to_rgb(INK))
    mixtures = (to_hex((1 - share) * start + share * ink) for share in np.linspace(0, 1, 21))
    return next(mixed for mixed in mixtures if contrast(mixed, "white") >= 4.5)


def ink_on(background: Any) -> str:
    """The text colour, ink or white, that reads better on a background."""
    return INK if contrast(INK, background) > contrast("white", background) else "white"


def contrast(one: Any, other: Any) -> float:
    """The contrast ratio of two colours, 1 (none) to 21 (black on white), as in WCAG 2."""
    low, high = sorted((_luminance(one), _luminance(other)))
    return (high + 0.05) / (low + 0.05)


def _luminance(colour: Any) -> float:
    """Relative luminance of a colour in sRGB, 0 (black) to 1 (white)."""
    rgb = np.array(to_rgb(colour))
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    return float(linear @ [0.2126, 0.7152, 0.0722])


@style()
def save(fig: Figure, path: Path | str) -> Path:
    """Write a figure as PNG (160 dpi) and, beside it, SVG.

    Each file appears whole or not at all. Equal figures give equal bytes.

    Args:
        fig: The figure.
        path: Where; an ending .png or .svg is replaced by each of the two. Folders are made.

    Returns:
        The path of the PNG.

    Raises:
        RunError: The files cannot be written there.
    """
    path = Path(path)
    stem = path.with_suffix("") if path.suffix.lower() in {".png", ".svg"} else path
    try:
        stem.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise RunError(f"cannot make the folder {stem.parent} ({error.strerror})") from error
    for kind, metadata in (
        ("svg", {"Date": None, "Creator": "Gradus"}),
        ("png", {"Software": None}),
    ):
        target, drawing = stem.with_name(f"{stem.name}.{kind}"), io.BytesIO()
        fig.savefig(drawing, format=kind, dpi=DPI, metadata=metadata)
        write_atomically(target, drawing.getvalue())
    return target
