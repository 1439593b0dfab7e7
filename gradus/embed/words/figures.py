"""The book's figures of vectors of words: number -> function that draws it."""

from collections.abc import Callable

import numpy as np
import torch
from jaxtyping import Float
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import FancyBboxPatch

from gradus.core import plot
from gradus.core.experiment import trained
from gradus.core.run import Run
from gradus.embed.words.corpus import load_corpus
from gradus.embed.words.predict import load_vectors
from gradus.embed.words.recipes import WORD2VEC
from gradus.embed.words.run_figures import word_map
from gradus.embed.words.toy import COUNTRIES, toy_text
from gradus.embed.words.train import build

DOCUMENT = ["a", "dog", "sees", "a", "cat", "and", "the", "cat", "sees", "it"]
LOOKED_AT = ("cat", "dog", "paris", "rome", "france", "italy")
WINDOW = 3
TOY = {
    "data": "toy",
    "min_count": 1,
    "validation": 500,
    "dimensions": 16,
    "batch_size": 2000,
    "epochs": 20,
    "lr": 0.1,
    "threads": 1,
}
"""A training on the toy text, a few seconds."""
NOISE = 8


@plot.style()
def figure_6_17() -> Figure:
    """One-hot vectors of the words of a small document."""
    words = list(dict.fromkeys(DOCUMENT))
    vectors = np.array([[w == v for v in words] for w in DOCUMENT], float)
    fig, (ax,) = plot.new_figure(1, 1, (7, 4.9))
    ax.imshow(vectors, cmap="Blues", vmax=1.2, aspect="auto")
    for (row, column), value in np.ndenumerate(vectors):
        colour = "white" if value else plot.GREY
        ax.text(column, row, f"{value:.0f}", ha="center", va="center", color=colour)
    ax.set_xticks(range(len(words)), words)
    ax.set_yticks(range(len(DOCUMENT)), DOCUMENT)
    ax.set(xlabel="the one component of each word of the vocabulary", ylabel="document, from above")
    ax.grid(visible=False)
    cosines = {float(vectors[i] @ vectors[j]) for i in range(len(DOCUMENT)) for j in range(i)}
    plot.title(
        fig,
        f"One-hot vectors know only equal or not: their cosines are {min(cosines):g} and "
        f"{max(cosines):g}, be the words as near as they may",
        f"{len(DOCUMENT)} words, {len(words)} of them different, so {len(words)} dimensions",
    )
    return fig


@plot.style()
def figure_6_18() -> Figure:
    """How often words stand near others: words of one kind have one kind of company."""
    columns, counts = _company(LOOKED_AT)
    length = np.linalg.norm(counts, axis=1)
    cosine = counts @ counts.T / np.outer(length, length)
    fig, (left, right) = plot.new_figure(1, 2, (11, 4.6))
    image = left.imshow(counts, aspect="auto")
    left.set_xticks(range(len(columns)), columns, rotation=60, ha="right", size=8)
    left.set_yticks(range(len(LOOKED_AT)), LOOKED_AT)
    left.set(xlabel=f"word at most {WINDOW} places away", ylabel="word")
    fig.colorbar(image, ax=left, label="times")
    right.imshow(cosine, vmin=0, vmax=1)
    right.set_xticks(range(len(LOOKED_AT)), LOOKED_AT, rotation=60, ha="right")
    right.set_yticks(range(len(LOOKED_AT)), LOOKED_AT)
    for (row, column), value in np.ndenumerate(cosine):
        ink = "white" if value < 0.6 else plot.INK
        right.text(column, row, f"{value:.2f}", ha="center", va="center", size=8, color=ink)
    right.set(xlabel="cosine of two rows")
    for ax in (left, right):
        ax.grid(visible=False)
    at = {word: i for i, word in enumerate(LOOKED_AT)}
    plot.title(
        fig,
        f"Paris keeps company like Rome (cosine {cosine[at['paris'], at['rome']]:.2f}), not like "
        f"a cat ({cosine[at['paris'], at['cat']]:.2f})",
        "Counts in the made-up text of 4,000 sentences; the 18 commonest neighbours of these words",
    )
    return fig


def _company(words: tuple[str, ...]) -> tuple[list[str], Float[np.ndarray, "words columns"]]:
    """How often the commonest neighbours of some words stand near each, in the toy text."""
    near: dict[str, dict[str, int]] = {word: {} for word in words}
    for sentence, _ in toy_text():
        for i, word in enumerate(sentence):
            if word in near:
                for other in sentence[max(0, i - WINDOW) : i] + sentence[i + 1 : i + 1 + WINDOW]:
                    near[word][other] = near[word].get(other, 0) + 1
    total: dict[str, int] = {}
    for counts in near.values():
        for other, n in counts.items():
            total[other] = total.get(other, 0) + n
    columns = sorted(total, key=lambda word: -total[word])[:18]
    return columns, np.array([[near[w].get(c, 0) for c in columns] for w in words], float)


