"""The book's figure 4-9: how much sooner momentum brings the cost on MNIST down."""

import json
from pathlib import Path
from statistics import mean
from typing import Any

import numpy as np
from jaxtyping import Float
from matplotlib.figure import Figure

from gradus.core import plot
from gradus.core.files import write_atomically
from gradus.core.fit import fit
from gradus.core.progress import Silent
from gradus.core.recipe import config_to_json, resolve
from gradus.core.task import build_task

SEEDS = 5
LEVEL = 0.1
"""The cost that is raced to."""
WINDOW = 100
"""Minibatches whose mean is the cost at a step: 10,000 images."""
BOOK = {"momentum 0.9": 2_000, "no momentum": 18_000}
"""Minibatches to the level, as the book reads them off TensorBoard: just over, and nearly."""
PLAIN: dict[str, Any] = {
    "batch_size": 100,
    "schedule": "constant",
    "dropout": 0.0,
    "epochs": 100,
    "lr": 0.01,
}
CASES: dict[str, dict[str, Any]] = {
    "momentum 0.9": {**PLAIN, "optimizer": "momentum", "momentum": 0.9},
    "no momentum": {**PLAIN, "optimizer": "sgd"},
    "no momentum, ε = 0.1": {**PLAIN, "optimizer": "sgd", "lr": 0.1},
}
"""The book's two, with its minibatches and rate; and the rate that momentum amounts to, ε/(1 - m).

The net 784-256-256-10 has no dropout, and no ReLU on its output where the book's has one.
"""


class Costs(Silent):
    """Keeps the cost of every minibatch."""

    def __init__(self) -> None:
        self.costs: list[float] = []

    def step(self, loss: float, steps: int = 1) -> None:
        """Note it."""
        self.costs.append(loss)


def costs(case: str, seed: int, folder: Path = Path("runs", "figures")) -> Float[np.ndarray, "n"]:
    """The cost of each minibatch until the mean over an epoch is below the level.

    It is computed the first time, by the ordinary training loop, and then kept.

    Args:
        case: a key of `CASES`.
        seed: of weights and order.
        folder: where it is kept.
    """
    recipe = resolve("gradus.neurons.recipes:MNIST_MLP")
    config = recipe.configure(**CASES[case], seed=seed)
    path = folder / f"costs-{case.replace(' ', '-')}-{seed}.json"
    if path.exists():
        kept = json.loads(path.read_text())
        if kept["config"] == config_to_json(config):
            return np.array(kept["costs"])
    task, noted = build_task(recipe, config), Costs()
    task.watch, task.better, task.goal = "train/loss", "min", LEVEL
    fit(task, config, reporter=noted)
    folder.mkdir(parents=True, exist_ok=True)
    found = {"config": config_to_json(config), "costs": [round(c, 5) for c in noted.costs]}
    write_atomically(path, json.dumps(found).encode())
    return np.array(found["costs"])


def smoothed(values: Float[np.ndarray, "n"]) -> Float[np.ndarray, "m"]:
    """The mean of the last `WINDOW` values at each step from that many on."""
    total = np.cumsum(np.concatenate([[0.0], values]))
    return (total[WINDOW:] - total[:-WINDOW]) / WINDOW


def steps_to(level: float, values: Float[np.ndarray, "n"]) -> int:
    """The first step at which the mean of the last `WINDOW` values is below the level.

    The last step where it never is.
    """
    below = smoothed(values) < level
    return WINDOW + int(below.argmax()) if below.any() else len(values)


def measure(case: str) -> list[int]:
    """The minibatches that a case takes to the level, one number a seed."""
    return [steps_to(LEVEL, costs(case, seed)) for seed in range(SEEDS)]


@plot.style()
def figure_4_9() -> Figure:
    """The cost on MNIST with momentum and without (trains the first time, minutes)."""
    return draw({case: [costs(case, seed) for seed in range(SEEDS)] for case in CASES})


def draw(found: dict[str, list[Float[np.ndarray, "_"]]]) -> Figure:
    """Draw the smoothed costs: case -> those of each seed."""
    fig, (ax,) = plot.new_figure(size=(8, 4.8))
    reached = {}
    for (case, runs), colour, dash in zip(found.items(), plot.PALETTE, plot.DASHES, strict=False):
        steps = [steps_to(LEVEL, run) for run in runs]
        reached[case] = mean(steps)
        curves = [smoothed(run) for run in runs]
        shortest = min(map(len, curves))
        at = np.arange(WINDOW, WINDOW + shortest)
        for curve in curves:
            ax.plot(at, curve[:shortest], "-", color=colour, alpha=0.2, linewidth=0.8)
        middle = np.mean([curve[:shortest] for curve in curves], axis=0)
        label = f"{case}: {reached[case]:,.0f} steps"
        ax.plot(at, middle, dash, color=colour, linewidth=1.8, label=label)
    ax.axhline(LEVEL, color=plot.GREY, linewidth=1, zorder=1)
    ax.set(xscale="log", yscale="log", xlabel="minibatches", ylabel="training cost (cross-entropy)")
    ax.xaxis.set_major_formatter("{x:,.0f}")
    ax.yaxis.set_major_formatter("{x:g}")
    ax.yaxis.set_minor_formatter("")
    ax.legend(loc="upper right")
    plot.title(fig, *_words(reached))
    return fig


def _words(reached: dict[str, float]) -> tuple[str, str]:
    """The finding and how it was found."""
    fast, slow, fair = (reached[case] for case in CASES)
    return (
        f"Momentum brings the cost on MNIST below {LEVEL} in {fast:,.0f} steps; "
        f"without it takes {slow:,.0f}, but {fair:,.0f} at ten times the rate",
        f"Net 784-256-256-10, minibatches of {PLAIN['batch_size']}, ε = {PLAIN['lr']}; mean of the "
        f"last {WINDOW} minibatches, {SEEDS} seeds (faint) and their mean. "
        f"Book: just over {BOOK['momentum 0.9']:,} and nearly {BOOK['no momentum']:,}",
    )
