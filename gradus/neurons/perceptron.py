"""The linear perceptron and its learning rule (book chapter 1; Rosenblatt 1958).

Symbols: θ = (θ0, θ1, ..., θd) parameters with the bias first, x an example's d features, t its
target, h(x, θ) the prediction; both are -1 or +1.
"""

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Real
from torch import Tensor, nn

from gradus.core.errors import RunError, UsageError
from gradus.neurons.neuron import Neuron
from gradus.nn.activation import threshold

EXAM_THETA = (-24.0, 3.0, 4.0)
"""θ of the book's exam predictor: hours of sleep, hours of study (book figures 1-4 and 1-8)."""


class NotSeparable(RunError):
    """The perceptron rule did not reach zero mistakes in the epochs it was given."""


@dataclass(frozen=True, eq=False)
class PerceptronFit:
    """What the perceptron rule found.

    Attributes:
        theta: θ, the bias first; every example is on its right side.
        epochs: passes over the examples.
        mistakes: mistakes in each epoch, one update each.
    """

    theta: Float[np.ndarray, "parameters"]
    epochs: int
    mistakes: tuple[int, ...]


def predict(
    theta: Float[np.ndarray, "parameters"], x: Real[np.ndarray, "examples features"]
) -> Float[np.ndarray, "examples"]:
    """h(x, θ) = -1 if θ0 + θ1 x1 + ... + θd xd < 0, else 1 (book ch. 1, before figure 1-4).

    Args:
        theta: θ, the bias first: one number more than there are features.
        x: the examples.

    Returns:
        -1.0 or 1.0 for each example.
    """
    return np.where(x @ theta[1:] + theta[0] < 0, -1.0, 1.0)


def perceptron_rule(
    x: Real[np.ndarray, "examples features"],
    t: Real[np.ndarray, "examples"],
    *,
    max_epochs: int = 1000,
    theta: Float[np.ndarray, "parameters"] | None = None,
    seed: int | None = None,
) -> PerceptronFit:
    """Learn θ: at each mistake θ ← θ + t·(1, x), until a whole pass makes none.

    On data that some line separates it ends (Novikoff 1962) after at most (R/γ)² mistakes, with R
    the largest length of (1, x) and γ the margin in that space; on other data it would never end.
    Source: Rosenblatt 1958, cited in book ch. 1.

    Args:
        x: the examples, finite.
        t: their targets, -1 or +1.
        max_epochs: give up after so many passes, ≥ 1.
        theta: θ to start from; zeros if None.
        seed: shuffle the examples anew before each pass; None keeps the given order.

    Returns:
        the separating θ, the epochs it took and the mistakes in each.

    Raises:
        UsageError: there is no example, a number is out of its range or lengths do not fit.
        NotSeparable: some examples are still wrong after `max_epochs`.
    """
    _check_examples(x, t)
    if max_epochs < 1:
        raise UsageError(f"max_epochs must be ≥ 1, got {max_epochs}")
    n, features = x.shape
    theta = np.zeros(features + 1) if theta is None else theta.astype(np.float64)
    if len(theta) != features + 1:
        raise UsageError(f"theta must hold {features + 1} numbers, bias first, got {len(theta)}")

    with_bias = np.column_stack([np.ones(n), x])
    rng = None if seed is None else np.random.default_rng(seed)
    mistakes: list[int] = []
    while len(mistakes) < max_epochs and (not mistakes or mistakes[-1]):
        order = np.arange(n) if rng is None else rng.permutation(n)
        mistakes.append(_one_pass(theta, with_bias[order], t[order]))

    wrong = int(np.sum(predict(theta, x) != t)) if mistakes[-1] else 0
    if wrong:
        raise NotSeparable(
            f"the perceptron did not converge after {len(mistakes):,} epochs: {wrong:,} of {n:,} "
            "examples still wrong; the data are not linearly separable, or too nearly so for "
            "max_epochs: raise it, or use a model with a hidden layer"
        )
    return PerceptronFit(theta, len(mistakes), tuple(mistakes))


def _one_pass(theta: np.ndarray, with_bias: np.ndarray, t: np.ndarray) -> int:
    """Update θ in place at each mistake; return their number."""
    mistakes = 0
    for x_i, t_i in zip(with_bias, t, strict=True):
        if (-1 if x_i @ theta < 0 else 1) != t_i:
            theta += t_i * x_i
            mistakes += 1
    return mistakes


