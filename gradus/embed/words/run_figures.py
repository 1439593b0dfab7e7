"""The figures of a finished run on words: functions of the run."""

import numpy as np
from jaxtyping import Float
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from gradus.core import plot
from gradus.core.run import Run
from gradus.embed.words.predict import load_vectors
from gradus.nn.run_figures import curves
from gradus.nn.tsne import tsne

MAPPED = 400
"""Most frequent words that are mapped; the book has 500."""
PASSED_OVER = 100
"""Of the most frequent words these are left out where there are enough: the, of, and …"""
FEWEST = 10
"""Words of a map, at least."""
WRITTEN = 150
"""Most words that are written into the map."""
GROUPS = 8
"""Colours of the map: groups of words whose vectors point in similar directions."""


@plot.style()
def word_map(run: Run) -> Figure:
    """A map of frequent words by t-SNE, neighbours near each other (figure 6-21)."""
    vectors = load_vectors(run)
    skipped = PASSED_OVER if len(vectors.words) > 2 * PASSED_OVER else 0
    chosen = slice(skipped, skipped + MAPPED)
    words, unit = vectors.words[chosen], vectors.unit[chosen]
    positions = tsne(unit, perplexity=min(30.0, max(len(words) / 4, 2.0)))
    fig, (ax,) = plot.new_figure(1, 1, (10, 8.4))
    kept = _draw_words(ax, words, positions, groups_of(unit))
    plot.title(
        fig,
        f"{neighbours_kept(unit, positions):.0%} of the words have their nearest neighbour among "
        "the ten words nearest on the map",
        f"t-SNE of the vectors of {len(words)} frequent words (ranks {skipped + 1} to "
        f"{skipped + len(words)}), {vectors.vectors.shape[1]} dimensions, cosine; {kept} are "
        f"written; colours: {GROUPS} groups by k-means; {run.recipe.name}, seed {run.config.seed}",
    )
    return fig


def groups_of(unit: Float[np.ndarray, "n d"]) -> np.ndarray:
    """A group for each vector, by k-means."""
    from sklearn.cluster import KMeans

    return KMeans(min(GROUPS, len(unit)), n_init=4, random_state=0).fit_predict(unit)


def neighbours_kept(
    unit: Float[np.ndarray, "n d"], positions: Float[np.ndarray, "n 2"], k: int = 10
) -> float:
    """The share of points whose nearest neighbour by cosine is one of the k nearest on the map."""
    cosine = unit @ unit.T
    np.fill_diagonal(cosine, -np.inf)
    apart = np.square(positions[:, None] - positions[None]).sum(2)
    np.fill_diagonal(apart, np.inf)
    near = np.argsort(apart, axis=1)[:, :k]
    return float((near == cosine.argmax(1)[:, None]).any(1).mean())


def _draw_words(
    ax: Axes, words: list[str], positions: Float[np.ndarray, "n 2"], groups: np.ndarray
) -> int:
    """Write words where their points are, the more frequent first, none over another."""
    low, high = positions.min(0), positions.max(0)
    margin = 0.04 * (high - low)
    ax.set(xlim=(low[0] - margin[0], high[0] + margin[0]))
    ax.set(ylim=(low[1] - margin[1], high[1] + margin[1]))
    ax.set_axis_off()
    letter = 0.0085 * (high - low)[0], 0.02 * (high - low)[1]  # width and height of 8 pt
    placed: list[tuple[float, float, float]] = []
    for word, (x, y), group in zip(words, positions, groups, strict=True):
        half = len(word) * letter[0] / 2
        meets = any(abs(x - a) < half + b and abs(y - c) < letter[1] for a, c, b in placed)
        colour = plot.PALETTE[group % len(plot.PALETTE)]
        if meets or len(placed) == WRITTEN:
            ax.plot(x, y, ".", ms=3, color=colour, alpha=0.5, zorder=1)
            continue
        placed.append((x, y, half))
        ax.text(x, y, word, size=8, ha="center", va="center", color=plot.readable(colour))
    return len(placed)


RUN = {"learning-curves": curves, "words": word_map}
