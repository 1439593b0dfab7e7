"""The figure of a comparison: loss and validation of each optimiser, by step and by second."""

from collections.abc import Callable, Iterator

import numpy as np
from jaxtyping import Float
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from gradus.core import plot
from gradus.core.report import show
from gradus.surface.standings import Comparison, Contestant, Training

WIDE = 10.0
"""A panel's axis is logarithmic where its values differ by more than this factor."""

Numbers = Callable[[Training], list[float] | list[int]]


@plot.style()
def draw_comparison(comparison: Comparison) -> Figure:
    """Draw mean and standard error over seeds of the training loss and the watched value.

    Args:
        comparison: its winner has a whole training. Trainings that failed are left out.

    Returns:
        Four panels: loss above the watched value (an accuracy as an error in %), by step on the
        left and by second on the right.
    """
    fig, panels = plot.new_figure(2, 2, (10, 7.2))
    share = comparison.watch.endswith("accuracy")
    above: tuple[str, Numbers] = ("training loss", lambda t: t.loss)
    below: tuple[str, Numbers] = (watched(comparison), lambda t: t.watched)
    if share:
        error = watched(comparison).replace("accuracy", "error") + " (%)"
        below = error, lambda t: [100 * (1 - v) for v in t.watched]
    across: tuple[tuple[str, Numbers], ...] = (
        ("step", lambda t: t.steps),
        ("training time (s)", lambda t: t.seconds),
    )
    for row, (ylabel, y) in enumerate((above, below)):
        for column, (xlabel, x) in enumerate(across):
            ax = panels[2 * row + column]
            _draw_panel(ax, comparison, x, y)
            ax.set(xlabel=xlabel if row else "", ylabel="" if column else ylabel)
    level = 100 * (1 - comparison.level) if share else comparison.level
    for ax in panels[2:]:
        ax.axhline(level, color=plot.GREY, linewidth=1, zorder=1)
    fig.legend(handles=panels[0].get_lines(), loc="outside right center")
    plot.title(fig, *_words(comparison))
    return fig


def watched(comparison: Comparison) -> str:
    """The watched record in words."""
    return comparison.watch.replace("train/", "training/").replace("/", " ")


def _draw_panel(ax: Axes, comparison: Comparison, x: Numbers, y: Numbers) -> None:
    """Draw a quantity of every optimiser against another."""
    tops, ends = [], []
    for contestant, (colour, dash) in zip(comparison.contestants, _looks(), strict=False):
        if not contestant.whole:
            continue
        places, values = _column(contestant, x).mean(0), _column(contestant, y)
        mean = values.mean(0)
        error = values.std(0, ddof=1) / len(values) ** 0.5 if len(values) > 1 else 0 * mean
        label = f"{contestant.name}, ε = {contestant.lr:g}"
        marker = "o" if len(mean) <= 12 else ""
        ax.plot(places, mean, ls=dash, marker=marker, markersize=3.5, color=colour, label=label)
        ax.fill_between(places, mean - error, mean + error, color=colour, alpha=0.18, linewidth=0)
        tops.append(mean)
        ends.append(places[-1])
    drawn = np.concatenate(tops)
    if drawn.min() > 0 and drawn.max() > WIDE * drawn.min():
        ax.set_yscale("log")
        ax.set_ylim(drawn.min() / 1.5, 1.5 * drawn.max())  # a band may reach down to 0
        ax.yaxis.set_major_formatter("{x:g}")
    if max(ends) > WIDE * min(ends):
        ax.set_xscale("log")
    ax.xaxis.set_major_formatter("{x:,.10g}")


def _looks() -> Iterator[tuple[str, object]]:
    """Colour and dash of each optimiser; the dashes are others when the colours come again."""
    count = len(plot.PALETTE)
    for i in range(count * count):
        yield plot.PALETTE[i % count], plot.DASHES[(i + i // count) % len(plot.DASHES)]


def _column(contestant: Contestant, numbers: Numbers) -> Float[np.ndarray, "seeds epochs"]:
    """The numbers of each whole training, as far as all of them went."""
    rows = [numbers(t) for t in contestant.whole]
    return np.array([row[: min(map(len, rows))] for row in rows], dtype=float)


def _words(comparison: Comparison) -> tuple[str, str]:
    """The finding and how it was found."""
    winner, config = comparison.winner, comparison.config
    metric = comparison.watch.rpartition("/")[2]
    assert winner.mean is not None
    finding = f"{winner.name} is best: {watched(comparison)} {show(metric, winner.mean)}"
    soonest = fastest(comparison)
    level = show(metric, comparison.level)
    if soonest is not None:
        steps = soonest.to_level(comparison.level)["steps"]
        who = " and" if soonest is winner else f"; {soonest.name}"
        finding += f"{who} comes to {level} soonest, in {steps:,.0f} steps"
    trainings = len(winner.trainings)
    failed = sum(len(c.trainings) - len(c.whole) for c in comparison.contestants)
    subtitle = (
        f"{comparison.recipe.name}, {config.epochs} epochs in batches of {config.batch_size}; "
        + (f"mean ± standard error of {trainings} seeds" if trainings > 1 else "one seed")
        + f"; a point an epoch. Grey line: {level}"
        + (f". {failed} trainings failed and are left out" if failed else "")
    )
    return finding, subtitle


def fastest(comparison: Comparison) -> Contestant | None:
    """The optimiser that reached the level in the fewest steps, of those with the most seeds."""
    reached = {c.name: c.to_level(comparison.level) for c in comparison.contestants}
    able = [c for c in comparison.contestants if reached[c.name]["seeds"]]
    return min(
        able, key=lambda c: (-reached[c.name]["seeds"], reached[c.name]["steps"]), default=None
    )
