"""torch's first-order optimisers are the book's update rules (chapter 4), or those of the papers.

Each rule is written out in NumPy and followed for 20 steps over one quadratic, beside torch.
"""

import numpy as np
import pytest
import torch

from gradus.core.errors import UsageError
from gradus.core.optim import make_optimizer
from gradus.core.rules import OPTIMISERS
from gradus.surface.functions import quadratic
from tests.surface.closures import closure_of

N, STEPS, RATE = 5, 20, 0.02
BOWL = quadratic(N, 30.0, seed=9)
START = np.linspace(-1, 1, N)


def gradient(theta):
    return BOWL.matrix.numpy() @ (theta - BOWL.minimum.numpy())


def sgd(theta, rate=RATE):
    for _ in range(STEPS):
        theta = theta - rate * gradient(theta)
        yield theta


def momentum(theta, m=0.9, rate=RATE):
    v = np.zeros(N)
    for _ in range(STEPS):
        v = m * v - rate * gradient(theta)
        theta = theta + v
        yield theta


def nesterov(theta, m=0.9, rate=RATE):
    """Sutskever et al. (2013), equations 3 and 4: the gradient is taken at θ + m·v.

    torch keeps the point that looks ahead, θ + m·v, instead of θ.
    """
    v = np.zeros(N)
    for _ in range(STEPS):
        v = m * v - rate * gradient(theta + m * v)
        theta = theta + v
        yield theta + m * v


def adagrad(theta, rate=RATE, delta=1e-10):
    r = np.zeros(N)
    for _ in range(STEPS):
        g = gradient(theta)
        r = r + g * g
        theta = theta - rate / (delta + np.sqrt(r)) * g
        yield theta


def rmsprop(theta, rho=0.9, m=0.0, rate=RATE, delta=1e-8):
    """The book's rule; with m, as in its TensorFlow, plain momentum on the scaled gradient."""
    r, v = np.zeros(N), np.zeros(N)
    for _ in range(STEPS):
        g = gradient(theta)
        r = rho * r + (1 - rho) * g * g
        v = m * v - rate / (delta + np.sqrt(r)) * g
        theta = theta + v
        yield theta


def adam(theta, beta1=0.9, beta2=0.999, rate=RATE, delta=1e-8, decay=0.0):
    """The book's rule; with decay, Loshchilov & Hutter (2019), algorithm 2, line 12."""
    m, v = np.zeros(N), np.zeros(N)
    for i in range(1, STEPS + 1):
        g = gradient(theta)
        m = beta1 * m + (1 - beta1) * g
        v = beta2 * v + (1 - beta2) * g * g
        m_tilde = m / (1 - beta1**i)
        v_tilde = v / (1 - beta2**i)
        theta = theta - rate / (delta + np.sqrt(v_tilde)) * m_tilde - rate * decay * theta
        yield theta


def adadelta(theta, rho=0.9, epsilon=1e-6, rate=RATE):
    """Zeiler (2012), algorithm 1; torch multiplies the update by its learning rate."""
    of_gradients, of_updates = np.zeros(N), np.zeros(N)
    for _ in range(STEPS):
        g = gradient(theta)
        of_gradients = rho * of_gradients + (1 - rho) * g**2
        update = -np.sqrt(of_updates + epsilon) / np.sqrt(of_gradients + epsilon) * g
        of_updates = rho * of_updates + (1 - rho) * update**2
        theta = theta + rate * update
        yield theta


def nadam(theta, beta1=0.9, beta2=0.999, rate=RATE, epsilon=1e-8, psi=0.004):
    """Dozat (2016), algorithm 2, with his schedule μ_t = β1 (1 - ½ · 0.96^(t·ψ))."""
    m, n = np.zeros(N), np.zeros(N)

    def mu(t):
        return beta1 * (1 - 0.5 * 0.96 ** (t * psi))

    for t in range(1, STEPS + 1):
        g = gradient(theta)
        so_far = np.prod([mu(s) for s in range(1, t + 1)])
        m = beta1 * m + (1 - beta1) * g
        n = beta2 * n + (1 - beta2) * g**2
        g_hat = g / (1 - so_far)
        m_hat = m / (1 - so_far * mu(t + 1))
        n_hat = n / (1 - beta2**t)
        m_bar = (1 - mu(t)) * g_hat + mu(t + 1) * m_hat
        theta = theta - rate * m_bar / (np.sqrt(n_hat) + epsilon)
        yield theta


RULES = {
    "sgd": sgd,
    "momentum": momentum,
    "nesterov": nesterov,
    "adagrad": adagrad,
    "rmsprop": rmsprop,
    "rmsprop-momentum": lambda theta: rmsprop(theta, m=0.9),
    "adadelta": adadelta,
    "adam": adam,
    "nadam": nadam,
    "adamw": lambda theta: adam(theta, decay=0.01),
}


@pytest.fixture
def _doubles():
    """NAdam keeps the product of its μ in torch's default dtype."""
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(torch.float32)


@pytest.mark.usefixtures("_doubles")
@pytest.mark.parametrize("name", RULES)
def test_20_steps_of_torch_are_20_steps_of_the_rule(name):
    point = torch.tensor(START, requires_grad=True)
    optimiser = make_optimizer(name, [point], RATE)
    for expected in RULES[name](START):
        optimiser.step(closure_of(BOWL, point, optimiser))
        assert point.detach().numpy() == pytest.approx(expected, rel=0, abs=1e-10)
    assert abs(point.detach().numpy() - START).max() > 1e-4


def test_no_two_rules_are_the_same():
    ends = {name: list(rule(START))[-1] for name, rule in RULES.items()}
    for name, end in ends.items():
        for other, its_end in ends.items():
            assert name == other or abs(end - its_end).max() > 1e-6, (name, other)


@pytest.mark.parametrize("name", OPTIMISERS)
def test_every_optimiser_lowers_the_loss_and_keeps_its_parameters_finite(name):
    point = torch.tensor(START, requires_grad=True)
    first = BOWL(point).item()
    optimiser = make_optimizer(name, iter([point]), RATE)
    for _ in range(STEPS):
        optimiser.step(closure_of(BOWL, point, optimiser))
    assert BOWL(point).item() < first


def test_the_four_that_search_are_there():
    searching = {"conjugate-gradient", "scaled-conjugate-gradient", "bfgs", "lbfgs"}
    assert set(OPTIMISERS) == set(RULES) | searching


def test_an_unknown_optimiser_is_named():
    with pytest.raises(UsageError, match=r"one of sgd, momentum, .*; got 'newton'"):
        make_optimizer("newton", [torch.zeros(1, requires_grad=True)], 0.1)
