"""The book's figures of chapter 1: a perceptron, a small network, three neurons' responses."""

import numpy as np
import torch
from jaxtyping import Float
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from gradus.core import plot
from gradus.core.drawing import draw_network
from gradus.neurons.perceptron import EXAM_THETA, exam_data, perceptron_rule, predict
from gradus.nn.activation import ACTIVATIONS, SLOPES

STUDENTS, SEED = 60, 0
Z = torch.linspace(-6, 6, 1201, dtype=torch.float64)


@plot.style()
def figure_1_4() -> Figure:
    """The exam data, the book's line and the line that the perceptron rule finds."""
    hours, t = exam_data(STUDENTS, SEED)
    fit = perceptron_rule(hours, t)
    book = np.array(EXAM_THETA)
    fig, (ax,) = plot.new_figure()
    for value, label, colour, marker in (
        (1, "above average", plot.PALETTE[0], "o"),
        (-1, "below average", plot.PALETTE[1], "X"),
    ):
        sleep, study = hours[t == value].T
        ax.scatter(sleep, study, 42, color=colour, marker=marker, label=label, zorder=3)
    _draw_line(ax, book, "the book's θ\n= " + _numbers(book), "--", plot.INK)
    _draw_line(ax, fit.theta, "θ of the perceptron rule\n= " + _numbers(fit.theta), "-")
    ax.set(xlabel="sleep (hours)", ylabel="study (hours)", xlim=(-0.3, 10.3), ylim=(-0.3, 10.3))
    ax.legend(loc="upper left", bbox_to_anchor=(1.02, 1), labelspacing=1.0)
    wrong = int((predict(book, hours) != t).sum())
    plot.title(
        fig,
        f"After {sum(fit.mistakes):,} mistakes the perceptron separates all {len(t)} students",
        f"{fit.epochs:,} passes over the data from θ = 0; the book's θ makes {wrong} mistakes. "
        f"Generated data, seed {SEED}. A line: θ₀ + θ₁·sleep + θ₂·study = 0",
    )
    return fig


def _draw_line(
    ax: Axes, theta: Float[np.ndarray, "3"], label: str, dash: str, colour: str = plot.PALETTE[2]
) -> None:
    """Draw the points where θ0 + θ1 x1 + θ2 x2 = 0."""
    x1 = np.array([-0.3, 10.3])
    ax.plot(x1, -(theta[0] + theta[1] * x1) / theta[2], dash, color=colour, label=label)


def _numbers(values: Float[np.ndarray, "n"]) -> str:
    return "(" + ", ".join(f"{value:.3g}" for value in values).replace("-", "−") + ")"


@plot.style()
def figure_1_9() -> Figure:
    """A feed-forward network of three layers with three neurons each."""
    return draw_network([3, 3, 3], labels=["input", "hidden", "output"])


@plot.style()
def figure_1_11() -> Figure:
    """The sigmoid neuron's output and its slope."""
    fig, slope = _response("sigmoid")
    edge = float(Z[slope >= 0.01].max())
    plot.title(
        fig,
        f"A sigmoid's slope is {slope.max():.2f} at most, and under 0.01 where |z| > {edge:.1f}",
        r"$y = 1/(1+e^{-z})$, and its slope $y(1-y)$ dashed",
    )
    return fig


@plot.style()
def figure_1_12() -> Figure:
    """The tanh neuron's output and its slope."""
    fig, slope = _response("tanh")
    times = float(slope.max()) / float(_slope("sigmoid").max())
    plot.title(
        fig,
        f"tanh is centred on zero and {times:.0f} times as steep there as a sigmoid",
        r"$y = \tanh\,z$, and its slope $1-y^2$ dashed",
    )
    return fig


@plot.style()
def figure_1_13() -> Figure:
    """The ReLU neuron's output and its slope."""
    fig, slope = _response("relu")
    plot.title(
        fig,
        f"A ReLU's slope is {slope[Z > 0].min():g} for every z > 0, however large, "
        f"and {slope[Z < 0].max():g} below",
        r"$y = \max(0,z)$, and its slope dashed",
    )
    return fig


def _slope(activation: str) -> Float[torch.Tensor, "n"]:
    return SLOPES[activation](ACTIVATIONS[activation](Z))


def _response(activation: str) -> tuple[Figure, Float[torch.Tensor, "n"]]:
    """Draw f(z) and dy/dz of an activation over Z; the figure and the slope."""
    slope = _slope(activation)
    fig, (ax,) = plot.new_figure()
    ax.axhline(0, color=plot.GREY, linewidth=0.8)
    ax.axvline(0, color=plot.GREY, linewidth=0.8)
    ax.plot(Z, ACTIVATIONS[activation](Z), label="output y")
    ax.plot(Z, slope, label="slope dy/dz")
    ax.set(xlabel="logit z", ylabel="y and dy/dz", xlim=(-6, 6))
    plot.end_labels(ax)
    return fig, slope
