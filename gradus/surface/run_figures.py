"""The figures of a finished run of chapter 4: name -> a function of the run."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, MaxNLocator

from gradus.core import plot
from gradus.core.run import Run
from gradus.nn import run_figures

SMALLEST_GUESS = 1e-6
"""Errors of a constant guess are taken to be at least this, in nats."""


@plot.style()
def pretraining(run: Run) -> Figure:
    """How well each layer learned to rebuild its inputs, and the gradient that training meets.

    After a random start, the gradient alone.
    """
    layers, gradients = run.info["pretraining"]["layers"], run.info["pretraining"]["gradients"]
    fig, panels = plot.new_figure(1, 2 if layers else 1, (10.0, 4.3) if layers else plot.SIZE)
    draw_gradients(panels[-1], {"": gradients})
    finding = _first_and_last(gradients)
    config: Any = run.config
    start = f"{config.init} weights" + (f" (σ = {config.init_std:g})" * (config.init == "normal"))
    if layers:
        _draw_errors(panels[0], layers)
        left = [_shares(layer)[-1] for layer in layers]
        finding = (
            f"autoencoders leave {min(left):.2g} to {max(left):.2g} % of a constant guess's error; "
            f"then {finding}"
        )
        start += f", then {config.pretrain_epochs} epochs a layer at rate {config.pretrain_lr:g}"
    title = finding[0].upper() + finding[1:]
    plot.title(fig, title, f"Before the first step on the labels: {start}; seed {config.seed}")
    return fig


def _first_and_last(gradients: Sequence[float]) -> str:
    """The first layer's gradient beside the output layer's, in words."""
    first, last = gradients[0], gradients[-1]
    if not first or not last:
        return f"no gradient reaches the {'first' if last else 'output'} layer"
    times, word = max(first, last) / min(first, last), "smaller" if first < last else "larger"
    amount = f"{times:,.0f}" if times >= 10 else f"{times:.1f}"
    return f"the first layer's gradient is {amount} times {word} than the output layer's"


def _shares(layer: Mapping[str, Any]) -> list[float]:
    """The errors in % of a constant guess's, which is 0 where all inputs are alike."""
    return [100 * error / max(layer["guess"], SMALLEST_GUESS) for error in layer["errors"]]


def draw_gradients(ax: Axes, starts: Mapping[str, Sequence[float]]) -> None:
    """Draw the norm of the gradient in each layer, a line for each start.

    Args:
        ax: the panel.
        starts: name -> ‖∂E/∂W‖ of each layer, the output layer last.
    """
    for number, (name, norms) in enumerate(starts.items()):
        layers = range(1, len(norms) + 1)
        ax.plot(layers, norms, marker="os^D"[number], markersize=6, label=name)
    count = max(map(len, starts.values()))
    _scale_by_tens(ax)
    ax.set(xlabel="layer", ylabel="norm of the gradient ∂E/∂W at the start")
    ax.set_xticks(range(1, count + 1), [*map(str, range(1, count)), "output"])


def _draw_errors(ax: Axes, layers: Sequence[Mapping[str, Any]]) -> None:
    for number, layer in enumerate(layers, start=1):
        share = _shares(layer)
        marker = "o" if len(share) <= 12 else ""
        epochs = range(1, len(share) + 1)
        ax.plot(epochs, share, marker=marker, markersize=4, label=f"layer {number}")
    _scale_by_tens(ax)
    ax.set(xlabel="epoch of pre-training", ylabel="error (% of a constant guess's)")
    ax.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    plot.end_labels(ax)


def _scale_by_tens(ax: Axes) -> None:
    """A logarithmic scale with plain numbers at 1, 2, 5 and 10, if anything drawn is above 0."""
    if not math.isfinite(ax.dataLim.minposy):
        return
    ax.set_yscale("log")
    ax.yaxis.set_minor_locator(LogLocator(subs=(2, 5)))
    ax.yaxis.set_major_formatter("{x:g}")
    ax.yaxis.set_minor_formatter("{x:g}")


DEEP_RUN = {
    **run_figures.IMAGE_RUN,
    "first-layer": run_figures.first_layer,
    "pretraining": pretraining,
}
