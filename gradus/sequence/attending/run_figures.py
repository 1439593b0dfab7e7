"""The figures of a finished run that describes what it looks at: functions of the run."""

from typing import Any

import torch
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from torch import Tensor

from gradus.core import plot
from gradus.core.run import Run
from gradus.nn.run_figures import curves
from gradus.sequence.attending import scenes, tunes
from gradus.sequence.attending.build import END
from gradus.sequence.attending.train import landed, mean_of_things

SHOWN = 3
"""Test scenes or tunes that are drawn."""
ATTENTION = LinearSegmentedColormap.from_list("attention", ["white", plot.INK])


@plot.style()
@torch.inference_mode()
def attention(run: Run) -> Figure:
    """Where the network looks as it says each word, over the picture or beside the sound."""
    config: Any = run.config
    task, names = run.task(), run.info["facts"]["classes"]
    inputs, right, there = task.test().tensors
    task.model.eval()
    logits, looked = task.model(inputs)
    things = there.any(2)
    share = float(mean_of_things(landed(looked, there), things).mean())
    words = logits.argmax(2)
    over = config.over
    what, draw = ("digit", _scenes) if over == "regions" else ("note", _tunes)
    fig = draw(inputs[:SHOWN], words[:SHOWN], right[:SHOWN], looked[:SHOWN], names)
    scale = (
        "blue: attention, the deeper the more"
        if over == "regions"
        else f"attention from 0, white, to {float(looked[:SHOWN].max()):.2f}, ink"
    )
    plot.title(
        fig,
        f"{share:.1%} of the time the network looks most at the {what} that it is to name",
        f"{run.recipe.name}; {int(things.sum()):,} {what}s of the test set; the first {SHOWN} "
        f"examples, with the word said and in brackets the right one where it differs; {scale}; "
        "where to look was learned from the words alone",
    )
    return fig


def _said(word: int, right: int, names: list[str]) -> str:
    """A word, and the right one where it is another."""
    if word == right:
        return names[word]
    return f"{names[word]} ({names[right] if right >= 0 else 'nothing'})"


def _scenes(
    inputs: Tensor, words: Tensor, right: Tensor, looked: Tensor, names: list[str]
) -> Figure:
    """A row for each picture: a step in each panel, the attention as a blue veil."""
    fig, axes = plot.new_figure(len(inputs), scenes.STEPS, (9, 1.95 * len(inputs) + 0.9))
    end = names.index(END)
    for row in range(len(inputs)):
        over = False
        for step in range(scenes.STEPS):
            ax = axes[row * scenes.STEPS + step]
            ax.set_axis_off()
            if over:
                continue
            ax.imshow(inputs[row, 0].numpy(), cmap="gray_r", vmin=0, vmax=1)
            for region, weight in enumerate(looked[row, step].tolist()):
                _veil(ax, region, weight)
            ax.set_title(_said(int(words[row, step]), int(right[row, step]), names), loc="center")
            over = int(words[row, step]) == end
    return fig


def _veil(ax: Axes, region: int, weight: float) -> None:
    """The attention on one region of a picture."""
    corner = (region % scenes.GRID * scenes.CELL - 0.5, region // scenes.GRID * scenes.CELL - 0.5)
    colour, size = plot.PALETTE[0], scenes.CELL
    ax.add_patch(Rectangle(corner, size, size, facecolor=colour, alpha=0.55 * weight, lw=0))
    ax.add_patch(Rectangle(corner, size, size, fill=False, edgecolor=plot.FAINT, lw=0.6))


def _tunes(
    inputs: Tensor, words: Tensor, right: Tensor, looked: Tensor, names: list[str]
) -> Figure:
    """Two rows for the tunes: the spectrogram, and the attention of each step below it."""
    fig, axes = plot.new_figure(2, len(inputs), (3.4 * len(inputs), 5.2))
    ms = 1000 / tunes.RATE
    low = (tunes.WINDOW - tunes.HOP) / 2 * ms
    span = (low, low + tunes.FRAMES * tunes.HOP * ms)
    for column in range(len(inputs)):
        top, below = axes[column], axes[len(inputs) + column]
        spectrum = inputs[column].numpy()[: tunes.FREQUENCIES // 2]
        top.imshow(spectrum, aspect="auto", origin="lower", extent=(*span, 0, 1.0))
        n = int((words[column] == names.index(END)).int().argmax()) + 1
        below.imshow(
            looked[column, :n].numpy(), aspect="auto", cmap=ATTENTION, vmin=0,
            vmax=float(looked.max()),
            extent=(*span, n - 0.5, -0.5),
        )  # fmt: skip
        pairs = zip(words[column, :n].tolist(), right[column, :n].tolist(), strict=True)
        said = [_said(w, r, names) for w, r in pairs]
        below.set_yticks(range(n), said)
        below.set_xlabel("time (ms)")
        for ax in (top, below):
            ax.grid(visible=False)
    axes[0].set_ylabel("frequency (kHz)")
    axes[len(inputs)].set_ylabel("word said")
    return fig


@plot.style()
@torch.inference_mode()
def mass(run: Run) -> Figure:
    """How much attention lies on the thing that is named, over all test examples."""
    task = run.task()
    inputs, _, there = task.test().tensors
    task.model.eval()
    _, looked = task.model(inputs)
    on_it = (looked * there).sum(2)[there.any(2)].numpy()
    fig, (ax,) = plot.new_figure()
    ax.hist(100 * on_it, bins=40, range=(0, 100), color=plot.PALETTE[0])
    ax.set(xlabel="attention on the thing that is named (%)", ylabel="things of the test set")
    ax.set(xlim=(0, 100))
    plot.title(
        fig,
        f"On average {on_it.mean():.0%} of the attention lies on what is named",
        f"{run.recipe.name}, {len(on_it):,} things; spread evenly it would be "
        f"{float(there.float().mean(2)[there.any(2)].mean()):.0%}",
    )
    return fig


RUN = {"learning-curves": curves, "attention": attention, "mass": mass}
