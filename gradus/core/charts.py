"""Charts that every domain draws: learning curves of a run, confusions, grids of images."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from jaxtyping import Float, Int, Real
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from gradus.core import plot
from gradus.core.errors import UsageError

Curve = list[tuple[int, float]]  # (epoch, value)


@plot.style()
def learning_curves(metrics: Sequence[Mapping[str, Any]], watch: str = "") -> Figure:
    """Draw a run's training and validation curves, its best epoch marked.

    Args:
        metrics: The run's records, one per epoch: `epoch`, and any of `train/loss`,
            `validation/loss`, `train/accuracy`, `validation/accuracy`, `train/error` and
            `validation/error` (accuracy and error are fractions, 0 to 1). Others are not drawn.
        watch: The record whose best epoch is marked; by default the validation error, or where
            there is none the validation loss, or those of training.

    Returns:
        A panel of the loss and, where accuracies or errors were recorded, one of the error in %.

    Raises:
        UsageError: The records hold no finite value to draw, or none of `watch`.
    """
    curves = _curves(metrics)
    watch = watch.replace("accuracy", "error") or next(iter(curves), "")
    if watch not in curves:
        found = ", ".join(curves) or "none"
        raise UsageError(f"no finite {watch or 'loss or accuracy'} to draw; found {found}")
    best, value = min(curves[watch], key=lambda point: point[1])
    quantities = [name for name in ("loss", "error") if any(name in key for key in curves)]
    fig, panels = plot.new_figure(1, len(quantities), (3.0 * len(quantities) + 4.0, 4.3))
    for ax, quantity in zip(panels, quantities, strict=True):
        _draw_curves(ax, curves, quantity, best)
    last = max(epoch for curve in curves.values() for epoch, _ in curve)
    name = watch.replace("train/", "training/").replace("/", " ")
    amount = f"{100 * value:.3g} %" if watch.endswith("error") else f"{value:.3g}"
    plot.title(
        fig,
        f"{name.capitalize()} is lowest, {amount}, at epoch {best} of {last}",
        f"Training dashed, validation solid; dots and dotted line: the epoch of lowest {name}",
    )
    for ax in panels:
        plot.end_labels(ax)
    return fig


def _curves(metrics: Sequence[Mapping[str, Any]]) -> dict[str, Curve]:
    """The finite points of each curve that is drawn, accuracies as errors; best guides first."""
    curves: dict[str, Curve] = {}
    for name in ("validation/error", "validation/loss", "train/error", "train/loss"):
        for record in metrics:
            value = record.get(name)
            if value is None and name.endswith("error"):
                accuracy = record.get(name.replace("error", "accuracy"))
                value = None if accuracy is None else 1 - accuracy
            if value is not None and math.isfinite(value):
                curves.setdefault(name, []).append((int(record["epoch"]), float(value)))
    return curves


def _draw_curves(ax: Axes, curves: dict[str, Curve], quantity: str, best: int) -> None:
    """Draw a quantity's training and validation curve; errors in %."""
    ax.axvline(best, color=plot.GREY, linewidth=1, linestyle=":")
    drawn: list[float] = []
    for split, label, dash, colour in (
        ("train", "training", "--", plot.PALETTE[0]),
        ("validation", "validation", "-", plot.PALETTE[1]),
    ):
        epochs, values = np.array(curves.get(f"{split}/{quantity}", [])).reshape(-1, 2).T
        values = 100 * values if quantity == "error" else values
        marker = "o" if len(epochs) <= 12 else ""
        ax.plot(epochs, values, dash, marker=marker, markersize=4, color=colour, label=label)
        here = epochs == best
        ax.plot(epochs[here], values[here], "o", color=colour, markersize=7)
        drawn += list(values)
    last = max(epoch for curve in curves.values() for epoch, _ in curve)
    margin = 0.04 * max(last - 1, 1)
    ax.set_title(quantity.capitalize())
    ax.set(xlim=(1 - margin, last + margin), xlabel="epoch")
    ax.set_ylabel("examples wrong (%)" if quantity == "error" else "loss per example")
    ax.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    if min(drawn) > 0 and max(drawn) > 30 * min(drawn):
        ax.set_yscale("log")
        ax.yaxis.set_major_formatter("{x:g}")


@plot.style()
def confusion(
    matrix: Int[np.ndarray, "k k"], classes: Sequence[str], shown: Sequence[int] = ()
) -> Figure:
    """Draw which classes are taken for which.

    The mistakes carry the colour, as a share of their row; the diagonal, which would drown them,
    is grey and says what share is right.

    Args:
        matrix: Counts, one row per true class and one column per predicted class.
        classes: The k names, in the matrix's order.
        shown: Which of many classes are drawn, in this order; none: all. What is said counts all.

    Returns:
        The matrix with its counts, headed by the accuracy and the most frequent mistake.

    Raises:
        UsageError: The names do not fit the matrix, or it holds no example.
    """
    if len(classes) != len(matrix) or matrix.sum() == 0:
        raise UsageError(
            "confusion needs one name per class and at least one example, "
            f"got {len(classes)} names for {len(matrix)} classes and {matrix.sum()} examples"
        )
    shares = 100 * matrix / np.maximum(matrix.sum(axis=1, keepdims=True), 1)
    words = _confusion_words(matrix, classes)
    if shown:
        words = words[0], f"{words[1]}. {len(shown)} of {len(classes)} classes are drawn"
        matrix, shares = matrix[np.ix_(shown, shown)], shares[np.ix_(shown, shown)]
        classes = [classes[i] for i in shown]
    diagonal = np.eye(len(matrix), dtype=bool)
    mistakes = np.where(diagonal | (matrix == 0), np.nan, shares)
    side = min(max(0.5 * len(matrix), 3), 12)
    fig, (ax,) = plot.new_figure(size=(side + 2.4, side + 1.6))
    top = float(np.nanmax(mistakes)) if np.isfinite(mistakes).any() else 1.0
    ax.imshow(np.where(diagonal, 0.88, 0.97), cmap="gray", vmin=0, vmax=1)
    image = ax.imshow(mistakes, cmap="viridis_r", vmin=0, vmax=top)
    if len(matrix) <= 20:
        _write_counts(ax, matrix, shares, image)
    long = max(map(len, classes)) > 7
    ax.set_xticks(range(len(classes)), classes, rotation=90 if long else 0)
    ax.set_yticks(range(len(classes)), classes)
    ax.set(xlabel="predicted class", ylabel="true class")
    between = np.arange(len(matrix) - 1) + 0.5
    ax.set_xticks(between, minor=True)
    ax.set_yticks(between, minor=True)
    ax.tick_params(which="both", length=0)
    ax.grid(visible=False)
    ax.grid(visible=True, which="minor", color="white", linewidth=1.5)
    ax.set_axisbelow(False)
    ax.spines[:].set_visible(False)
    bar = fig.colorbar(image, ax=ax, shrink=0.8, aspect=25)
    bar.set_label("mistaken (% of the true class)")
    bar.ax.spines[:].set_visible(False)
    plot.title(fig, *words)
    return fig