@plot.style()
def figure_6_19() -> Figure:
    """What predicts what: a word those around it (A), or these the word (B)."""
    sentence = ["the", "mayor", "of", "rome", "walks", "by", "night"]
    middle, window = 3, 2
    around = [i for i in range(len(sentence)) if 0 < abs(i - middle) <= window]
    fig, panels = plot.new_figure(1, 2, (11, 4.0))
    for ax, name, skip in zip(panels, ("A · skip-gram", "B · CBOW"), (True, False), strict=True):
        ax.set(xlim=(-0.6, len(sentence) - 0.4), ylim=(-0.45, 2.5))
        ax.set_axis_off()
        ax.set_title(name)
        _box(ax, middle, 1.05, "encoder: its vector" if skip else "encoder: mean of the vectors")
        for i, word in enumerate(sentence):
            inside = i == middle or i in around
            read = (i == middle) if skip else i in around
            colour = plot.PALETTE[0] if read else plot.PALETTE[4] if inside else plot.GREY
            ax.text(i, 0, word, ha="center", va="center", color=plot.readable(colour))
            if inside and read:
                _arrow(ax, (i, 0.15), (middle, 0.85), plot.PALETTE[0])
            elif inside:
                ax.text(i, 2.2, word, ha="center", color=plot.readable(plot.PALETTE[4]))
                _arrow(ax, (middle, 1.25), (i, 2.12), plot.PALETTE[4])
    plot.title(
        fig,
        f"Skip-gram makes {len(around)} pairs of a window of {window}, CBOW makes one",
        "Below what is read (blue), above what is predicted (orange)",
    )
    return fig


def _box(ax: Axes, x: float, y: float, words: str) -> None:
    box = FancyBboxPatch(
        (x - 1.35, y - 0.17), 2.7, 0.34, boxstyle="round,pad=0.02", fc="white", ec=plot.INK
    )
    ax.add_patch(box)
    ax.text(x, y, words, ha="center", va="center", size=9)


def _arrow(ax: Axes, start: tuple[float, float], end: tuple[float, float], colour: str) -> None:
    ax.annotate("", end, start, arrowprops={"arrowstyle": "->", "color": colour, "lw": 1.4})


@plot.style()
def figure_6_20() -> Figure:
    """A logistic regression tells true neighbours of a word from noise, before and after."""
    run = trained(WORD2VEC, **TOY)
    words = load_vectors(run).words
    corpus = load_corpus("toy")
    word, true = "rome", list(COUNTRIES["italy"][1:])
    draw = np.random.default_rng(1)
    q = corpus.counts**0.75 / (corpus.counts**0.75).sum()
    drawn = dict.fromkeys(words[i] for i in draw.choice(len(words), 60, p=q))
    noise = [w for w in drawn if w not in (*true, word)][:NOISE]
    fig, (ax,) = plot.new_figure(1, 1, (7.6, 4.6))
    place = np.arange(len(true) + NOISE)
    sets = (("before", _start(run), plot.FAINT, -0.2), ("after", run.task().model, "", 0.2))
    means = {}
    for name, model, faint, shift in sets:
        p = _probabilities(model, words, word, [*true, *noise])
        means[name] = p[: len(true)].mean(), p[len(true) :].mean()
        right, wrong = (faint or plot.PALETTE[i] for i in (0, 4))
        colours = [right] * len(true) + [wrong] * NOISE
        ax.barh(place + shift, p, height=0.38, color=colours)
    ax.set_yticks(place, [*true, *noise])
    ax.invert_yaxis()
    ax.axhline(len(true) - 0.5, color=plot.GREY, lw=0.8)
    ax.set(xlim=(0, 1.02), xlabel=f"σ(v·u): how surely the word is taken for a neighbour of {word}")
    plot.title(
        fig,
        f"True neighbours of {word} are taken for true with {means['after'][0]:.0%} on average, "
        f"noise words with {means['after'][1]:.0%}",
        f"Above the line neighbours (blue), below {NOISE} noise words (orange); grey: before "
        f"learning, {means['before'][0]:.0%}; made-up text, {run.results['epochs']} epochs, seed 0",
    )
    return fig


def _start(run: Run) -> torch.nn.Module:
    """The module as it was before the first step."""
    torch.manual_seed(run.config.seed)
    return build(run.config, run.info["facts"]["words"])  # type: ignore[arg-type]


@torch.no_grad()
def _probabilities(
    model: torch.nn.Module, words: list[str], word: str, others: list[str]
) -> Float[np.ndarray, "n"]:
    """σ(v·u) of a word with others."""
    at = {w: i for i, w in enumerate(words)}
    hidden = model(torch.tensor([[at[word]]]))
    scores = model.scores(hidden, torch.tensor([[at[w] for w in others]]))  # type: ignore[operator]
    return scores[0].sigmoid().numpy()


def figure_6_21() -> Figure:
    """A map of frequent words by t-SNE of their vectors (trains on IMDB's reviews, minutes)."""
    return word_map(trained(WORD2VEC))


FIGURES: dict[str, Callable[[], Figure]] = {
    "6-17": figure_6_17,
    "6-18": figure_6_18,
    "6-19": figure_6_19,
    "6-20": figure_6_20,
    "6-21": figure_6_21,
}
"""Figure number -> function that draws it."""
