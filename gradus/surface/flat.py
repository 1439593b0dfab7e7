"""The parameters of an optimiser as one flat vector x, and its closure as functions of x."""

import math
from collections.abc import Callable, Sequence
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor
from torch.optim.optimizer import ParamsT

from gradus.core.errors import RunError, UsageError
from gradus.surface.line_search import LineSearch

Loss = Tensor | float
Closure = Callable[[], Loss]
"""Sets the gradients to zero, computes the loss, calls its `backward`, and returns it."""


def one_group(parameters: ParamsT) -> list[Tensor]:
    """The parameters as a list that can become one vector.

    Args:
        parameters: floating-point tensors of one dtype on one device, at least one.

    Raises:
        UsageError: there is none, they come in groups, or their kinds differ.
    """
    given = list(parameters)
    tensors = [tensor for tensor in given if isinstance(tensor, Tensor)]
    if not tensors or len(tensors) < len(given):
        raise UsageError("this optimiser needs one list of at least one parameter, and no groups")
    kinds = {(tensor.dtype, tensor.device) for tensor in tensors}
    if len(kinds) > 1 or not tensors[0].is_floating_point():
        found = ", ".join(sorted(f"{dtype} on {device}" for dtype, device in kinds))
        raise UsageError(f"parameters must share one real dtype and one device, got {found}")
    return tensors


def flatten(tensors: Sequence[Tensor]) -> Float[Tensor, "n"]:
    """A new vector with the numbers of all tensors, in order."""
    return torch.cat([tensor.detach().reshape(-1) for tensor in tensors])


def unflatten(vector: Float[Tensor, "n"], tensors: Sequence[Tensor]) -> None:
    """Write a vector's numbers into the tensors, in order: the inverse of `flatten`."""
    sizes = [tensor.numel() for tensor in tensors]
    with torch.no_grad():
        for tensor, part in zip(tensors, vector.split(sizes), strict=True):
            tensor.copy_(part.view_as(tensor))


def vanishes(g: Float[Tensor, "n"], tolerance: float) -> bool:
    """Whether no element of a gradient is above the tolerance, or gᵀg is too small to be held."""
    return bool(g.abs().max() <= tolerance or g @ g == 0)


class Place(NamedTuple):
    """A point x, and what was found there: E(x) and g(x) = ∇E(x)."""

    x: Tensor
    value: float
    gradient: Tensor


class Objective:
    """A closure's loss E and gradient g = ∇E as functions of the flat vector x.

    Attributes:
        here: where the parameters are. A parameter that the loss does not reach has gradient 0.
        first_loss: what the closure returned first.
        evaluations: how often the closure was called.
    """

    here: Place

    def __init__(self, parameters: Sequence[Tensor], closure: Closure | None) -> None:
        """Take the parameters and the closure, and evaluate where the parameters are.

        Args:
            parameters: those that the optimiser moves.
            closure: see `Closure`.

        Raises:
            UsageError: there is no closure.
            RunError: the loss or its gradient is not finite.
        """
        if closure is None:
            raise UsageError(
                "step() needs a closure that zeroes the gradients, computes the loss, calls "
                "backward and returns the loss: optimizer.step(closure)"
            )
        self._parameters = parameters
        self._closure = torch.enable_grad()(closure)
        self.evaluations = 0
        self.first_loss = self._evaluate(flatten(parameters))
        if not (math.isfinite(self.here.value) and self.here.gradient.isfinite().all()):
            raise RunError(
                f"the loss before the step is {self.here.value}, or its gradient is not finite"
            )

    def move(self, x: Float[Tensor, "n"]) -> Place:
        """Put the parameters at x and evaluate there."""
        unflatten(x, self._parameters)
        self._evaluate(x)
        return self.here

    def back(self, place: Place) -> None:
        """Put the parameters where they have been before."""
        unflatten(place.x, self._parameters)
        self.here = place

    def search(
        self, line_search: Callable[..., LineSearch], d: Float[Tensor, "n"], alpha: float
    ) -> LineSearch:
        """Search from x along d, and end at the step length α that the search returns.

        Args:
            line_search: takes φ, φ(0), φ'(0) and the first α to try, for φ(α) = E(x + α·d) with
                the slope φ'(α) = dᵀg(x + α·d).
            d: a direction that leads down: dᵀg < 0.
            alpha: the first step length to try.

        Returns:
            What the line search found.
        """
        start = self.here

        def phi(alpha: float) -> tuple[float, float]:
            there = self.move(start.x + alpha * d)
            return there.value, float(d @ there.gradient)

        step = line_search(phi, start.value, float(d @ start.gradient), alpha)
        if not step.found:  # then the last point that it looked at need not be the best
            self.move(start.x + step.alpha * d)
        return step

    def _evaluate(self, x: Float[Tensor, "n"]) -> Loss:
        loss = self._closure()
        gradients = [torch.zeros_like(p) if p.grad is None else p.grad for p in self._parameters]
        self.here = Place(x, float(loss), flatten(gradients))
        self.evaluations += 1
        return loss
