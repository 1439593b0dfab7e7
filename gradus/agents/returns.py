"""What actions came to: naive and discounted returns, and generalised advantages, in batches.

Time is the first dimension, whatever follows are episodes or games side by side. An episode may end
in the midst: `ends` is 1 at its last step, and nothing flows back over it.
"""

import numpy as np
from jaxtyping import Float

from gradus.core.recipe import check_setting


def naive_returns(rewards: Float[np.ndarray, "time *games"]) -> Float[np.ndarray, "time *games"]:
    """R_t = Σ_{k≥0} r_{t+k}: all that is paid from step t on.

    Source: the book's first formula of future return.
    """
    return np.flip(np.flip(rewards, 0).cumsum(0), 0)


def discounted_returns(
    rewards: Float[np.ndarray, "time *games"],
    gamma: float,
    *,
    ends: Float[np.ndarray, "time *games"] | None = None,
    after: Float[np.ndarray, "*games"] | float = 0.0,
) -> Float[np.ndarray, "time *games"]:
    """R_t = Σ_{k≥0} γᵏ r_{t+k}, by R_t = r_t + γ R_{t+1} from the back.

    Args:
        rewards: r_t.
        gamma: discount γ in [0, 1].
        ends: 1 where an episode's last step is, else 0; None: nowhere.
        after: the return (or its estimate) from behind the last step.

    Raises:
        UsageError: γ is outside its range.
    """
    check_setting(0 <= gamma <= 1, "gamma", "in [0, 1]", gamma)
    returns = np.empty_like(rewards)
    flowing = np.asarray(after, dtype=rewards.dtype)
    for t in range(len(rewards) - 1, -1, -1):
        kept = 1.0 if ends is None else 1.0 - ends[t]
        flowing = rewards[t] + gamma * kept * flowing
        returns[t] = flowing
    return returns


def advantages(
    rewards: Float[np.ndarray, "time games"],
    values: Float[np.ndarray, "time+1 games"],
    terminal: Float[np.ndarray, "time games"],
    ends: Float[np.ndarray, "time games"],
    gamma: float,
    decay: float,
) -> Float[np.ndarray, "time games"]:
    """Generalised advantages A_t = Σ_k (γλ)ᵏ δ_{t+k}, with δ_t = r_t + γ V(s_{t+1}) − V(s_t).

    With λ = 1 it is the n-step return minus V(s_t), with λ = 0 the error of one step.
    Source: Schulman et al. 2016, equations 11 and 16.

    Args:
        rewards: r_t.
        values: V(s_t), and of the state after the last step.
        terminal: 1 where nothing comes after, so that V(s_{t+1}) counts 0.
        ends: 1 where an episode ends, by itself or cut off; cut off, V(s_{t+1}) counts.
        gamma: discount γ.
        decay: λ in [0, 1].
    """
    errors = rewards + gamma * (1 - terminal) * values[1:] - values[:-1]
    stops = np.maximum(ends, terminal)
    return discounted_returns(errors, gamma * decay, ends=stops)
