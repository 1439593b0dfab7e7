"""A race of optimisers as an animation, GIF or MP4."""

import io
import math
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from importlib import import_module
from importlib.util import find_spec
from itertools import cycle
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, UInt8
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from PIL import Image

from gradus.core import plot
from gradus.core.errors import RunError, UsageError
from gradus.core.files import write_atomically
from gradus.surface.functions import LANDSCAPES, Landscape
from gradus.surface.race import ARRIVED, Walk, arrival, heights

LARGEST = 8_000_000  # bytes of a file
HOLD = 1.0  # seconds that the first and the last picture stay
FLOOR, CEILING = 1e-8, 1e4  # an error outside is drawn at the nearer of the two
SIZE, DPI = (10.0, 5.0), 100
COLOURS = tuple(colour for colour in plot.PALETTE if colour != "#F0E442")  # too faint on white
MARKERS = "osD^vPX"


@plot.style()
def animate(
    walks: Mapping[str, Walk],
    landscape: str,
    path: Path | str,
    seconds: float = 8.0,
    fps: int = 20,
) -> Path:
    """Write a race as an animation: the paths on the function's contours, and the error by step.

    Args:
        walks: optimiser -> its walk, all of one length, as `gradus.surface.race.race` gives them.
        landscape: the function they walked on, a key of `gradus.surface.functions.LANDSCAPES`.
        path: where; .gif, or .mp4 with the package imageio-ffmpeg. Folders are made.
        seconds: how long the race takes, in (0, 60]; the first and the last picture each stay a
            second longer.
        fps: pictures a second, 15 to 30. A GIF counts in hundredths of a second, so that 20 and
            25 are exact.

    Returns:
        The path.

    Raises:
        UsageError: there is nothing to draw, a name is unknown, a number is out of its range, the
            ending is another, or imageio-ffmpeg is missing.
        RunError: the file would be above 8 MB, or cannot be written.
    """
    path = Path(path)
    if landscape not in LANDSCAPES:
        raise UsageError(f"landscape must be one of {', '.join(LANDSCAPES)}; got {landscape!r}")
    if len({len(walk.values) for walk in walks.values()}) != 1:
        raise UsageError("an animation needs one or more walks, all of one length")
    if not 0 < seconds <= 60 or not 15 <= fps <= 30:
        raise UsageError(f"seconds must be in (0, 60] and fps 15 to 30, got {seconds} and {fps}")
    if path.suffix not in (".gif", ".mp4"):
        raise UsageError(f"an animation ends in .gif or .mp4, got {path.name}")
    if path.suffix == ".mp4" and find_spec("imageio_ffmpeg") is None:
        raise UsageError(
            "an .mp4 needs the package imageio-ffmpeg: pip install 'gradus-dl[video]', "
            "or write a .gif"
        )
    pictures = list(_pictures(walks, LANDSCAPES[landscape], max(2, round(seconds * fps))))
    data = _gif(pictures, fps) if path.suffix == ".gif" else _mp4(pictures, fps)
    if len(data) > LARGEST:
        raise RunError(
            f"{path.name} would have {len(data) / 1e6:.1f} MB, above {LARGEST / 1e6:.0f}; "
            "use fewer seconds"
        )
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(path, data)
    return path


@plot.style()
def draw_race(walks: Mapping[str, Walk], landscape: str) -> Figure:
    """The last picture of a race: the whole paths, and the error by step.

    Args:
        walks: as `animate` takes them.
        landscape: the same.
    """
    stage = _Stage(walks, LANDSCAPES[landscape])
    stage.show(stage.last)
    return stage.fig


def _pictures(
    walks: Mapping[str, Walk], landscape: Landscape, moments: int
) -> Iterator[UInt8[np.ndarray, "height width 3"]]:
    """Draw what stays once, and what moves on copies of it."""
    stage = _Stage(walks, landscape, DPI)
    fig, canvas = stage.fig, stage.canvas
    for artist in stage.moving:
        artist.set_animated(True)
    canvas.draw()
    empty = canvas.copy_from_bbox(fig.bbox)
    for step in np.linspace(0, stage.last, moments).round().astype(int).tolist():
        canvas.restore_region(empty)
        stage.show(step)
        for artist in stage.moving:
            fig.draw_artist(artist)
        yield np.asarray(canvas.buffer_rgba())[..., :3].copy()


