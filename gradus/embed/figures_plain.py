"""Figures of chapter 6 before the autoencoder: PCA, where it fails, distances of digits."""

import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from torch import Tensor

from gradus.core import plot
from gradus.core.experiment import trained
from gradus.data.public import load_images
from gradus.data.tensors import pixels
from gradus.embed.data import best_threshold, to_polar
from gradus.embed.distances import class_distances, class_means, distances_from
from gradus.embed.pca import PCA, pca, pca_sklearn, pca_svd
from gradus.embed.recipes import CIRCLES_AUTOENCODER
from gradus.embed.run_figures import dots

POINTS = 300
"""Of figure 6-2."""
IMAGES = 10_000
"""Whose distances from each other are measured for figure 6-8."""
DIGITS = "mnist"


@plot.style()
def figure_6_2() -> Figure:
    """PCA of points in a plane: the axes of most variance, by three ways that agree."""
    generator = torch.Generator().manual_seed(0)
    mixing = torch.tensor([[2.0, 0.9], [0.0, 0.5]], dtype=torch.float64)
    draw = torch.randn(POINTS, 2, generator=generator, dtype=torch.float64)
    points = draw @ mixing + torch.tensor([1.0, -0.5], dtype=torch.float64)
    found = pca(points, 2)
    apart = max(
        float((found.axes.abs() - way(points, 2).axes.abs()).abs().max())
        for way in (pca_svd, pca_sklearn)
    )
    fig, (plane, line) = _stacked((7, 5.0), (5, 1))
    dots(plane, points, s=8, color=plot.PALETTE[0])
    _draw_axes(plane, found)
    plane.set(xlabel="first feature", ylabel="second feature", aspect="equal")
    codes = found.encode(points)[:, 0].numpy()
    line.scatter(codes, np.zeros(POINTS), s=40, marker="|", color=plot.PALETTE[0])
    line.set(xlabel="place along the first axis: all that is kept", yticks=[])
    plot.title(
        fig,
        f"One axis of two keeps {found.explained[0]:.1%} of the variance",
        f"{POINTS} points; arrows as long as one standard deviation. Eigenvectors, SVD and "
        f"scikit-learn differ by {apart:.0e} at most",
    )
    return fig


@plot.style()
def figure_6_3() -> Figure:
    """Two circles that no axis tells apart; the polar map, and an autoencoder's one number."""
    run = trained(CIRCLES_AUTOENCODER)
    task = run.task()
    points, labels = task.test().tensors
    polar = to_polar(points)
    task.model.eval()
    with torch.no_grad():
        code = task.model.encode(points)[:, 0]
    axes = pca(points, 2)
    fig, panels = plot.new_figure(1, 3, (12, 4.6))
    _by_circle(panels[0], points, labels)
    _draw_axes(panels[0], axes)
    panels[0].set(xlabel="x", ylabel="y", aspect="equal", title="as they are, with PCA's axes")
    _by_circle(panels[1], polar, labels)
    panels[1].set(xlabel="distance from the middle", ylabel="angle (radians)")
    panels[1].set_title("the polar map")
    for circle, colour in zip((0, 1), plot.PALETTE, strict=False):
        panels[2].hist(code[labels == circle].numpy(), bins=50, color=colour, alpha=0.75)
    panels[2].set(xlabel="code", ylabel="points", title="an autoencoder's one number")
    straight = best_threshold(axes.encode(points)[:, 0], labels)
    plot.title(
        fig,
        f"Which circle? A threshold on PCA's first axis names {straight:.0%} of the points, one on "
        f"the distance {best_threshold(polar[:, 0], labels):.0%}; neighbours in an autoencoder's "
        f"code name {run.results['test']['knn accuracy']:.1%}",
        f"{len(points):,} test points; PCA's two axes hold {axes.explained[0]:.0%} and "
        f"{axes.explained[1]:.0%} of the variance; a threshold on the code names "
        f"{best_threshold(code, labels):.1%}; {run.recipe.name}, seed 0",
    )
    return fig


