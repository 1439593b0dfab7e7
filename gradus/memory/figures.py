"""The figures of chapter 8 by their number in the book, drawn from computed results."""

from collections.abc import Callable

import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from gradus.core import plot
from gradus.core.experiment import trained
from gradus.memory.addressing import content_weighting, rotate
from gradus.memory.allocation import allocation
from gradus.memory.recipes import DNC_SERIES_COPY, NTM_COPY
from gradus.memory.run_figures import memory

USAGE = (1.0, 0.7, 0.2, 0.4)
"""The book's example of a usage vector."""
STRENGTHS = (1.0, 5.0, 50.0)


def bars(ax: Axes, values: torch.Tensor, name: str, colour: str = plot.PALETTE[0]) -> None:
    """A weighting as bars, one a location."""
    ax.bar(range(1, len(values) + 1), values.numpy(), color=colour, width=0.8)
    ax.set(ylim=(0, 1.05), title=name)
    ax.set_xticks(range(1, len(values) + 1))


@plot.style()
def figure_8_3() -> Figure:
    """Key strength: the same key, which resembles several locations, at three strengths."""
    generator = torch.Generator().manual_seed(3)
    rows = torch.rand(1, 8, 6, generator=generator)
    key = rows[:, 2:3] + 0.3 * torch.randn(1, 1, 6, generator=generator)
    fig, axes = plot.new_figure(1, 3, (9.5, 3.6), share=True)
    found = []
    for ax, strength in zip(axes, STRENGTHS, strict=True):
        weighting = content_weighting(rows, key, torch.tensor([[strength]]))[0, 0]
        found.append(float(weighting.max()))
        bars(ax, weighting, f"strength β = {strength:g}")
        ax.set_xlabel("location")
    axes[0].set_ylabel("weighting")
    plot.title(
        fig,
        f"An undecided key gives its best location {found[0]:.0%} of the weight; "
        f"strength {STRENGTHS[-1]:g} gives it {found[-1]:.0%}",
        "C(M, k, β) over 8 random locations of 6 numbers, the key near the third",
    )
    return fig


@plot.style()
def figure_8_4() -> Figure:
    """Rotational shift: to the right, to the left round the edge, and a blurry one that stays."""
    shifts = {
        "right": (0.0, 0.0, 1.0),
        "left, round the edge": (1.0, 0.0, 0.0),
        "in place, not sharp": (0.2, 0.6, 0.2),
    }
    before = torch.tensor([[0.7, 0.2, 0.0, 0.0, 0.1]])
    fig, axes = plot.new_figure(2, 3, (9.5, 5.2), share=False)
    peaks = []
    for column, (name, shift) in enumerate(shifts.items()):
        after = rotate(before.unsqueeze(0), torch.tensor([[shift]]))[0, 0]
        peaks.append(float(after.max()))
        bars(axes[column], before[0], f"gated; shift {shift[0]:g}, {shift[1]:g}, {shift[2]:g}")
        bars(axes[3 + column], after, name, plot.PALETTE[1])
        axes[3 + column].set_xlabel("location")
    axes[0].set_ylabel("before")
    axes[3].set_ylabel("after")
    plot.title(
        fig,
        f"A sharp shift moves the peak of {peaks[0]:g}; one that is not lowers it to {peaks[2]:g}",
        "w̃[i] = Σ_j w[i - j] s[j], indices modulo 5, j = -1, 0, 1; what leaves at an edge comes "
        "back at the other",
    )
    return fig


@plot.style()
def figure_8_11() -> Figure:
    """Allocation without loops: sort, running product, put back."""
    used = torch.tensor(USAGE)
    ordered, free_list = used.sort()
    products = torch.cat([torch.ones(1), ordered.cumprod(0)[:-1]])
    allocated = allocation(used.unsqueeze(0))[0]
    fig, axes = plot.new_figure(1, 4, (11, 3.4), share=True)
    bars(axes[0], used, "usage u")
    bars(axes[1], ordered, "sorted")
    bars(axes[2], (1 - ordered) * products, "× running product", plot.PALETTE[1])
    bars(axes[3], allocated, "put back: a", plot.PALETTE[1])
    for ax, names in zip(axes, (None, free_list, free_list, None), strict=True):
        ax.set_xlabel("location")
        if names is not None:
            ax.set_xticks(range(1, len(used) + 1), [str(i + 1) for i in names.tolist()])
    best = int(allocated.argmax())
    plot.title(
        fig,
        f"Location {best + 1}, used least ({used[best]:g}), gets {allocated[best]:.2g} of the "
        f"allocation; full location {int(used.argmax()) + 1} gets {allocated[0]:.2g}",
        "a[φ_j] = (1 - u[φ_j]) ∏_{i<j} u[φ_i] for u = " + np.array2string(used.numpy()),
    )
    return fig


def figure_8_5() -> Figure:
    """A Neural Turing Machine that was trained to copy, at work."""
    return memory(trained(NTM_COPY))


def figure_8_9() -> Figure:
    """A DNC that copies a series through ten locations, at work."""
    return memory(trained(DNC_SERIES_COPY))


FIGURES: dict[str, Callable[[], Figure]] = {
    "8-3": figure_8_3,
    "8-4": figure_8_4,
    "8-5": figure_8_5,
    "8-9": figure_8_9,
    "8-11": figure_8_11,
}
"""Number in the book -> function that draws it."""
