"""The figures of a finished run of chapters 1–3: name -> a function of the run."""

from typing import Any

import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from torch import Tensor, nn

from gradus.core import plot
from gradus.core.charts import confusion, image_grid, learning_curves
from gradus.core.run import Run

GRID = 220
"""Points along each side of a drawn plane."""


def curves(run: Run) -> Figure:
    """Loss and error by epoch, the best epoch marked."""
    return learning_curves(run.records(), watch=run.task().watch)


def confused(run: Run) -> Figure:
    """Which classes of the test set are taken for which."""
    labels, predicted, _ = _tested(run)
    classes = run.info["facts"]["classes"]
    matrix = np.zeros((len(classes), len(classes)), dtype=np.int64)
    np.add.at(matrix, (labels.numpy(), predicted.numpy()), 1)
    return confusion(matrix, classes)


@plot.style()
def mistakes(run: Run) -> Figure:
    """The test images that the net is most wrongly sure of."""
    labels, predicted, probability = _tested(run)
    classes = run.info["facts"]["classes"]
    wrong = (labels != predicted).nonzero().squeeze(1)
    worst = wrong[probability[wrong].argsort(descending=True)][:30]
    images = run.task().test().tensors[0].unflatten(1, tuple(run.info["facts"]["shape"]))
    if len(worst) == 0:
        worst = probability.argsort()[:30]
    captions = [f"{classes[labels[i]]} as {classes[predicted[i]]}" for i in worst]
    fig = image_grid(images[worst].numpy(), columns=10, captions=captions)
    plot.title(
        fig,
        f"{len(wrong):,} of {len(labels):,} test images are taken for another class",
        f"The {len(worst)} that the net is surest of: what it is, as what it is taken; {run.path}",
    )
    return fig


@plot.style()
def first_layer(run: Run) -> Figure:
    """What each neuron of the first layer looks for."""
    shape = tuple(run.info["facts"]["shape"])
    weight = next(run.task().model.parameters()).detach()
    strongest = weight.norm(dim=1).argsort(descending=True)[:50].sort().values
    if len(shape) == 3:
        images = weight[strongest].reshape(-1, *shape).mean(3).numpy()
    else:
        images = weight[strongest].reshape(-1, *shape).numpy()
    classes = run.info["facts"]["classes"]
    names = classes if len(weight) == len(classes) else ()
    fig = image_grid(images, columns=10, captions=names, signed=True)
    plot.title(
        fig,
        f"The weights of {len(images)} of the first layer's {len(weight)} neurons",
        "Red: ink here speaks for the neuron, blue: against it. The longest weight vectors",
    )
    return fig


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


@torch.inference_mode()
def _tested(run: Run) -> tuple[Tensor, Tensor, Tensor]:
    """True class, predicted class and its probability, for each test image."""
    task = run.task()
    images, labels = task.test().tensors
    task.model.eval()
    probability, predicted = task.model(images).softmax(1).max(1)
    return labels, predicted, probability


EXAM_RUN = {"line": line}
NUMBER_RUN = {"learning-curves": curves}
PLANAR_RUN = {"learning-curves": curves, "plane": plane}
IMAGE_RUN = {
    "learning-curves": curves,
    "confusion": confused,
    "mistakes": mistakes,
    "first-layer": first_layer,
}
