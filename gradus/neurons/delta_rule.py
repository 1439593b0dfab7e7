"""One neuron learns by gradient descent: the fast-food problem and the delta rule (book chapter 2).

Symbols: x inputs, w weights, t target, y output, E = ½ Σ (t - y)² squared error, ε learning rate.
There is no bias; a bias is the weight of an input that is always 1.
"""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np
from jaxtyping import Float, Int

from gradus.core.errors import RunError, UsageError

PRICES = (2.5, 1.5, 1.0)
"""Of one serving of burgers, fries and sodas."""

GROWTH = 1e6
"""A descent counts as diverged when its error is so many times that of the start."""


@dataclass(frozen=True, eq=False)
class Descent:
    """The way that gradient descent took over the error surface (book figures 2-3 and 2-4).

    Attributes:
        weights: w at the start and after each update.
        errors: E of the whole training set at each of them.
    """

    weights: Float[np.ndarray, "positions inputs"]
    errors: Float[np.ndarray, "positions"]


class Diverged(RunError):
    """The error grew without bound (book figure 2-4).

    Attributes:
        descent: the way until then, to draw.
    """

    def __init__(self, message: str, descent: Descent) -> None:
        """Keep the way that led here beside the message."""
        super().__init__(message)
        self.descent = descent


def meals(
    n: int,
    seed: int = 0,
    prices: tuple[float, float, float] = PRICES,
    largest: int = 5,
) -> tuple[Float[np.ndarray, "n 3"], Float[np.ndarray, "n"]]:
    """Meals and what the cashier asks for them (book ch. 2, "The Fast-Food Problem", figure 2-1).

    Args:
        n: meals, ≥ 1.
        seed: fixes the meals.
        prices: of one serving of burgers, fries and sodas.
        largest: most servings of one item in a meal, ≥ 1.

    Returns:
        (servings, cost): servings of burgers, fries and sodas, whole numbers in [0, largest]; and
        the price of each meal, in the unit of `prices`.

    Raises:
        UsageError: n or `largest` is below 1.
    """
    for name, value in (("n", n), ("largest", largest)):
        if value < 1:
            raise UsageError(f"{name} must be ≥ 1, got {value}")
    servings = np.random.default_rng(seed).integers(0, largest + 1, (n, 3)).astype(np.float64)
    return servings, servings @ np.array(prices)


def sigmoid(z: Float[np.ndarray, "*shape"]) -> Float[np.ndarray, "*shape"]:
    """The logistic function y = 1 / (1 + e^-z), without overflow (book figure 1-11)."""
    e = np.exp(-np.abs(z))
    return np.where(z < 0, e, 1.0) / (1 + e)


def squared_error(t: Float[np.ndarray, "*examples"], y: Float[np.ndarray, "*examples"]) -> float:
    """E = ½ Σ (t - y)² over all examples (book ch. 2, "The Fast-Food Problem")."""
    return 0.5 * float(np.sum((t - y) ** 2))


def largest_stable_rate(x: Float[np.ndarray, "examples inputs"]) -> float:
    """The learning rate above which the delta rule on these examples diverges.

    E is a quadratic bowl with curvature matrix Σ x xᵀ. A step multiplies the distance from the
    minimum by 1 - ελ along each axis of the bowl, so ε must stay below 2/λmax (book figure 2-4).

    Returns:
        2/λmax, with λmax the largest eigenvalue of Σ x xᵀ; infinity if all x are zero.
    """
    steepest = float(np.linalg.eigvalsh(x.T @ x)[-1])
    return 2 / steepest if steepest > 0 else math.inf


def minibatches(
    n: int, batch_size: int | None, rng: np.random.Generator
) -> Iterator[Int[np.ndarray, "batch"]]:
    """The examples' indices of one epoch, cut into minibatches.

    One switch between the three kinds of gradient descent (book ch. 2, "Stochastic and Minibatch
    Gradient Descent").

    Args:
        n: examples.
        batch_size: None for batch (all examples, in order), 1 for stochastic, more for minibatch
            gradient descent; the last minibatch may be smaller.
        rng: shuffles the examples, unless the batch is the whole set.

    Yields:
        the indices of each minibatch; together each index once.

    Raises:
        UsageError: `batch_size` is not in [1, n].
    """
    if batch_size is None:
        yield np.arange(n)
        return
    if not 1 <= batch_size <= n:
        raise UsageError(f"batch_size must be between 1 and the {n:,} examples, got {batch_size:,}")
    order = rng.permutation(n)
    for start in range(0, n, batch_size):
        yield order[start : start + batch_size]


