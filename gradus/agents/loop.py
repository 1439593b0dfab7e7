"""What every agent's loop shares: playing without learning, scores of games, seeds, records."""

import math
from collections import deque
from collections.abc import Callable

import numpy as np
import torch
from jaxtyping import Bool, Float, Shaped

from gradus.agents.acting import choose
from gradus.agents.dense import dense_scores
from gradus.agents.envs import Games
from gradus.core.recipe import check_setting

Scores = Callable[[Shaped[np.ndarray, "games *shape"]], Float[np.ndarray, "games actions"]]
"""Observations -> values or logits of the actions."""
MakeGames = Callable[[int], Games]
"""How many -> games that nothing is learnt from."""
SEEDS = {"validation": 1_000_000_000, "test": 2_000_000_000}
"""First seeds of the episodes that nothing is learnt from; those of training lie below."""
SIDE_BY_SIDE = 128
"""Most games that are played at once without learning."""
REMEMBERED = 100
"""Episodes of training whose mean return is told."""


def training_seed(seed: int, epoch: int) -> int:
    """Where the games of an epoch of training begin, in [0, 10⁹)."""
    return int(np.random.SeedSequence([seed, epoch]).generate_state(1)[0]) % 1_000_000_000


class Tally:
    """Returns and lengths of the episodes of games side by side, as the games count them.

    Attributes:
        finished: (return, length) of each episode that ended, of the last hundred.
        episodes: how many ended.
    """

    def __init__(self, games: int) -> None:
        self.finished: deque[tuple[float, int]] = deque(maxlen=REMEMBERED)
        self.episodes = 0
        self.begin(games)

    def begin(self, games: int) -> None:
        """All games begin anew; what was under way is forgotten."""
        self.total, self.length = np.zeros(games), np.zeros(games, dtype=int)

    def add(self, reward: Float[np.ndarray, "games"], end: Bool[np.ndarray, "games"]) -> None:
        """A step of every game."""
        self.total += reward
        self.length += 1
        for i in np.nonzero(end)[0]:
            self.finished.append((float(self.total[i]), int(self.length[i])))
            self.episodes += 1
            self.total[i], self.length[i] = 0.0, -1  # the next step only begins a new episode

    def means(self) -> dict[str, float]:
        """Mean return and length of the last hundred episodes; none before one ended."""
        if not self.finished:
            return {}
        returns, lengths = zip(*self.finished, strict=True)
        return {"return": float(np.mean(returns)), "length": float(np.mean(lengths))}


def play(
    scores: Scores, make: MakeGames, episodes: int, seed: int, epsilon: float = 0.0
) -> list[tuple[float, int]]:
    """Play whole episodes and learn nothing.

    Args:
        scores: of the actions; the highest is done.
        make: makes the games.
        episodes: how many, each from a beginning of its own.
        seed: of the beginnings and of what is random.
        epsilon: share of random actions, in [0, 1].

    Returns:
        (return, length) of each.

    Raises:
        UsageError: a number is outside its range.
    """
    check_setting(episodes >= 1, "episodes", "≥ 1", episodes)
    check_setting(0 <= epsilon <= 1, "epsilon", "in [0, 1]", epsilon)
    draw = np.random.default_rng(seed)
    found: list[tuple[float, int]] = []
    for first in range(0, episodes, SIDE_BY_SIDE):
        count = min(SIDE_BY_SIDE, episodes - first)
        games = make(count)
        seen, going = games.reset(seed + first), np.ones(count, dtype=bool)
        totals, lengths = np.zeros(count), np.zeros(count, dtype=int)
        while going.any():
            actions = np.zeros(count, dtype=np.int64)
            actions[going] = choose(scores(seen[going]), epsilon, draw)
            step = games.step(actions)
            totals += np.where(going, step.reward, 0.0)
            lengths += going
            going &= ~step.end
            seen = step.observation
        found += zip(totals.tolist(), lengths.tolist(), strict=True)
    return found


def told(played: list[tuple[float, int]]) -> dict[str, float]:
    """Mean return of episodes, its standard error, their mean length and number."""
    returns, lengths = np.array(played, dtype=float).T
    spread = float(returns.std(ddof=1)) if len(returns) > 1 else 0.0
    return {
        "return": float(returns.mean()),
        "standard error": spread / math.sqrt(len(returns)),
        "length": float(lengths.mean()),
        "episodes": float(len(returns)),
    }


def scorer(model: torch.nn.Module, device: torch.device) -> Scores:
    """A network's values, or the logits of its policy, as arrays; nothing is recorded."""
    quick = dense_scores(model)
    if quick is not None:
        return quick

    @torch.inference_mode()
    def scores(seen: Shaped[np.ndarray, "games *shape"]) -> Float[np.ndarray, "games actions"]:
        found = model(torch.as_tensor(seen, device=device))
        logits = found[0] if isinstance(found, tuple) else found
        return logits.cpu().numpy()

    return scores
