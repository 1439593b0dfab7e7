"""The book's figures of recurrent networks: number or name -> function that draws it."""

from collections.abc import Callable

import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Circle, FancyArrowPatch

from gradus.core import plot
from gradus.nn.recurrent import Cell, GRUCell, LSTMCell, RNNCell, unroll
from gradus.sequence.vanishing import bound, sensitivity

STEPS, HIDDEN, SEEDS, NORM = 50, 32, 5, 0.9
"""How far back is looked, how many neurons, how often, and ‖W_rec‖₂."""
SHOWN = 4
"""Time steps that are unrolled in the drawing."""
W_IN, W_REC = 1.2, 0.7
"""Weights of the neuron that is drawn."""
INPUTS = (1.0, 0.0, 0.0, 0.0)


@plot.style()
def figure_7_16() -> Figure:
    """A recurrent layer of one neuron, as it is and unrolled over time."""
    cell = RNNCell(1, 1, bias=False)
    cell.weight_ih.data.fill_(W_IN)
    cell.weight_hh.data.fill_(W_REC)
    x = torch.tensor(INPUTS)[:, None]
    outputs = unroll(cell, x[:, None], cell.start(1))[0].detach()
    left = sensitivity(cell, x)
    fig, (ax,) = plot.new_figure(1, 1, (9, 4.4))
    ax.set(xlim=(-2.6, SHOWN - 0.2), ylim=(-0.65, 2.65), aspect="equal")
    ax.set_axis_off()
    _neuron(ax, -2, "i", "h")
    ax.add_patch(
        FancyArrowPatch(
            (-1.86, 1.15), (-1.86, 0.85), connectionstyle="arc3,rad=-3", arrowstyle="-|>",
            mutation_scale=12, color=plot.PALETTE[1], lw=1.8,
        )
    )  # fmt: skip
    ax.annotate("$w_{rec}$", (-1.36, 1.0), va="center", color=plot.readable(plot.PALETTE[1]))
    ax.annotate("$w_{in}$", (-1.93, 0.4), va="center", color=plot.PALETTE[0])
    ax.annotate("one neuron", (-2, 2.5), ha="center", weight="bold")
    ax.annotate(f"unrolled over {SHOWN} steps", (1.5, 2.5), ha="center", weight="bold")
    for t in range(SHOWN):
        _neuron(ax, t, f"{INPUTS[t]:g}", f"{float(outputs[t, 0, 0]):.2f}")
        slope = float(left[SHOWN - 1 - t])
        ax.annotate(f"t = {t + 1}", (t, -0.5), ha="center", color=plot.GREY)
        ax.annotate(
            rf"$\partial h^{{({SHOWN})}}/\partial i^{{({t + 1})}}$" + f"\n= {slope:.2f}",
            (t + 0.07, 0.36), size=8.5, color=plot.GREY,
        )  # fmt: skip
        if t:
            _arrow(ax, (t - 0.8, 1.0), (t - 0.2, 1.0), plot.PALETTE[1])
    first = float(left[-1])
    plot.title(
        fig,
        f"An input {SHOWN - 1} steps back moves the output by {first:.2f} of its change; the bound "
        f"is {float(bound(cell, SHOWN)[-1]):.2f}",
        f"h(t) = tanh(w_in i(t) + w_rec h(t-1)) with w_in = {W_IN}, w_rec = {W_REC}; numbers below "
        "are inputs, above outputs; bound |w_rec|^k |w_in|",
    )
    return fig


def _neuron(ax: Axes, at: float, below: str, above: str) -> None:
    """Input, neuron and output, one above the other."""
    ax.add_patch(Circle((at, 1), 0.2, facecolor="white", edgecolor=plot.INK, linewidth=1.6))
    _arrow(ax, (at, 0.05), (at, 0.8), plot.PALETTE[0])
    _arrow(ax, (at, 1.2), (at, 1.95), plot.INK)
    ax.annotate(below, (at, -0.12), ha="center", va="center")
    ax.annotate(above, (at, 2.12), ha="center", va="center")


