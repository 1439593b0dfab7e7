"""Games of which not all is seen: a pole without its velocities, frames that go dark by chance."""

import numpy as np
from jaxtyping import Int, UInt8

from gradus.agents.envs import Games, Observations, Step, make_games
from gradus.core.errors import UsageError
from gradus.core.recipe import check_setting

MASKS = {"CartPole-v1": (0, 2)}
"""Environments and the numbers of what stays to be seen: of the pole, place and angle."""
DARK = 0.5
"""Probability that a frame is dark, where none is named."""


class Masked:
    """Games of which some of the numbers that are observed are left out.

    Args:
        games: observed as vectors.
        kept: places of those that stay.
    """

    def __init__(self, games: Games, kept: tuple[int, ...]) -> None:
        self.games, self.kept = games, list(kept)
        self.count, self.actions = games.count, games.actions
        self.shape, self.stacked = (len(kept),), False

    def reset(self, seed: int) -> Observations:
        """Begin anew everywhere."""
        return self.games.reset(seed)[:, self.kept]

    def step(self, actions: Int[np.ndarray, "games"]) -> Step:
        """One action in each game."""
        step = self.games.step(actions)
        return step._replace(observation=step.observation[:, self.kept])

    def pictures(self) -> UInt8[np.ndarray, "height width 3"]:
        """The first game as a picture, with all that is hidden from the agent."""
        return self.games.pictures()


class Flicker:
    """Games whose frames are dark, all zeros, with a probability, each by itself.

    Source: Hausknecht and Stone 2015, section 5, "Flickering Atari games".

    Args:
        games: any; where frames are stacked the newest goes dark, and stays so in later stacks.
        dark: the probability, in [0, 1).
    """

    def __init__(self, games: Games, dark: float) -> None:
        check_setting(0 <= dark < 1, "the probability of a dark frame", "in [0, 1)", dark)
        self.games, self.dark = games, dark
        self.count, self.actions = games.count, games.actions
        self.shape, self.stacked = games.shape, games.stacked

    def reset(self, seed: int) -> Observations:
        """Begin anew everywhere."""
        self.draw = np.random.default_rng([seed, 1])
        frames = self.shape[0] if self.stacked else 1
        self.off = np.zeros((self.count, frames), dtype=bool)
        return self._darkened(self.games.reset(seed))

    def step(self, actions: Int[np.ndarray, "games"]) -> Step:
        """One action in each game."""
        step = self.games.step(actions)
        self.off[step.skip] = False
        return step._replace(observation=self._darkened(step.observation))

    def _darkened(self, seen: Observations) -> Observations:
        """What is seen, frames set to 0 where it is dark; `seen` itself stays."""
        new = self.draw.random(self.count) < self.dark
        self.off = np.concatenate([self.off[:, 1:], new[:, None]], 1)
        seen = seen.copy()
        if self.stacked:
            seen[self.off] = 0
        else:
            seen[new] = 0
        return seen

    def pictures(self) -> UInt8[np.ndarray, "height width 3"]:
        """The first game as a picture; nothing where it is dark."""
        picture = self.games.pictures()
        return np.zeros_like(picture) if self.off[0, -1] else picture


def make_masked(game: str, count: int, sticky: float = 0.0, picture: bool = False) -> Masked:
    """The games that `Masked/ID` names, such as Masked/CartPole-v1.

    Raises:
        UsageError: it is not known what to leave out of them.
    """
    if game not in MASKS:
        raise UsageError(f"Masked/ takes {', '.join(MASKS)}; got {game!r}")
    return Masked(make_games(game, count, sticky=sticky, picture=picture), MASKS[game])


def make_flicker(game: str, count: int, sticky: float = 0.0, picture: bool = False) -> Flicker:
    """The games that `Flicker/NAME` or `Flicker/PROBABILITY/NAME` names.

    Such as Flicker/MinAtar/breakout, or Flicker/0.3/ALE/pong.
    """
    first, _, rest = game.partition("/")
    try:
        dark, name = float(first), rest
    except ValueError:
        dark, name = DARK, game
    return Flicker(make_games(name, count, sticky=sticky, picture=picture), dark)
