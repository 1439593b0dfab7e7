"""Scaled conjugate gradients: conjugate directions without a line search (Møller 1993)."""

import math
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor
from torch.optim.optimizer import ParamsT

from gradus.core.errors import UsageError
from gradus.surface.flat import Closure, Loss, Objective, one_group, vanishes

TOO_FAR = -9.0  # Δ where E is not finite: makes the next step a tenth as long


class ScaledConjugateGradient(torch.optim.Optimizer):
    """Møller's scaled conjugate gradient method (SCG), which learns its step from the curvature.

    The step length along a direction p comes from the parabola through E: one more gradient gives
    the curvature δ = pᵀH p, and a scale λ, as in Levenberg and Marquardt's method, makes it
    positive and holds the step where the parabola can be trusted. With r_k = -∇E(w_k):

        s_k = (∇E(w_k + σ_k p_k) - ∇E(w_k)) / σ_k,    σ_k = σ / |p_k|         (step 2)
        δ_k = p_kᵀs_k + (λ_k - λ̄_k) |p_k|²                                    (step 3)
        if δ_k ≤ 0:  λ̄_k = 2 (λ_k - δ_k / |p_k|²),
                     δ_k ← -δ_k + λ_k |p_k|²,    λ_k ← λ̄_k                    (step 4)
        α_k = μ_k / δ_k,    μ_k = p_kᵀr_k                                     (step 5)
        Δ_k = 2 δ_k (E(w_k) - E(w_k + α_k p_k)) / μ_k²                        (step 6)

    Δ_k compares the decrease with the promised one. If Δ_k ≥ 0 the step is taken, w_{k+1} = w_k +
    α_k p_k, and the next direction is (step 7; r_{k+1} alone where k is a multiple of n)

        p_{k+1} = r_{k+1} + β_k p_k,    β_k = (|r_{k+1}|² - r_{k+1}ᵀr_k) / μ_k

    Then λ ← λ/4 where Δ_k ≥ ¾, and λ ← λ + δ_k (1 - Δ_k) / |p_k|² where Δ_k < ¼ (step 8).

    An iteration costs two evaluations, or one after a step that was not taken. It is made for the
    whole data set: between two calls of `step` the loss must stay the same function.

    Source: M. F. Møller, "A scaled conjugate gradient algorithm for fast supervised learning",
    *Neural Networks* 6 (1993) 525-533; cited in book ch. 4.
    """

    def __init__(
        self,
        params: ParamsT,
        max_iter: int = 20,
        tolerance_grad: float = 1e-7,
        sigma: float = 1e-4,
        lambda_: float = 1e-7,
    ) -> None:
        """Take the parameters.

        Args:
            params: floating-point parameters of one dtype on one device, in no groups.
            max_iter: iterations in one call of `step`, ≥ 1, those not taken included.
            tolerance_grad: stop where no element of the gradient is larger, ≥ 0.
            sigma: σ, the distance over which the curvature is measured, in (0, 1e-4].
            lambda_: λ_1, the first scale, in (0, 1e-6].

        Raises:
            UsageError: a number is out of its range, or the parameters cannot be one vector.
        """
        parameters = one_group(params)
        if max_iter < 1 or not tolerance_grad >= 0:
            raise UsageError(
                f"max_iter must be ≥ 1 and tolerance_grad ≥ 0, got {max_iter} and {tolerance_grad}"
            )
        if not 0 < sigma <= 1e-4 or not 0 < lambda_ <= 1e-6:
            raise UsageError(
                f"sigma must be in (0, 1e-4] and lambda_ in (0, 1e-6], got {sigma} and {lambda_}"
            )
        defaults = {
            "max_iter": max_iter,
            "tolerance_grad": tolerance_grad,
            "sigma": sigma,
            "lambda_": lambda_,
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
            if vanishes(objective.here.gradient, group["tolerance_grad"]):
                break
            if "p" not in state:
                state.update(p=-objective.here.gradient, taken=True)
                state.update({"lambda": group["lambda_"], "lambda_bar": 0.0})
            state["n_iter"] = state.get("n_iter", 0) + 1
            if not _iterate(objective, state, group["sigma"]):
                del state["p"]  # the next step starts again from -g
                break
        state["func_evals"] = state.get("func_evals", 0) + objective.evaluations
        return objective.first_loss


def _iterate(objective: Objective, state: dict[str, Any], sigma: float) -> bool:
    """One iteration of the algorithm; False if the step is too short to change w."""
    here, p = objective.here, state["p"]
    square = float(p @ p)
    if state["taken"]:
        state["delta"] = _curvature(objective, p, sigma / math.sqrt(square))
    delta = state["delta"] + (state["lambda"] - state["lambda_bar"]) * square
    if delta <= 0:
        lambda_bar = 2 * (state["lambda"] - delta / square)
        delta = -delta + state["lambda"] * square
        state["lambda"] = lambda_bar
    mu = -float(p @ here.gradient)
    there = objective.move(here.x + mu / delta * p)
    if torch.equal(there.x, here.x):
        return False
    if math.isfinite(there.value):
        comparison = 2 * delta * (here.value - there.value) / mu**2
    else:
        comparison = TOO_FAR
    state["delta"], state["taken"] = delta, comparison >= 0
    if state["taken"]:
        restart = state["n_iter"] % len(p) == 0
        beta = 0.0 if restart else float(there.gradient @ (there.gradient - here.gradient)) / mu
        state.update({"p": beta * p - there.gradient, "lambda_bar": 0.0})
        if comparison >= 0.75:
            state["lambda"] /= 4
    else:
        state["lambda_bar"] = state["lambda"]
        objective.back(here)
    if comparison < 0.25:
        state["lambda"] += delta * (1 - comparison) / square
    return True


def _curvature(objective: Objective, p: Float[Tensor, "n"], sigma: float) -> float:
    """δ = pᵀs, with s = H p measured as the change of the gradient over a short way along p."""
    here = objective.here
    there = objective.move(here.x + sigma * p)
    objective.back(here)
    return float(p @ (there.gradient - here.gradient)) / sigma