def _arrow(ax: Axes, start: tuple[float, float], end: tuple[float, float], colour: str) -> None:
    """An arrow between two points."""
    ax.add_patch(
        FancyArrowPatch(start, end, arrowstyle="-|>", mutation_scale=12, color=colour, lw=1.8)
    )


def measured(make: Callable[[], Cell]) -> tuple[np.ndarray, list[Cell]]:
    """‖∂h_t/∂i_{t-k}‖₂ "seeds steps" of cells on noise, W_rec of each gate orthogonal × 0.9."""
    rows, cells = [], []
    for seed in range(SEEDS):
        torch.manual_seed(seed)
        cells.append(make())
        for gate in cells[-1].weight_hh.data.split(HIDDEN):
            torch.nn.init.orthogonal_(gate, NORM)
        with torch.random.fork_rng():
            rows.append(sensitivity(cells[-1], torch.randn(STEPS, HIDDEN)).numpy())
    return np.maximum(np.stack(rows), 1e-30), cells


@plot.style()
def vanishing() -> Figure:
    """How much of an input is left k steps later, for an RNN, LSTM and GRU, and the bound."""
    kinds: dict[str, Callable[[], Cell]] = {
        "RNN": lambda: RNNCell(HIDDEN, HIDDEN),
        "GRU": lambda: GRUCell(HIDDEN, HIDDEN),
        "LSTM": lambda: LSTMCell(HIDDEN, HIDDEN),
        "LSTM, forget bias 3": lambda: LSTMCell(HIDDEN, HIDDEN, forget_bias=3.0),
    }
    fig, (ax,) = plot.new_figure()
    k, left = np.arange(STEPS), {}
    for name, make in kinds.items():
        found, cells = measured(make)
        left[name] = np.exp(np.log(found).mean(0))
        (line,) = ax.plot(k, left[name], label=name)
        for row in found:
            ax.plot(k, row, color=line.get_color(), alpha=0.18, lw=0.8, ls="-", zorder=1)
        if name == "RNN":
            limits = np.stack([bound(c, STEPS).numpy() for c in cells if isinstance(c, RNNCell)])
            assert (found <= limits * (1 + 1e-4) + 1e-30).all()
            middle = np.exp(np.log(limits).mean(0))
            ax.plot(k, middle, color=plot.GREY, ls=":", lw=1.6, label="bound for the RNN")
    ax.set_yscale("log")
    ax.set(xlim=(0, STEPS - 1), ylim=(min(v[-1] for v in left.values()) / 3, None))
    ax.set(xlabel="steps back k", ylabel=r"$\|\partial h_t / \partial i_{t-k}\|_2$")
    plot.end_labels(ax)
    far = STEPS - 1
    kept = {name: _power(float(values[far])) for name, values in left.items()}
    plot.title(
        fig,
        f"{far} steps back, {kept['RNN']} of an input is left in an RNN and {kept['LSTM']} in an "
        f"LSTM; with its keep gate opened by a bias, {kept['LSTM, forget bias 3']}",
        f"{HIDDEN} inputs and neurons, W_rec orthogonal × {NORM}, inputs normal; geometric mean of "
        f"{SEEDS} seeds, each faint; the bound is ‖W_rec‖₂ᵏ ‖W_in‖₂",
    )
    return fig


def _power(value: float) -> str:
    """A number with one digit, small ones with their power of ten."""
    if value > 0.01:
        return f"{value:.2f}"
    exponent = int(np.floor(np.log10(value)))
    return rf"{value / 10**exponent:.0f}·$10^{{{exponent}}}$"


FIGURES: dict[str, Callable[[], Figure]] = {
    "7-16": figure_7_16,
    "vanishing-gradients": vanishing,
}
"""Number in the book, or name -> function that draws it."""
