"""Networks of agents: a body for what is observed, and a head for values or policy.

Observations are vectors, MinAtar's small images, or Atari's frames as bytes.
"""

import math

import torch
from jaxtyping import Float, Shaped
from torch import Tensor, nn


class Pixels(nn.Module):
    """Bytes become numbers from 0 to `top`/255; numbers stay what they are.

    Args:
        top: 255 keeps the value of a byte, 1 makes it a share.
    """

    def __init__(self, top: float = 1.0) -> None:
        super().__init__()
        self.top = top

    def forward(self, x: Shaped[Tensor, "batch *shape"]) -> Float[Tensor, "batch *shape"]:
        """As floats."""
        if x.dtype.is_floating_point:
            return x
        # Channels last: convolutions on the CPU are faster so.
        x = x.to(torch.float32, memory_format=torch.channels_last)
        return x if self.top == 255 else x * (self.top / 255)


def body(shape: tuple[int, ...], hidden: tuple[int, ...]) -> nn.Sequential:
    """What is observed as `hidden[-1]` features; parameters orthogonal, gain √2, biases 0.

    Args:
        shape: of an observation: (n,), or (channels, height, width). Images of 36×36 and more pass
            the three convolutions of Mnih et al. 2015, smaller ones one of 16 maps, 3×3.
        hidden: widths of the dense layers after them.
    """
    layers: list[nn.Module] = []
    if len(shape) == 3:
        channels, height, width = shape
        if min(height, width) >= 36:
            layers += [
                Pixels(),
                nn.Conv2d(channels, 32, 8, 4),
                nn.ReLU(),
                nn.Conv2d(32, 64, 4, 2),
                nn.ReLU(),
                nn.Conv2d(64, 64, 3),
                nn.ReLU(),
            ]
        else:
            layers += [Pixels(255), nn.Conv2d(channels, 16, 3), nn.ReLU()]
    layers.append(nn.Flatten())
    with torch.no_grad():
        features = math.prod(nn.Sequential(*layers)(torch.zeros(1, *shape)).shape)
    activation = nn.ReLU if len(shape) == 3 else nn.Tanh
    for width in hidden:
        layers += [nn.Linear(features, width), activation()]
        features = width
    made = nn.Sequential(*layers)
    for layer in made:
        if isinstance(layer, nn.Conv2d | nn.Linear):
            _orthogonal(layer, math.sqrt(2))
        if isinstance(layer, nn.Conv2d):
            layer.weight.data = layer.weight.data.contiguous(memory_format=torch.channels_last)
    return made


def _orthogonal(layer: nn.Conv2d | nn.Linear, gain: float) -> None:
    nn.init.orthogonal_(layer.weight, gain)
    if layer.bias is not None:
        nn.init.zeros_(layer.bias)


class DQN(nn.Module):
    """Q(s, ·; θ): the value of every action.

    With `duelling` Q(s, a) = V(s) + A(s, a) − mean_a' A(s, a'). Sources: Mnih et al. 2015, table 1
    of the methods; Wang et al. 2016, equation 9.

    Args:
        shape: of an observation, see `body`.
        actions: how many.
        hidden: widths of the dense layers.
        duelling: value and advantages apart.
    """

    def __init__(
        self,
        shape: tuple[int, ...],
        actions: int,
        hidden: tuple[int, ...] = (512,),
        duelling: bool = False,
    ) -> None:
        super().__init__()
        self.body = body(shape, hidden)
        self.advantage = nn.Linear(hidden[-1], actions)
        self.value = nn.Linear(hidden[-1], 1) if duelling else None

    def forward(self, x: Shaped[Tensor, "batch *shape"]) -> Float[Tensor, "batch actions"]:
        """The values of every action for each observation."""
        features = self.body(x)
        with torch.autocast(x.device.type, enabled=False):  # values of actions differ by little
            features = features.float()
            q = self.advantage(features)
            if self.value is None:
                return q
            return self.value(features) + q - q.mean(1, keepdim=True)


class ActorCritic(nn.Module):
    """Policy π(a | s; θ) as logits, and value V(s; θ), from one body.

    Args:
        shape: of an observation, see `body`.
        actions: how many.
        hidden: widths of the dense layers.
        apart: a body of its own for the value.
    """

    def __init__(
        self,
        shape: tuple[int, ...],
        actions: int,
        hidden: tuple[int, ...] = (512,),
        apart: bool = False,
    ) -> None:
        super().__init__()
        self.body = body(shape, hidden)
        self.policy = nn.Linear(hidden[-1], actions)
        self.critic = body(shape, hidden) if apart else None
        self.value = nn.Linear(hidden[-1], 1)
        _orthogonal(self.policy, 0.01)
        _orthogonal(self.value, 1.0)

    def forward(
        self, x: Shaped[Tensor, "batch *shape"]
    ) -> tuple[Float[Tensor, "batch actions"], Float[Tensor, "batch"]]:
        """Logits of the policy, and the value."""
        features = self.body(x)
        valued = features if self.critic is None else self.critic(x)
        with torch.autocast(x.device.type, enabled=False):
            return self.policy(features.float()), self.value(valued.float()).squeeze(1)
