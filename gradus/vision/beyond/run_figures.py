"""The figures of a finished run on clips, sounds or sentences: functions of the run."""

import numpy as np
import torch
from matplotlib.figure import Figure
from torch import Tensor

from gradus.core import plot
from gradus.core.charts import image_grid
from gradus.core.run import Run
from gradus.nn.run_figures import confused, curves
from gradus.vision.beyond.tones import HOP, LENGTH, RATE, WINDOW

SENTENCES = 6
"""How many sentences are taken apart."""
CHANGE = 0.1
"""Change of the answer's probability from which on a word counts as deciding."""


@plot.style()
def frames(run: Run) -> Figure:
    """A test clip of each direction, frame by frame."""
    inputs, labels, predicted = _first_of_each(run)
    classes = run.info["facts"]["classes"]
    shown = inputs[:, 0].clamp(0, 1)  # "classes frames height width"
    names = [f"{classes[t]}, named {classes[y]}" for t, y in zip(labels, predicted, strict=True)]
    fig = image_grid(shown.flatten(0, 1).numpy(), columns=shown.shape[1], row_labels=names)
    plot.title(
        fig,
        f"{_right(labels, predicted)} directions are named right from {shown.shape[1]} frames",
        "A test clip of each; time goes to the right. What leaves at an edge comes back at the "
        "other, so that no single frame tells the direction",
    )
    return fig


@plot.style()
def spectrograms(run: Run) -> Figure:
    """A test spectrogram of each sound."""
    inputs, labels, predicted = _first_of_each(run)
    classes = run.info["facts"]["classes"]
    fig, axes = plot.new_figure(2, 4, (10, 5.6), share=True)
    extent = (0, 1000 * LENGTH / RATE, 0, RATE / 2000)
    for ax, image, truth, answer in zip(axes, inputs[:, 0], labels, predicted, strict=False):
        ax.imshow(image.numpy(), origin="lower", aspect="auto", extent=extent)
        ax.set_title(f"{classes[truth]}, named {classes[answer]}")
        ax.grid(visible=False)
    for ax in axes[len(labels) :]:
        ax.axis("off")
    for ax in axes[::4]:
        ax.set_ylabel("frequency (kHz)")
    for ax in axes[len(labels) - 4 : len(labels)]:
        ax.set_xlabel("time (ms)")
        ax.tick_params(labelbottom=True)
    plot.title(
        fig,
        f"{_right(labels, predicted)} sounds are named right by where their energy lies",
        "A test sound of each; logarithm of the power, windows of "
        f"{1000 * WINDOW / RATE:.0f} ms every {1000 * HOP / RATE:.0f} ms",
    )
    return fig


@plot.style()
def words(run: Run) -> Figure:
    """What each word of some test sentences does to the answer."""
    vocabulary = run.info["facts"]["words"]
    classes = run.info["facts"]["classes"]
    task = run.task()
    sentences, labels = (t[:SENTENCES] for t in task.test().tensors)
    task.model.eval()
    fig, axes = plot.new_figure(SENTENCES, 1, (10, 1.15 * SENTENCES + 1.2))
    right, deciding = 0, 0
    for ax, sentence, label in zip(axes, sentences, labels.tolist(), strict=True):
        effect, answer = _effects(task.model, sentence)
        right += answer == label
        deciding += int((np.abs(effect) >= CHANGE).sum())
        names = [vocabulary[i] for i in sentence.tolist() if i]
        colours = [plot.PALETTE[4] if e < 0 else plot.PALETTE[0] for e in effect]
        ax.bar(range(len(names)), effect, color=colours)
        ax.set_xticks(range(len(names)), names, rotation=45, ha="right", size=8)
        ax.set(ylim=(-0.25, 1.05), xlim=(-0.7, 26))
        ax.set_title(f"{classes[label]}, named {classes[answer]}")
    fig.supylabel("fall of the answer's probability without the word", size=9)
    plot.title(
        fig,
        f"{right} of {SENTENCES} test sentences are named right, {deciding / SENTENCES:.1f} words "
        f"of {int((sentences > 0).sum()) / SENTENCES:.1f} deciding on average",
        "A bar is by how much the answer becomes less probable when the word is made unknown; a "
        f"word decides if that changes the probability by {CHANGE} or more",
    )
    return fig


@torch.inference_mode()
def _effects(model: torch.nn.Module, sentence: Tensor) -> tuple[np.ndarray, int]:
    """By how much each word supports the answer, and the answer."""
    n = int((sentence > 0).sum())
    without = sentence.repeat(n + 1, 1)
    without[torch.arange(n), torch.arange(n)] = 0
    probability = model(without).softmax(1)
    answer = int(probability[-1].argmax())
    return (probability[-1, answer] - probability[:-1, answer]).numpy(), answer


@torch.inference_mode()
def _first_of_each(run: Run) -> tuple[Tensor, list[int], list[int]]:
    """The first test input of each class, its class, and what the network says."""
    task = run.task()
    inputs, labels = task.test().tensors
    first = [int((labels == i).nonzero()[0]) for i in range(len(run.info["facts"]["classes"]))]
    task.model.eval()
    predicted = task.model(inputs[first]).argmax(1)
    return inputs[first], labels[first].tolist(), predicted.tolist()


def _right(labels: list[int], predicted: list[int]) -> str:
    right = sum(t == y for t, y in zip(labels, predicted, strict=True))
    return f"{right} of {len(labels)}"


RUN = {"learning-curves": curves, "confusion": confused}
CLIP_RUN = {**RUN, "frames": frames}
TONE_RUN = {**RUN, "spectrograms": spectrograms}
TEXT_RUN = {**RUN, "words": words}
