"""The second-order methods against torch's and SciPy's: evaluations and final error, in one run.

    python benchmarks/optimisers.py

Every method starts at the same point in float64 and stops where no element of the gradient is above
1e-7. An evaluation is one call for the loss and its gradient; the error is the largest distance of
a parameter from the known minimum. Writes benchmarks/results/optimisers.json and prints it as a
table. The quadratics have 50 parameters and curvatures from 1 to κ. Nothing is timed, and nothing
is random but the seeded quadratics: the numbers are those of the methods, not of the machine.

What they show: without its first scaling BFGS is as good as SciPy's where the curvatures begin at
1, and that is what the scaling gives up for not depending on the units of the loss. And torch's
L-BFGS learns nothing from a step with sᵀy ≤ 1e-10, so that it crawls near the minimum; with the
loss multiplied it does not.
"""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import scipy
import torch
from scipy.optimize import minimize
from torch import Tensor

from gradus.surface.bfgs import BFGS
from gradus.surface.conjugate_gradient import ConjugateGradient
from gradus.surface.functions import LANDSCAPES, quadratic
from gradus.surface.scaled_conjugate_gradient import ScaledConjugateGradient

RESULTS = Path(__file__).parent / "results" / "optimisers.json"
TOLERANCE, MOST = 1e-7, 20_000

Function = Callable[[Tensor], Tensor]
Method = Callable[[Function, list[float]], tuple[np.ndarray, int]]


def main() -> None:
    """Run every method on every function, write the results and print them."""
    results = {
        method: {
            name: measure(run, function, start, minimum)
            for name, (function, start, minimum) in functions().items()
        }
        for method, run in METHODS.items()
    }
    document = {
        "tolerance_grad": TOLERANCE,
        "torch": torch.__version__,
        "scipy": scipy.__version__,
        "results": results,
    }
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps(document, indent=2, ensure_ascii=False) + "\n")
    print(table(results))


def functions() -> dict[str, tuple[Function, list[float], np.ndarray]]:
    """Name -> function, start and minimum."""
    cases: dict[str, tuple[Function, list[float], np.ndarray]] = {
        name: (LANDSCAPES[name], list(LANDSCAPES[name].start), np.array(LANDSCAPES[name].minima[0]))
        for name in ("rosenbrock", "beale")
    }
    for condition in (100, 1_000, 10_000):
        bowl = quadratic(50, condition, seed=0)
        cases[f"quadratic κ={condition:,}"] = (bowl, [0.0] * 50, bowl.minimum.numpy())
    return cases


def measure(run: Method, function: Function, start: list[float], minimum: np.ndarray) -> dict:
    """How many evaluations a method makes, and how far from the minimum it ends."""
    x, evaluations = run(function, start)
    return {"evaluations": evaluations, "error": float(f"{np.abs(x - minimum).max():.3g}")}


def with_torch(make: Callable[[list[Tensor]], torch.optim.Optimizer], unit: float = 1.0) -> Method:
    """A torch optimiser as a method; the loss it sees is multiplied by `unit`."""

    def run(function: Function, start: list[float]) -> tuple[np.ndarray, int]:
        x = torch.tensor(start, dtype=torch.float64, requires_grad=True)
        optimiser, evaluations = make([x]), 0

        def closure() -> float:
            nonlocal evaluations
            evaluations += 1
            optimiser.zero_grad()
            loss = unit * function(x)
            loss.backward()
            return loss.item()

        optimiser.step(closure)
        return x.detach().numpy(), evaluations

    return run


def with_scipy(method: str, **options: Any) -> Method:
    """A method of scipy.optimize.minimize."""

    def run(function: Function, start: list[float]) -> tuple[np.ndarray, int]:
        evaluations = 0

        def value_and_gradient(x: np.ndarray) -> tuple[float, np.ndarray]:
            nonlocal evaluations
            evaluations += 1
            point = torch.tensor(x, requires_grad=True)
            loss = function(point)
            loss.backward()
            return loss.item(), point.grad.numpy()  # type: ignore[union-attr]

        settings = {"gtol": TOLERANCE, "maxiter": MOST, **options}
        found = minimize(
            value_and_gradient, np.array(start), jac=True, method=method, options=settings
        )
        return found.x, evaluations

    return run


def ours(method: Any, **settings: Any) -> Method:
    """One of this package's methods."""
    return with_torch(
        lambda params: method(params, max_iter=MOST, tolerance_grad=TOLERANCE, **settings)
    )


def lbfgs(unit: float = 1.0) -> Method:
    """L-BFGS of torch on the loss times `unit`."""
    return with_torch(
        lambda params: torch.optim.LBFGS(
            params,
            max_iter=MOST,
            max_eval=MOST,
            tolerance_grad=TOLERANCE * unit,
            tolerance_change=0,
            history_size=10,
            line_search_fn="strong_wolfe",
        ),
        unit,
    )


METHODS: dict[str, Method] = {
    "CG, gradus": ours(ConjugateGradient),
    "CG, SciPy": with_scipy("CG"),
    "SCG, gradus": ours(ScaledConjugateGradient),
    "BFGS, gradus": ours(BFGS),
    "BFGS, gradus, scale=False": ours(BFGS, scale=False),
    "BFGS, SciPy": with_scipy("BFGS"),
    "L-BFGS, torch": lbfgs(),
    "L-BFGS, torch, loss × 1e6": lbfgs(1e6),
    "L-BFGS-B, SciPy": with_scipy("L-BFGS-B", ftol=0, maxcor=10, maxfun=MOST),
}


def table(results: dict[str, dict[str, dict[str, Any]]]) -> str:
    """The results as text: evaluations and error of each method on each function."""
    names = list(next(iter(results.values())))
    lines = [f"{'evaluations, error':<27}" + "".join(f"{name:>20}" for name in names)]
    for method, cells in results.items():
        numbers = "".join(
            f"{cells[name]['evaluations']:>13,} {cells[name]['error']:>6.0e}" for name in names
        )
        lines.append(f"{method:<27}{numbers}")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
