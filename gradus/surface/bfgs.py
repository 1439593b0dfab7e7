"""BFGS: a quasi-Newton method that keeps the whole approximate inverse Hessian."""

import math
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor
from torch.optim.optimizer import ParamsT

from gradus.core.errors import UsageError
from gradus.surface.flat import Closure, Loss, Objective, Place, one_group, vanishes
from gradus.surface.line_search import strong_wolfe

MOST = 10_000  # parameters: H takes 400 MB in float32, and an update several times as much


class BFGS(torch.optim.Optimizer):
    """Broyden, Fletcher, Goldfarb and Shanno's method with a strong Wolfe line search.

    With g_k = ∇E(x_k) and H_k, an n × n matrix that approximates the inverse of the Hessian:

        x_{k+1} = x_k + α_k d_k,    d_k = -H_k g_k,    α_k from the line search
        s_k = x_{k+1} - x_k,        y_k = g_{k+1} - g_k
        H_{k+1} = bfgs_update(H_k, s_k, y_k)                                (equation 6.17)

    H_0 is the identity. Before the first update it is scaled to (sᵀy / yᵀy)·I, which has the size
    of the inverse Hessian (equation 6.20), so that the units of E do not matter. A pair without
    positive curvature, sᵀy > 0, would make H indefinite and is left out. Where d does not lead
    down or the line search finds no step, H starts again from the identity.

    It is made for the whole data set: between two calls of `step` the loss must stay the same
    function, which it does not over minibatches. H takes n² numbers for n parameters; for many
    parameters use `torch.optim.LBFGS(params, line_search_fn="strong_wolfe")`.

    Source: book ch. 4, "A Brief View of Second-Order Methods"; Nocedal & Wright, *Numerical
    Optimization*, 2nd edition (2006), algorithm 6.1.
    """

    def __init__(
        self,
        params: ParamsT,
        lr: float = 1.0,
        max_iter: int = 20,
        tolerance_grad: float = 1e-7,
        scale: bool = True,
    ) -> None:
        """Take the parameters.

        Args:
            params: floating-point parameters of one dtype on one device, in no groups, at most
                `MOST` numbers.
            lr: how far the very first trial step goes, > 0, in units of the parameters. The line
                search corrects it.
            max_iter: iterations in one call of `step`, ≥ 1.
            tolerance_grad: stop where no element of g is larger, ≥ 0.
            scale: scale H_0 as above. Without it the identity stays, as in SciPy; that is faster
                where curvatures of about 1 and more are spread widely, and slower elsewhere.

        Raises:
            UsageError: a number is out of its range, or the parameters cannot be one vector.
        """
        parameters = one_group(params)
        n = sum(parameter.numel() for parameter in parameters)
        if n > MOST:
            raise UsageError(
                f"BFGS keeps n² numbers and takes at most n = {MOST:,} parameters, got {n:,}: "
                "use L-BFGS"
            )
        if not lr > 0 or max_iter < 1 or not tolerance_grad >= 0:
            raise UsageError(
                "lr must be > 0, max_iter ≥ 1 and tolerance_grad ≥ 0, "
                f"got {lr}, {max_iter} and {tolerance_grad}"
            )
        defaults = {
            "lr": lr,
            "max_iter": max_iter,
            "tolerance_grad": tolerance_grad,
            "scale": scale,
        }
        super().__init__(parameters, defaults)

    @torch.no_grad()
    def step(self, closure: Closure | None = None) -> Loss:  # type: ignore[override]
        """Do up to `max_iter` iterations; fewer where E has a minimum.

        Args:
            closure: sets the gradients to zero, computes the loss, calls `backward`, returns it.

        Returns:
            The loss before the step.

        Raises:
            UsageError: there is no closure.
            RunError: the loss or its gradient is not finite.
        """
        (group,) = self.param_groups
        state = self.state[group["params"][0]]
        objective = Objective(group["params"], closure)
        for _ in range(group["max_iter"]):
            x, value, g = objective.here
            if vanishes(g, group["tolerance_grad"]):
                break
            d = _direction(g, state)
            alpha = _first_alpha(d, objective.here, state, group["lr"])
            step = objective.search(strong_wolfe, d, alpha)
            state["n_iter"] = state.get("n_iter", 0) + 1
            if step.found:
                s, y = objective.here.x - x, objective.here.gradient - g
                _learn(state, s, y, group["scale"])
                state["decrease"] = value - objective.here.value
            elif state.pop("H", None) is None and step.alpha == 0:
                break  # nothing is lower along -g: this is as far as the arithmetic goes
        state["func_evals"] = state.get("func_evals", 0) + objective.evaluations
        return objective.first_loss


def _direction(g: Float[Tensor, "n"], state: dict[str, Any]) -> Float[Tensor, "n"]:
    """The direction -H g, or -g if that does not lead down."""
    if "H" in state:
        d = -(state["H"] @ g)
        if d @ g < 0:
            return d
        del state["H"]
    return -g


def _first_alpha(d: Float[Tensor, "n"], here: Place, state: dict[str, Any], lr: float) -> float:
    """The first step length to try: 1, or less if that promises more than the last decrease.

    A parabola that falls as far as E did last has its minimum at 2·decrease / -φ'(0); 1.01 lets
    α = 1, Newton's step, win in the end (equation 3.60).
    """
    if "H" not in state:
        return lr / float(here.gradient.norm())
    promised = 1.01 * 2 * state["decrease"] / -float(d @ here.gradient)
    return min(1.0, promised) if promised > 0 else 1.0


def _learn(
    state: dict[str, Any], s: Float[Tensor, "n"], y: Float[Tensor, "n"], scale: bool
) -> None:
    """Take a step s and the change y of the gradient into H, if they show positive curvature."""
    curvature = float(s @ y)
    if not curvature > torch.finfo(s.dtype).eps * math.sqrt(float(s @ s) * float(y @ y)):
        return
    if "H" not in state:
        size = curvature / float(y @ y) if scale else 1.0
        state["H"] = size * torch.eye(len(s), dtype=s.dtype, device=s.device)
    bfgs_update(state["H"], s, y, out=state["H"])


def bfgs_update(
    H: Float[Tensor, "n n"],
    s: Float[Tensor, "n"],
    y: Float[Tensor, "n"],
    out: Float[Tensor, "n n"] | None = None,
) -> Float[Tensor, "n n"]:
    """The BFGS update of an approximate inverse Hessian.

        H⁺ = (I - ρ s yᵀ) H (I - ρ y sᵀ) + ρ s sᵀ,    ρ = 1 / yᵀs

    The result is symmetric, fulfils the secant equation H⁺ y = s, and is positive definite if H
    is and sᵀy > 0.

    Args:
        H: the approximation so far, symmetric.
        s: the step x_{k+1} - x_k.
        y: the change of the gradient over that step.
        out: where to put the result, such as H itself; by default a new matrix.

    Returns:
        H⁺, symmetric to rounding.

    Source: Nocedal & Wright (2006), equation 6.17, multiplied out: n² operations, not n³. With
    u = ρ (½ (1 + ρ yᵀH y) s - H y) it is H⁺ = H + s uᵀ + u sᵀ, one pass over the matrix.
    """
    rho = 1 / (y @ s)
    Hy = H @ y
    u = rho * ((1 + rho * (y @ Hy)) / 2 * s - Hy)
    return torch.addmm(H, torch.stack([s, u], dim=1), torch.stack([u, s]), out=out)
