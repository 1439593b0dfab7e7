"""A maze of 7×7 places, seen from above as 84×84 grey pixels; only the goal pays.

The walls stand still. Each episode puts the agent (a disc) and the goal (a bright square) anywhere
that is free. What is to be learnt is to see where both are, and the way between them.
"""

from typing import Any, ClassVar

import numpy as np
from jaxtyping import Bool, Float, Int, UInt8

from gradus.agents.envs import Step
from gradus.core.extras import extra
from gradus.core.recipe import check_setting

WALLS = (
    "...#...",
    ".#.#.#.",
    ".#...#.",
    ".##.##.",
    ".#...#.",
    ".#.#.#.",
    "...#...",
)
"""The maze: # is a wall; 33 places are free."""
CELL = 12
"""Pixels of a place's side."""
SIZE = CELL * len(WALLS)
"""Pixels of the picture's side: 84."""
WALL, FLOOR, GOAL, AGENT = 70, 0, 255, 160
"""Brightness of what is seen."""
MOVES = np.array([(-1, 0), (1, 0), (0, -1), (0, 1)])
"""Rows and columns that each action goes."""
ACTIONS = ("up", "down", "left", "right")
LIMIT = 60
"""Moves after which an episode is cut off."""
NAME = "Gradus/PixelMaze-v0"
"""Id in Gymnasium, once `register` was called."""
COLOURS = {WALL: (88, 96, 112), FLOOR: (244, 245, 247), GOAL: (230, 159, 0), AGENT: (0, 114, 178)}


