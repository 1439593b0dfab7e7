"""DRQN's learning: Q-learning over stretches of experience, through a network with memory.

Source: Hausknecht and Stone 2015, section 4.2; stored memory and burn-in: Kapturowski et al. 2019,
section 3.
"""

from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.functional import smooth_l1_loss

from gradus.agents.beyond.recurrent import Memory, blank
from gradus.agents.beyond.sequences import Stretch


def first_memory(model: Any, stretch: Stretch, stored: bool, device: Any) -> Memory:
    """The memory before a stretch: as it was when it was played, or empty."""
    width, batch = int(model.width), stretch.action.shape[1]
    if not stored:
        return blank(width, batch, device)
    notes = torch.as_tensor(stretch.notes, device=device)
    return notes[:, :width], notes[:, width:]


def unroll(
    model: nn.Module, seen: Tensor, memory: Memory, burn_in: int
) -> Float[Tensor, "time batch actions"]:
    """Values of all actions from step `burn_in` on; the steps before only warm the memory up."""
    if burn_in:
        with torch.no_grad():
            _, memory = model(seen[:burn_in], memory)
    return model(seen[burn_in:], memory)[0]


def sequence_loss(
    model: nn.Module,
    target: nn.Module,
    stretch: Stretch,
    *,
    gamma: float,
    burn_in: int,
    stored: bool,
    double: bool,
    device: Any = None,
) -> Float[Tensor, ""]:
    """Huber's loss of Q(s_1 … s_t, a_t) against r_t + γ Q_target(s_1 … s_{t+1}, a*), a mean.

    a* is the best action by the target network, with `double` by the network itself. At a terminal
    step the target is r_t. Steps behind an episode's end do not count.
    """
    seen = torch.as_tensor(stretch.seen, device=device)
    memory = first_memory(model, stretch, stored, device)
    q = unroll(model, seen, memory, burn_in)
    with torch.no_grad():
        later = unroll(target, seen, memory, burn_in)[1:]
        best = (q[1:] if double else later).argmax(2, keepdim=True)
        after = later.gather(2, best).squeeze(2)
        reward, terminal, mask, action = (
            torch.as_tensor(part[burn_in:], device=device)
            for part in (stretch.reward, stretch.terminal, stretch.mask, stretch.action)
        )
        wanted = reward + gamma * (~terminal) * after
    taken = q[:-1].gather(2, action[:, :, None]).squeeze(2)
    each = smooth_l1_loss(taken, wanted, reduction="none")
    return (each * mask).sum() / mask.sum().clamp(min=1)
