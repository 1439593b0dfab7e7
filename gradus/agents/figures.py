"""The figures of chapter 9 by their number in the book, drawn from computed results."""

from collections.abc import Callable

import numpy as np
from matplotlib.figure import Figure

from gradus.agents.acting import choose
from gradus.agents.drawing import draw_maze, draw_mdp
from gradus.agents.mdp import episode, maze, three_states
from gradus.agents.tabular import policy_iteration, q_learning
from gradus.core import plot

GAMMA = 0.9


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


FIGURES: dict[str, Callable[[], Figure]] = {
    "9-4": figure_9_4,
    "9-5": figure_9_5,
}
"""Number in the book -> function that draws it."""
