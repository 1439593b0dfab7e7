"""Figures of chapter 5 on what a network has learned: its filters, its map of images, its style."""

from pathlib import Path

import numpy as np
import torch
from matplotlib.figure import Figure
from torch import Tensor

from gradus.core import plot
from gradus.core.download import data_folder, status
from gradus.core.experiment import trained
from gradus.core.run import Run
from gradus.data.images import read_image
from gradus.data.public import find_cifar10
from gradus.data.weights import WEIGHTS
from gradus.nn.neighbours import NEIGHBOURS, knn_accuracy
from gradus.nn.tsne import tsne
from gradus.vision.embedding import draw_map, last_hidden
from gradus.vision.figures_training import EPOCHS
from gradus.vision.filters import draw_filters, first_filters
from gradus.vision.recipes import CIFAR10_CNN_BN, CIFAR10_VGG
from gradus.vision.style.config import StyleConfig
from gradus.vision.style.descent import stylize
from gradus.vision.style.networks import StyleNetwork, run_network, vgg_network

POINTS = 2000
"""Images of the map."""
PAINTINGS = "style-images"
"""Folder of `$GRADUS_DATA` whose first style-*.jpg figure 5-20 takes its style from."""
VALIDATION = 2000


def figure_5_18() -> Figure:
    """The first layer's filters of the book's network for CIFAR-10 (trains it, minutes)."""
    run = _photos()
    setting = f"{run.recipe.name}, {run.results['epochs']} epochs, {_learned(run)} photos, seed 0"
    return draw_filters(first_filters(run.task().model), setting)


@plot.style()
def figure_5_19() -> Figure:
    """A map of test photos by t-SNE of the last hidden layer (trains a network, minutes)."""
    run = _photos()
    task = run.task()
    images, labels = (part[:POINTS] for part in task.test().tensors)
    hidden = last_hidden(task.model, images).numpy()
    positions = tsne(hidden)
    found = [
        knn_accuracy(points, labels.numpy())
        for points in (positions, hidden, images.flatten(1).numpy())
    ]
    shown = images.movedim(1, -1).numpy()
    fig = draw_map(positions, labels.numpy(), run.info["facts"]["classes"], shown)
    plot.title(
        fig,
        f"Neighbours on the map of what the network makes of photos share their class: they name "
        f"{found[0]:.0%} rightly, neighbours in pixels {found[2]:.0%}",
        f"t-SNE, perplexity 30, of the {hidden.shape[1]} activations of the last hidden layer "
        f"(neighbours there: {found[1]:.0%}); {len(labels):,} test photos; majority of "
        f"{NEIGHBOURS} neighbours; {run.recipe.name}, {run.results['test']['accuracy']:.0%} right "
        "on the test set, seed 0",
    )
    return fig


@plot.style()
def figure_5_20() -> Figure:
    """A photo in the style of another picture (trains a network, unless VGG-19's weights are here).

    The photo comes with scikit-learn. The style is the first style-*.jpg in
    `$GRADUS_DATA/style-images`, or where there is none the other photo of scikit-learn.
    """
    from sklearn.datasets import load_sample_image

    photo, name = _tensor(load_sample_image("china.jpg")), "a photo of a flower"
    painting = _painting()
    if painting is None:
        art = _tensor(load_sample_image("flower.jpg"))
    else:
        art = _tensor(read_image(painting, longest=640, grey=False))
        name = painting.stem.removeprefix("style-").replace("-", " ")
    network, config = _judge(), StyleConfig()
    last = stylize(photo, art, network, config)
    fig, panels = plot.new_figure(1, 3, (11.5, 3.6))
    pictures = (("content", photo), ("style", art), ("both", last.image()))
    for ax, (what, image) in zip(panels, pictures, strict=True):
        ax.imshow(image[0].movedim(0, -1).numpy(), interpolation="none")
        ax.set_title(what)
        ax.set_axis_off()
    fall = 1 - last.losses["total"] / last.before["total"]
    height, width = last.sizes[-1]
    plot.title(
        fig,
        f"Content of one, style of the other: {fall:.1%} of the loss is gone",
        f"Style: {name}; judged by {network.name}; {width}×{height} pixels, "
        f"{config.steps} steps of L-BFGS at each of {len(last.sizes)} sizes; style weight "
        f"{config.style_weight:g}",
    )
    return fig


def _photos() -> Run:
    """The network of figure 5-17 with batch normalisation."""
    settings = {"data": find_cifar10(), "epochs": EPOCHS, "validation": VALIDATION}
    return trained(CIFAR10_CNN_BN, **settings)


def _learned(run: Run) -> str:
    return f"{run.task().train.examples:,}"


def _judge() -> StyleNetwork:
    """VGG-19 where its weights are on this machine, else a small VGG trained here."""
    if status(WEIGHTS["vgg19"])[0].ok:
        return vgg_network()
    return run_network(trained(CIFAR10_VGG, data=find_cifar10()))


def _painting() -> Path | None:
    folder = data_folder()
    return next(iter(sorted((folder / PAINTINGS).glob("style-*.jpg"))), None) if folder else None


def _tensor(picture: np.ndarray) -> Tensor:
    """Bytes "height width 3" as colours in [0, 1], "1 3 height width"."""
    return torch.from_numpy(picture.copy()).movedim(-1, 0)[None].float() / 255
