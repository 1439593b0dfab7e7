"""The figures of a search: history, parallel coordinates, slices, importance."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, MaxNLocator, NullFormatter

from gradus.core import plot
from gradus.core.search_summary import Summary, Trial
from gradus.core.space import Range, show

MOST_SETTINGS = 8
"""Settings that parallel coordinates and slices show, the important ones first."""
MOST_TICKS = 8
"""Values that are written on an axis of parallel coordinates."""
WIDE = 30.0
"""Positive values that differ by more than this factor are drawn in the logarithm."""
CROWDED = 16
"""More letters below a panel of the slices are turned."""
MARGIN = 0.06
"""Room at either end of an axis, and least distance of a mark from its end, as a share of it."""
GOOD = 0.25
"""The share of the trials that counts as the best ones in the slices' title."""


def figures(summary: Summary) -> dict[str, Figure]:
    """Every figure that the study gives, by name; at least one trial must be complete."""
    drawn = {
        "history": history(summary),
        "parallel-coordinates": parallel_coordinates(summary),
        "slices": slices(summary),
    }
    if summary.importance:
        drawn["importance"] = importance(summary)
    return drawn


@plot.style()
def history(summary: Summary) -> Figure:
    """Draw the value of each trial, in order, and the best so far."""
    complete, pruned, failed = (_of(summary, s) for s in ("complete", "pruned", "failed"))
    fig, (ax,) = plot.new_figure()
    pick = max if summary.better == "max" else min
    values = [_value(summary, t) for t in complete]
    so_far = [pick(values[: i + 1]) for i in range(len(values))]
    numbers, last = [t.number for t in complete], len(summary.trials) - 1
    ax.plot([*numbers, last], [*so_far, so_far[-1]], "-", drawstyle="steps-post", color="#E69F00")
    ax.plot(numbers, values, "o", color=plot.PALETTE[0], label="complete")
    if pruned:
        at = [t.number for t in pruned], [_value(summary, t) for t in pruned]
        ax.plot(*at, "o", color=plot.GREY, markerfacecolor="white", label="pruned: last value")
    if failed:
        where = [t.number for t in failed], [0.02] * len(failed)
        ax.plot(*where, "x", color="#D55E00", transform=ax.get_xaxis_transform(), label="failed")
    _scale(ax, [*values, *(_value(summary, t) for t in pruned)])
    margin = 0.04 * max(last, 1)
    ax.set(xlim=(-margin, last + margin), xlabel="trial", ylabel=_axis(summary))
    ax.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    if pruned or failed:
        ax.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=3, borderaxespad=0.2)
    best = summary.ranked[0]
    plot.title(
        fig,
        f"Trial {best.number} is best: {_amount(summary, best)} with {_point(best)}",
        f"{_setting(summary)}; line: best complete trial so far",
    )
    return fig


@plot.style()
def parallel_coordinates(summary: Summary) -> Figure:
    """Draw each complete trial as a line through its settings, to its value on the right."""
    names = _names(summary)
    ranked = summary.ranked[::-1]  # the best on top
    values = [_value(summary, t) for t in ranked]
    low, high = min(values), max(values)
    colours = ScalarMappable(
        Normalize(low, high if high > low else low + 1),
        "viridis_r" if summary.better == "max" else "viridis",
    )
    fig, (ax,) = plot.new_figure(size=(max(7.0, 1.5 * len(names) + 2.5), 4.3))
    shades = colours.to_rgba(np.array(values))
    for t, value, shade in zip(ranked, values, shades, strict=True):
        heights = [_height(summary.space[n], t.point[n]) for n in names]
        heights.append((value - low) / (high - low) if high > low else 0.5)
        best = t is ranked[-1]
        width, colour = (3.0, plot.PALETTE[4]) if best else (1.2, tuple(shade))
        ax.plot(heights, "-", color=colour, linewidth=width, zorder=3 if best else 2)
    for x, name in enumerate(names):
        _write_ticks(ax, x, _ticks(summary.space[name]))
    ends = [low, high] if high > low else [low]
    marks = [(i if high > low else 0.5, _number(v)) for i, v in enumerate(ends)]
    _write_ticks(ax, len(names), marks)
    for x in range(len(names) + 1):
        ax.axvline(x, color=plot.INK, linewidth=0.8)
    ax.set_xticks(range(len(names) + 1), [*names, _axis(summary)])
    ax.set(xlim=(-0.3, len(names) + 0.45), ylim=(-0.06, 1.06), yticks=[])
    ax.tick_params(axis="x", length=0)
    ax.grid(visible=False)
    ax.spines[:].set_visible(False)
    plot.title(
        fig,
        f"{_trials(1, len(ranked))}: {_point(summary.ranked[0])}",
        f"{_setting(summary)}; a line each, the best thick, the darker the better",
    )
    return fig


