"""One artificial neuron, and a layer of them (book chapter 1).

Symbols: x inputs, w or W weights, b bias, z = w·x + b logit, y = f(z) output. The functions f are
those of `gradus.nn.activation.ACTIVATIONS`.
"""

import itertools
from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor, nn

from gradus.core.errors import UsageError
from gradus.nn.activation import find_activation, softmax
from gradus.nn.init import lecun


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
