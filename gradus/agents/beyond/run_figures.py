"""The figures of a finished run of DRQN or UNREAL: functions of the run."""

from typing import Any

import numpy as np
from matplotlib.figure import Figure

from gradus.agents.beyond.maps import pixel_control_maps
from gradus.agents.envs import make_games
from gradus.agents.loop import SEEDS
from gradus.agents.play import load_network, watch
from gradus.agents.run_figures import AGENT_RUN
from gradus.core import plot
from gradus.core.run import Run

MOMENTS = 6
"""Moments of an episode that are shown."""


@plot.style()
def moments(run: Run) -> Figure:
    """Moments of a test episode: the picture, where the agent looks if it attends, its values."""
    model, config = load_network(run)
    games = make_games(config.environment, 1, sticky=config.sticky, picture=True)
    steps = list(watch(model, games, SEEDS["test"], config.test_epsilon, pictures=True))
    chosen = np.unique(np.linspace(0, len(steps) - 1, MOMENTS).round().astype(int))
    count = len(chosen)
    fig, axes = plot.new_figure(2, count, (max(6.0, 11 * count / MOMENTS), 4.4))
    scores = np.stack([s.scores for s in steps])
    low, high = float(min(scores.min(), 0)), float(max(scores.max(), 0))
    for ax in axes:
        ax.axis("off")
    for ax, bars, at in zip(axes[:count], axes[count:], chosen, strict=True):
        step = steps[at]
        assert step.picture is not None
        halves = np.split(step.picture, 2, 1) if _attends(config) else [step.picture]
        ax.imshow(np.concatenate(halves))
        ax.set_title(f"step {at:,}")
        bars.axis("on")
        numbers = range(len(games.actions))
        colours = [plot.PALETTE[4] if a == step.action else plot.FAINT for a in numbers]
        bars.bar(numbers, step.scores, color=colours)
        bars.set_xticks(numbers, games.actions, rotation=60, ha="right")
        bars.set_ylim(low, high + 1e-6)
    axes[count].set_ylabel("Q(s₁ … sₜ, a)")
    paid = sum(s.reward for s in steps)
    light = "; below, each picture is bright where the agent looks" if _attends(config) else ""
    plot.title(
        fig,
        f"A test episode of {len(steps):,} steps that returns {paid:g}",
        f"{run.recipe.name}; values of the actions after all that was seen, done: coloured{light}",
    )
    return fig


def _attends(config: Any) -> bool:
    return bool(getattr(config, "attention", False))


@plot.style()
def pixel_control(run: Run) -> Figure:
    """Where each action is expected to change the picture, at the start of a test episode."""
    model, config = load_network(run)
    games = make_games(config.environment, 1, sticky=config.sticky)
    seen = games.reset(SEEDS["test"])
    maps = pixel_control_maps(model, seen)  # type: ignore[arg-type]
    fig, axes = plot.new_figure(1, 1 + len(maps), (11, 3.3))
    axes[0].imshow(games.pictures())
    axes[0].set_title("what is seen")
    shown: Any = None
    for ax, squares, name in zip(axes[1:], maps, games.actions, strict=True):
        shown = ax.imshow(squares, cmap=plot.MAGNITUDE, vmin=maps.min(), vmax=maps.max())
        ax.set_title(name)
    for ax in axes:
        ax.set(xticks=[], yticks=[])
        ax.grid(visible=False)
    fig.colorbar(shown, ax=list(axes), shrink=0.7, label="discounted change")
    plot.title(
        fig,
        f"Pixel control expects at most {maps.max():.2g} of change in a square of 4×4 pixels",
        f"{run.recipe.name}; Q_aux of each action, γ = {config.pixel_gamma:g}, "  # type: ignore[attr-defined]
        f"weight {config.pixel_control:g}",  # type: ignore[attr-defined]
    )
    return fig


MAZE_RUN = {**AGENT_RUN, "pixel-control": pixel_control}
"""Figures of a run of UNREAL."""
MEMORY_RUN = {**AGENT_RUN, "moments": moments}
"""Figures of a run of DRQN."""