def _write_counts(
    ax: Axes,
    matrix: Int[np.ndarray, "k k"],
    shares: Float[np.ndarray, "k k"],
    image: ScalarMappable,
) -> None:
    """Write the count of each mistake and, on the diagonal, the share that is right."""
    for row, column in zip(*np.nonzero(matrix), strict=True):
        share = shares[row, column]
        right = row == column
        text = f"{share:.0f}%" if right else f"{matrix[row, column]}"
        colour = plot.INK if right else plot.ink_on(image.to_rgba(share)[:3])
        ax.text(column, row, text, ha="center", va="center", size=8.5, color=colour)


def _confusion_words(matrix: Int[np.ndarray, "k k"], classes: Sequence[str]) -> tuple[str, str]:
    """The finding and the subtitle of a confusion matrix."""
    examples, right = int(matrix.sum()), int(np.trace(matrix))
    finding = f"{100 * right / examples:.4g} % right"
    mistakes = matrix - np.diag(np.diag(matrix))
    if mistakes.any():
        true, predicted = divmod(int(mistakes.argmax()), len(matrix))
        finding += f"; the commonest mistake is {classes[predicted]} for {classes[true]}"
        finding += f" ({mistakes[true, predicted]} of {matrix[true].sum()})"
    subtitle = f"{examples:,} examples. Counts of mistakes; on the diagonal the share right"
    return finding, subtitle


@plot.style()
def image_grid(
    images: Real[np.ndarray, "n height width *channels"],
    *,
    columns: int = 10,
    row_labels: Sequence[str] = (),
    captions: Sequence[str] = (),
    span: tuple[float, float] = (0.0, 1.0),
    signed: bool = False,
) -> Figure:
    """Draw images (digits, filters, reconstructions) in an even grid with thin gaps.

    Pixels are not smoothed and all images share one scale.

    Args:
        images: Grey images, or with a last axis of 3 channels in colour (0 to 1, or 8-bit).
        columns: Images in a row, ≥ 1.
        row_labels: A label for each row, or none.
        captions: A word or two lines below each image, or none.
        span: The grey values drawn black and white; not used for colour.
        signed: Draw with a diverging map, zero white, up to the largest magnitude: for weights.

    Returns:
        The grid, without a title.

    Raises:
        UsageError: There is no image, or the labels or captions are not one each.
    """
    if columns < 1 or len(images) == 0:
        raise UsageError(
            f"an image grid needs images and columns ≥ 1, got {len(images)} and {columns}"
        )
    rows = math.ceil(len(images) / columns)
    for name, words, count in (
        ("row_labels", row_labels, rows),
        ("captions", captions, len(images)),
    ):
        if words and len(words) != count:
            raise UsageError(f"{name} must be {count}, one each, or none, got {len(words)}")
    if signed:
        reach = float(np.abs(images).max()) or 1.0
        span = (-reach, reach)
    # One unit is an image's width: gaps are thin whatever the number of pixels.
    tall = images.shape[1] / images.shape[2]
    cell = min(6.0 / columns, 1.3)  # inches
    lines = max((caption.count("\n") + 1 for caption in captions), default=0)
    across, down = 1 + 0.06, tall + 0.06 + 0.17 * lines / cell
    width = max(columns * across * cell + 1.0, 4.0)
    fig, (ax,) = plot.new_figure(size=(width, rows * down * cell + 0.8))
    for index, image in enumerate(images):
        left, top = (index % columns) * across, (index // columns) * down
        drawn = ax.imshow(
            image,
            cmap=plot.SIGNED if signed else "gray",
            norm=Normalize(*span),
            interpolation="none",
            extent=(left, left + 1, top + tall, top),
        )
        if captions:
            ax.text(left + 0.5, top + tall + 0.02, captions[index], ha="center", va="top", size=8)
    ax.set(xlim=(0, columns * across), ylim=(rows * down, 0), xticks=[])
    ax.set_yticks([row * down + tall / 2 for row in range(rows)][: len(row_labels)], row_labels)
    ax.tick_params(length=0)
    ax.grid(visible=False)
    ax.spines[:].set_visible(False)
    if signed:
        fig.colorbar(drawn, ax=ax, shrink=0.7, aspect=25).ax.spines[:].set_visible(False)
    return fig
