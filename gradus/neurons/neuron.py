"""One artificial neuron, a layer of them, and the functions they apply (book chapter 1).

Symbols: x inputs, w or W weights, b bias, z = w·x + b logit, y = f(z) output.
"""

import itertools
import types
from collections.abc import Callable, Mapping, Sequence

import torch
from jaxtyping import Float
from torch import Tensor, nn

from gradus.core.errors import UsageError
from gradus.core.recipe import nearest
from gradus.nn.init import lecun

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


class Neuron(nn.Module):
    """A single neuron, y = f(w·x + b) (book figure 1-7).

    The weights start normal with standard deviation √(1/inputs), the bias at 0.

    Attributes:
        weight: w, "inputs".
        bias: b, a scalar.
        f: the activation, z -> y.
    """

    def __init__(self, inputs: int, activation: str = "linear") -> None:
        """Make a neuron with `inputs` ≥ 1 inputs; `activation` is a key of `ACTIVATIONS`.

        Raises:
            UsageError: no inputs, or no such activation.
        """
        super().__init__()
        _check_size("inputs", inputs)
        self.f = find_activation(activation)
        self.weight = nn.Parameter(torch.empty(inputs))
        self.bias = nn.Parameter(torch.zeros(()))
        lecun(self.weight.data.unsqueeze(0))

    def forward(self, x: Float[Tensor, "*batch inputs"]) -> Float[Tensor, "*batch"]:
        """The output y for each input vector x."""
        return self.f(x @ self.weight + self.bias)


class Layer(nn.Module):
    """A layer of neurons that see the same inputs, y = f(Wᵀx + b) (book ch. 1).

    W is written as in the book, "inputs outputs": column j holds the weights of neuron j. (A torch
    Linear keeps the transpose.) The weights start normal with standard deviation √(1/inputs), the
    biases at 0.

    Attributes:
        weight: W, "inputs outputs".
        bias: b, "outputs".
        activation: the name of f: a key of `ACTIVATIONS`, or "softmax", whose outputs depend on
            all logits of the layer.
    """

    def __init__(self, inputs: int, outputs: int, activation: str = "linear") -> None:
        """Make a layer of `outputs` ≥ 1 neurons with `inputs` ≥ 1 inputs each.

        Raises:
            UsageError: no inputs, no outputs, or no such activation.
        """
        super().__init__()
        _check_size("inputs", inputs)
        _check_size("outputs", outputs)
        self.activation = activation
        self.f = softmax if activation == "softmax" else find_activation(activation)
        self.weight = nn.Parameter(torch.empty(inputs, outputs))
        self.bias = nn.Parameter(torch.zeros(outputs))
        lecun(self.weight.data.T)

    def forward(self, x: Float[Tensor, "*batch inputs"]) -> Float[Tensor, "*batch outputs"]:
        """The outputs y of all neurons for each input vector x."""
        return self.f(x @ self.weight + self.bias)


@torch.no_grad()
def collapse_linear(layers: Sequence[Layer]) -> Layer:
    """One linear layer that computes what a stack of linear layers does.

    W = W₁W₂…W_k, and each bias is carried through the layers after it: so hidden layers without a
    nonlinearity add nothing (book ch. 1, "Linear Neurons and Their Limitations").

    Args:
        layers: from the input on; outputs of one = inputs of the next.

    Returns:
        a new layer from the first one's inputs to the last one's outputs.

    Raises:
        UsageError: there is no layer, one is not linear, or two do not fit together.
    """
    if not layers:
        raise UsageError("layers must hold at least one layer, got none")
    for number, layer in enumerate(layers, start=1):
        if layer.activation != "linear":
            raise UsageError(f"layer {number} must be linear to collapse, is {layer.activation}")
    for number, (lower, upper) in enumerate(itertools.pairwise(layers), start=1):
        outputs, inputs = lower.weight.shape[1], upper.weight.shape[0]
        if outputs != inputs:
            raise UsageError(
                f"layer {number} has {outputs} outputs but layer {number + 1} {inputs} inputs"
            )
    weight: Tensor = layers[0].weight
    bias: Tensor = layers[0].bias
    for layer in layers[1:]:
        weight, bias = weight @ layer.weight, bias @ layer.weight + layer.bias
    collapsed = Layer(*weight.shape).to(weight)
    collapsed.weight.copy_(weight)
    collapsed.bias.copy_(bias)
    return collapsed


def _check_size(name: str, size: int) -> None:
    if size < 1:
        raise UsageError(f"{name} must be ≥ 1, got {size}")
