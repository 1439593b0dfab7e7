"""Figures of chapter 6 on codes that noise does not disturb, and on sparse ones."""

from typing import Any

import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from torch import Tensor

from gradus.core import plot
from gradus.core.charts import image_grid
from gradus.core.experiment import trained
from gradus.core.run import Run
from gradus.data.public import load_images
from gradus.data.tensors import pixels
from gradus.embed.autoencoder import in_parts, l2_cost
from gradus.embed.hashing import precision_at
from gradus.embed.predict import encoder
from gradus.embed.recipes import (
    CIRCLES_AUTOENCODER,
    MNIST_AUTOENCODER,
    MNIST_DENOISING,
    MNIST_KSPARSE,
)
from gradus.embed.run_figures import dots, first_of_each, picture_rows
from gradus.nn.corrupt import corrupt

DIGITS = "mnist"
MASK = 0.5
ASKED = 1000
"""Masked images that neighbours name."""
CIRCLE: dict[str, Any] = {"circles": 1, "corruption": 0.25, "code": 16, "epochs": 60}
"""What makes the autoencoder for circles one that learns a single circle from moved points."""
DENSE: dict[str, Any] = {"code": 30}
CHANGED = 0.1
"""A number of a code has changed if it did by this share of its standard deviation."""


@plot.style()
def figure_6_12() -> Figure:
    """Digits with half of their pixels blacked out, still to be recognised."""
    digits = load_images(DIGITS)
    images, labels = (
        pixels(torch.as_tensor(digits.test_images[:ASKED])),
        torch.as_tensor(digits.test_labels[:ASKED]),
    )
    items = pixels(torch.as_tensor(digits.train_images)), torch.as_tensor(digits.train_labels)
    masked = corrupt(images, MASK, torch.Generator().manual_seed(0))
    whole, half = (precision_at(1, (x, labels), items) for x in (images, masked))
    at = first_of_each(labels)
    shape = images.shape[1]
    shown = torch.cat([images[at], masked[at]]).reshape(-1, *digits.test_images.shape[1:])
    fig = image_grid(shown.numpy(), columns=len(at), row_labels=["image", "half masked"])
    plot.title(
        fig,
        f"With half of the pixels blacked out the nearest image still names {half:.1%} of the "
        f"digits; whole ones {whole:.1%}",
        f"Each of the {shape} pixels is set to 0 with probability {MASK:g}; {len(images):,} test "
        f"images, nearest of {len(items[0]):,} whole training images",
    )
    return fig


@plot.style()
def figure_6_13() -> Figure:
    """A denoising autoencoder learns a circle: where it moves the points of the plane."""
    run = trained(CIRCLES_AUTOENCODER, **CIRCLE)
    task = run.task()
    task.model.eval()
    points = task.test().tensors[0]
    noise = torch.randn(points.shape, generator=torch.Generator().manual_seed(0))
    moved = points + CIRCLE["corruption"] * noise
    back = in_parts(task.model, moved)
    before, after = (float((x.norm(dim=1) - 1).abs().mean()) for x in (moved, back))
    axis = torch.linspace(-1.6, 1.6, 21)
    grid = torch.cartesian_prod(axis, axis)
    arrows = in_parts(task.model, grid) - grid
    fig, (left, right) = plot.new_figure(1, 2, (11, 5.6), share=True)
    dots(left, moved[:400], s=9, marker="x", color=plot.PALETTE[4], linewidth=0.8)
    dots(left, points[:400], s=6, color=plot.INK)
    left.set_title("noise moves points off the circle")
    right.quiver(
        *grid.T.numpy(),
        *arrows.T.numpy(),
        angles="xy",
        scale_units="xy",
        scale=1.5,
        width=0.003,
        color=plot.PALETTE[2],
    )
    angle = np.linspace(0, 2 * np.pi, 200)
    right.plot(np.cos(angle), np.sin(angle), "-", color=plot.INK, linewidth=1.5)
    right.set_title("the autoencoder moves them back")
    for ax in (left, right):
        ax.set(xlabel="x", aspect="equal", xlim=(-1.8, 1.8), ylim=(-1.8, 1.8))
    left.set_ylabel("y")
    plot.title(
        fig,
        f"It learned the circle: noisy points lie {before:.3f} from it, rebuilt ones {after:.3f}",
        f"{run.recipe.name} with noise of standard deviation {CIRCLE['corruption']:g} on its "
        f"inputs and a code of {CIRCLE['code']} numbers; {len(points):,} test points, seed 0. "
        "Arrows at two thirds of their length",
    )
    return fig


