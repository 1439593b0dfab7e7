"""The book's figures 2-6 and 2-7: a flat region holds batch gradient descent, not stochastic."""

import numpy as np
from jaxtyping import Float
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from gradus.core import plot
from gradus.neurons.delta_rule import Descent, delta_rule, sigmoid

EPOCHS, RATE, START = 300, 0.3, -1.0
FLAT = 0.01  # a slope below this is called flat
RUNS = 10  # of stochastic gradient descent, each in its own order of the examples
W = np.linspace(-1.2, 8, 461)


def examples() -> tuple[Float[np.ndarray, "14 1"], Float[np.ndarray, "14"]]:
    """Examples for a logistic neuron with one weight, whose error has a flat region on the way.

    Four with large x want 0.555, which a small w gives; ten with small x want 0.92, which takes a
    large one. Near w = 0.5 their pulls cancel to nearly nothing, without a minimum.
    """
    x = np.concatenate([[4.0, 3.0, 2.0, 1.5], np.linspace(0.3, 0.5, 10)])
    return x[:, None], np.repeat([0.555, 0.92], [4, 10])


def errors_at(w: Float[np.ndarray, "n"]) -> Float[np.ndarray, "14 n"]:
    """½(t − y)² of each example at each weight; their sum is the batch error E."""
    x, t = examples()
    return 0.5 * (t[:, None] - sigmoid(x * w)) ** 2


def slope_at(w: Float[np.ndarray, "n"]) -> Float[np.ndarray, "n"]:
    """dE/dw of the batch error at each weight."""
    x, t = examples()
    y = sigmoid(x * w)
    return -(x * y * (1 - y) * (t[:, None] - y)).sum(axis=0)


def flat_region() -> tuple[float, float]:
    """Where the slope of the batch error is below 0.01, well before the minimum."""
    lowest = W[errors_at(W).sum(axis=0).argmin()]
    flat = W[(np.abs(slope_at(W)) < FLAT) & (lowest / 2 > W)]
    return float(flat.min()), float(flat.max())


def descend(batch_size: int | None = None, seed: int = 0) -> Descent:
    """Gradient descent on the examples: on all together, or on minibatches of `batch_size`."""
    x, t = examples()
    return delta_rule(
        x,
        t,
        learning_rate=RATE,
        epochs=EPOCHS,
        batch_size=batch_size,
        w0=np.array([START]),
        seed=seed,
        neuron="logistic",
    )


@plot.style()
def figure_2_6() -> Figure:
    """Batch gradient descent stuck in a flat region of the error of a single weight."""
    path = descend()
    w, error = path.weights[:, 0], path.errors
    curve = errors_at(W).sum(axis=0)
    fig, (ax,) = plot.new_figure()
    _shade_flat_region(ax)
    ax.plot(W, curve, color=plot.INK)
    ax.plot(w, error, "o", color=plot.PALETTE[4], markersize=5)
    ax.plot(W[curve.argmin()], curve.min(), "*", color=plot.PALETTE[0], markersize=15)
    ax.annotate("start", (w[0], error[0]), (9, 0), textcoords="offset points", va="center")
    ax.annotate(
        f"after {len(w) - 1} steps: dE/dw = {slope_at(w[-1:])[0]:.4f}".replace("-", "−"),
        (w[-1], error[-1]),
        (36, 48),
        textcoords="offset points",
        arrowprops={"arrowstyle": "-", "color": plot.GREY, "relpos": (0, 0.3)},
        color=plot.readable(plot.PALETTE[4]),
    )
    ax.annotate(
        "minimum",
        (W[curve.argmin()], curve.min()),
        (0, 12),
        textcoords="offset points",
        ha="center",
        color=plot.PALETTE[0],
    )
    ax.set(xlabel="weight w", ylabel="error E of all examples", ylim=(0, 2.2))
    plot.title(
        fig,
        f"After {len(w) - 1} steps batch gradient descent rests on a flat region at "
        f"E\u00a0=\u00a0{error[-1]:.2f}; the minimum is {curve.min():.2f}",
        f"A logistic neuron with one weight, {len(examples()[0])} examples, ε = {RATE}. Dots: "
        f"the weight after each step; yellow: slope below {FLAT}",
    )
    return fig


def _shade_flat_region(ax: Axes, horizontal: bool = False) -> None:
    span = ax.axhspan if horizontal else ax.axvspan
    span(*flat_region(), color=plot.PALETTE[6], alpha=0.5, linewidth=0)


@plot.style()
def figure_2_7() -> Figure:
    """The error of single examples around the batch error, and stochastic descent's escape."""
    batch = descend().weights[:, 0]
    runs = [
        descend(batch_size=1, seed=seed).weights[:: len(errors_at(W)), 0] for seed in range(RUNS)
    ]
    _, end = flat_region()
    out = sum(run[-1] > end for run in runs)
    fig, (left, right) = plot.new_figure(1, 2, (10, 4.4))
    _shade_flat_region(left)
    each = errors_at(W)
    left.plot(W, len(each) * each.T, "-", color=plot.PALETTE[5], linewidth=0.9, alpha=0.8)
    left.plot(W, each.sum(axis=0), "-", color=plot.INK, linewidth=2.5)
    left.set(xlabel="weight w", ylabel=f"error (one example: × {len(each)})", ylim=(0, 2.4))
    left.set_title("What one example says, and all together")
    epochs = np.arange(EPOCHS + 1)
    _shade_flat_region(right, horizontal=True)
    for run in runs:
        right.plot(epochs, run, "-", color=plot.PALETTE[4], linewidth=0.9, alpha=0.6)
    right.lines[0].set_label("stochastic")
    right.plot(epochs, batch, "-", color=plot.INK, linewidth=2.5, label="batch")
    right.set(xlabel="epoch", ylabel="weight w")
    right.set_title("The weight over time")
    plot.title(
        fig,
        f"Stochastic gradient descent leaves the flat region in {out} of {RUNS} runs; "
        f"batch gradient descent is still in it after {EPOCHS} epochs",
        f"ε = {RATE}, {RUNS} orders of the examples. Thin blue: the error surface of each; black: "
        f"of the batch; yellow: where its slope is below {FLAT}",
    )
    plot.end_labels(right)
    return fig
