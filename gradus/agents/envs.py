"""Games, several side by side: Atari, MinAtar and whatever Gymnasium has, behind one small door.

Each kind is a class with the same few attributes and methods (`Games`). When an episode is over,
the next step only begins a new one: its action counts for nothing and it pays 0. So the last
observation of an episode is seen like any other, and what was cut off can still be valued.
"""

import importlib.util
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple, Protocol, runtime_checkable

import numpy as np
from jaxtyping import Bool, Float, Int, Shaped, UInt8

from gradus.core.errors import RunError, UsageError
from gradus.core.extras import extra
from gradus.core.recipe import check_setting, nearest, resolve

Observations = Shaped[np.ndarray, "games *shape"]
FIRE = 1
"""Action that brings a new ball in Atari's games that need it."""
MINATAR_LIMIT = 5_000
"""Steps after which a game of MinAtar is cut off; it has no limit of its own."""


class Step(NamedTuple):
    """What a step did in each game.

    Attributes:
        observation: what is seen now; at the end of an episode its last.
        reward: what was paid, as the game counts it.
        terminal: nothing comes after: the game is over, or with `lives` a life is lost.
        end: the episode is over, by itself or cut off; the next step begins a new one.
        skip: nothing is to be learnt from this step: its action was not the agent's.
    """

    observation: Observations
    reward: Float[np.ndarray, "games"]
    terminal: Bool[np.ndarray, "games"]
    end: Bool[np.ndarray, "games"]
    skip: Bool[np.ndarray, "games"]


@runtime_checkable
class Games(Protocol):
    """Games side by side.

    Attributes:
        count: how many.
        actions: names of the actions.
        shape: of one observation; images are "channel height width".
        stacked: whether an observation's first dimension is the last frames, oldest first.
    """

    count: int
    actions: tuple[str, ...]
    shape: tuple[int, ...]
    stacked: bool

    def reset(self, seed: int) -> Observations:
        """Begin anew everywhere; the same seed gives the same games."""

    def step(self, actions: Int[np.ndarray, "games"]) -> Step:
        """One action in each game."""

    def pictures(self) -> UInt8[np.ndarray, "height width 3"]:
        """The first game as a picture."""


class GymGames:
    """An environment of Gymnasium with discrete actions.

    Args:
        name: its id, such as CartPole-v1.
        count: how many side by side.
        picture: draw the first one when asked to.
    """

    def __init__(self, name: str, count: int, picture: bool = False) -> None:
        gym = extra("gymnasium", "agents")
        fast = gym.spec(name).vector_entry_point and not (picture and name not in DRAWN)
        settings: dict[str, Any] = {} if fast else {"render_mode": "rgb_array" if picture else None}
        mode = "vector_entry_point" if fast else "sync"
        self.env = gym.make_vec(name, num_envs=count, vectorization_mode=mode, **settings)
        actions, seen = self.env.single_action_space, self.env.single_observation_space
        if not isinstance(actions, gym.spaces.Discrete):
            raise UsageError(
                f"{name} has {type(actions).__name__} actions; agents here choose among a few: "
                "Discrete actions are supported"
            )
        if not isinstance(seen, gym.spaces.Box):
            raise UsageError(f"{name} is observed as {type(seen).__name__}; Box is supported")
        self.name, self.count, self.first = name, count, int(actions.start)
        self.actions = ACTIONS.get(name) or tuple(f"action {i}" for i in range(int(actions.n)))
        self.shape, self.stacked = tuple(seen.shape or ()), False
        self.over = np.zeros(count, dtype=bool)

    def reset(self, seed: int) -> Observations:
        """Begin anew everywhere."""
        self.over = np.zeros(self.count, dtype=bool)
        self.observation = _guarded(self.name, lambda: self.env.reset(seed=seed))[0]
        return self.observation

    def step(self, actions: Int[np.ndarray, "games"]) -> Step:
        """One action in each game."""
        chosen = actions + self.first
        found = _guarded(self.name, lambda: self.env.step(chosen))
        self.observation, reward, terminated, truncated, _ = found
        skip, self.over = self.over, terminated | truncated
        return Step(self.observation, reward.astype(np.float32), terminated, self.over, skip)

    def pictures(self) -> UInt8[np.ndarray, "height width 3"]:
        """The first game as a picture."""
        if self.name in DRAWN:
            from gradus.agents.pictures import draw_cart

            return draw_cart(self.observation[0])
        return np.asarray(self.env.render()[0], dtype=np.uint8)