@plot.style()
def slices(summary: Summary) -> Figure:
    """Draw the value of the complete trials over each setting by itself."""
    names = _names(summary)
    columns = min(len(names), 4)
    rows = math.ceil(len(names) / columns)
    fig, panels = plot.new_figure(rows, columns, (max(7.0, 2.6 * columns + 1), 3.1 * rows + 1.2))
    best = summary.ranked[0]
    values = [_value(summary, t) for t in summary.ranked]
    for number, (ax, name) in enumerate(zip(panels, names, strict=False)):
        part = summary.space[name]
        ax.plot([_across(part, t.point[name]) for t in summary.ranked], values, "o", alpha=0.7)
        ax.plot(_across(part, best.point[name]), values[0], "D", color="#D55E00", markersize=8)
        ax.set_xlabel(name)
        if isinstance(part, Range):
            ax.set_xscale("log" if part.log else "linear")
            ax.set_xlim(*_margins(part))
            tens = LogLocator(subs=(1,) if part.high > 100 * part.low else (1, 2, 5))
            ax.xaxis.set_major_locator(tens if part.log else MaxNLocator(4))
            ax.xaxis.set_major_formatter("{x:g}")
            ax.xaxis.set_minor_formatter(NullFormatter())
        else:
            places = range(0, len(part), math.ceil(len(part) / MOST_TICKS))
            words = [show(part[i]) for i in places]
            ax.set_xticks(places, words)
            ax.set_xlim(-0.5, len(part) - 0.5)
            ax.tick_params(axis="x", rotation=45 if sum(map(len, words)) > CROWDED else 0)
        _scale(ax, values)
        if number % columns == 0:
            ax.set_ylabel(_axis(summary))
    for ax in panels[len(names) :]:
        ax.remove()
    good = summary.ranked[: max(1, round(GOOD * len(values)))]
    first = next(iter(summary.importance), names[0])
    plot.title(
        fig,
        f"{_trials(len(good), len(values))} {'has' if len(good) == 1 else 'have'} {first} "
        f"{_spread(summary, first, good)}",
        f"{_setting(summary)}; complete trials, the best one as a diamond",
    )
    return fig


@plot.style()
def importance(summary: Summary) -> Figure:
    """Draw how much of the differences each setting explains alone."""
    shares = dict(summary.importance)
    first = next(iter(shares))
    fitted = f" by fANOVA, a random forest fitted to {len(summary.ranked)} complete trials"
    how = "" if summary.is_full_grid else fitted
    fig, (ax,) = plot.new_figure(size=(7.0, 0.42 * len(shares) + 2.2))
    names = [*shares, "several together"]
    widths = [100 * v for v in shares.values()]
    widths.append(max(0.0, 100 - sum(widths)))
    colours = [plot.PALETTE[0]] * len(shares) + [plot.FAINT]
    bars = ax.barh(names, widths, color=colours, height=0.65)
    ax.bar_label(bars, [f"{w:.3g} %" if w >= 0.1 else "0 %" for w in widths], padding=4, size=9)
    ax.invert_yaxis()
    ax.set(xlim=(0, 114), xlabel=f"differences in {_what(summary)} explained (%)")
    ax.grid(visible=False, axis="y")
    ax.tick_params(axis="y", length=0)
    plot.title(
        fig,
        f"{first} alone explains {widths[0]:.3g} % of the differences in {_what(summary)}",
        f"{_setting(summary)}; share of the variance over the space{how}",
    )
    return fig


# Words --------------------------------------------------------------------------------------------


def _of(summary: Summary, state: str) -> list[Trial]:
    return [t for t in summary.trials if t.state == state and (t.value is not None or t.error)]


def _what(summary: Summary) -> str:
    return summary.objective.replace("/", " ")


def _in_percent(summary: Summary) -> bool:
    return summary.metric in ("accuracy", "error")


