"""Markov decision processes as data: the one of figure 9-4, and the mouse's maze of figure 9-5."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int

from gradus.core.errors import UsageError


@dataclass(frozen=True)
class MDP:
    """A finite Markov decision process (S, A, P, R).

    Attributes:
        states: names of the states S.
        actions: names of the actions A.
        transition: P(s' | s, a), probabilities that sum to 1 over s'.
        reward: R(s, a, s'), what the transition pays.
        start: P(s₀), where an episode begins.
        terminal: states in which an episode is over; whatever is done there pays 0 and stays.

    Raises:
        UsageError: the arrays do not fit the names, or are no probabilities.
    """

    states: tuple[str, ...]
    actions: tuple[str, ...]
    transition: Float[np.ndarray, "_ _ _"]
    reward: Float[np.ndarray, "_ _ _"]
    start: Float[np.ndarray, "_"]
    terminal: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Refuse what is no MDP."""
        s, a = len(self.states), len(self.actions)
        if self.transition.shape != (s, a, s) or self.reward.shape != (s, a, s):
            raise UsageError(
                f"transition and reward must have shape ({s}, {a}, {s}), one row a state and "
                f"action, got {self.transition.shape} and {self.reward.shape}"
            )
        if not np.allclose(self.transition.sum(2), 1) or (self.transition < 0).any():
            raise UsageError("transition must be probabilities: ≥ 0, and sum to 1 over s'")
        if self.start.shape != (s,) or not np.isclose(self.start.sum(), 1):
            raise UsageError(f"start must be {s} probabilities that sum to 1, got {self.start}")
        for name in self.terminal:
            here = self.states.index(name)
            if not (self.transition[here, :, here] == 1).all() or self.reward[here].any():
                raise UsageError(f"terminal state {name} must be stayed in and pay 0")

    @property
    def ends(self) -> tuple[int, ...]:
        """The numbers of the terminal states."""
        return tuple(self.states.index(name) for name in self.terminal)


class Moment(NamedTuple):
    """One (s, a, r) of an episode, and the state s' that it led to."""

    state: int
    action: int
    reward: float
    after: int


Policy = Callable[[int], int]
"""State -> action, both as numbers."""


def walk(mdp: MDP, policy: Policy, draw: np.random.Generator, limit: int) -> Iterator[Moment]:
    """The steps of an episode as they happen, up to a terminal state or `limit` steps.

    Args:
        mdp: where.
        policy: what is done in a state; asked anew at each step.
        draw: chooses the start and where a transition leads.
        limit: most steps, ≥ 1; an episode cut off by it is not over.
    """
    state = int(draw.choice(len(mdp.states), p=mdp.start))
    for _ in range(limit):
        if state in mdp.ends:
            return
        action = policy(state)
        after = int(draw.choice(len(mdp.states), p=mdp.transition[state, action]))
        yield Moment(state, action, float(mdp.reward[state, action, after]), after)
        state = after


def episode(mdp: MDP, policy: Policy, draw: np.random.Generator, limit: int) -> list[Moment]:
    """An episode (s₀, a₀, r₀), (s₁, a₁, r₁), …; see `walk`."""
    return list(walk(mdp, policy, draw, limit))


def three_states() -> MDP:
    """Three states, two actions, two transitions that pay: an MDP like that of figure 9-4.

    The book's text does not have the numbers of its picture; these are those of the example that is
    drawn the same way everywhere (Wikipedia, "Markov decision process").
    """
    transition = np.array(
        [
            [[0.5, 0.0, 0.5], [0.0, 0.0, 1.0]],
            [[0.7, 0.1, 0.2], [0.0, 0.95, 0.05]],
            [[0.4, 0.0, 0.6], [0.3, 0.3, 0.4]],
        ]
    )
    reward = np.zeros((3, 2, 3))
    reward[1, 0, 0], reward[2, 1, 0] = 5.0, -1.0
    return MDP(("S0", "S1", "S2"), ("a0", "a1"), transition, reward, np.array([1.0, 0.0, 0.0]))


MAZE = ("C...#", "P##.#", "##PMW")
"""M: mouse, W: water, P: poison, C: cheese, #: wall, dot: a free place."""
PAYS = {"W": 1.0, "P": -10.0, "C": 100.0}
MOVES = {"left": (0, -1), "right": (0, 1), "up": (-1, 0), "down": (1, 0)}


def maze(rows: tuple[str, ...] = MAZE) -> MDP:
    """A maze as an MDP: moves are certain, a wall stops them, and whatever pays ends the episode.

    Args:
        rows: the map, see `MAZE`; one M.

    Returns:
        States named "row,column", and the moves left, right, up, down.
    """
    places: dict[tuple[int, int], str] = {
        (i, j): sign for i, row in enumerate(rows) for j, sign in enumerate(row) if sign != "#"
    }
    order = list(places)
    count = len(order)
    transition, reward = np.zeros((count, len(MOVES), count)), np.zeros((count, len(MOVES), count))
    for s, (i, j) in enumerate(order):
        for a, (down, right) in enumerate(MOVES.values()):
            there = (i + down, j + right)
            ends = places[i, j] in PAYS
            t = s if ends or there not in places else order.index(there)
            transition[s, a, t] = 1
            reward[s, a, t] = 0 if ends else PAYS.get(places[order[t]], 0.0)
    names = [f"{i},{j}" for i, j in order]
    start: Int[np.ndarray, "s"] = np.array([int(places[p] == "M") for p in order])
    terminal = tuple(n for n, p in zip(names, order, strict=True) if places[p] in PAYS)
    return MDP(tuple(names), tuple(MOVES), transition, reward, start.astype(float), terminal)


MDPS: dict[str, Callable[[], MDP]] = {"mouse-maze": maze, "three-states": three_states}
"""Name -> maker."""