ACTIONS = {"CartPole-v1": ("left", "right")}
"""Names of actions, which Gymnasium does not give."""
DRAWN = ("CartPole-v1",)
"""Environments that are drawn here, without pygame."""


class AtariGames:
    """Atari's games in ALE's own vector environment, in C++.

    A step is four frames, of whose last two the brighter pixels are kept; frames are grey, 84×84;
    four are seen at once, black before an episode's first. Source: Mnih et al. 2015, methods.

    Args:
        name: the game, such as breakout.
        count: how many side by side.
        sticky: probability that an action is ignored and the last one repeated, in [0, 1).
        lives: a lost life is terminal; the score goes on.
        threads: of the emulators; 0: as many as there are cores.
        picture: draw the first game in colour when asked to.
    """

    def __init__(
        self,
        name: str,
        count: int,
        sticky: float = 0.0,
        lives: bool = False,
        threads: int = 0,
        picture: bool = False,
    ) -> None:
        ale_py = extra("ale_py", "agents")
        vector = importlib.import_module("ale_py.vector_env").AtariVectorEnv
        roms = sorted(ale_py.roms.get_all_rom_ids())
        if name not in roms or ale_py.roms.get_rom_path(name) is None:
            raise UsageError(
                f"no Atari game is called {name!r}{nearest(name, roms)}; ale-py brings "
                f"{len(roms)} games, in small letters such as space_invaders"
            )
        settings = {
            "repeat_action_probability": sticky,
            "reward_clipping": False,
            "num_threads": threads,
        }
        self.env = vector(name, count, **settings)
        # The same game again, as it looks: it is played with the same seed and actions.
        self.twin = (
            vector(name, 1, grayscale=False, img_height=210, img_width=160, **settings)
            if picture
            else None
        )
        self.name, self.count, self.lives = name, count, lives
        numbers = self.env.ale.get_action_set()
        self.actions = tuple(str(a).rsplit(".", 1)[-1].lower() for a in numbers)
        self.fires = "fire" in self.actions
        self.shape, self.stacked = self.env.single_observation_space.shape, True

    def reset(self, seed: int) -> Observations:
        """Begin anew everywhere."""
        self.over = np.zeros(self.count, dtype=bool)
        self.lost = np.zeros(self.count, dtype=bool)
        observation, info = _guarded(self.name, lambda: self.env.reset(seed=seed))
        self.left = info["lives"]
        if self.twin:
            self.seen = self.twin.reset(seed=seed)[0]
        return observation

    def step(self, actions: Int[np.ndarray, "games"]) -> Step:
        """One action in each game; after a lost life it is FIRE where the game has it."""
        skip = self.over | self.lost if self.fires else self.over
        done = np.where(self.lost, FIRE, actions) if self.fires else actions
        found = _guarded(self.name, lambda: self.env.step(done))
        observation, reward, terminated, truncated, info = found
        if self.twin:
            self.seen = self.twin.step(done[:1])[0]
        before, self.left = self.left, info["lives"]
        self.over = terminated | truncated
        self.lost = (self.left < before) & ~self.over
        terminal = terminated | self.lost if self.lives else terminated
        return Step(observation, reward.astype(np.float32), terminal, self.over, skip)

    def pictures(self) -> UInt8[np.ndarray, "height width 3"]:
        """The first game as a picture."""
        return self.seen[0, -1]