@plot.style()
def figure_6_8() -> Figure:
    """How far a 1 is from the digits of each class, and classes from each other."""
    digits = load_images(DIGITS)
    images = pixels(torch.as_tensor(digits.train_images))
    labels = torch.as_tensor(digits.train_labels)
    count = len(digits.classes)
    one = int((labels == 1).nonzero()[0])
    rest = torch.arange(len(images)) != one
    far = distances_from(images[one], images[rest], labels[rest], count)
    between = class_distances(images[:IMAGES], labels[:IMAGES], count).float()
    fig, (row, matrix) = _stacked((8.4, 7.2), (1, 3.6))
    _row_of_means(row, images[one], class_means(images, labels, count), far, digits)
    shown = matrix.imshow(between.numpy(), cmap="viridis")
    for y, x in np.ndindex(count, count):
        value = float(between[y, x])
        colour = plot.ink_on(shown.to_rgba(between.numpy()[y, x : x + 1])[0, :3])
        matrix.text(x, y, f"{value:.1f}", ha="center", va="center", size=8.5, color=colour)
    matrix.set_xticks(range(count), digits.classes)
    matrix.set_yticks(range(count), digits.classes)
    matrix.set(xlabel="class", ylabel="class", title="mean distance of two images")
    matrix.grid(visible=False)
    inside = between.diagonal()
    outside = between[~torch.eye(count, dtype=torch.bool)]
    near, *_, last = [c for c in far.argsort().tolist() if c != 1]
    plot.title(
        fig,
        f"Two digits of one class are {inside.mean():.1f} apart, of two classes "
        f"{outside.mean():.1f}; a 1 lies {far[1]:.2f} from the other 1s, {far[near]:.2f} from "
        f"the {digits.classes[near]}s, {far[last]:.2f} from the {digits.classes[last]}s",
        f"Mean ‖a − b‖ of pixels in [0, 1]; the first 1 of the training set against the other "
        f"{len(images) - 1:,} images, and {min(IMAGES, len(images)):,} images against each other",
    )
    return fig


def _stacked(size: tuple[float, float], heights: tuple[float, float]) -> tuple[Figure, list[Axes]]:
    """Two panels, one above the other, of different heights."""
    fig, panels = plot.new_figure(2, 1, size)
    grid = panels[0].get_gridspec()
    assert grid is not None
    grid.set_height_ratios(heights)
    return fig, panels


def _draw_axes(ax: Axes, found: PCA) -> None:
    """The axes as arrows from the mean, one standard deviation long."""
    for axis, variance, colour in zip(
        found.axes.T, found.variances, (plot.PALETTE[4], plot.INK), strict=False
    ):
        foot = found.mean.tolist()
        tip = (found.mean + axis * variance.sqrt()).tolist()
        arrow = {"arrowstyle": "-|>", "color": colour, "linewidth": 2, "shrinkA": 0, "shrinkB": 0}
        ax.annotate("", (tip[0], tip[1]), (foot[0], foot[1]), arrowprops=arrow)


def _by_circle(ax: Axes, points: Tensor, labels: Tensor) -> None:
    for circle, marker, colour in zip((0, 1), "os", plot.PALETTE, strict=False):
        dots(ax, points[labels == circle], s=7, marker=marker, color=colour)


def _row_of_means(ax: Axes, one: Tensor, means: Tensor, far: Tensor, digits: object) -> None:
    """The image, and the mean of each class with its distance below."""
    side = round(len(one) ** 0.5)
    pictures = torch.cat([one[None], means]).reshape(-1, side, side)
    words = ["", *(f"{value:.2f}" for value in far.tolist())]
    for column, (picture, word) in enumerate(zip(pictures, words, strict=True)):
        left = 1.08 * column + 0.25 * (column > 0)
        ax.imshow(
            picture.numpy(),
            cmap="gray",
            vmin=0,
            vmax=1,
            extent=(left, left + 1, 1, 0),
            interpolation="none",
        )
        ax.text(left + 0.5, 1.1, word, ha="center", va="top", size=9)
    ax.set(xlim=(0, 1.08 * len(pictures) + 0.25), ylim=(1.4, -0.02), xticks=[], yticks=[])
    ax.set_title("a 1, and the mean image of each class with its members' mean distance from it")
    ax.grid(visible=False)
    ax.spines[:].set_visible(False)