class MazeGames:
    """Mazes side by side, as `gradus.agents.envs.Games`; a step of all is a few array operations.

    The goal pays 1 and ends the episode; nothing else pays. A move into a wall stays.

    Args:
        count: how many.
        limit: moves after which an episode is cut off, ≥ 1.
        goals: in how many places the goal may be, in [1, 33]: those that lie evenly in the list of
            free places.
        away: least number of moves from an agent's beginning to the goal, ≥ 1.
    """

    stacked = False
    actions = ACTIONS
    shape = (1, SIZE, SIZE)

    def __init__(self, count: int, limit: int = LIMIT, goals: int = 33, away: int = 1) -> None:
        check_setting(count >= 1, "games", "≥ 1", count)
        check_setting(limit >= 1, "limit", "≥ 1", limit)
        self.count, self.limit = count, limit
        self.free = np.array([[sign == "." for sign in row] for row in WALLS])
        self.places = np.argwhere(self.free)
        check_setting(1 <= goals <= len(self.places), "goals", f"in [1, {len(self.places)}]", goals)
        self.goals = self.places[np.arange(goals) * len(self.places) // goals]
        ways = shortest()
        starts = [np.argwhere(np.isfinite(w) & (w >= away)) for w in ways[tuple(self.goals.T)]]
        self.numbers = np.array([len(places) for places in starts])
        rule = "≥ 1, and so that each goal has a place that far from it"
        check_setting(away >= 1 and bool(self.numbers.all()), "away", rule, away)
        self.starts = np.stack([np.resize(places, (len(self.free) ** 2, 2)) for places in starts])
        self.background = np.kron(np.where(self.free, FLOOR, WALL), np.ones((CELL, CELL)))
        self.background = self.background.astype(np.uint8)
        self.tiles = _tiles()

    def reset(self, seed: int) -> UInt8[np.ndarray, "games 1 84 84"]:
        """Begin anew everywhere; the same seed gives the same games."""
        self.draw = np.random.default_rng(seed)
        self.agent = np.zeros((self.count, 2), dtype=int)
        self.goal = np.zeros((self.count, 2), dtype=int)
        self.age = np.zeros(self.count, dtype=int)
        self.over = np.zeros(self.count, dtype=bool)
        self._begin(np.ones(self.count, dtype=bool))
        return self._seen()

    def place(
        self, agent: Int[np.ndarray, "games 2"], goal: Int[np.ndarray, "games 2"]
    ) -> UInt8[np.ndarray, "games 1 84 84"]:
        """Put agents and goals at these rows and columns; what is seen then."""
        self.agent, self.goal = np.array(agent), np.array(goal)
        return self._seen()

    def step(self, actions: Int[np.ndarray, "games"]) -> Step:
        """One action in each game; where an episode was over a new one begins instead."""
        skip = self.over
        there = self.agent + MOVES[actions]
        inside = ((there >= 0) & (there < len(WALLS))).all(1)
        row, column = np.clip(there, 0, len(WALLS) - 1).T
        moves = inside & self.free[row, column] & ~skip
        self.agent = np.where(moves[:, None], there, self.agent)
        self.age += 1
        terminal = (self.agent == self.goal).all(1) & ~skip
        if skip.any():
            self._begin(skip)
        self.over = terminal | ((self.age >= self.limit) & ~skip)
        return Step(self._seen(), terminal.astype(np.float32), terminal, self.over, skip)

    def pictures(self) -> UInt8[np.ndarray, "height width 3"]:
        """The first game in colour, four times as large."""
        grey = self._seen()[0, 0]
        table = np.zeros((256, 3), dtype=np.uint8)
        for brightness, colour in COLOURS.items():
            table[brightness] = colour
        return table[grey].repeat(4, 0).repeat(4, 1)

    def _begin(self, which: Bool[np.ndarray, "games"]) -> None:
        """A new episode: a goal, and an agent far enough from it."""
        drawn = self.draw.integers(0, len(self.goals), int(which.sum()))
        start = self.draw.integers(0, self.numbers[drawn])
        self.goal[which], self.agent[which] = self.goals[drawn], self.starts[drawn, start]
        self.age[which] = 0

    def _seen(self) -> UInt8[np.ndarray, "games 1 84 84"]:
        frames = np.repeat(self.background[None], self.count, 0)
        cells = frames.reshape(self.count, len(WALLS), CELL, len(WALLS), CELL)
        games = np.arange(self.count)
        cells[games, self.goal[:, 0], :, self.goal[:, 1]] = self.tiles["goal"]
        here = cells[games, self.agent[:, 0], :, self.agent[:, 1]]
        cells[games, self.agent[:, 0], :, self.agent[:, 1]] = np.where(
            self.tiles["disc"], AGENT, here
        )
        return frames[:, None]


def _tiles() -> dict[str, Any]:
    """What stands in a place: the goal's square as pixels, and where the agent's disc covers."""
    goal = np.full((CELL, CELL), FLOOR, dtype=np.uint8)
    goal[1:-1, 1:-1] = GOAL
    away = (np.arange(CELL) - (CELL - 1) / 2) ** 2
    return {"goal": goal, "disc": away[:, None] + away <= 4.6**2}


def make(game: str, count: int, sticky: float = 0.0, picture: bool = False) -> MazeGames:
    """The games that `Maze/GOALS` or `Maze/GOALS/AWAY` names; they can always be drawn.

    Args:
        game: in how many places the goal may be, and how far from it episodes begin, such as 1/10.
        count: how many side by side.
        sticky: none here: 0.
        picture: not needed.
    """
    numbers = game.split("/")
    good = 1 <= len(numbers) <= 2 and all(n.isdecimal() for n in numbers)
    rule = "a number of goals, or that and a distance, such as Maze/4 or Maze/1/10"
    check_setting(good, "Maze/", rule, game)
    check_setting(sticky == 0, "sticky", "0 for mazes", sticky)
    return MazeGames(count, LIMIT, *map(int, numbers))


def shortest() -> Float[np.ndarray, "7 7 7 7"]:
    """Moves of the shortest way from one place to another; infinite for walls."""
    free = np.array([[sign == "." for sign in row] for row in WALLS])
    n = len(WALLS)
    far = np.full((n, n, n, n), np.inf)
    for i, j in np.argwhere(free):
        far[i, j, i, j], edge, steps = 0, [(i, j)], 0
        while edge:
            steps += 1
            reached = []
            for a, b in edge:
                for down, right in MOVES:
                    c, d = a + down, b + right
                    if 0 <= c < n and 0 <= d < n and free[c, d] and np.isinf(far[i, j, c, d]):
                        far[i, j, c, d] = steps
                        reached.append((c, d))
            edge = reached
    return far


def make_env(limit: int = LIMIT, goals: int = 33, render_mode: str | None = None) -> Any:
    """The maze as an environment of Gymnasium, for one agent.

    Args:
        limit: moves after which an episode is cut off.
        goals: in how many places the goal may be.
        render_mode: `rgb_array`, or None.

    Raises:
        UsageError: gymnasium is not installed.
    """
    gym = extra("gymnasium", "agents")

    class PixelMaze(gym.Env):
        """One maze; the episode's end and its limit are left to the caller, as Gymnasium has it."""

        metadata: ClassVar = {"render_modes": ["rgb_array"], "render_fps": 10}
        observation_space = gym.spaces.Box(0, 255, MazeGames.shape, np.uint8)
        action_space = gym.spaces.Discrete(len(ACTIONS))

        def __init__(self) -> None:
            self.render_mode = render_mode
            self.games = MazeGames(1, limit, goals)

        def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> Any:
            super().reset(seed=seed)
            return self.games.reset(int(self.np_random.integers(2**31)))[0], {}

        def step(self, action: int) -> Any:
            found = self.games.step(np.array([action]))
            terminal, end = bool(found.terminal[0]), bool(found.end[0])
            return found.observation[0], float(found.reward[0]), terminal, end and not terminal, {}

        def render(self) -> Any:
            return self.games.pictures() if render_mode else None

    return PixelMaze()


def register() -> str:
    """Make the maze known to Gymnasium; its id there.

    Raises:
        UsageError: gymnasium is not installed.
    """
    gym = extra("gymnasium", "agents")
    if NAME not in gym.registry:
        gym.register(NAME, entry_point="gradus.agents.beyond.maze:make_env")
    return NAME
