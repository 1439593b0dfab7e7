"""REINFORCE: whole episodes are played, then what paid well is made more likely.

Source: Williams 1992; the book's Policy Learning via Policy Gradients.
"""

from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Bool, Float, Int, Shaped
from torch import Tensor, nn
from torch.nn import functional

from gradus.agents.acting import choose, sample
from gradus.agents.envs import Games
from gradus.agents.explore import Exploration
from gradus.agents.loop import scorer
from gradus.agents.returns import discounted_returns


class Episodes(NamedTuple):
    """Episodes side by side, from their beginnings: time first.

    Attributes:
        observation: what was seen.
        action: what was done.
        reward: what was paid; 0 once it was over.
        going: whether the episode was still going on.
    """

    observation: Shaped[np.ndarray, "time games *shape"]
    action: Int[np.ndarray, "time games"]
    reward: Float[np.ndarray, "time games"]
    going: Bool[np.ndarray, "time games"]


def play_episodes(
    model: nn.Module,
    games: Games,
    seed: int,
    explore: Exploration,
    epsilon: float,
    draw: np.random.Generator,
    device: torch.device,
) -> Episodes:
    """One whole episode in each game.

    Args:
        model: observations -> (logits, values).
        games: begun anew here.
        seed: of their beginnings.
        explore: how an action is chosen from the logits.
        epsilon: share of random actions where they are not sampled.
        draw: where chance comes from.
        device: of the model.
    """
    scores, rows = scorer(model, device), []
    seen, going = games.reset(seed), np.ones(games.count, dtype=bool)
    while going.any():
        logits = scores(seen)
        action = sample(logits, draw) if explore.sampled else choose(logits, epsilon, draw)
        step = games.step(action)
        rows.append((seen, action, np.where(going, step.reward, 0), going))
        seen, going = step.observation, going & ~step.end
    return Episodes(*(np.stack(column) for column in zip(*rows, strict=True)))


def reinforce_loss(
    logits: Float[Tensor, "steps actions"],
    actions: Int[Tensor, "steps"],
    weights: Float[Tensor, "steps"],
) -> Float[Tensor, ""]:
    """−1/N Σ_i R_i log π(a_i | s_i; θ), over the N steps of all episodes.

    Args:
        logits: of the policy π.
        actions: a_i.
        weights: R_i, or R_i minus a baseline; no gradient flows through them.
    """
    likely = logits.log_softmax(1).gather(1, actions[:, None]).squeeze(1)
    return -(weights * likely).mean()


def learn_from(
    model: nn.Module,
    optimizer: torch.optim.Optimizer,
    played: Episodes,
    *,
    gamma: float,
    baseline: bool,
    clip_norm: float,
    device: torch.device,
) -> float:
    """One update from whole episodes; the loss.

    With a `baseline` R_i − V(s_i), brought to deviation 1 over all steps, stands for R_i, and V is
    fitted to R by least squares. Without, R_i is as it is.
    """
    returns = discounted_returns(played.reward.astype(np.float32), gamma)
    going = played.going
    seen = torch.as_tensor(played.observation[going], device=device)
    actions = torch.as_tensor(played.action[going], device=device)
    target = torch.as_tensor(returns[going], device=device)
    logits, values = model(seen)
    weights = target
    if baseline:
        weights = target - values.detach()
        weights = (weights - weights.mean()) / (weights.std() + 1e-8)
    loss = reinforce_loss(logits, actions, weights)
    whole = loss + 0.5 * functional.mse_loss(values, target) if baseline else loss
    optimizer.zero_grad()
    whole.backward()
    if clip_norm:
        nn.utils.clip_grad_norm_(model.parameters(), clip_norm)
    optimizer.step()
    return float(whole.detach())
