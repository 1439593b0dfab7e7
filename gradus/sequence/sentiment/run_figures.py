"""The figures of a finished run on reviews: functions of the run."""

from typing import Any

import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from gradus.core import plot
from gradus.core.run import Run
from gradus.nn.run_figures import curves
from gradus.sequence.sentiment.batches import ReviewBatches
from gradus.sequence.sentiment.contributions import contributions
from gradus.sequence.sentiment.predict import load_reader
from gradus.sequence.sentiment.reviews import CLASSES, NONE
from gradus.sequence.sentiment.train import some

JUDGED = 400
"""Test reviews that the figures look at."""
READ = 4
"""Reviews that are written out."""
BETWEEN = (30, 75)
"""Words that such a review has."""
LETTERS = 118
"""Letters in a line of one."""
BINS = ((1, 100), (101, 200), (201, 400), (401, 10_000))
"""Lengths of reviews that are told apart."""


def colour_of(share: float) -> tuple[float, float, float, float]:
    """The ground of a word: blue for positive, orange for negative, the stronger the deeper."""
    from matplotlib.colors import to_rgb

    return (*to_rgb(plot.PALETTE[0] if share > 0 else plot.PALETTE[1]), min(0.85, abs(share)))


@plot.style()
def words(run: Run) -> Figure:
    """What each word of some test reviews does to the answer."""
    model, vocabulary = load_reader(run)
    names = ["", "(unknown)", *vocabulary]
    shown = _short_ones(run.task().test())
    fig, axes = plot.new_figure(len(shown), 1, (10, 1.35 * len(shown) + 1.3))
    right, halves = 0, 0.0
    for ax, (numbers, label) in zip(axes, shown, strict=True):
        with torch.no_grad():
            probability = model(numbers[None]).softmax(1)[0]
        said = int(probability.argmax())
        right += said == label
        effects = contributions(model, numbers)
        shares = effects / effects.abs().max().clamp(min=1e-12)
        halves += share_of_half(effects)
        _write(ax, [names[i] for i in numbers.tolist()], shares.tolist())
        ax.set_title(f"{CLASSES[label]}, named {CLASSES[said]} ({probability[said]:.0%})")
    plot.title(
        fig,
        f"{right} of {len(shown)} short test reviews are named right; "
        f"{halves / len(shown):.0%} of a review's words make half of what speaks in it",
        "Blue speaks for positive, orange for negative, the deepest is the strongest of its "
        "review: integrated gradients of the log-odds, from word vectors of zeros",
    )
    return fig


def share_of_half(effects: torch.Tensor) -> float:
    """The share of words whose contributions, the largest first, make half of all their sizes."""
    sizes = effects.abs().sort(descending=True).values.cumsum(0)
    return (int((sizes < sizes[-1] / 2).sum()) + 1) / len(sizes)


def _short_ones(source: Any) -> list[tuple[torch.Tensor, int]]:
    """Test reviews short enough to be written out, as many of each class."""
    numbers, labels = _sample(source)
    lengths = (numbers != NONE).sum(1)
    few = ((lengths >= BETWEEN[0]) & (lengths <= BETWEEN[1])).nonzero()[:, 0].tolist()
    few = few or lengths.argsort().tolist()
    chosen = [
        row for c in range(len(CLASSES)) for row in [r for r in few if labels[r] == c][: READ // 2]
    ]
    return [(numbers[row, : lengths[row]], int(labels[row])) for row in chosen]


def _sample(source: ReviewBatches) -> tuple[torch.Tensor, torch.Tensor]:
    """Some reviews, from the shortest to the longest."""
    part = some(source.part, JUDGED)
    numbers, labels = ReviewBatches(part, len(part), source.longest, source.keep).tensors
    return numbers, labels


def _write(ax: Axes, words: list[str], shares: list[float]) -> None:
    """Words in lines, each on its ground."""
    ax.set_axis_off()
    column = row = 0
    for word, share in zip(words, shares, strict=True):
        if column and column + len(word) > LETTERS:
            column, row = 0, row + 1
        ax.text(
            column,
            -row,
            word,
            family="DejaVu Sans Mono",
            size=9,
            va="center",
            bbox={"facecolor": colour_of(share), "edgecolor": "none", "pad": 1.5},
        )
        column += len(word) + 1
    ax.set(xlim=(0, LETTERS + 2), ylim=(-max(row, 3) - 0.6, 0.6))


@plot.style()
@torch.inference_mode()
def lengths(run: Run) -> Figure:
    """Mistakes by the length of the review, on the test set."""
    model, source = load_reader(run)[0], run.task().test()
    found: list[torch.Tensor] = []
    for (numbers, labels), _ in source.epoch(0):
        found.append(model(numbers).argmax(1) != labels)
    wrong = torch.cat(found).float()
    many = source.part.lengths[source.lengths.argsort(stable=True)]
    fig, (ax,) = plot.new_figure()
    shares, names = [], []
    for low, high in BINS:
        here = wrong[(many >= low) & (many <= high)]
        if len(here):
            top = f"{low} to {high}" if high < BINS[-1][1] else f"{low} or more"
            names.append(f"{top}\n{len(here):,} reviews")
            shares.append(100 * float(here.mean()))
    ax.bar(range(len(shares)), shares, color=plot.PALETTE[0], width=0.6)
    for place, share in enumerate(shares):
        ax.annotate(f"{share:.1f} %", (place, share), ha="center", va="bottom")
    ax.set_xticks(range(len(names)), names)
    ax.set(ylabel="reviews named wrong (%)", xlabel="words of the review")
    ax.grid(visible=False, axis="x")
    ax.set_ylim(0, 1.15 * max([*shares, 1.0]))
    plot.title(
        fig,
        f"{float(wrong.mean()):.1%} of {len(wrong):,} test reviews are named wrong",
        f"{run.recipe.name}; at most {source.longest} words of a review are read",
    )
    return fig


RUN = {"learning-curves": curves, "words": words, "lengths": lengths}
