"""The figures of a finished run that names classes, and of any run: functions of the run."""

import numpy as np
import torch
from matplotlib.figure import Figure
from torch import Tensor

from gradus.core import plot
from gradus.core.charts import confusion, image_grid, learning_curves
from gradus.core.run import Run


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
    images = run.task().test().tensors[0]
    if len(worst) == 0:
        worst = probability.argsort()[:30]
    between = "\nas " if max(map(len, classes)) > 3 else " as "
    captions = [f"{classes[labels[i]]}{between}{classes[predicted[i]]}" for i in worst]
    pictures = _as_pictures(images[worst], tuple(run.info["facts"]["shape"]))
    fig = image_grid(pictures.numpy(), columns=10, captions=captions)
    plot.title(
        fig,
        f"{len(wrong):,} of {len(labels):,} test images are taken for another class",
        f"The {len(worst)} that the net is surest of: what it is, as what it is taken; {run.path}",
    )
    return fig


@plot.style()
def first_layer(run: Run) -> Figure:
    """What each neuron of a dense first layer looks for."""
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


@torch.inference_mode()
def _tested(run: Run) -> tuple[Tensor, Tensor, Tensor]:
    """True class, predicted class and its probability, for each test image."""
    task = run.task()
    images, labels = task.test().tensors
    task.model.eval()
    probability, predicted = task.model(images).softmax(1).max(1)
    return labels, predicted, probability


def _as_pictures(inputs: Tensor, shape: tuple[int, ...]) -> Tensor:
    """Inputs, vectors or "n channel height width", as images "n height width *channels"."""
    if inputs.ndim == 4:
        inputs = inputs.movedim(1, -1)
    return inputs.reshape(len(inputs), *shape)


IMAGE_RUN = {"learning-curves": curves, "confusion": confused, "mistakes": mistakes}
"""Name -> figure of a run that names images."""
