"""UNREAL: an actor-critic with three tasks besides, learnt from what it saw before.

Pixel control learns which action changes which part of the picture, reward prediction tells from
three frames what the next step pays, value replay learns the value again from older experience.
All share the convolutions. Source: Jaderberg et al. 2016, "Reinforcement learning with unsupervised
auxiliary tasks".
"""

import numpy as np
import torch
from jaxtyping import Bool, Float, Int, Shaped
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from gradus.agents.networks import Pixels

FRAMES = 3
"""Frames from which the next reward is told."""
PATCH = 4
"""Pixels of the side of a square whose change is controlled."""
CELLS = 20
"""Such squares a side: the middle 80×80 pixels of 84×84."""


class Unreal(nn.Module):
    """Policy π, value V, values Q_aux of changing each of 20×20 squares, class of the next reward.

    The network of A3C without its LSTM: two convolutions (16 of 8×8, stride 4; 32 of 4×4, stride 2)
    and a dense layer. Source: Jaderberg et al. 2016, section 3 and appendix A.

    Args:
        channels: of the 84×84 pictures.
        actions: how many.
        hidden: width of the dense layer, one number.
    """

    def __init__(self, channels: int, actions: int, hidden: int = 256) -> None:
        super().__init__()
        self.eye = nn.Sequential(
            Pixels(),
            nn.Conv2d(channels, 16, 8, 4),
            nn.ReLU(),
            nn.Conv2d(16, 32, 4, 2),
            nn.ReLU(),
            nn.Flatten(),
        )
        self.dense = nn.Sequential(nn.Linear(32 * 9 * 9, hidden), nn.ReLU())
        self.policy = nn.Linear(hidden, actions)
        self.value = nn.Linear(hidden, 1)
        self.spread = nn.Sequential(nn.Linear(hidden, 32 * 9 * 9), nn.ReLU())
        self.pixel_value = nn.ConvTranspose2d(32, 1, 4, 2)
        self.pixel_advantage = nn.ConvTranspose2d(32, actions, 4, 2)
        self.reward = nn.Sequential(
            nn.Linear(FRAMES * 32 * 9 * 9, 128), nn.ReLU(), nn.Linear(128, 3)
        )
        with torch.no_grad():
            self.policy.weight.mul_(0.01)

    def features(self, x: Shaped[Tensor, "batch channels 84 84"]) -> Float[Tensor, "batch hidden"]:
        """What all heads but one read."""
        return self.dense(self.eye(x))

    def forward(
        self, x: Shaped[Tensor, "batch channels 84 84"]
    ) -> tuple[Float[Tensor, "batch actions"], Float[Tensor, "batch"]]:
        """Logits of the policy, and the value."""
        features = self.features(x)
        return self.policy(features), self.value(features).squeeze(1)

    def pixel_control(
        self, features: Float[Tensor, "batch hidden"]
    ) -> Float[Tensor, "batch actions 20 20"]:
        """Q_aux of every action for every square, by value and advantages."""
        spread = self.spread(features).unflatten(1, (32, 9, 9))
        above = self.pixel_advantage(spread)
        return self.pixel_value(spread) + above - above.mean(1, keepdim=True)

    def next_reward(
        self, frames: Shaped[Tensor, "time batch channels 84 84"]
    ) -> Float[Tensor, "batch 3"]:
        """Logits of nothing, a gain, a loss, from `FRAMES` frames."""
        seen = self.eye(frames.flatten(0, 1)).unflatten(0, frames.shape[:2])
        return self.reward(seen.transpose(0, 1).flatten(1))


def pixel_changes(
    seen: Shaped[np.ndarray, "frames batch channels height width"],
) -> Float[np.ndarray, "frames-1 batch rows columns"]:
    """Mean absolute change of each 4×4 square from one frame to the next, in [0, 1].

    Bytes count as shares of 255. Pixels at the edge that fill no square are left out on both sides
    alike. Source: section 3.1 and appendix A.
    """
    height, width = seen.shape[-2:]
    rows, columns = (height - PATCH) // PATCH, (width - PATCH) // PATCH
    top, left = (height - rows * PATCH) // 2, (width - columns * PATCH) // 2
    part = seen[..., top : top + rows * PATCH, left : left + columns * PATCH]
    top_value = 255.0 if seen.dtype == np.uint8 else 1.0
    change = np.abs(part[1:].astype(np.float32) - part[:-1].astype(np.float32)) / top_value
    squares = change.reshape(*change.shape[:3], rows, PATCH, columns, PATCH)
    return squares.mean((2, 4, 6))


def bootstrapped(
    rewards: Float[np.ndarray, "time *batch"],
    after: Float[np.ndarray, "time *batch"],
    terminal: Bool[np.ndarray, "time ..."],
    stop: Bool[np.ndarray, "time ..."],
    gamma: float,
) -> Float[np.ndarray, "time *batch"]:
    """n-step returns G_t = r_t + γ G_{t+1}; at a `stop` r_t + γ after_t, at a terminal step r_t.

    Args:
        rewards: r_t.
        after: the estimated value of what the step led to.
        terminal: where nothing comes after.
        stop: where the return goes on with the estimate; these two may be broadcast to the others.
        gamma: discount γ in [0, 1].
    """
    returns = np.empty_like(rewards)
    ahead = after[-1]
    for t in range(len(rewards) - 1, -1, -1):
        ahead = np.where(stop[t], after[t], ahead)
        ahead = rewards[t] + gamma * ~terminal[t] * ahead
        returns[t] = ahead
    return returns


def pixel_control_loss(
    q: Float[Tensor, "frames batch actions rows columns"],
    action: Int[Tensor, "frames-1 batch"],
    target: Float[Tensor, "frames-1 batch rows columns"],
    mask: Float[Tensor, "frames-1 batch"],
) -> Float[Tensor, ""]:
    """Half the squared error of Q_aux(s_t, a_t), summed over squares, mean over steps that count.

    Source: section 3.1, n-step Q-learning.
    """
    index = action[:, :, None, None, None].expand(-1, -1, 1, *q.shape[-2:])
    taken = q[:-1].gather(2, index).squeeze(2)
    squares = 0.5 * (target - taken).square().sum((2, 3))
    return (squares * mask).sum() / mask.sum().clamp(min=1)


def reward_class(reward: Float[np.ndarray, "batch"]) -> Int[np.ndarray, "batch"]:
    """0 for nothing, 1 for a gain, 2 for a loss: the sign of what is paid."""
    return np.where(reward > 0, 1, np.where(reward < 0, 2, 0))


def reward_prediction_loss(
    logits: Float[Tensor, "batch 3"], reward: Float[np.ndarray, "batch"]
) -> Float[Tensor, ""]:
    """−log p of the next reward's class, mean over the batch, in nats. Source: section 3.2."""
    return cross_entropy(logits, torch.as_tensor(reward_class(reward), device=logits.device))


def value_loss(
    value: Float[Tensor, "time batch"],
    target: Float[Tensor, "time batch"],
    mask: Float[Tensor, "time batch"],
) -> Float[Tensor, ""]:
    """Half the squared error of V(s_t) against an n-step return, mean over steps that count."""
    return 0.5 * ((target - value).square() * mask).sum() / mask.sum().clamp(min=1)
