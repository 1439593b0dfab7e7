"""The figures of a finished run of chapter 6: name -> a function of the run."""

from collections.abc import Callable, Sequence
from typing import Any

import matplotlib as mpl
import numpy as np
import torch
from jaxtyping import Float, Int64
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patheffects import withStroke
from torch import Tensor

from gradus.core import plot
from gradus.core.charts import image_grid
from gradus.core.run import Run
from gradus.embed.autoencoder import in_parts, l2_cost
from gradus.embed.compare import both, plane
from gradus.embed.few_labels import FewLabels, few_labels
from gradus.embed.hashing import bit_entropy, of_the_class
from gradus.embed.predict import encoder
from gradus.nn.corrupt import corrupt
from gradus.nn.run_figures import curves, first_layer

SHOWN = 10
"""Images in a row."""
DRAWN = 5000
"""Codes in a scatter, at most."""
NEAREST = 100
"""Images looked at by the precision."""
QUERIES = 500
"""Test images that are searched for."""


@plot.style()
def rebuilt(run: Run) -> Figure:
    """Test images and what is rebuilt of them: after the epochs kept, and by the best one."""
    model, task = encoder(run), run.task()
    images, labels = task.test().tensors
    at = first_of_each(labels)
    states = {epoch: run.load_snapshot(epoch) for epoch in run.snapshots()}
    states[run.results["best_epoch"]] = run.load_weights()
    rows, costs = {"image": images[at]}, []
    for epoch, state in states.items():
        model.load_state_dict(state)
        again = in_parts(model, images)
        costs.append(float(l2_cost(again, images).mean()))
        rows[f"epoch {epoch}: {costs[-1]:.2f}"] = again[at]
    fig = picture_rows(rows, run)
    config: Any = run.config
    fell = f", from {costs[0]:.2f} at first" if len(costs) > 1 else ""
    plot.title(
        fig,
        f"What is rebuilt from {numbers(config.code)} is {costs[-1]:.2f} away from the image{fell}",
        f"A test image of each class; behind the epoch the mean of ‖x̂ − x‖ over "
        f"{len(images):,} test images; {run.path}",
    )
    return fig


@plot.style()
def codes(run: Run) -> Figure:
    """The codes of test images as points, beside those of PCA (figure 6-11)."""
    linear, ours, _, labels = both(run)
    fig, panels = plot.new_figure(1, 2, (10.5, 5.4))
    for ax, found in zip(panels, (linear, ours), strict=True):
        scatter(ax, plane(found.codes), labels, run.info["facts"]["classes"])
        ax.set_title(f"{found.name}: neighbours name {found.agreement:.1%}")
    config: Any = run.config
    more = "; first two principal components of the codes drawn" if config.code > 2 else ""
    plot.title(
        fig,
        f"The 10 nearest codes name {ours.agreement:.1%} of the test images where an autoencoder "
        f"made them, {linear.agreement:.1%} with PCA",
        f"{numbers(config.code).capitalize()} an image, {len(labels):,} test images{more}; "
        f"{run.path}",
    )
    return fig


@plot.style()
def against_pca(run: Run) -> Figure:
    """Test images rebuilt by PCA and by the autoencoder from codes of one length (figure 6-10)."""
    linear, ours, images, labels = both(run)
    at = first_of_each(labels)
    config: Any = run.config
    rows = {
        "image": images[at],
        f"PCA: {linear.cost:.2f}": linear.rebuilt[at],
        f"autoencoder: {ours.cost:.2f}": ours.rebuilt[at],
    }
    fig = picture_rows(rows, run)
    plot.title(
        fig,
        f"From {numbers(config.code)} the autoencoder rebuilds images to within {ours.cost:.2f}, "
        f"PCA to within {linear.cost:.2f}",
        f"Mean of ‖x̂ − x‖ over {len(images):,} test images, of which the 10 nearest codes name "
        f"{ours.agreement:.1%} rightly, those of PCA {linear.agreement:.1%}; {run.path}",
    )
    return fig


