"""The figures of a finished agent: functions of the run."""

from typing import Any

import numpy as np
from matplotlib.figure import Figure

from gradus.agents.drawing import draw_maze
from gradus.agents.envs import make_games
from gradus.agents.loop import SEEDS
from gradus.agents.mdp import MDPS
from gradus.agents.play import load_network, watch
from gradus.agents.returns import discounted_returns
from gradus.agents.tabular import value_iteration
from gradus.core import plot
from gradus.core.run import Run


@plot.style()
def returns(run: Run) -> Figure:
    """Mean return of the episodes of training, and of those that only check."""
    records = run.records()
    unit = run.info["facts"]["unit"]
    fig, (ax,) = plot.new_figure()
    curves = {}
    for name, label, dash in (("train", "training", "--"), ("validation", "greedy checks", "-")):
        found = [(r["step"], r.get(f"{name}/return")) for r in records]
        points = [(x, y) for x, y in found if y is not None]
        if points:
            curves[name] = points
            marker = "o" if len(points) <= 12 else ""
            colour = plot.PALETTE[name == "validation"]
            ax.plot(*zip(*points, strict=True), dash, color=colour, marker=marker, label=label)
    watched = curves.get("validation") or curves.get("train") or [(0, float("nan"))]
    best = max(y for _, y in watched)
    what = "greedy episodes" if "validation" in curves else "training"
    finding = f"Returns of {what}: {watched[0][1]:.3g} after {watched[0][0]:,} {unit}, "
    finding += f"{best:.3g} at best"
    ax.set(xlabel=f"{unit} of training", ylabel="mean return of an episode")
    ax.set_xlim(0, 1.02 * records[-1]["step"])
    plot.title(
        fig,
        finding if curves else "No episode of training came to its end",
        f"{run.recipe.name}, seed {run.info['seed']}; rewards as the environment pays them",
    )
    plot.end_labels(ax)
    return fig


@plot.style()
def values(run: Run) -> Figure:
    """What the table holds beside the optimum: the maze with moves, or bars for another MDP."""
    config: Any = run.config
    mdp = MDPS[config.mdp]()
    q = run.load_weights()["values"].numpy().astype(float)
    best = value_iteration(mdp, config.gamma)
    apart = np.abs(q.max(1) - best.max(1)).max()
    fig, axes = plot.new_figure(1, 2, (9.5, 4.0))
    if config.mdp == "mouse-maze":
        for ax, table, name in zip(axes, (q, best), ("learnt", "optimum"), strict=True):
            draw_maze(ax, table)
            ax.set_title(name)
    else:
        for ax, table, name in zip(axes, (q, best), ("learnt", "optimum"), strict=True):
            ax.imshow(table, cmap=plot.MAGNITUDE, vmin=best.min(), vmax=best.max())
            for (s, a), value in np.ndenumerate(table):
                ax.text(a, s, f"{value:.2f}", ha="center", va="center", color="white")
            ax.set_xticks(range(len(mdp.actions)), mdp.actions)
            ax.set_yticks(range(len(mdp.states)), mdp.states)
            ax.set_title(name)
            ax.grid(visible=False)
    plot.title(
        fig,
        f"The best values learnt are within {apart:.3g} of the optimum",
        f"max_a Q(s, a) and the best move, γ = {config.gamma:g}; {config.explore}, "
        f"{run.results['examples']:,} episodes",
    )
    return fig


@plot.style()
def expectation(run: Run) -> Figure:
    """One episode of the test: what the agent expects, and what then comes."""
    model, config = load_network(run)
    games = make_games(config.environment, 1, sticky=config.sticky)
    seen = list(watch(model, games, SEEDS["test"], config.test_epsilon))
    paid = np.array([s.reward for s in seen], dtype=np.float32)
    if config.clip_rewards:
        paid = np.sign(paid)
    came = discounted_returns(paid, config.gamma)
    expected = np.array([s.value for s in seen])
    fig, (ax,) = plot.new_figure()
    ax.plot(came, label="what came")
    ax.plot(expected, label="expected")
    ax.set(xlabel="step of the episode", ylabel="discounted return from here on")
    score = sum(s.reward for s in seen)
    apart = float(np.abs(expected - came).mean())
    plot.title(
        fig,
        f"An episode of {len(seen):,} steps returns {score:g}; what is expected is "
        f"{apart:.3g} off on average",
        f"{run.recipe.name}; value of what is seen, against Σ γᵏ r with γ = {config.gamma:g}; "
        "an episode that is cut off goes on in the agent's eyes",
    )
    plot.end_labels(ax)
    return fig


AGENT_RUN = {"returns": returns, "expectation": expectation}
"""Figures of a run of an agent in games."""
TABULAR_RUN = {"returns": returns, "values": values}
"""Figures of a run of tabular Q-learning."""