class _Stage:
    """The figure of a race, its racers not yet on it.

    Attributes:
        fig: the figure.
        canvas: its canvas.
        moving: what differs from step to step.
        last: the last step.
    """

    def __init__(
        self, walks: Mapping[str, Walk], landscape: Landscape, dpi: int = plot.DPI
    ) -> None:
        self.fig, (left, right) = plot.new_figure(1, 2, SIZE)
        self.fig.set_dpi(dpi)
        self.canvas: Any = self.fig.canvas
        self.walks = walks
        self.errors = {name: _errors(walk, landscape) for name, walk in walks.items()}
        self.racers = _set_stage(self.fig, left, right, landscape, self.errors)
        self.last = len(next(iter(walks.values())).values) - 1
        _head(self.fig, landscape, walks)
        plot.end_labels(right, [trail for _, _, trail, _ in self.racers])
        self.counter = left.set_title("step 0")
        self.moving = [self.counter, *(artist for four in self.racers for artist in four)]

    def show(self, step: int) -> None:
        """Put every racer where it is after so many steps."""
        self.counter.set_text(f"step {step}")
        for (path, dot, trail, end), walk, error in zip(
            self.racers, self.walks.values(), self.errors.values(), strict=True
        ):
            path.set_data(*walk.points[: step + 1].T)
            dot.set_data(*walk.points[step : step + 1].T)
            trail.set_data(np.arange(step + 1), error[: step + 1])
            end.set_data([step], error[step : step + 1])


def _errors(walk: Walk, landscape: Landscape) -> Float[np.ndarray, "places"]:
    """How far above the minimum each place of a walk lies, as far as that can be drawn."""
    return np.clip(np.nan_to_num(heights(walk, landscape), nan=CEILING), FLOOR, CEILING)


def _set_stage(
    fig: Figure,
    left: Axes,
    right: Axes,
    landscape: Landscape,
    errors: Mapping[str, Float[np.ndarray, "places"]],
) -> list[tuple[Line2D, Line2D, Line2D, Line2D]]:
    """Draw contours and axes; return path, dot, error curve and its end of each racer."""
    draw_contours(left, landscape)
    left.plot(*landscape.start, "o", color="white", markeredgecolor=plot.INK, markersize=8)
    left.set(xlabel="x", ylabel="y")
    right.set(xlabel="step", ylabel="E − lowest E", yscale="log")
    right.set_title(f"Height above the minimum, down to $10^{{{math.log10(FLOOR):.0f}}}$")
    steps = len(next(iter(errors.values()))) - 1
    right.set_xlim(0, steps)
    top = 3 * max(error.max() for error in errors.values())
    right.set_ylim(FLOOR / 300, top)  # with room for the names of those who end at the floor
    right.set_yticks(10.0 ** np.arange(math.log10(FLOOR), math.log10(top), 2))
    right.minorticks_off()
    movers = []
    for (name, error), colour, marker, dash in zip(
        errors.items(), cycle(COLOURS), cycle(MARKERS), cycle(plot.DASHES)
    ):
        line: dict[str, Any] = {"color": colour, "linewidth": 1.5}
        point: dict[str, Any] = {"color": colour, "marker": marker, "markeredgecolor": "white"}
        (path,) = left.plot([], [], "-", **line)
        (dot,) = left.plot([], [], **point, markersize=8)
        (trail,) = right.plot(np.arange(steps + 1), error, linestyle=dash, **line, label=name)
        (end,) = right.plot([], [], **point, markersize=6, clip_on=False)
        end.set_in_layout(False)  # it has no place yet
        movers.append((path, dot, trail, end))
    return movers


