"""Drawing where a decoder looks (book figure 7-33)."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure

from gradus.core import plot

WEIGHTS = LinearSegmentedColormap.from_list("weights", ["white", plot.INK])
"""Weights: from white to ink."""
SHARP = 0.5
"""Share of the attention from which on a place counts as looked at."""
CELL = 0.34
"""Inches of a square."""


@plot.style()
def attention_map(
    weights: Float[np.ndarray, "steps positions"],
    read: Sequence[str],
    said: Sequence[str],
    subtitle: str = "",
) -> Figure:
    """The share of each source token as each target token is said: rows sum to 1.

    Args:
        weights: α, a row a target token.
        read: the source's tokens.
        said: the target's tokens.
        subtitle: which run.
    """
    letters = 0.085 * max(map(len, [*read, *said]))
    width = max(6.4, 1.4 + letters + CELL * len(read))
    height = 1.9 + letters + CELL * len(said)
    fig, (ax,) = plot.new_figure(1, 1, (width, height))
    ax.imshow(weights, cmap=WEIGHTS, vmin=0, vmax=1)
    ax.set_xticks(range(len(read)), read, rotation=90)
    ax.set_yticks(range(len(said)), said)
    ax.xaxis.tick_top()
    ax.tick_params(length=0)
    ax.grid(visible=False)
    back = steps_back(weights)
    turns = {0: "keeps the source's order", 1: "turns back once", 2: "turns back twice"}
    found = turns.get(back, f"turns back {back} times")
    if (weights.max(1) < SHARP).mean() > 0.5:
        found = "is spread"
    plot.title(
        fig,
        f"The attention {found}; "
        f"{weights.max(1).mean():.0%} of it is on one token at a time".replace("%", " %"),
        f"Source above, what is said at the left; the darker, the more attention. {subtitle}",
    )
    return fig


def steps_back(weights: Float[np.ndarray, "steps positions"], least: float = SHARP) -> int:
    """How often the place looked at is before the last one; looks spread too thinly don't count.

    Args:
        weights: α, a row a step.
        least: share of the attention that a place must have.
    """
    places = weights.argmax(1)[weights.max(1) >= least]
    return int((np.diff(places) < 0).sum())
