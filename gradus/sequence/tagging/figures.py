"""The book's figures of tagging: number -> function that draws it."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from matplotlib.axes import Axes
from matplotlib.colors import to_rgba
from matplotlib.figure import Figure
from matplotlib.patches import FancyBboxPatch

from gradus.core import plot
from gradus.core.experiment import trained
from gradus.core.run import Run
from gradus.nn.run_figures import curves
from gradus.sequence.tagging.features import UNKNOWN
from gradus.sequence.tagging.predict import TrainedTagger, open_tagger
from gradus.sequence.tagging.recipes import TAGGER_BEST, TAGGER_BOOK
from gradus.sequence.tagging.toy import toy_sentences
from gradus.sequence.tagging.train import SENTENCE

TOY = {"data": "toy", "dimensions": 16, "hidden": (32, 32), "batch_size": 100, "epochs": 8}
"""A training on the toy text, a few seconds."""
WIDTH = 9.4
"""Of a line of words, in inches."""
COLOURS = {"NN": 0, "PR": 5, "VB": 2, "MD": 2, "JJ": 3, "RB": 6, "IN": 4, "TO": 4, "DT": 1}
"""First letters of a tag -> number of its colour."""
LONG = 9
"""Words of the toy sentence that is looked into, at least."""


@plot.style()
def figure_7_2() -> Figure:
    """The book's sentence with its parts of speech, and how sure a tagger is (trains, a minute)."""
    tagger = open_tagger(_quick(TAGGER_BEST))
    found = tagger.tag([SENTENCE])[0]
    fig, (ax,) = plot.new_figure(1, 1, (WIDTH + 0.6, 3.2))
    found = [(tag.replace("$", r"\$"), p) for tag, p in found]
    _draw_words(ax, SENTENCE, [t for t, _ in found], [p for _, p in found])
    sure = sum(p >= 0.9 for _, p in found)
    least = min(range(len(found)), key=lambda i: found[i][1])
    plot.title(
        fig,
        f"The tagger is at least 90% sure of {sure} of {len(found)} tags, and least of "
        f"{SENTENCE[least]} as {found[least][0]} ({found[least][1]:.0%})",
        "Below each word its tag and the tag's probability; tagger-best with its quick settings",
    )
    return fig


def _draw_words(
    ax: Axes, words: Sequence[str], tags: Sequence[str], probabilities: Sequence[float]
) -> None:
    """Words in lines, each in a box with its tag and probability below."""
    x, y, gap = 0.0, 0.0, 0.12
    for word, tag, p in zip(words, tags, probabilities, strict=True):
        width = 0.11 * max(len(word), len(tag), 4) + 0.16
        if x + width > WIDTH:
            x, y = 0.0, y - 1.15
        colour = plot.PALETTE[COLOURS[tag[:2]]] if tag[:2] in COLOURS else plot.GREY
        box = FancyBboxPatch(
            (x, y), width, 0.42, boxstyle="round,pad=0.02", fc=to_rgba(colour, 0.18), ec=colour
        )
        ax.add_patch(box)
        middle = x + width / 2
        ax.text(middle, y + 0.2, word, ha="center", va="center", size=10)
        ax.text(
            middle, y - 0.18, tag, ha="center", va="center", size=9, color=plot.readable(colour)
        )
        ax.text(middle, y - 0.42, f"{p:.0%}", ha="center", va="center", size=8, color=plot.GREY)
        x += width + gap
    ax.set(xlim=(-0.1, WIDTH + 0.1), ylim=(y - 0.6, 0.6))
    ax.set_axis_off()


@plot.style()
def figure_7_3() -> Figure:
    """A window slides over a sentence: what each tag rests on, the word itself or one before."""
    tagger = open_tagger(trained(TAGGER_BOOK, **TOY))
    sentence = next(s for s in toy_sentences(100, 3) if len(s.words) >= LONG)
    words = sentence.words
    falls, tags = rests_on(tagger, words)
    fig, (ax,) = plot.new_figure(1, 1, (8.6, 5.4))
    image = ax.imshow(100 * falls, vmin=0, vmax=100, cmap="viridis_r", aspect="auto")
    for (row, column), value in np.ndenumerate(falls):
        if np.isfinite(value):
            ink = plot.ink_on(image.to_rgba(100 * value)[:3])
            ax.text(column, row, f"{100 * value:.0f}", ha="center", va="center", size=8, color=ink)
    ax.set_xticks(range(len(words)), words, rotation=45, ha="right")
    ax.set_yticks(range(len(words)), [f"{w} / {t}" for w, t in zip(words, tags, strict=True)])
    ax.set(xlabel="word that is hidden", ylabel="word that is tagged, from above")
    ax.grid(visible=False)
    fig.colorbar(image, ax=ax, label="fall of the tag's probability (points)", shrink=0.8)
    before = np.nansum([np.diagonal(falls, -k).sum() for k in range(1, tagger.reader.before + 1)])
    share = before / np.nansum(falls)
    right = sum(a == b for a, b in zip(tags, sentence.tags, strict=True))
    plot.title(
        fig,
        f"{1 - share:.0%} of what the tags rest on is the word itself, {share:.0%} the "
        f"{tagger.reader.before} words before; {right} of {len(words)} are right",
        "The probability of the tag falls when a word of the window is made unknown; outside "
        "the window nothing counts. Toy text, tagger-book's window",
    )
    return fig


@torch.inference_mode()
def rests_on(
    tagger: TrainedTagger, words: Sequence[str]
) -> tuple[Float[np.ndarray, "n n"], list[str]]:
    """By how much the probability of each word's tag falls when another word is hidden.

    Returns:
        tagged word × hidden word, never below 0, NaN outside the window; and the tags.
    """
    reader, n = tagger.reader, len(words)
    rows = reader.windows([words]).rows()
    probability, best = tagger.model(rows).softmax(1).max(1)
    falls = np.full((n, n), np.nan)
    for place in range(rows.shape[1]):
        hidden = rows.clone()
        hidden[:, place] = UNKNOWN
        now = tagger.model(hidden).softmax(1).gather(1, best[:, None]).squeeze(1)
        for i, fall in enumerate((probability - now).clamp(min=0).tolist()):
            if 0 <= (other := i + place - reader.before) < n:
                falls[i, other] = fall
    return falls, [tagger.tags[number] for number in best.tolist()]


def figure_7_4() -> Figure:
    """The book's tagger while it learns (trains on CoNLL-2000, a minute)."""
    return curves(_quick(TAGGER_BOOK))


def _quick(recipe: Any) -> Run:
    """A finished run of a recipe with its quick settings."""
    return trained(recipe, **recipe.quick)


FIGURES: dict[str, Callable[[], Figure]] = {
    "7-2": figure_7_2,
    "7-3": figure_7_3,
    "7-4": figure_7_4,
}
"""Number of a figure in the book -> function that draws it."""
