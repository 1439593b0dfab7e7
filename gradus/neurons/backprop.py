"""Back-propagation written out by hand, in NumPy (book chapter 2; Rumelhart et al. 1986).

The one place in this library that computes its own gradients: everything else uses autograd.

Symbols, for one example: y_i the output (activity) of neuron i, w_ij the weight of the connection
from neuron i to neuron j of the next layer, z_j = Σ_i w_ij y_i the logit, y_j = 1/(1 + e^-z_j),
t the target, E = ½ Σ_j (t_j - y_j)² the squared error, ε the learning rate. As in the book a bias
is the weight of a connection from a neuron whose output is always 1: row 0 of each weight matrix.
"""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from gradus.core.errors import UsageError
from gradus.neurons.delta_rule import check_training, minibatches, sigmoid, squared_error

Weights = list[Float[np.ndarray, "_lower_and_bias _upper"]]
"""w_ij of each layer, from the input on; row 0 holds the biases."""


@dataclass(frozen=True, eq=False)
class Table:
    """The table that back-propagation fills from the output down; the lists run from the input on.

    Attributes:
        dy: ∂E/∂y_i of each example, "examples neurons", for each layer, the inputs first.
        dz: ∂E/∂z_j of each example, "examples neurons", for each layer but the inputs.
        dw: ∂E/∂w_ij summed over the examples, shaped as the weights.
    """

    dy: list[Float[np.ndarray, "examples _neurons"]]
    dz: list[Float[np.ndarray, "examples _neurons"]]
    dw: Weights


@dataclass(frozen=True, eq=False)
class Training:
    """What gradient descent made of a network.

    Attributes:
        weights: w_ij at the end.
        errors: E of the whole training set at the start and after each epoch.
    """

    weights: Weights
    errors: Float[np.ndarray, "epochs_and_start"]


def init(sizes: Sequence[int], seed: int = 0) -> Weights:
    """Starting weights: normal with standard deviation √(1/n_in), biases 0.

    Equal weights would keep the hidden neurons equal for ever, so they start at random.

    Args:
        sizes: neurons in each layer, the inputs first; at least two layers (book figure 1-9).
        seed: fixes the weights.

    Raises:
        UsageError: fewer than two layers, or one without neurons.
    """
    if len(sizes) < 2 or min(sizes) < 1:
        raise UsageError(f"sizes must be two or more numbers ≥ 1, got {tuple(sizes)}")
    rng = np.random.default_rng(seed)
    return [
        np.vstack([np.zeros(n_out), rng.normal(0, n_in**-0.5, (n_in, n_out))])
        for n_in, n_out in itertools.pairwise(sizes)
    ]


def forward(
    weights: Weights, x: Float[np.ndarray, "examples inputs"]
) -> list[Float[np.ndarray, "examples _neurons"]]:
    """The outputs y of every layer, from the inputs x themselves to the network's answer (ch. 2).

    Args:
        weights: w_ij of each layer.
        x: the examples; as many inputs as the first layer has weights for.

    Returns:
        y of each layer; the first is x, the last the network's output, in (0, 1).
    """
    y = [x]
    for w in weights:
        y.append(sigmoid(_with_bias(y[-1]) @ w))
    return y


def gradients(
    weights: Weights,
    x: Float[np.ndarray, "examples inputs"],
    t: Float[np.ndarray, "examples outputs"],
) -> Table:
    """∂E/∂w_ij by back-propagation (book ch. 2, "The Backpropagation Algorithm", figure 2-5).

    The base case is the output layer, ∂E/∂y_j = -(t_j - y_j). From a layer j that is done follows
    the layer i below it:

        ∂E/∂z_j  = y_j (1 - y_j) ∂E/∂y_j
        ∂E/∂w_ij = y_i ∂E/∂z_j
        ∂E/∂y_i  = Σ_j w_ij ∂E/∂z_j

    Args:
        weights: w_ij of each layer.
        x: inputs of the examples.
        t: their targets, in [0, 1].

    Returns:
        the filled table; ∂E/∂w_ij is the sum over the examples.
    """
    y = forward(weights, x)
    dy: list[np.ndarray] = [y[-1] - t]
    dz: list[np.ndarray] = []
    dw: list[np.ndarray] = []
    for i in reversed(range(len(weights))):
        y_i, y_j = y[i], y[i + 1]
        dz.insert(0, y_j * (1 - y_j) * dy[0])
        dw.insert(0, _with_bias(y_i).T @ dz[0])
        dy.insert(0, dz[0] @ weights[i][1:].T)
    return Table(dy, dz, dw)


def train(
    weights: Weights,
    x: Float[np.ndarray, "examples inputs"],
    t: Float[np.ndarray, "examples outputs"],
    *,
    learning_rate: float,
    epochs: int,
    batch_size: int | None = None,
    seed: int = 0,
) -> Training:
    """Gradient descent, Δw_ij = -ε Σ_k ∂E^(k)/∂w_ij over the examples k of an update.

    Args:
        weights: where to start; left as they are.
        x: inputs of the training examples.
        t: their targets, in [0, 1].
        learning_rate: ε > 0; it multiplies a sum, so smaller batches stand larger rates.
        epochs: passes over the examples, ≥ 1.
        batch_size: examples in an update: None for all (batch), 1 for each by itself
            (stochastic), else minibatches (book ch. 2, "Stochastic and Minibatch Gradient
            Descent").
        seed: fixes the order of the examples.

    Returns:
        the trained weights and the error after each epoch.

    Raises:
        UsageError: a number is out of its range, or x and t differ in length.
    """
    check_training(x, t, learning_rate, epochs)
    rng = np.random.default_rng(seed)
    errors = [squared_error(t, forward(weights, x)[-1])]
    for _ in range(epochs):
        for batch in minibatches(len(x), batch_size, rng):
            dw = gradients(weights, x[batch], t[batch]).dw
            weights = [w - learning_rate * d for w, d in zip(weights, dw, strict=True)]
        errors.append(squared_error(t, forward(weights, x)[-1]))
    return Training(weights, np.array(errors))


def _with_bias(y: np.ndarray) -> np.ndarray:
    """The outputs y with that of the bias neuron, always 1, before them."""
    return np.column_stack([np.ones(len(y)), y])
