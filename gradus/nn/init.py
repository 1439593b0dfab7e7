"""Starting values of weights, by name (book chapter 3, figure 3-7 and the exercise after it).

A weight has its neurons in dimension 0 and their inputs in the others, as in torch: "outputs
inputs" for a dense layer, "outputs channels height width" for a convolution. So n_in, the number
of inputs coming into one neuron, is the product of all dimensions but the first.

Every initialiser fills the weight in place, returns it, and draws from `generator` (None: torch's
global one).
"""

import types
from collections.abc import Callable, Mapping

import torch
from jaxtyping import Float
from torch import Tensor, nn

from gradus.core.errors import UsageError
from gradus.core.recipe import nearest

Generator = torch.Generator | None


def zeros(weight: Float[Tensor, "*shape"], generator: Generator = None) -> Float[Tensor, "*shape"]:
    """All 0: right for biases; hidden neurons that start so never differ (book ch. 3, tf.zeros)."""
    return nn.init.zeros_(weight)


def ones(weight: Float[Tensor, "*shape"], generator: Generator = None) -> Float[Tensor, "*shape"]:
    """All 1 (book ch. 3, "Creating and Manipulating TensorFlow Variables")."""
    return nn.init.ones_(weight)


def constant(
    weight: Float[Tensor, "*shape"], generator: Generator = None, *, value: float = 0.1
) -> Float[Tensor, "*shape"]:
    """All `value` (book ch. 3, tf.constant_initializer)."""
    return nn.init.constant_(weight, value)


def normal(
    weight: Float[Tensor, "*shape"],
    generator: Generator = None,
    *,
    mean: float = 0.0,
    std: float = 1.0,
) -> Float[Tensor, "*shape"]:
    """Normal with the given mean and standard deviation (book ch. 3, tf.random_normal)."""
    return nn.init.normal_(weight, mean, std, generator)


def truncated_normal(
    weight: Float[Tensor, "*shape"],
    generator: Generator = None,
    *,
    mean: float = 0.0,
    std: float = 1.0,
) -> Float[Tensor, "*shape"]:
    """Normal, cut off at two standard deviations from the mean (book ch. 3, tf.truncated_normal).

    `std` is that of the normal before the cut; after it 0.8796 · std is left.
    """
    return nn.init.trunc_normal_(weight, mean, std, mean - 2 * std, mean + 2 * std, generator)


def uniform(
    weight: Float[Tensor, "*shape"],
    generator: Generator = None,
    *,
    low: float = -1.0,
    high: float = 1.0,
) -> Float[Tensor, "*shape"]:
    """Uniform over [low, high) (book ch. 3, tf.random_uniform).

    The book's exercise: with its (-1, 1) the network of figure 3-7 learns far worse than with `he`.
    """
    return nn.init.uniform_(weight, low, high, generator)


def he(
    weight: Float[Tensor, "outputs *inputs"], generator: Generator = None
) -> Float[Tensor, "outputs *inputs"]:
    """Normal with mean 0 and standard deviation √(2/n_in), for ReLU neurons.

    Source: He et al. 2015, "Delving Deep into Rectifiers", equation 10; book ch. 3, figure 3-7.

    Raises:
        UsageError: the weight has fewer than two dimensions, so n_in is unknown.
    """
    _check_inputs(weight, "he")
    return nn.init.kaiming_normal_(weight, nonlinearity="relu", generator=generator)


def lecun(
    weight: Float[Tensor, "outputs *inputs"], generator: Generator = None
) -> Float[Tensor, "outputs *inputs"]:
    """Normal with mean 0 and standard deviation √(1/n_in): keeps the variance of a linear layer.

    Source: LeCun et al. 1998, "Efficient BackProp", section 4.6; the listings of book ch. 6 and 7.

    Raises:
        UsageError: the weight has fewer than two dimensions, so n_in is unknown.
    """
    _check_inputs(weight, "lecun")
    return nn.init.kaiming_normal_(weight, nonlinearity="linear", generator=generator)


def xavier(
    weight: Float[Tensor, "outputs *inputs"], generator: Generator = None
) -> Float[Tensor, "outputs *inputs"]:
    """Normal with standard deviation √(2/(n_in + n_out)): a compromise between both directions.

    Between the size of the signal on its way up and that of the gradient on its way down, for
    neurons whose slope is 1 at z = 0 such as tanh; that of the sigmoid is ¼.

    Source: Glorot and Bengio 2010, "Understanding the Difficulty of Training Deep Feedforward
    Neural Networks", equation 12; theirs is uniform, of the same variance (equation 16).

    Raises:
        UsageError: the weight has fewer than two dimensions, so n_in is unknown.
    """
    _check_inputs(weight, "xavier")
    return nn.init.xavier_normal_(weight, generator=generator)


INITIALISERS: Mapping[str, Callable[..., Tensor]] = types.MappingProxyType(
    {
        "zeros": zeros,
        "ones": ones,
        "constant": constant,
        "normal": normal,
        "truncated_normal": truncated_normal,
        "uniform": uniform,
        "he": he,
        "lecun": lecun,
        "xavier": xavier,
    }
)


def initialise(
    weight: Float[Tensor, "*shape"], name: str, generator: Generator = None, **settings: float
) -> Float[Tensor, "*shape"]:
    """Fill `weight` in place by the initialiser called `name` (book ch. 3, variable initialisers).

    Args:
        weight: the parameter to fill.
        name: a key of `INITIALISERS`.
        generator: where the random numbers come from; None is torch's global generator.
        settings: the initialiser's own numbers, such as `std=0.5` for "normal".

    Returns:
        `weight`.

    Raises:
        UsageError: no initialiser has this name.
    """
    if name not in INITIALISERS:
        raise UsageError(
            f"init must be one of {', '.join(INITIALISERS)}, got {name!r}"
            f"{nearest(name, INITIALISERS)}"
        )
    return INITIALISERS[name](weight, generator, **settings)


def _check_inputs(weight: Tensor, name: str) -> None:
    if weight.ndim < 2:
        raise UsageError(
            f"{name} needs a weight of shape (outputs, inputs, ...) to count the inputs, "
            f"got shape {tuple(weight.shape)}"
        )
