"""The figures of chapter 9 by their number in the book, drawn from computed results."""

from collections.abc import Callable
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from gradus.agents.acting import choose
from gradus.agents.drawing import band, draw_maze, draw_mdp
from gradus.agents.explore import BOOK
from gradus.agents.mdp import episode, maze, three_states
from gradus.agents.recipes import BREAKOUT_DQN, CARTPOLE_PG
from gradus.agents.tabular import policy_iteration, q_learning
from gradus.core import plot
from gradus.core.experiment import trained

GAMMA = 0.9
SEEDS = 5
"""Trainings of each way to explore."""
EXPLORED: dict[str, Any] = {
    "baseline": False,
    "hidden": (16, 16),
    "gamma": 0.98,
    "lr": 0.01,
    "games": 8,
    "epochs": 25,
    "steps": 80,
    "explore_steps": 1_200,
    "check_episodes": 0,
    "goal": 0.0,
}
"""The book's network, discount, eight episodes an update; 2,000 episodes, ε annealed over 1,200."""


@plot.style()
def figure_9_4() -> Figure:
    """A Markov decision process: states, actions, transitions, rewards; and its best policy."""
    mdp = three_states()
    q, policy = policy_iteration(mdp, GAMMA)
    fig, (ax,) = plot.new_figure(size=(7.0, 5.8))
    draw_mdp(ax, mdp)
    best = ", ".join(
        f"{mdp.actions[a]} in {s} ({v:.2f})"
        for s, a, v in zip(mdp.states, policy, q.max(1), strict=True)
    )
    plot.title(
        fig,
        f"Three states, two actions; best is {best}",
        f"On the arrows P(s' | s, a), and in brackets R; in the title the value of the state with "
        f"γ = {GAMMA:g}, by policy iteration",
    )
    return fig


def mouse(epsilon: float, episodes: int, seed: int) -> tuple[np.ndarray, list[float]]:
    """A mouse that learns its maze with a constant ε: its table, and the return of each episode.

    The last return is of an episode without exploring, after all the others.
    """
    mdp, draw = maze(), np.random.default_rng(seed)
    q = np.zeros((len(mdp.states), len(mdp.actions)))
    found = []
    for _ in range(episodes):
        moments = q_learning(
            mdp,
            q,
            act=lambda row: int(choose(row[None], epsilon, draw)[0]),
            draw=draw,
            rate=0.5,
            gamma=GAMMA,
            limit=50,
        )
        found.append(sum(m.reward for m in moments))
    last = episode(mdp, lambda s: int(q[s].argmax()), draw, 50)
    return q, [*found, sum(m.reward for m in last)]


@plot.style()
def figure_9_5() -> Figure:
    """The mouse's maze: the greedy mouse stays at the water, the ε-greedy one finds the cheese."""
    episodes = 1000
    fig, axes = plot.new_figure(1, 2, (9.5, 4.0))
    last = {}
    for ax, epsilon in zip(axes, (0.0, 0.5), strict=True):
        q, found = mouse(epsilon, episodes, seed=0)
        draw_maze(ax, q)
        name = "greedy" if epsilon == 0 else f"{epsilon:g}-greedy"
        last[name] = found[-1]
        ax.set_title(f"{name}; first episodes {', '.join(f'{r:g}' for r in found[:3])}")
    (one, water), (other, cheese) = last.items()
    plot.title(
        fig,
        f"The {one} mouse stays at {water:+g}; the {other} one learns the way to {cheese:+g}",
        f"Best value and move of each place after {episodes:,} episodes of Q-learning, "
        f"γ = {GAMMA:g}; in the title the return of a greedy episode after them",
    )
    return fig


def compare_explorations(seeds: int = SEEDS, **settings: Any) -> dict[str, np.ndarray]:
    """REINFORCE on CartPole with the book's eight ways to explore.

    Args:
        seeds: trainings of each.
        settings: of the recipe, laid over those of the figure.

    Returns:
        name -> mean return of the last 100 episodes of training, "seeds epochs".
    """
    found = {}
    for name in BOOK:
        runs = [
            trained(CARTPOLE_PG, **{**EXPLORED, "explore": name, "seed": seed, **settings})
            for seed in range(seeds)
        ]
        found[name] = np.array([[r["train/return"] for r in run.records()] for run in runs])
    return found


@plot.style()
def draw_explorations(found: dict[str, np.ndarray], steps: int) -> Figure:
    """The curves of `compare_explorations`, an epoch being so many episodes."""
    fig, (ax,) = plot.new_figure(size=(8.5, 5.0))
    for number, (name, runs) in enumerate(found.items()):
        episodes = steps * (1 + np.arange(runs.shape[1]))
        band(ax, episodes.tolist(), runs, name, number)
    last = {name: runs[:, -1].mean() for name, runs in found.items()}
    best, worst = max(last, key=last.__getitem__), min(last, key=last.__getitem__)
    ax.set(xlabel="episodes of training", ylabel="return, mean of the last 100 episodes")
    ax.set_xlim(0, steps * next(iter(found.values())).shape[1])
    seeds = len(next(iter(found.values())))
    plot.title(
        fig,
        f"{best} ends best, at {last[best]:.0f}; {worst} at {last[worst]:.0f}",
        f"REINFORCE without a baseline on CartPole-v1; mean of {seeds} seeds ± one standard error; "
        "returns of the exploring agent itself",
    )
    plot.end_labels(ax, size=8.5)
    return fig


def figure_9_6() -> Figure:
    """Eight ways to explore, on CartPole with REINFORCE: 40 trainings, a few minutes."""
    return draw_explorations(compare_explorations(), EXPLORED["steps"])


@plot.style()
def figure_9_7() -> Figure:
    """The deep Q-network learns Breakout: return and ε over the training. It takes an hour."""
    run = trained(BREAKOUT_DQN)
    records = [r for r in run.records() if r["train/return"] is not None]
    steps = [r["step"] for r in records]
    paid = [r["train/return"] for r in records]
    fig, (above, below) = plot.new_figure(2, 1, (7.0, 5.2))
    above.plot(steps, paid)
    above.set(ylabel="return, last 100 episodes")
    below.plot(steps, [r["epsilon"] for r in records], color=plot.GREY)
    below.set(xlabel="steps of training (four frames each)", ylabel="ε", ylim=(0, 1.02))
    plot.title(
        fig,
        f"Breakout: from {paid[0]:.1f} to {max(paid):.1f} points in {steps[-1]:,} steps",
        f"{run.recipe.name}, seed {run.info['seed']}; the game's own score, lives and all",
    )
    return fig


FIGURES: dict[str, Callable[[], Figure]] = {
    "9-4": figure_9_4,
    "9-5": figure_9_5,
    "9-6": figure_9_6,
    "9-7": figure_9_7,
}
"""Number in the book -> function that draws it."""
