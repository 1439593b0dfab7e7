"""What a neuron applies to its logit z, and the slopes of it (book chapter 1).

Symbols: z logit, y = f(z) output.
"""

import types
from collections.abc import Callable, Mapping

import torch
from jaxtyping import Float
from torch import Tensor

from gradus.core.errors import UsageError
from gradus.core.recipe import nearest

Elementwise = Callable[[Tensor], Tensor]


def linear(z: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
    """f(z) = z (book ch. 1, "Linear Neurons and Their Limitations", figure 1-10)."""
    return z


def sigmoid(z: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
    """f(z) = 1 / (1 + e^-z), in (0, 1) (book figure 1-11)."""
    return torch.sigmoid(z)


def tanh(z: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
    """f(z) = tanh z, in (-1, 1) and centred on zero (book figure 1-12)."""
    return torch.tanh(z)


def relu(z: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
    """f(z) = max(0, z), the rectified linear unit (book figure 1-13; Nair and Hinton 2010)."""
    return torch.relu(z)


def threshold(z: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
    """f(z) = -1 if z < 0, else 1: the perceptron's output (book figure 1-8)."""
    return torch.where(z < 0, -torch.ones_like(z), torch.ones_like(z))


def softmax(z: Float[Tensor, "*batch classes"]) -> Float[Tensor, "*batch classes"]:
    """y_i = e^z_i / Σ_j e^z_j: a probability for each class (book ch. 1, "Softmax Output Layers").

    The largest logit is subtracted first, which changes nothing in the quotient and keeps e^z from
    overflowing: any finite logits will do.

    Args:
        z: logits; the classes are in the last dimension.

    Returns:
        probabilities in [0, 1] that sum to 1 over the classes.
    """
    exponentials = torch.exp(z - z.amax(dim=-1, keepdim=True))
    return exponentials / exponentials.sum(dim=-1, keepdim=True)


def sigmoid_slope(y: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
    """dy/dz = y (1 - y) (book ch. 2, "Gradient Descent with Sigmoidal Neurons")."""
    return y * (1 - y)


def tanh_slope(y: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
    """dy/dz = 1 - y² (the exercise that book ch. 2 leaves to the reader)."""
    return 1 - y * y


def relu_slope(y: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
    """dy/dz = 1 where y > 0, else 0; at the corner z = 0 it is taken as 0 (book figure 1-13)."""
    return (y > 0).to(y.dtype)


ACTIVATIONS: Mapping[str, Elementwise] = types.MappingProxyType(
    {"linear": linear, "sigmoid": sigmoid, "tanh": tanh, "relu": relu, "threshold": threshold}
)
"""f by name: logit z -> output y, element by element."""

SLOPES: Mapping[str, Elementwise] = types.MappingProxyType(
    {
        "linear": torch.ones_like,
        "sigmoid": sigmoid_slope,
        "tanh": tanh_slope,
        "relu": relu_slope,
        "threshold": torch.zeros_like,
    }
)
"""dy/dz by name, as a function of the output y (not of z), as the book writes it."""


def find_activation(name: str) -> Elementwise:
    """The activation called `name` (book ch. 1, "Sigmoid, Tanh, and ReLU Neurons").

    Raises:
        UsageError: no activation has this name.
    """
    if name not in ACTIVATIONS:
        raise UsageError(
            f"activation must be one of {', '.join(ACTIVATIONS)}, got {name!r}"
            f"{nearest(name, ACTIVATIONS)}"
        )
    return ACTIVATIONS[name]
