"""The figures of a finished run of chapter 4: name -> a function of the run."""

from collections.abc import Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from gradus.core import plot
from gradus.core.run import Run
from gradus.nn import run_figures


@plot.style()
def pretraining(run: Run) -> Figure:
    """How well each layer learned to rebuild its inputs, and the gradient that training meets.

    After a random start, the gradient alone.
    """
    layers, gradients = run.info["pretraining"]["layers"], run.info["pretraining"]["gradients"]
    fig, panels = plot.new_figure(1, 2 if layers else 1, (10.0, 4.3) if layers else plot.SIZE)
    draw_gradients(panels[-1], {"": gradients})
    apart = gradients[-1] / gradients[0]
    finding = f"The first layer's gradient is {apart:,.3g} times smaller than the output layer's"
    config: Any = run.config
    start = f"{config.init} weights" + (f" (σ = {config.init_std:g})" * (config.init == "normal"))
    if layers:
        _draw_errors(panels[0], layers)
        left = [100 * layer["errors"][-1] / layer["guess"] for layer in layers]
        finding = (
            f"Autoencoders leave {min(left):.2g} to {max(left):.2g} % of a constant guess's error; "
            f"then the first layer's gradient is {apart:,.3g} times smaller than the last's"
        )
        start += f", then {config.pretrain_epochs} epochs a layer at rate {config.pretrain_lr:g}"
    plot.title(fig, finding, f"Before the first step on the labels: {start}; seed {config.seed}")
    return fig


def draw_gradients(ax: Axes, starts: dict[str, Sequence[float]]) -> None:
    """Draw the norm of the gradient in each layer, a line for each start.

    Args:
        ax: the panel.
        starts: name -> ‖∂E/∂W‖ of each layer, the output layer last.
    """
    for number, (name, norms) in enumerate(starts.items()):
        layers = range(1, len(norms) + 1)
        ax.plot(layers, norms, marker="os^D"[number], markersize=6, label=name)
    count = max(map(len, starts.values()))
    ax.set_yscale("log")
    ax.set(xlabel="layer", ylabel="norm of the gradient ∂E/∂W at the start")
    ax.set_xticks(range(1, count + 1), [*map(str, range(1, count)), "output"])


def _draw_errors(ax: Axes, layers: Sequence[dict[str, Any]]) -> None:
    for number, layer in enumerate(layers, start=1):
        share = [100 * error / layer["guess"] for error in layer["errors"]]
        marker = "o" if len(share) <= 12 else ""
        epochs = range(1, len(share) + 1)
        ax.plot(epochs, share, marker=marker, markersize=4, label=f"layer {number}")
    ax.set_yscale("log")
    ax.yaxis.set_major_formatter("{x:g}")
    ax.set(xlabel="epoch of pre-training", ylabel="error (% of a constant guess's)")
    ax.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    plot.end_labels(ax)


DEEP_RUN = {
    **run_figures.IMAGE_RUN,
    "first-layer": run_figures.first_layer,
    "pretraining": pretraining,
}