@plot.style()
def filled_in(run: Run) -> Figure:
    """Test images, blacked out in part, and what is rebuilt of them (figure 6-14)."""
    model, task = encoder(run), run.task()
    config: Any = run.config
    images, labels = task.test().tensors
    masked = corrupt(images, config.mask, torch.Generator().manual_seed(0))
    again = in_parts(model, masked)
    at = first_of_each(labels)
    before, after = (float(l2_cost(part, images).mean()) for part in (masked, again))
    rows = {
        "image": images[at],
        f"masked: {before:.2f}": masked[at],
        f"rebuilt: {after:.2f}": again[at],
    }
    fig = picture_rows(rows, run)
    plot.title(
        fig,
        f"{config.mask:.0%} of the pixels are gone: from {before:.2f} away to {after:.2f}",
        f"Mean distance from the whole image over {len(images):,} test images; {run.path}",
    )
    return fig


@plot.style()
def sparsity(run: Run) -> Figure:
    """How much of the code is on for an image, and how often each unit is."""
    model, task = encoder(run), run.task()
    images = task.test().tensors[0]
    code = in_parts(model.encode, images).abs()
    config: Any = run.config
    threshold = 0.5 if hasattr(config, "target") else 0.0
    on = code > threshold
    fig, (sizes, often) = plot.new_figure(1, 2, (10, 4.3))
    largest = code.sort(1, descending=True).values
    mean = largest.mean(0) / largest[:, 0].mean().clamp_min(1e-12)
    sizes.plot(np.arange(1, code.shape[1] + 1), mean.numpy(), color=plot.PALETTE[0])
    sizes.set(xlabel="unit of the code, the strongest first", xscale="log")
    sizes.set_ylabel("mean activation (the strongest: 1)")
    sizes.xaxis.set_major_formatter("{x:g}")
    share = 100 * on.float().mean(0)
    often.hist(share.numpy(), bins=30, color=plot.PALETTE[0])
    often.set(xlabel="images that a unit is on for (%)", ylabel="units")
    per_image, dead = float(on.float().sum(1).mean()), int((share == 0).sum())
    target = f"; target {config.target:.1%}" if hasattr(config, "target") else ""
    plot.title(
        fig,
        f"{per_image:.1f} of {code.shape[1]:,} units are on for an image "
        f"({per_image / code.shape[1]:.1%}{target}); {dead} never",
        f"On: above {threshold:g}. {len(images):,} test images; {run.path}",
    )
    return fig


@plot.style()
def strokes(run: Run) -> Figure:
    """An image as the sum of its strongest units, added one after the other (figure 6-16)."""
    model, task = encoder(run), run.task()
    images, labels = task.test().tensors
    shown = images[first_of_each(labels)[: min(6, int(labels.max()) + 1)]]
    code = in_parts(model.encode, shown)
    counts = [1, *(n for n in (2, 5, 10, 25) if n < code.shape[1])]
    rank = code.abs().argsort(1, descending=True).argsort(1)
    columns = [shown, *(in_parts(model.decode, code * (rank < n)) for n in counts)]
    columns.append(in_parts(model.decode, code))
    pictures = torch.stack(columns, 1).flatten(0, 1)
    shape = run.info["facts"]["shape"]
    names = ["image", *(f"{n} unit{'s'[: n > 1]}" for n in counts), "all"]
    captions = [""] * (len(pictures) - len(names)) + names
    fig = image_grid(as_pictures(pictures, shape), columns=len(columns), captions=captions)
    costs = [float(l2_cost(column, shown).mean()) for column in columns[1:]]
    plot.title(
        fig,
        f"One unit rebuilds an image to within {costs[0]:.2f}, the {counts[-1]} strongest ones "
        f"to within {costs[-2]:.2f}, all {code.shape[1]:,} to within {costs[-1]:.2f}",
        f"What is decoded where only the strongest units keep their value; {run.path}",
    )
    return fig


