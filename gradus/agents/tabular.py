"""Optimal values of a small MDP: value iteration, policy iteration, Q-learning from episodes."""

from collections.abc import Callable

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from gradus.agents.mdp import MDP, Moment, walk
from gradus.core.errors import RunError


class QTable(nn.Module):
    """Q(s, a) as a table: states as numbers in, a row of values out.

    Args:
        states: how many.
        actions: how many.
    """

    def __init__(self, states: int, actions: int) -> None:
        super().__init__()
        self.values = nn.Parameter(torch.zeros(states, actions), requires_grad=False)

    def forward(self, states: Int[Tensor, "batch"]) -> Float[Tensor, "batch actions"]:
        """The values of every action in each state."""
        return self.values[states]


def backup(mdp: MDP, values: Float[np.ndarray, "s"], gamma: float) -> Float[np.ndarray, "s a"]:
    """Q(s, a) = Σ_{s'} P(s' | s, a) [R(s, a, s') + γ V(s')]: the right side of Bellman's."""
    return (mdp.transition * (mdp.reward + gamma * values)).sum(2)


def value_iteration(
    mdp: MDP, gamma: float, tolerance: float = 1e-10, limit: int = 100_000
) -> Float[np.ndarray, "s a"]:
    """Q*, by V ← max_a Q until nothing changes by more than `tolerance`.

    Raises:
        RunError: it has not settled after `limit` rounds (γ = 1 may never do).
    """
    values = np.zeros(len(mdp.states))
    for _ in range(limit):
        after = backup(mdp, values, gamma).max(1)
        if np.abs(after - values).max() <= tolerance:
            return backup(mdp, after, gamma)
        values = after
    raise RunError(f"value iteration has not settled after {limit:,} rounds: try a smaller gamma")


def policy_values(mdp: MDP, policy: Int[np.ndarray, "s"], gamma: float) -> Float[np.ndarray, "s"]:
    """V of a policy: the solution of V = r_π + γ P_π V. For γ < 1."""
    here = np.arange(len(mdp.states))
    moves = mdp.transition[here, policy]
    pays = (moves * mdp.reward[here, policy]).sum(1)
    return np.linalg.solve(np.eye(len(here)) - gamma * moves, pays)


def policy_iteration(
    mdp: MDP, gamma: float
) -> tuple[Float[np.ndarray, "s a"], Int[np.ndarray, "s"]]:
    """Q* and the best policy: value the policy, do what is best by these values, until it stays.

    Source: Howard 1960; Sutton and Barto 2018, section 4.3.
    """
    policy = np.zeros(len(mdp.states), dtype=int)
    while True:
        q = backup(mdp, policy_values(mdp, policy, gamma), gamma)
        best = q.argmax(1)
        gains = q.max(1) > q[np.arange(len(q)), policy] + 1e-12  # equally good: no change
        if not gains.any():
            return q, policy
        policy = np.where(gains, best, policy)


def learn(
    q: Float[np.ndarray, "s a"], moment: Moment, rate: float, gamma: float, over: bool
) -> None:
    """One step of Q-learning, in place: Q(s, a) += α [r + γ max_a' Q(s', a') − Q(s, a)].

    Where the episode is `over` there is no s' to be valued. Source: Watkins 1989.
    """
    s, a, r, after = moment
    ahead = 0.0 if over else q[after].max()
    q[s, a] += rate * (r + gamma * ahead - q[s, a])


def q_learning(
    mdp: MDP,
    q: Float[np.ndarray, "s a"],
    *,
    act: Callable[[Float[np.ndarray, "a"]], int],
    draw: np.random.Generator,
    rate: float,
    gamma: float,
    limit: int,
) -> list[Moment]:
    """An episode in which every step is learnt from at once.

    Args:
        mdp: where.
        q: the table, changed in place.
        act: values of the actions -> action.
        draw: chooses starts and transitions.
        rate: learning rate α in (0, 1].
        gamma: discount γ.
        limit: most steps.

    Returns:
        The episode.
    """
    moments = []
    for moment in walk(mdp, lambda state: act(q[state]), draw, limit):
        learn(q, moment, rate, gamma, moment.after in mdp.ends)
        moments.append(moment)
    return moments
