"""What the tests of the second-order optimisers share."""

import numpy as np
import torch
from scipy.optimize import minimize


def closure_of(function, point, optimiser, calls=None):
    """A closure as torch.optim.LBFGS wants it; notes the loss of each call in `calls`."""

    def closure():
        optimiser.zero_grad()
        loss = function(point)
        loss.backward()
        if calls is not None:
            calls.append(loss.item())
        return loss

    return closure


def run(make, function, start, steps=1, dtype=torch.float64):
    """Let an optimiser go from `start`; returns the point, E there and the closure's calls."""
    point = torch.tensor(start, dtype=dtype, requires_grad=True)
    optimiser, calls = make([point]), []
    for _ in range(steps):
        optimiser.step(closure_of(function, point, optimiser, calls))
    return point.detach(), function(point).item(), len(calls)


def scipy_run(method, function, start, **options):
    """The same with SciPy."""
    calls = 0

    def value_and_gradient(x):
        nonlocal calls
        calls += 1
        point = torch.tensor(x, requires_grad=True)
        value = function(point)
        value.backward()
        return value.item(), point.grad.numpy()

    start = np.array(start, dtype=float)
    found = minimize(value_and_gradient, start, jac=True, method=method, options=options)
    return found.x, found.fun, calls