@plot.style()
def precision(run: Run) -> Figure:
    """Of the images found first, how many are of the same class: bits, logits and pixels."""
    model, task = encoder(run), run.task()
    items, queries = task.train.tensors, tuple(t[:QUERIES] for t in task.test().tensors)
    ways: dict[str, Callable[[Tensor], Tensor]] = {
        "pixels": lambda x: x,
        "before rounding": model.encoder,
        "bits": model.encode,
    }
    fig, (ax,) = plot.new_figure()
    last = {}
    counts = [n for n in (1, 2, 5, 10, 20, 50, NEAREST) if n <= len(items[0])]
    for (name, way), colour, dash in zip(ways.items(), plot.PALETTE, plot.DASHES, strict=False):
        coded = [(in_parts(way, x), y) for x, y in (queries, items)]
        right = of_the_class(counts[-1], *coded).float()
        values = [100 * float(right[:, :n].mean()) for n in counts]
        ax.plot(counts, values, dash, marker="o", markersize=4, color=colour, label=name)
        last[name] = values[-1]
    ax.set(xlabel="images looked at", xscale="log")
    ax.set_ylabel("of the same class (%)")
    ax.xaxis.set_major_formatter("{x:g}")
    ax.xaxis.set_minor_formatter("")
    used = bit_entropy(in_parts(model.encode, items[0]))
    config: Any = run.config
    plot.title(
        fig,
        f"Of the {counts[-1]} images nearest in {config.code} bits {last['bits']:.1f} % are of the "
        f"same class; before rounding {last['before rounding']:.1f} %, by pixels "
        f"{last['pixels']:.1f} %",
        f"{len(queries[0]):,} test images searched among {len(items[0]):,} training images; a bit "
        f"carries {used:.2f} bit on average; {run.path}",
    )
    plot.end_labels(ax)
    return fig


@plot.style()
def labelled(run: Run) -> Figure:
    """A classifier with few labels, on codes and on pixels (figure 6-1)."""
    return draw_few_labels(few_labels(run), run)


def draw_few_labels(found: FewLabels, run: Run) -> Figure:
    """Draw accuracy by number of labels, mean and one standard error over the draws."""
    fig, (ax,) = plot.new_figure()
    count = np.array(found.labels) * found.classes
    means = {}
    for name, values, colour, dash in (
        ("codes", found.code, plot.PALETTE[0], "-"),
        ("pixels", found.pixels, plot.PALETTE[1], "--"),
    ):
        percent = 100 * values.double().numpy()
        mean, error = percent.mean(1), percent.std(1, ddof=1) / np.sqrt(percent.shape[1])
        ax.plot(count, percent, "-", color=colour, linewidth=0.7, alpha=0.35)
        ax.fill_between(count, mean - error, mean + error, color=colour, alpha=0.25, linewidth=0)
        ax.plot(count, mean, dash, marker="o", markersize=4, color=colour, label=name)
        means[name] = mean
    ax.set(xlabel="labelled images", ylabel="test images named rightly (%)", xscale="log")
    ax.xaxis.set_major_formatter("{x:,g}")
    ax.xaxis.set_minor_formatter("")
    gain = means["codes"] - means["pixels"]
    best = int(gain.argmax())
    config: Any = run.config
    plot.title(
        fig,
        f"With {count[best]:,} labels a classifier of codes names {means['codes'][best]:.1f} % "
        f"rightly, one of pixels {means['pixels'][best]:.1f} %",
        f"Softmax regression; {numbers(config.code)} of {run.recipe.name} against the pixels. Mean "
        f"± one standard error of {found.code.shape[1]} draws of the labelled images",
    )
    plot.end_labels(ax)
    return fig


