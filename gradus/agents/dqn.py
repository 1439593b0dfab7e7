"""Deep Q-networks: learning from replayed steps towards a target network.

Sources: Mnih et al. 2015 (DQN); van Hasselt et al. 2016 (double); Wang et al. 2016 (duelling, see
`gradus.agents.networks.DQN`); Schaul et al. 2016 (prioritised); Sutton and Barto 2018, section 7.1
(n-step).
"""

import copy
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from gradus.agents.replay import Sample


class Batch(NamedTuple):
    """A sample of the replay as tensors; see `gradus.agents.replay.Sample`."""

    observation: Tensor
    action: Tensor
    reward: Tensor
    after: Tensor
    discount: Tensor
    weight: Tensor


def to_batch(sample: Sample, device: torch.device) -> Batch:
    """A sample on the device."""
    parts = (torch.from_numpy(np.ascontiguousarray(part)) for part in sample[:-1])
    return Batch(*(part.to(device, non_blocking=True) for part in parts))


def target_of(model: nn.Module) -> nn.Module:
    """A copy that is not learnt: Q(·; θ⁻)."""
    return copy.deepcopy(model).requires_grad_(False)


def refresh(target: nn.Module, model: nn.Module) -> None:
    """θ⁻ ← θ."""
    with torch.no_grad():
        torch._foreach_copy_(list(target.parameters()), list(model.parameters()))


@torch.no_grad()
def targets(
    model: nn.Module, target: nn.Module, batch: Batch, double: bool
) -> Float[Tensor, "batch"]:
    """Targets y = R + γᵐ max_a' Q(s', a'; θ⁻); where nothing came after, y = R.

    With `double` the action is chosen by θ and valued by θ⁻: van Hasselt et al. 2016, equation 4.
    """
    ahead = target(batch.after)
    if double:
        best = model(batch.after).argmax(1, keepdim=True)
        valued = ahead.gather(1, best).squeeze(1)
    else:
        valued = ahead.max(1).values
    return batch.reward + batch.discount * valued


def dqn_loss(
    model: nn.Module, batch: Batch, wanted: Float[Tensor, "batch"]
) -> tuple[Float[Tensor, ""], Float[Tensor, "batch"]]:
    """Mean Huber loss of δ = y − Q(s, a; θ), each weighted; and δ.

    The gradient of a δ beyond 1 stays at 1, as in Mnih et al. 2015.
    """
    q = model(batch.observation).gather(1, batch.action[:, None]).squeeze(1)
    each = functional.smooth_l1_loss(q, wanted, reduction="none")
    return (batch.weight * each).mean(), (wanted - q).detach()


def learn(
    model: nn.Module,
    target: nn.Module,
    optimizer: torch.optim.Optimizer,
    batch: Batch,
    *,
    double: bool,
    clip_norm: float,
) -> tuple[float, Float[Tensor, "batch"]]:
    """One update; its loss, and the δ of each step in the batch."""
    wanted = targets(model, target, batch, double)
    loss, errors = dqn_loss(model, batch, wanted)
    optimizer.zero_grad()
    loss.backward()
    if clip_norm:
        nn.utils.clip_grad_norm_(model.parameters(), clip_norm)
    optimizer.step()
    return float(loss.detach()), errors