def _check_examples(x: np.ndarray, t: np.ndarray) -> None:
    if len(x) == 0 or len(x) != len(t):
        raise UsageError(f"x and t must be of one length ≥ 1, got {len(x):,} and {len(t):,}")
    if not np.isfinite(x).all():
        raise UsageError("x must be finite, got NaN or infinity")
    strange = np.setdiff1d(t, (-1, 1))
    if strange.size:
        raise UsageError(f"t must hold only -1 and +1, got {strange[0]}")


def to_neuron(theta: Float[np.ndarray, "parameters"]) -> Neuron:
    """The neuron that equals the perceptron θ (book figure 1-8).

    Returns:
        a neuron with `weight` w = (θ1, ..., θd), `bias` b = θ0 and `f` = threshold, in θ's
        precision.
    """
    neuron = Neuron(len(theta) - 1, "threshold").to(torch.from_numpy(theta))
    with torch.no_grad():
        neuron.weight.copy_(torch.from_numpy(theta[1:]))
        neuron.bias.fill_(float(theta[0]))
    return neuron


class Perceptron(nn.Module):
    """The linear perceptron as a torch module; θ starts at zero (book ch. 1; Rosenblatt 1958).

    Attributes:
        output: the Linear that holds θ: `weight` (θ1, ..., θd), `bias` θ0.
    """

    def __init__(self, features: int) -> None:
        """Make a perceptron of `features` ≥ 1 inputs.

        Raises:
            UsageError: there is no input.
        """
        super().__init__()
        if features < 1:
            raise UsageError(f"features must be ≥ 1, got {features}")
        self.output = nn.Linear(features, 1)
        nn.init.zeros_(self.output.weight)
        nn.init.zeros_(self.output.bias)

    def forward(self, x: Float[Tensor, "batch features"]) -> Float[Tensor, "batch"]:
        """The logit z = θ0 + θ1 x1 + ... + θd xd of each example."""
        return self.output(x).squeeze(1)

    def predict(self, x: Float[Tensor, "batch features"]) -> Float[Tensor, "batch"]:
        """h(x, θ): -1.0 or 1.0 for each example."""
        return threshold(self(x))


def perceptron_loss(
    logit: Float[Tensor, "batch"], target: Float[Tensor, "batch"]
) -> Float[Tensor, ""]:
    """Mean over the batch of -t z where the prediction is wrong, 0 elsewhere.

    Its gradient at a mistake is -t·(1, x), at z = 0 too (a mistake if t = -1), so plain gradient
    descent with learning rate 1 and one example a step is the perceptron rule (Rosenblatt 1958).

    Args:
        logit: z, any numbers.
        target: t, -1.0 or 1.0.

    Returns:
        the loss, ≥ 0.
    """
    mistake = threshold(logit) != target
    return torch.where(mistake, -target * logit, 0.0).mean()


def exam_data(
    n: int = 60, seed: int = 0, margin: float = 0.5
) -> tuple[Float[np.ndarray, "n 2"], Float[np.ndarray, "n"]]:
    """The exam problem of book figure 1-4: who does better than the class average?

    Half of the students lie below the line 3·sleep + 4·study = 24, half on or above it.

    Args:
        n: students, ≥ 2.
        seed: fixes the students.
        margin: smallest distance of a student from the line, in hours, in [0, 3].

    Returns:
        (hours, t): hours of sleep and of study, each in [0, 10); t = -1 below average, +1 above.

    Raises:
        UsageError: n or the margin is out of its range.
    """
    if n < 2:
        raise UsageError(f"n must be ≥ 2, one student of each kind, got {n}")
    if not 0 <= margin <= 3:
        raise UsageError(f"margin must be between 0 and 3 hours, got {margin}")
    rng = np.random.default_rng(seed)
    bias, weights = EXAM_THETA[0], np.array(EXAM_THETA[1:])
    wanted = {-1.0: n // 2, 1.0: n - n // 2}
    hours: list[np.ndarray] = []
    t: list[float] = []
    while len(t) < n:
        student = rng.uniform(0, 10, size=2)
        distance = (student @ weights + bias) / np.linalg.norm(weights)
        side = -1.0 if distance < 0 else 1.0
        if abs(distance) >= margin and t.count(side) < wanted[side]:
            hours.append(student)
            t.append(side)
    return np.array(hours), np.array(t)
