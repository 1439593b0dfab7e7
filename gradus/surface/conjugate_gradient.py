"""Non-linear conjugate gradients: Polak and Ribière's formula, restarts, a line search."""

import math
from functools import partial
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor
from torch.optim.optimizer import ParamsT

from gradus.core.errors import UsageError
from gradus.surface.flat import Closure, Loss, Objective, one_group, vanishes
from gradus.surface.line_search import exact, strong_wolfe

LINE_SEARCHES = ("strong_wolfe", "exact")
POWELL = 0.1  # ν of equation 5.52


class ConjugateGradient(torch.optim.Optimizer):
    """Conjugate gradient descent for functions that need not be quadratic (PR+).

    With g_k = ∇E(x_k), each iteration goes along a direction d_k that keeps what the last one won:

        d_0 = -g_0,    d_{k+1} = -g_{k+1} + β_{k+1} d_k
        β_{k+1} = max(0, g_{k+1}ᵀ(g_{k+1} - g_k) / g_kᵀg_k)          (equations 5.44, 5.45)
        x_{k+1} = x_k + α_k d_k,  α_k from a line search

    and starts again from -g after `restart_every` iterations, when two gradients that follow each
    other are far from orthogonal, |g_{k+1}ᵀg_k| ≥ 0.1·|g_{k+1}|² (Powell, equation 5.52), when d
    would not lead down, and when the line search finds no step.

    It is made for the whole data set: between two calls of `step` the loss must stay the same
    function, which it does not over minibatches.

    Source: book ch. 4, "A Brief View of Second-Order Methods"; Nocedal & Wright, *Numerical
    Optimization*, 2nd edition (2006), section 5.2; Polak & Ribière (1969).
    """

    def __init__(
        self,
        params: ParamsT,
        lr: float = 1.0,
        max_iter: int = 20,
        tolerance_grad: float = 1e-7,
        restart_every: int | None = None,
        line_search: str = "strong_wolfe",
        c2: float = 0.1,
    ) -> None:
        """Take the parameters.

        Args:
            params: floating-point parameters of one dtype on one device, in no groups.
            lr: how far the very first trial step goes, > 0, in units of the parameters. The line
                search corrects it.
            max_iter: iterations in one call of `step`, ≥ 1.
            tolerance_grad: stop where no element of g is larger, ≥ 0.
            restart_every: iterations between two restarts, ≥ 1; by default the number of
                parameters.
            line_search: "strong_wolfe", or "exact" if E is quadratic.
            c2: share of the slope that the strong Wolfe search may leave, in (1e-4, ½).

        Raises:
            UsageError: a number is out of its range, or the parameters cannot be one vector.
        """
        parameters = one_group(params)
        if not lr > 0 or max_iter < 1 or not tolerance_grad >= 0:
            raise UsageError(
                "lr must be > 0, max_iter ≥ 1 and tolerance_grad ≥ 0, "
                f"got {lr}, {max_iter} and {tolerance_grad}"
            )
        if restart_every is None:
            restart_every = sum(parameter.numel() for parameter in parameters)
        if restart_every < 1:
            raise UsageError(f"restart_every must be ≥ 1, got {restart_every}")
        if line_search not in LINE_SEARCHES:
            raise UsageError(
                f"line_search must be one of {', '.join(LINE_SEARCHES)}, got {line_search!r}"
            )
        if not 1e-4 < c2 < 0.5:
            raise UsageError(f"c2 must be between 1e-4 and ½, got {c2}")
        defaults = {
            "lr": lr,
            "max_iter": max_iter,
            "tolerance_grad": tolerance_grad,
            "restart_every": restart_every,
            "line_search": line_search,
            "c2": c2,
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
            g = objective.here.gradient
            if vanishes(g, group["tolerance_grad"]):
                break
            d = _direction(g, state, group["restart_every"])
            slope = float(d @ g)
            step = objective.search(_line_search(group), d, _first_alpha(slope, state, group["lr"]))
            state["n_iter"] = state.get("n_iter", 0) + 1
            if step.found:
                state.update(d=d, g=g, alpha=step.alpha, slope=slope)
            elif not _restart(state) and step.alpha == 0:
                break  # nothing is lower along -g: this is as far as the arithmetic goes
        state["func_evals"] = state.get("func_evals", 0) + objective.evaluations
        return objective.first_loss


def _direction(
    g: Float[Tensor, "n"], state: dict[str, Any], restart_every: int
) -> Float[Tensor, "n"]:
    """The next direction: conjugate to the last one, or -g at a restart."""
    if "d" in state:
        before = state["g"]
        beta = max(0.0, float(g @ (g - before) / (before @ before)))
        d = -g + beta * state["d"]
        orthogonal = abs(g @ before) < POWELL * (g @ g)
        if orthogonal and d @ g < 0 and state["since_restart"] < restart_every:
            state["since_restart"] += 1
            return d
    state["since_restart"] = 1
    return -g


def _restart(state: dict[str, Any]) -> bool:
    """Forget the last direction; False if there is none."""
    return state.pop("d", None) is not None


def _first_alpha(slope: float, state: dict[str, Any], lr: float) -> float:
    """The first step length to try: one that promises the same decrease as the last (page 59)."""
    if "alpha" in state:
        return state["alpha"] * state["slope"] / slope
    return lr / math.sqrt(-slope)  # d = -g, so that this is a distance of lr


def _line_search(group: dict[str, Any]) -> Any:
    return exact if group["line_search"] == "exact" else partial(strong_wolfe, c2=group["c2"])
