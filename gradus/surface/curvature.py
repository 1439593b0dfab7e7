"""The error surface around one point: gradient g, Hessian H by its products, and a step along −g.

Second-order Taylor expansion (book ch. 4, "When the Gradient Points in the Wrong Direction"):

    E(x − εg) ≈ E(x) − ε gᵀg + ½ε² gᵀHg

H itself is never formed: each product Hv costs about two gradients (Pearlmutter 1994, "Fast Exact
Multiplication by the Hessian").
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from gradus.core.batches import DataSet
from gradus.core.errors import UsageError
from gradus.core.task import Task
from gradus.surface.evaluation import evaluating, trainable

Product = Callable[[Float[Tensor, "n"]], Float[Tensor, "n"]]


@dataclass(frozen=True)
class Expansion:
    """The surface around a point x, to second order.

    Attributes:
        value: E(x).
        gradient: g = ∇E(x).
        product: v -> Hv, the Hessian's product with a vector.
    """

    value: float
    gradient: Float[Tensor, "n"]
    product: Product

    @property
    def gradient_norm(self) -> float:
        """‖g‖."""
        return float(self.gradient.double().norm())


def expand(function: Callable[[Tensor], Tensor], point: Float[Tensor, "n"]) -> Expansion:
    """The surface of a function around a point.

    Args:
        function: E, from a vector to a single number, twice differentiable.
        point: x.
    """
    x = point.detach().clone().requires_grad_()
    with torch.enable_grad():
        value = function(x)
    gradient = _gradient(value, [x])

    @torch.enable_grad()
    def product(v: Tensor) -> Tensor:
        return _hessian_product(function(x), [x], v)

    return Expansion(float(value.detach()), gradient, product)


def expand_task(task: Task, batches: DataSet) -> Expansion:
    """The surface of a task's mean loss around the parameters that its model has.

    The model works in evaluation mode: E is the loss that `gradus.core.task.evaluate` gives. The
    products are those of these parameters only as long as the model keeps them.

    Args:
        task: any task whose loss is twice differentiable.
        batches: the examples; E is the mean over all of them.
    """
    parameters = trainable(task.model)

    def mean(measure: Callable[[Tensor], Tensor]) -> Tensor:
        total = torch.zeros((), device=parameters[0].device)
        with evaluating(task.model), torch.enable_grad():
            for batch, _ in batches.epoch(0):
                loss, _ = task.loss(task.model, batch)
                total = total + len(batch[0]) / batches.examples * measure(loss)
        return total

    return Expansion(
        float(mean(torch.detach)),
        mean(lambda loss: _gradient(loss, parameters)),
        lambda v: mean(lambda loss: _hessian_product(loss, parameters, v)),
    )


def curvature_along(expansion: Expansion, direction: Float[Tensor, "n"]) -> float:
    """The second derivative dᵀHd of E along d, the direction taken as a unit vector.

    Raises:
        UsageError: the direction has no length, or not the surface's number of dimensions.
    """
    if direction.shape != expansion.gradient.shape:
        raise UsageError(
            f"direction must have {len(expansion.gradient):,} numbers, got {len(direction):,}"
        )
    length = direction.norm()
    if not length > 0:
        raise UsageError("direction must not be zero")
    d = direction / length
    return float(d.double() @ expansion.product(d).double())


@dataclass(frozen=True)
class Step:
    """What a step of −εg does, to second order.

    Attributes:
        value: E(x), before the step.
        slope: gᵀg, what the step gains at first for each unit of ε.
        bend: gᵀHg, the surface's curvature along g times gᵀg.
    """

    value: float
    slope: float
    bend: float

    def predict(self, rates: Float[np.ndarray, "k"]) -> Float[np.ndarray, "k"]:
        """E(x − εg) ≈ E − ε gᵀg + ½ε² gᵀHg for each rate ε (a step is ε‖g‖ long)."""
        return self.value - rates * self.slope + 0.5 * rates**2 * self.bend

    @property
    def best(self) -> float:
        """The rate whose step ends lowest: ε* = gᵀg / gᵀHg.

        It is infinite where the surface does not curve up along g (gᵀHg ≤ 0), for there it falls
        ever further to second order; and NaN where g = 0, for there is no step.
        """
        if self.slope == 0:
            return float("nan")
        return self.slope / self.bend if self.bend > 0 else float("inf")


def gradient_step(expansion: Expansion) -> Step:
    """What a step against the gradient does, at the price of one Hessian-vector product."""
    g = expansion.gradient
    image = expansion.product(g)
    return Step(expansion.value, float(g.double() @ g.double()), float(g.double() @ image.double()))


def _gradient(value: Tensor, parameters: Sequence[Tensor], graph: bool = False) -> Tensor:
    """The gradient of a number, as one vector; 0 where it does not depend on a parameter."""
    if not value.requires_grad:
        return torch.cat([torch.zeros_like(p).reshape(-1) for p in parameters])
    parts = torch.autograd.grad(value, parameters, create_graph=graph, materialize_grads=True)
    return torch.cat([part.reshape(-1) for part in parts])


def _hessian_product(value: Tensor, parameters: Sequence[Tensor], v: Tensor) -> Tensor:
    """Hv = ∇(gᵀv), by going back twice: quicker here than forward over backward."""
    return _gradient(_gradient(value, parameters, graph=True) @ v, parameters)