class MinAtarGames:
    """MinAtar: Atari's games on 10×10 places, an image of 0 and 1 for each kind of thing.

    Source: Young and Tian 2019. Of the six actions those that mean something are offered.

    Args:
        name: the game, such as breakout.
        count: how many side by side.
        sticky: probability that the last action is repeated instead, in [0, 1).
    """

    def __init__(self, name: str, count: int, sticky: float = 0.1) -> None:
        check_setting(name in MINATAR, "MinAtar's game", f"one of {', '.join(MINATAR)}", name)
        module = _minatar(name)
        self.games = [module.Env(ramping=True) for _ in range(count)]
        channels = self.games[0].state_shape()[2]
        self.numbers = np.array(self.games[0].minimal_action_set())
        names = {"n": "noop", "l": "left", "u": "up", "r": "right", "d": "down", "f": "fire"}
        self.actions = tuple(names[self.games[0].action_map[i]] for i in self.numbers)
        self.name, self.count, self.sticky = name, count, sticky
        self.shape: tuple[int, ...] = (channels, 10, 10)
        self.stacked = False

    def reset(self, seed: int) -> Observations:
        """Begin anew everywhere."""
        self.draw = np.random.default_rng(seed)
        self.last = np.zeros(self.count, dtype=int)
        self.age = np.zeros(self.count, dtype=int)
        self.over = np.zeros(self.count, dtype=bool)
        for i, game in enumerate(self.games):
            game.random = np.random.RandomState(seed % 2**31 + i)
            game.reset()
        return self._seen()

    def step(self, actions: Int[np.ndarray, "games"]) -> Step:
        """One action in each game."""
        skip = self.over
        repeated = self.draw.random(self.count) < self.sticky
        done = np.where(repeated, self.last, self.numbers[actions])
        self.last = done
        reward = np.zeros(self.count, dtype=np.float32)
        terminal = np.zeros(self.count, dtype=bool)
        for i, game in enumerate(self.games):
            if skip[i]:
                game.reset()
                self.last[i] = self.age[i] = 0
            else:
                reward[i], terminal[i] = game.act(int(done[i]))
                self.age[i] += 1
        self.over = terminal | (self.age >= MINATAR_LIMIT)
        return Step(self._seen(), reward, terminal, self.over, skip)

    def _seen(self) -> UInt8[np.ndarray, "games channel 10 10"]:
        states = np.stack([game.state() for game in self.games]).astype(np.uint8)
        return np.ascontiguousarray(states.transpose(0, 3, 1, 2))

    def pictures(self) -> UInt8[np.ndarray, "height width 3"]:
        """The first game as a picture."""
        from gradus.agents.pictures import draw_places

        return draw_places(self.games[0].state())


BEYOND = {
    "Maze": "gradus.agents.beyond.maze:make",
    "Masked": "gradus.agents.beyond.hidden:make_masked",
    "Flicker": "gradus.agents.beyond.hidden:make_flicker",
    "ViZDoom": "gradus.agents.beyond.doom:make",
}
"""Families of games of which not all is seen, and mazes: (game, count, sticky, picture) → games."""
MINATAR = ("asterix", "breakout", "freeway", "seaquest", "space_invaders")


def make_games(
    name: str,
    count: int,
    *,
    sticky: float = 0.0,
    lives: bool = False,
    threads: int = 0,
    picture: bool = False,
) -> Games:
    """Games by name.

    Args:
        name: `ALE/breakout`, `MinAtar/breakout`, or an id of Gymnasium such as `CartPole-v1`.
        count: how many side by side, ≥ 1.
        sticky: of Atari and MinAtar: probability that an action is not heard, in [0, 1).
        lives: of Atari: a lost life is terminal.
        threads: of Atari: of the emulators (0: as many as there are cores).
        picture: the first game can be drawn.

    Raises:
        UsageError: there is no such game (the nearest names are given), its actions are not
            discrete, or a package is missing.
    """
    check_setting(count >= 1, "games", "≥ 1", count)
    check_setting(0 <= sticky < 1, "sticky", "in [0, 1)", sticky)
    family, _, game = name.partition("/")
    if family == "ALE":
        return AtariGames(game, count, sticky, lives, threads, picture)
    if family == "MinAtar":
        return MinAtarGames(game, count, sticky)
    if family in BEYOND:
        return resolve(BEYOND[family])(game, count, sticky, picture)
    gym = extra("gymnasium", "agents")
    if name not in gym.registry:
        known = [*gym.registry, *(f"MinAtar/{m}" for m in MINATAR), "ALE/breakout", "ALE/pong"]
        raise UsageError(f"no environment is called {name!r}{nearest(name, known)}")
    return GymGames(name, count, picture)


def _minatar(name: str) -> ModuleType:
    """The rules of a game of MinAtar.

    Its package imports seaborn, three seconds, for drawing that is not used here: so the one file
    is loaded by itself.
    """
    found = importlib.util.find_spec("minatar")
    if found is None or found.origin is None:
        raise UsageError('minatar is not installed: pip install "gradus-dl[agents]"')
    path = Path(found.origin).parent / "environments" / f"{name}.py"
    spec = importlib.util.spec_from_file_location(f"minatar_{name}", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _guarded(name: str, work: Callable[[], Any]) -> Any:
    """What an environment gives; its errors become ours.

    Raises:
        RunError: the environment raised.
    """
    try:
        return work()
    except Exception as error:  # whatever a foreign environment may raise
        raise RunError(
            f"the environment {name} failed: {type(error).__name__}: {error}; what was learnt up "
            "to the last checkpoint is kept, go on with --resume"
        ) from error
