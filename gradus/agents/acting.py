"""From scores of actions to actions, in many games at once."""

import numpy as np
from jaxtyping import Float, Int


def choose(
    scores: Float[np.ndarray, "games actions"], epsilon: float, draw: np.random.Generator
) -> Int[np.ndarray, "games"]:
    """ε-greedy: in each game a random action with probability ε, else the one of highest score.

    Of equally high scores the first is taken, as in the book.
    """
    best = scores.argmax(1)
    if epsilon <= 0:
        return best
    games, actions = scores.shape
    explores = draw.random(games) < epsilon
    return np.where(explores, draw.integers(0, actions, games), best)


def sample(
    logits: Float[np.ndarray, "games actions"], draw: np.random.Generator
) -> Int[np.ndarray, "games"]:
    """An action of each game, drawn from softmax(logits) by the Gumbel maximum."""
    return (logits + draw.gumbel(size=logits.shape)).argmax(1)
