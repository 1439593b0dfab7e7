"""The figures of a finished run of chapters 1–3: name -> a function of the run."""

from typing import Any

import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from torch import Tensor, nn

from gradus.core import plot
from gradus.core.run import Run
from gradus.nn import run_figures

GRID = 220
"""Points along each side of a drawn plane."""


@plot.style()
def line(run: Run) -> Figure:
    """The exam data and the line the perceptron drew."""
    task = run.task()
    x, t = task.train.tensors
    output: Any = task.model
    b, (w1, w2) = output.output.bias.item(), output.output.weight.squeeze(0).tolist()
    fig, (ax,) = plot.new_figure()
    for value, name, colour, marker in ((1, "above", 0, "o"), (-1, "below", 1, "X")):
        sleep, study = x[t == value].T.tolist()
        label = f"{name} average"
        ax.scatter(sleep, study, color=plot.PALETTE[colour], marker=marker, s=36, label=label)
    across = np.array([0.0, 10.0])
    ax.plot(across, -(b + w1 * across) / w2, color=plot.INK, label="learned line")
    ax.set(xlim=(0, 10), ylim=(0, 10), xlabel="sleep (hours)", ylabel="study (hours)")
    fig.legend(loc="outside right upper")
    epochs = run.results["epochs"]
    plot.title(
        fig,
        f"A line that separates all {len(t)} students, found in {epochs} epochs",
        f"Perceptron rule, one student at a time; θ = ({b:.3g}, {w1:.3g}, {w2:.3g})",
    )
    return fig


@plot.style()
def plane(run: Run) -> Figure:
    """The plane as the net divides it, with the points it learned from."""
    task = run.task()
    fig, (ax,) = plot.new_figure(size=(6.4, 5.6))
    draw_plane(ax, task.model, *task.train.tensors)
    config: Any = run.config
    accuracy = run.results["test"]["accuracy"]
    plot.title(
        fig,
        f"{accuracy:.1%} of new points fall on the right side",
        f"Hidden layers {list(config.hidden)}, {config.activation}; {config.shape}, "
        f"noise {config.noise}; {run.results['epochs']} epochs, seed {config.seed}",
    )
    return fig


def draw_plane(ax: Axes, model: nn.Module, points: Tensor, labels: Tensor) -> None:
    """Colour a panel by the class probability of each place, the points above it.

    Args:
        ax: the panel.
        model: "batch 2" -> logits "batch 2".
        points: "n 2".
        labels: 0 or 1 for each point.
    """
    reach = float(points.abs().max()) * 1.1
    side = torch.linspace(-reach, reach, GRID)
    places = torch.cartesian_prod(side, side)
    with torch.inference_mode():
        second = model(places).softmax(1)[:, 1].reshape(GRID, GRID).T.numpy()
    shades = LinearSegmentedColormap.from_list("", [plot.PALETTE[0], "white", plot.PALETTE[1]])
    ax.contourf(side, side, second, levels=np.linspace(0, 1, 11), cmap=shades, alpha=0.45)
    ax.contour(side, side, second, levels=[0.5], colors=plot.INK, linewidths=1.4)
    for value, marker in ((0, "o"), (1, "X")):
        x, y = points[labels == value].T.tolist()
        colour = plot.PALETTE[value]
        ax.scatter(x, y, color=colour, marker=marker, s=22, edgecolor="white", linewidth=0.5)
    ax.set(xlim=(-reach, reach), ylim=(-reach, reach), aspect="equal")
    ax.grid(visible=False)


EXAM_RUN = {"line": line}
NUMBER_RUN = {"learning-curves": run_figures.curves}
PLANAR_RUN = {"learning-curves": run_figures.curves, "plane": plane}
IMAGE_RUN = {**run_figures.IMAGE_RUN, "first-layer": run_figures.first_layer}
