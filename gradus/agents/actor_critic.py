"""A2C, advantage actor-critic: a few steps in games side by side, then one update of both.

The synchronous twin of A3C (Mnih et al. 2016, algorithm S3). The graph that chose the actions is
the one that is differentiated, so that no convolution is computed twice; a small dense network
chooses them in NumPy instead, and the graph is made of all steps at once.
"""

from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Bool, Float, Int, Shaped
from torch import Tensor, nn

from gradus.agents.acting import sample
from gradus.agents.envs import Games
from gradus.agents.loop import Scores, Tally
from gradus.agents.recipes import ActorCriticConfig
from gradus.agents.returns import advantages


class Rollout(NamedTuple):
    """A few steps of every game, with the graph that chose the actions; time first.

    Attributes:
        logits: of the policy: a tensor of each step, or one of all.
        values: V(s), the same.
        action: what was done.
        reward: what was paid, as it is learnt from.
        terminal: nothing came after.
        end: the episode was over.
        skip: nothing is to be learnt from the step.
        last: V of what was seen in the end, without a graph.
    """

    logits: list[Tensor]
    values: list[Tensor]
    action: Int[np.ndarray, "time games"]
    reward: Float[np.ndarray, "time games"]
    terminal: Bool[np.ndarray, "time games"]
    end: Bool[np.ndarray, "time games"]
    skip: Bool[np.ndarray, "time games"]
    last: Float[np.ndarray, "games"]


def roll(
    model: nn.Module,
    games: Games,
    seen: Shaped[np.ndarray, "games *shape"],
    steps: int,
    *,
    draw: np.random.Generator,
    tally: Tally,
    clip: bool,
    device: torch.device,
    quick: Scores | None = None,
) -> tuple[Rollout, Shaped[np.ndarray, "games *shape"]]:
    """Some steps of every game, actions sampled from the policy.

    Args:
        model: observations -> (logits, values).
        games: they go on from where they are.
        seen: what is seen there.
        steps: how many, ≥ 1.
        draw: where chance comes from.
        tally: hears of the rewards as the games count them.
        clip: learn from the sign of the rewards.
        device: of the model.
        quick: gives the logits as arrays, where that is faster (`dense_scores`).

    Returns:
        The steps, and what is seen after them.
    """
    logits, values, rows, states = [], [], [], []
    for _ in range(steps):
        if quick is None:
            scores, value = model(torch.as_tensor(seen, device=device))
            logits.append(scores)
            values.append(value)
            action = sample(scores.detach().cpu().numpy(), draw)
        else:
            states.append(seen)
            action = sample(quick(seen), draw)
        step = games.step(action)
        tally.add(step.reward, step.end)
        reward = np.sign(step.reward) if clip else step.reward
        rows.append((action, reward, step.terminal, step.end, step.skip))
        seen = step.observation
    if quick is None:
        with torch.no_grad():
            last = model(torch.as_tensor(seen, device=device))[1]
    else:
        scores, value = model(torch.from_numpy(np.concatenate([*states, seen])))
        logits, values = [scores[: -games.count]], [value[: -games.count]]
        last = value.detach()[-games.count :]
    action, reward, terminal, end, skip = (np.stack(part) for part in zip(*rows, strict=True))
    last = last.cpu().numpy()
    return Rollout(logits, values, action, reward, terminal, end, skip, last), seen


def actor_critic_loss(
    rollout: Rollout, *, gamma: float, decay: float, entropy: float, value: float
) -> Float[Tensor, ""]:
    """−E[A log π(a | s)] + c_V E[(R − V(s))²] − β E[H(π(· | s))], over steps that are learnt from.

    Source: Mnih et al. 2016, section 4; advantages A: `gradus.agents.returns.advantages`, and
    R = A + V(s) without a gradient.

    Args:
        rollout: the steps.
        gamma: discount γ.
        decay: λ of the advantages.
        entropy: β.
        value: c_V.
    """
    values = torch.cat(rollout.values)
    known = values.detach().cpu().numpy().reshape(rollout.reward.shape)
    gains = advantages(
        rollout.reward,
        np.concatenate([known, rollout.last[None]]),
        rollout.terminal.astype(np.float32),
        rollout.end.astype(np.float32),
        gamma,
        decay,
    )
    counts = ~rollout.skip.reshape(-1)
    kept = torch.as_tensor(counts / max(counts.sum(), 1), dtype=values.dtype, device=values.device)
    gain = torch.as_tensor(gains.reshape(-1), device=values.device)
    action = torch.as_tensor(rollout.action.reshape(-1, 1), device=values.device)
    likely = torch.cat(rollout.logits).log_softmax(1)
    spread = -(likely.exp() * likely).sum(1)
    error = gain + values.detach() - values
    each = -gain * likely.gather(1, action).squeeze(1) + value * error**2 - entropy * spread
    return (kept * each).sum()


def played_loss(
    config: ActorCriticConfig,
    model: nn.Module,
    games: Games,
    seen: Shaped[np.ndarray, "games *shape"],
    *,
    draw: np.random.Generator,
    tally: Tally,
    device: torch.device,
    quick: Scores | None = None,
) -> tuple[Float[Tensor, ""], Shaped[np.ndarray, "games *shape"]]:
    """The loss of the next steps of every game, as many as the config says, and what is seen then.

    Arguments as `roll`.
    """
    rollout, seen = roll(
        model,
        games,
        seen,
        config.unroll,
        draw=draw,
        tally=tally,
        clip=config.clip_rewards,
        device=device,
        quick=quick,
    )
    loss = actor_critic_loss(
        rollout,
        gamma=config.gamma,
        decay=config.decay,
        entropy=config.entropy,
        value=config.value,
    )
    return loss, seen