def delta_rule(
    x: Float[np.ndarray, "examples inputs"],
    t: Float[np.ndarray, "examples"],
    *,
    learning_rate: float,
    epochs: int,
    batch_size: int | None = None,
    w0: Float[np.ndarray, "inputs"] | None = None,
    seed: int = 0,
    neuron: Literal["linear", "logistic"] = "linear",
) -> Descent:
    """Train one neuron by gradient descent on E.

    Linear, y = w·x: Δw_k = Σ ε x_k (t - y), the delta rule (book ch. 2, "The Delta Rule and
    Learning Rates"). Logistic, y = 1/(1 + e^-w·x): Δw_k = Σ ε x_k y(1 - y) (t - y) (book ch. 2,
    "Gradient Descent with Sigmoidal Neurons"); its error is bounded, so it cannot diverge.

    Args:
        x: inputs of the training examples.
        t: their targets; in [0, 1] for a logistic neuron.
        learning_rate: ε > 0; below `largest_stable_rate(x)` for a linear neuron and whole batches.
        epochs: passes over the examples, ≥ 1.
        batch_size: examples in an update: None for all, 1 for stochastic gradient descent.
        w0: weights to start from; zeros if None.
        seed: fixes the order of the examples.
        neuron: "linear" or "logistic".

    Returns:
        the weights and the error at the start and after each update.

    Raises:
        UsageError: a number is out of its range, or x and t differ in length.
        Diverged: the error grew to `GROWTH` times that of the start (or that of w = 0, if larger).
    """
    check_training(x, t, learning_rate, epochs)
    activation, slope = _NEURONS[neuron]
    w = np.zeros(x.shape[1]) if w0 is None else w0.astype(np.float64)
    rng = np.random.default_rng(seed)
    weights, errors = [w], [squared_error(t, activation(x @ w))]
    bound = GROWTH * max(errors[0], squared_error(t, np.zeros_like(t)))
    stable = math.inf
    for _ in range(epochs):
        for batch in minibatches(len(x), batch_size, rng):
            stable = min(stable, largest_stable_rate(x[batch]))
            with np.errstate(over="ignore", invalid="ignore"):  # what overflows has diverged
                y = activation(x[batch] @ w)
                w = w + learning_rate * x[batch].T @ ((t[batch] - y) * slope(y))
                weights.append(w)
                errors.append(squared_error(t, activation(x @ w)))
            if not errors[-1] <= bound:  # so that NaN counts too
                raise Diverged(
                    f"the error grew without bound, from {errors[0]:.4g} to {errors[-1]:.4g} in "
                    f"{len(errors) - 1:,} updates with learning rate {learning_rate:.4g}; the "
                    f"largest stable rate is 2/λmax = {stable:.4g} (λmax of Σ x xᵀ over the "
                    "examples of an update)",
                    Descent(np.array(weights), np.array(errors)),
                )
    return Descent(np.array(weights), np.array(errors))


def check_training(x: np.ndarray, t: np.ndarray, learning_rate: float, epochs: int) -> None:
    """Refuse what no gradient descent can work with (book ch. 2).

    Raises:
        UsageError: no examples, unequal lengths, numbers that are not finite, a learning rate that
            is not positive, or no epoch.
    """
    if len(x) == 0 or len(x) != len(t):
        raise UsageError(f"x and t must be of one length ≥ 1, got {len(x):,} and {len(t):,}")
    if not (np.isfinite(x).all() and np.isfinite(t).all()):
        raise UsageError("x and t must be finite, got NaN or infinity")
    if not 0 < learning_rate < math.inf:
        raise UsageError(f"learning_rate must be > 0, got {learning_rate}")
    if epochs < 1:
        raise UsageError(f"epochs must be ≥ 1, got {epochs}")


def _linear(z: np.ndarray) -> np.ndarray:
    return z


def _sigmoid_slope(y: np.ndarray) -> np.ndarray:
    return y * (1 - y)


_Elementwise = Callable[[np.ndarray], np.ndarray]
_NEURONS: dict[str, tuple[_Elementwise, _Elementwise]] = {
    "linear": (_linear, np.ones_like),
    "logistic": (sigmoid, _sigmoid_slope),
}
"""f(z), and dy/dz as a function of y."""