def _value(summary: Summary, t: Trial) -> float:
    """A trial's value as it is drawn: accuracy and error in %."""
    value = math.nan if t.value is None else t.value
    return 100 * value if _in_percent(summary) else value


def _axis(summary: Summary) -> str:
    return _what(summary) + (" (%)" if _in_percent(summary) else "")


def _number(value: float) -> str:
    return f"{value:.4g}"


def _amount(summary: Summary, t: Trial) -> str:
    return f"{_what(summary)} {summary.show(t.value)}"


def _point(t: Trial) -> str:
    """A trial's settings in words, few enough for a title."""
    words = [f"{name}\u00a0{show(value)}" for name, value in t.point.items()]
    return ", ".join(words[:4]) + (" …" if len(words) > 4 else "")


def _setting(summary: Summary) -> str:
    """What was searched and how, for a subtitle."""
    counts = {s: len(_of(summary, s)) for s in ("pruned", "failed")}
    more = "".join(f", {count} {state}" for state, count in counts.items() if count)
    drawn = {"grid": "grid", "random": "random search", "tpe": "TPE"}[summary.sampler]
    seed = summary.config.seed
    return f"{summary.recipe.name}, {drawn}, {len(summary.trials)} trials{more}, seed {seed}"


def _trials(good: int, count: int) -> str:
    if count == 1:
        return "The only complete trial"
    return f"The best {'' if good == 1 else f'{good} '}of {count} complete trials"


def _spread(summary: Summary, name: str, trials: Sequence[Trial]) -> str:
    """Which values of a setting these trials have."""
    found = {t.point[name] for t in trials}
    numbers = all(isinstance(v, int | float) and not isinstance(v, bool) for v in found)
    if numbers and len(found) > 2:
        return f"between {show(min(found))} and {show(max(found))}"
    return " or ".join(sorted(show(v) for v in found))


# Places -------------------------------------------------------------------------------------------


def _names(summary: Summary) -> list[str]:
    """The settings that are drawn: all in order, or the most important ones."""
    names = list(summary.space)
    if len(names) > MOST_SETTINGS and summary.importance:
        names = list(summary.importance)
    return names[:MOST_SETTINGS]


def _scale(ax: Axes, values: Sequence[float]) -> None:
    """A logarithmic axis for positive values that are far apart."""
    if min(values) > 0 and max(values) > WIDE * min(values):
        ax.set_yscale("log")
        ax.yaxis.set_major_formatter("{x:g}")


def _across(part: Any, value: Any) -> float:
    """Where a value lies on its own axis: itself, or its place among the values."""
    return value if isinstance(part, Range) else list(part).index(value)


def _height(part: Any, value: Any) -> float:
    """Where a value lies on its axis of parallel coordinates, in [0, 1]."""
    if not isinstance(part, Range):
        return list(part).index(value) / (len(part) - 1) if len(part) > 1 else 0.5
    low, high, at = (np.log(v) if part.log else v for v in (part.low, part.high, value))
    return float((at - low) / (high - low))


def _margins(part: Range) -> tuple[float, float]:
    """The ends of an axis that shows the whole range, and a little more."""
    if part.log:
        more = (part.high / part.low) ** MARGIN
        return part.low / more, part.high * more
    more = MARGIN * (part.high - part.low)
    return part.low - more, part.high + more


def _ticks(part: Any) -> list[tuple[float, str]]:
    """Heights of an axis of parallel coordinates with what is written there."""
    if not isinstance(part, Range):
        step = math.ceil(len(part) / MOST_TICKS)
        return [(_height(part, v), show(v)) for v in list(part)[::step]]
    inner = [(part.low + part.high) / 2]
    if part.log:
        first, last = (math.floor(math.log10(v)) for v in (part.low, part.high))
        inner = [10.0**power for power in range(first, last + 1)]
    marks = [(_height(part, v), f"{v:.3g}") for v in (part.low, *inner, part.high)]
    ends = marks[0], marks[-1]
    return [m for m in marks if m in ends or MARGIN < m[0] < 1 - MARGIN]


def _write_ticks(ax: Axes, x: float, marks: Sequence[tuple[float, str]]) -> None:
    for height, text in marks:
        ax.annotate(
            text,
            (x, height),
            xytext=(4, 0),
            textcoords="offset points",
            va="center",
            size=9,
            zorder=4,
            bbox={"facecolor": "white", "edgecolor": "none", "alpha": 0.8, "pad": 1},
        )