def draw_contours(ax: Axes, landscape: Landscape, levels: int = 14) -> None:
    """Draw lines of equal E, closer in the valleys, and a star at each minimum.

    Args:
        ax: the panel; it gets the landscape's window.
        landscape: the function.
        levels: how many lines.
    """
    x, y = (np.linspace(*limits, 241) for limits in landscape.window)
    grid = torch.from_numpy(np.stack(np.meshgrid(x, y), axis=-1))
    lowest = float(landscape(torch.tensor(landscape.minima[0], dtype=torch.float64)))
    height = landscape(grid).numpy() - lowest
    lines = height.max() * np.linspace(0, 1, levels + 1)[1:] ** 4
    ax.contour(
        x, y, np.sqrt(height), np.sqrt(lines), cmap=plot.MAGNITUDE, linewidths=0.8, alpha=0.7
    )
    ax.plot(*zip(*landscape.minima, strict=True), "*", color=plot.INK, markersize=13, zorder=1.9)
    ax.set(xlim=landscape.window[0], ylim=landscape.window[1])
    ax.grid(visible=False)


def _head(fig: Figure, landscape: Landscape, walks: Mapping[str, Walk]) -> None:
    """Say in the title who is near the minimum in the fewest steps."""
    errors = {name: _errors(walk, landscape)[-1] for name, walk in walks.items()}
    steps = len(next(iter(walks.values())).values) - 1
    times = {name: arrival(walk, landscape) for name, walk in walks.items()}
    arrivals = {name: step for name, step in times.items() if step is not None}
    if arrivals:
        first = min(arrivals, key=lambda name: arrivals[name])
        there = sum(bool(error < ARRIVED) for error in errors.values())
        finding = (
            f"{first} is first at the minimum, after {arrivals[first]} steps and "
            f"{walks[first].evaluations[arrivals[first]]} evaluations; "
            f"{there} of {len(errors)} end there"
        )
    else:
        nearest = min(errors, key=lambda name: errors[name])
        finding = f"After {steps} steps {nearest} is nearest: {errors[nearest]:.2g} above"
    x, y = (f"{number:g}".replace("-", "−") for number in landscape.start)
    name = landscape.name[0].upper() + landscape.name[1:]
    plot.title(
        fig,
        finding,
        f"{name}: E = {landscape.formula}. Circle: start ({x}, {y}). Star: minimum; "
        f"there: {ARRIVED} above it",
    )


def _durations(pictures: int, fps: int) -> list[int]:
    """Milliseconds that each picture stays."""
    each, hold = round(100 / fps) * 10, round(1000 * HOLD)
    return [hold, *[each] * (pictures - 2), hold]


def _gif(pictures: Sequence[UInt8[np.ndarray, "height width 3"]], fps: int) -> bytes:
    """All pictures in the colours of one of them, chosen so that none of its colours is lost."""
    middle = Image.fromarray(pictures[len(pictures) // 2])
    palette = middle.quantize(256, Image.Quantize.MAXCOVERAGE)
    images = [
        Image.fromarray(picture).quantize(palette=palette, dither=Image.Dither.NONE)
        for picture in pictures
    ]
    file = io.BytesIO()
    images[0].save(
        file,
        "GIF",
        save_all=True,
        append_images=images[1:],
        duration=_durations(len(images), fps),
        loop=0,
        optimize=False,
    )
    return file.getvalue()


def _mp4(pictures: Sequence[UInt8[np.ndarray, "height width 3"]], fps: int) -> bytes:
    """H.264, the first and last picture repeated for a second."""
    ffmpeg = import_module("imageio_ffmpeg")  # only who writes an .mp4 needs it
    height, width, _ = pictures[0].shape
    hold = [1] * (round(HOLD * fps) - 1)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "race.mp4"
        writer = ffmpeg.write_frames(str(file), (width, height), fps=fps, macro_block_size=2)
        writer.send(None)
        for picture in [*(pictures[0] for _ in hold), *pictures, *(pictures[-1] for _ in hold)]:
            writer.send(np.ascontiguousarray(picture))
        writer.close()
        return file.read_bytes()
