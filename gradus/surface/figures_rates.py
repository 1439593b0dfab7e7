"""Figures about learning rates: a range test, and the schedules."""

from dataclasses import replace
from typing import get_args

import numpy as np
from jaxtyping import Float
from matplotlib.figure import Figure
from matplotlib.patheffects import withStroke

from gradus.core import plot
from gradus.core.fit import fit
from gradus.core.progress import Silent
from gradus.core.recipe import FitConfig, ScheduleName, resolve
from gradus.core.schedule import SCHEDULES
from gradus.core.task import build_task
from gradus.surface.lr_range import RangeTest, range_test

EPOCHS, SEEDS, RATE = 60, 5, 1.0
POINTS = 10 * EPOCHS


@plot.style()
def draw_range_test(test: RangeTest, subtitle: str = "") -> Figure:
    """The loss by learning rate, its lowest place and the suggestion marked.

    Args:
        test: what was measured; at least one rate was tried.
        subtitle: recipe, optimiser, batch size.
    """
    fig, (ax,) = plot.new_figure()
    rates, smoothed = test.rates[: test.tried], test.smoothed
    for row in test.losses:
        ax.plot(test.rates, row, "-", color=plot.FAINT, linewidth=1)
    ax.plot(rates, smoothed, "-", color=plot.INK)
    ax.set_xscale("log")
    ax.set(xlabel="learning rate ε", ylabel="loss of the minibatch", xlim=test.rates[[0, -1]])
    room = 0.15 * (smoothed.max() - smoothed.min()) or 0.1
    ax.set_ylim(smoothed.min() - 2 * room, smoothed.max() + room)
    finding = "No rate of this range lets the loss fall"
    if test.lowest and test.suggestion:
        finding = (
            f"A rate to begin with: ε = {test.suggestion:g}, a third of {test.lowest:.2g}, where "
            "the loss is lowest"
        )
        at = float(np.interp(test.suggestion, rates, smoothed))
        ax.plot(test.lowest, smoothed.min(), "o", color=plot.PALETTE[0], markersize=8)
        ax.plot(test.suggestion, at, "D", color=plot.PALETTE[4], markersize=8)
        for text, x, colour in (
            (f"{test.suggestion:g}  ", test.suggestion, plot.PALETTE[4]),
            (f"  {test.lowest:.2g}", test.lowest, plot.PALETTE[0]),
        ):
            ax.axvline(x, color=colour, linewidth=1, linestyle=":")
            ax.annotate(
                text,
                (x, 0.02),
                xycoords=("data", "axes fraction"),
                ha="right" if x == test.suggestion else "left",
                color=plot.readable(colour),
                path_effects=[withStroke(linewidth=3, foreground="white")],
            )
    seeds = len(test.losses)
    words = f"{len(test.rates)} minibatches, {seeds} seed{'s' if seeds > 1 else ''}"
    plot.title(fig, finding, f"{subtitle}; {words}. Black: smoothed mean")
    return fig


def words_of(name: str, config: FitConfig) -> str:
    """What a range test was made on, for its figure."""
    return f"{name}, {config.optimizer}, batches of {config.batch_size}"


@plot.style()
def lr_range() -> Figure:
    """A learning-rate range test of the digits net: loss against a rising rate."""
    recipe = resolve("gradus.neurons.recipes:DIGITS_MLP")
    test = range_test(recipe, recipe.config, seeds=SEEDS, reporter=Silent())
    return draw_range_test(test, words_of(recipe.name, recipe.config))


@plot.style()
def schedules() -> Figure:
    """How each schedule changes the learning rate, and the loss that a small net ends with."""
    fig, panels = plot.new_figure(2, 3, (9.5, 5.4), share=True)
    ends: dict[str, float] = {}
    names = [name for name in get_args(ScheduleName) if name != "no-better"]  # long trainings' own
    for ax, name in zip(panels, names, strict=True):
        rates, losses = _trained(name)
        ends[name] = losses.mean()
        error = losses.std(ddof=1) / np.sqrt(len(losses))
        epochs = np.linspace(0, EPOCHS, len(rates))
        ax.fill_between(epochs, rates, color=plot.PALETTE[5], alpha=0.35, linewidth=0)
        ax.plot(epochs, rates, "-", color=plot.PALETTE[0])
        ax.set_title(f"{name}: {ends[name]:.3f} ± {error:.3f}")
    for ax in panels[::3]:
        ax.set(ylabel="learning rate ε", ylim=(0, 1.08 * RATE))
    for ax in panels[3:]:
        ax.set(xlabel="epoch")
    best, steady = min(ends, key=lambda name: ends[name]), ends["constant"]
    plot.title(
        fig,
        f"Of {len(ends)} schedules {best} ends with the lowest loss, "
        f"{1 - ends[best] / steady:.0%} below that of a constant rate".replace("%", " %"),
        f"planar-net, sgd, highest rate {RATE}. Above each: validation loss after the last epoch, "
        f"mean of {SEEDS} seeds ± one standard error; plateau: the rate of one seed",
    )
    return fig


def _trained(
    schedule: ScheduleName,
) -> tuple[Float[np.ndarray, "points"], Float[np.ndarray, "seeds"]]:
    """The rate over a training, and for each seed the validation loss at its end."""
    recipe = resolve("gradus.neurons.recipes:PLANAR_NET")
    config = replace(recipe.config, epochs=EPOCHS, lr=RATE, schedule=schedule)
    runs = []
    for seed in range(SEEDS):
        one = replace(config, seed=seed)
        runs.append(fit(build_task(recipe, one), one, reporter=Silent()).records)
    if schedule == "plateau":
        rates = np.repeat([record["lr"] for record in runs[0]], POINTS // EPOCHS)
    else:
        factors = [SCHEDULES[schedule](point, POINTS) for point in range(POINTS)]
        rates = RATE * np.array(factors)
    return rates, np.array([records[-1]["validation/loss"] for records in runs])
