"""Small dense networks in NumPy, to act with: PyTorch's calls would cost more than the arithmetic.

The arrays are the parameters' own memory, so they are always up to date.
"""

from collections.abc import Callable

import numpy as np
from jaxtyping import Float, Shaped
from torch import nn

from gradus.agents.networks import DQN, ActorCritic

FUNCTIONS: dict[type[nn.Module], Callable[..., np.ndarray]] = {
    nn.Tanh: np.tanh,
    nn.ReLU: lambda x: np.maximum(x, 0),
    nn.Flatten: lambda x: x,
}
WIDEST = 256
"""Layers wider than this are left to PyTorch."""


def dense_scores(
    model: nn.Module,
) -> Callable[[Shaped[np.ndarray, "games *shape"]], Float[np.ndarray, "games actions"]] | None:
    """Values of the actions, or logits of the policy, of a small dense network on the CPU.

    Args:
        model: a `DQN` without a duel, or an `ActorCritic`.

    Returns:
        observations -> scores; None: it is another kind of network.
    """
    if isinstance(model, ActorCritic):
        head = model.policy
    elif isinstance(model, DQN) and model.value is None:
        head = model.advantage
    else:
        return None
    steps = []
    for layer in [*model.body, head]:
        if isinstance(layer, nn.Linear):
            weight, bias = layer.weight, layer.bias
            if weight.device.type != "cpu" or max(weight.shape) > WIDEST:
                return None
            steps.append(_linear(weight.detach().numpy(), bias.detach().numpy()))
        elif type(layer) in FUNCTIONS:
            steps.append(FUNCTIONS[type(layer)])
        else:
            return None

    def scores(seen: Shaped[np.ndarray, "games *shape"]) -> Float[np.ndarray, "games actions"]:
        x = seen.astype(np.float32, copy=False)
        for step in steps:
            x = step(x)
        return x

    return scores


def _linear(weight: np.ndarray, bias: np.ndarray) -> Callable[[np.ndarray], np.ndarray]:
    return lambda x: x @ weight.T + bias