@plot.style()
def figure_6_14() -> Figure:
    """Masked digits rebuilt by a denoising autoencoder and by a plain one (trains both)."""
    runs = {"plain": trained(MNIST_DENOISING, mask=0.0), "denoising": trained(MNIST_DENOISING)}
    run = runs["denoising"]
    images, labels = run.task().test().tensors
    masked = corrupt(images, MASK, torch.Generator().manual_seed(0))
    at = first_of_each(labels)
    rows, costs = {"image": images[at], "masked": masked[at]}, {}
    for name, one in runs.items():
        again = in_parts(encoder(one), masked)
        costs[name] = float(l2_cost(again, images).mean())
        rows[f"{name}: {costs[name]:.2f}"] = again[at]
    fig = picture_rows(rows, run)
    plot.title(
        fig,
        f"Half of the pixels gone: a denoising autoencoder rebuilds digits to within "
        f"{costs['denoising']:.2f}, one that has only seen whole digits to within "
        f"{costs['plain']:.2f}",
        f"Mean distance from the whole image over {len(images):,} test images; both of the same "
        f"size, {run.results['epochs']} epochs, seed 0",
    )
    return fig


@plot.style()
def figure_6_16() -> Figure:
    """What becomes of a code when half of an 8 is taken away: dense and sparse (trains both)."""
    dense, sparse = trained(MNIST_AUTOENCODER, **DENSE), trained(MNIST_KSPARSE)
    images, labels = sparse.task().test().tensors
    height, width = sparse.info["facts"]["shape"]
    eight = images[labels == 8][0].reshape(height, width)
    top, bottom = eight.clone(), eight.clone()
    top[height // 2 :] = 0
    bottom[: height // 2] = 0
    parts = torch.stack([eight, top, bottom]).flatten(1)
    (loose, moved), (few, _) = (_codes_of(run, parts, images) for run in (dense, sparse))
    on = few > 0
    used = on.any(0).nonzero().squeeze(1)
    order = used[_by_part(few[:, used])]
    kept = int((on[0] & (on[1] | on[2])).sum())
    fig, axes = plot.new_figure(3, 3, (11.5, 4.8))
    for row, name in enumerate(("an 8", "its top", "its bottom")):
        picture, one, other = axes[3 * row : 3 * row + 3]
        picture.imshow(parts[row].reshape(height, width).numpy(), cmap="gray", vmin=0, vmax=1)
        picture.set(xticks=[], yticks=[], ylabel=name)
        picture.grid(visible=False)
        _bars(one, loose[row], float(loose.abs().max()))
        _bars(other, few[row, order], float(few.max()))
    axes[1].set_title(f"dense: all {loose.shape[1]} numbers")
    axes[2].set_title(f"k-sparse: the {len(order)} of {few.shape[1]:,} units used here")
    plot.title(
        fig,
        f"Half of an 8 taken away: of the {int(on[0].sum())} units that are on for it {kept} are "
        f"on for one of its halves too; of {loose.shape[1]} dense numbers {moved} change",
        f"Changed: by more than {CHANGED:g} of the number's standard deviation, for both halves; "
        f"{dense.recipe.name} with a code of {DENSE['code']}, {sparse.recipe.name}; a test image",
    )
    return fig


def _codes_of(run: Run, parts: Tensor, images: Tensor) -> tuple[Tensor, int]:
    """Codes of the whole and its parts, and how many numbers change from it to either part."""
    model = encoder(run)
    code = in_parts(model.encode, parts)
    scale = in_parts(model.encode, images).std(0).clamp_min(1e-12)
    changed = ((code[1:] - code[0]).abs() > CHANGED * scale).all(0)
    return code, int(changed.sum())


def _by_part(code: Tensor) -> Tensor:
    """An order in which the units of one part stand together."""
    lean = code[1] - code[2]
    return lean.argsort(descending=True)


def _bars(ax: Axes, values: Tensor, reach: float) -> None:
    ax.bar(np.arange(len(values)), values.numpy(), color=plot.PALETTE[0], width=0.8)
    low = -1.05 * reach if bool((values < 0).any()) else 0
    ax.set(xticks=[], yticks=[], ylim=(low, 1.05 * reach), xlim=(-1, len(values)))