@plot.style()
@torch.no_grad()
def circle_codes(run: Run) -> Figure:
    """Points on the circles, what is rebuilt of them, and their codes."""
    task = run.task()
    points, labels = task.test().tensors
    task.model.eval()
    code = task.model.encode(points)
    again = task.model.decode(code)
    fig, (plane_, line) = plot.new_figure(1, 2, (10, 4.6))
    for label, colour in zip(range(int(labels.max()) + 1), plot.PALETTE, strict=False):
        here = labels == label
        dots(plane_, points[here], s=5, color=plot.FAINT)
        dots(plane_, again[here], s=5, color=colour)
        line.hist(code[here, 0].numpy(), bins=60, color=colour, alpha=0.7)
    plane_.set(xlabel="x", ylabel="y", aspect="equal")
    line.set(xlabel="first number of the code", ylabel="points")
    test = run.results["test"]
    plot.title(
        fig,
        f"Neighbours on the line of codes name {test['knn accuracy']:.1%} of the points, one "
        f"threshold {test['threshold accuracy']:.1%}",
        f"Grey: test points, in colour: rebuilt from {numbers(code.shape[1])}, "
        f"{test['loss']:.3f} away on average; {run.path}",
    )
    return fig


def dots(ax: Axes, points: Float[Tensor, "n 2"], **look: Any) -> None:
    """Draw points of the plane."""
    ax.scatter(points[:, 0].numpy(), points[:, 1].numpy(), **{"linewidth": 0, **look})


def scatter(
    ax: Axes, points: Float[Tensor, "n 2"], labels: Int64[Tensor, "n"], classes: Sequence[str]
) -> None:
    """Draw codes as points in the colours of their classes, each class written at its centroid."""
    for number, name in enumerate(classes):
        colour = mpl.colormaps["tab10"](number % 10)
        here = points[:DRAWN][labels[:DRAWN] == number]
        if len(here):
            dots(ax, here, s=3, color=colour)
            x, y = here.mean(0).tolist()
            words = ax.text(x, y, name, ha="center", va="center", size=12)
            words.set(weight="bold", color=plot.readable(colour))
            words.set_path_effects([withStroke(linewidth=3, foreground="white")])
    ax.set(xticks=[], yticks=[])
    ax.grid(visible=False)
    ax.spines[:].set_visible(True)


def picture_rows(rows: dict[str, Float[Tensor, "n features"]], run: Run) -> Figure:
    """Rows of images, each with its name."""
    pictures = as_pictures(torch.cat(list(rows.values())), run.info["facts"]["shape"])
    return image_grid(pictures, columns=len(next(iter(rows.values()))), row_labels=list(rows))


def as_pictures(x: Tensor, shape: Sequence[int]) -> np.ndarray:
    """Vectors as images "n height width *channels"."""
    return x.reshape(-1, *shape).clamp(0, 1).numpy()


def first_of_each(labels: Int64[Tensor, "n"]) -> list[int]:
    """The first image of each class, at most `SHOWN`."""
    found = [(labels == c).nonzero() for c in range(int(labels.max()) + 1)]
    return [int(at[0]) for at in found if len(at)][:SHOWN]


def numbers(n: int) -> str:
    """So many numbers, in words."""
    return "1 number" if n == 1 else f"{n:,} numbers"


SHARED = {"learning-curves": curves, "rebuilt": rebuilt}
AUTOENCODER_RUN = {**SHARED, "codes": codes, "against-pca": against_pca, "few-labels": labelled}
DENOISING_RUN = {**SHARED, "codes": codes, "filled-in": filled_in, "few-labels": labelled}
SPARSE_RUN = {**SHARED, "sparsity": sparsity, "filters": first_layer, "strokes": strokes}
HASHING_RUN = {**SHARED, "precision": precision}
CIRCLES_RUN = {"learning-curves": curves, "circles": circle_codes}
"""Name -> figure of a run."""
