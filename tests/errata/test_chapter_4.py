"""What chapter 4 of the book has, beside what is right. The page is docs/errata.md."""

import math
from itertools import permutations, product

import numpy as np
import pytest
import torch

from gradus.nn.mlp import MLP
from gradus.surface.bfgs import bfgs_update
from gradus.surface.identifiability import permute_units


@pytest.fixture
def rng():
    return np.random.default_rng(4)


def relu(z):
    return np.maximum(z, 0)


# Wrong


def test_a_relu_unit_is_rescaled_by_a_positive_constant_only(rng):
    x, weights, bias, out = rng.normal(size=(50, 3)), rng.normal(size=3), 0.7, 1.3

    def unit(k, scale_bias=True):
        return relu(x @ (k * weights) + (k if scale_bias else 1) * bias) * out / k

    assert np.ptp(unit(1.0)) > 1
    for k in (0.1, 2.0, 1e6):
        assert unit(k) == pytest.approx(unit(1.0), rel=1e-9)
        assert abs(unit(k, scale_bias=False) - unit(1.0)).max() > 0.1  # weights alone: no
    for k in (-0.1, -2.0):
        assert abs(unit(k) - unit(1.0)).max() > 1  # nonzero is not enough
        z = x @ weights + bias
        assert unit(k) == pytest.approx(-relu(-z) * out)  # it answers to the other side


def test_a_third_to_the_power_of_d_is_no_probability(rng):
    # One dimension: minima and maxima take turns, so that half are minima; a point of inflection
    # without slope does not happen.
    x = np.linspace(0, 2 * np.pi, 20_001)
    minima = critical = flat = 0
    for _ in range(40):
        waves = rng.normal(size=(2, 8))
        k = np.arange(1, 9)[:, None]
        slope = (waves[0] * k.T) @ np.cos(k * x) - (waves[1] * k.T) @ np.sin(k * x)
        bend = -((waves[0] * k.T**2) @ np.sin(k * x)) - (waves[1] * k.T**2) @ np.cos(k * x)
        (turns,) = np.nonzero(np.sign(slope[0, 1:]) != np.sign(slope[0, :-1]))
        critical += len(turns)
        minima += (bend[0, turns] > 0).sum()
        flat += (abs(bend[0, turns]) < 1e-2).sum()
    assert critical > 300
    assert minima / critical == pytest.approx(1 / 2, abs=0.02)  # not 1/3
    assert flat == 0

    # More: a minimum along every axis may still be a saddle, so the axes do not decide.
    hessian = np.array([[1.0, 2.0], [2.0, 1.0]])
    assert hessian.diagonal().tolist() == [1, 1]
    assert np.linalg.eigvalsh(hessian) == pytest.approx([-1, 3])

    # And the curvatures depend on each other. Symmetric Gaussian matrices repel their eigenvalues:
    # in two dimensions both are positive with probability (2 - √2)/4, neither 1/9 nor 1/4.
    noise = rng.normal(size=(200_000, 2, 2))
    a, b, c = noise[:, 0, 0] * 2**0.5, noise[:, 1, 1] * 2**0.5, noise[:, 0, 1]
    both = (a > 0) & (a * b > c * c)
    assert both.mean() == pytest.approx((2 - 2**0.5) / 4, abs=0.004)


def test_the_momentum_walk_of_the_listing_appends_nothing():
    steps = [5.0]
    with pytest.raises(TypeError):
        steps.append()
    steps.append(0.9 * steps[-1] + (1 - 0.9) * 3)
    assert steps == [5.0, pytest.approx(4.8)]


def test_nesterovs_gradient_is_taken_at_theta_plus_m_v():
    curvature, m, rate = np.array([1.0, 9.0]), 0.9, 0.02

    def walk(look_ahead):
        theta, v = np.array([1.0, 1.0]), np.zeros(2)
        for _ in range(100):
            v = m * v - rate * curvature * (theta + look_ahead * v)
            theta = theta + v
        return theta, v

    point = torch.tensor([1.0, 1.0], dtype=torch.float64, requires_grad=True)
    optimiser = torch.optim.SGD([point], rate, m, nesterov=True)
    for _ in range(100):
        optimiser.zero_grad()
        (torch.tensor(curvature) * point**2 / 2).sum().backward()
        optimiser.step()
    (theta, v), (printed, printed_v) = walk(m), walk(1.0)
    assert point.detach().numpy() == pytest.approx(theta + m * v, abs=1e-12)
    assert abs(point.detach().numpy() - (printed + m * printed_v)).max() > 1e-4


def test_rmsprop_with_momentum_has_plain_momentum():
    curvature, rate, rho, m, delta = np.array([1.0, 9.0]), 0.01, 0.9, 0.8, 1e-10

    def walk(nesterov):
        theta, r, v = np.array([1.0, -1.0]), np.zeros(2), np.zeros(2)
        for _ in range(10):
            g = curvature * (theta + m * v if nesterov else theta)
            r = rho * r + (1 - rho) * g**2
            v = m * v - rate * g / (delta + np.sqrt(r))
            theta = theta + v
        return theta

    point = torch.tensor([1.0, -1.0], dtype=torch.float64, requires_grad=True)
    optimiser = torch.optim.RMSprop([point], rate, rho, delta, momentum=m)
    for _ in range(10):
        optimiser.zero_grad()
        (torch.tensor(curvature) * point**2 / 2).sum().backward()
        optimiser.step()
    assert point.detach().numpy() == pytest.approx(walk(nesterov=False), abs=1e-12)
    assert abs(point.detach().numpy() - walk(nesterov=True)).max() > 1e-3


def test_adagrad_divides_by_the_root_of_the_sum_and_not_of_the_mean():
    g, rate = 0.5, 0.1
    point = torch.tensor([0.0], dtype=torch.float64, requires_grad=True)
    optimiser = torch.optim.Adagrad([point], rate, eps=0)
    lengths = []
    for _ in range(100):
        before = point.item()
        point.grad = torch.full_like(point, g)
        optimiser.step()
        lengths.append(before - point.item())
    i = np.arange(1, 101)
    assert lengths == pytest.approx(rate / np.sqrt(i), rel=1e-9)  # ever shorter
    root_mean_square = np.sqrt(np.cumsum(np.full(100, g**2)) / i)
    assert rate * g / root_mean_square == pytest.approx(rate)  # would never get shorter


def test_a_flat_region_does_not_lower_adagrads_rate():
    def rates(gradients):
        return 1 / np.sqrt(1e-3 + np.cumsum(np.square(gradients)))

    steep_then_flat = np.r_[np.full(100, 1.0), np.full(1000, 1e-4)]
    rate = rates(steep_then_flat)
    assert rate[99] < 0.004 * 1e-3**-0.5  # the steep part has used it up
    assert rate[-1] == pytest.approx(rate[99], rel=1e-6)  # the flat part takes nothing


def test_adams_corrected_second_moment_comes_from_v():
    beta2, g, v = 0.999, 0.3, 0.0
    for i in range(1, 50):
        v = beta2 * v + (1 - beta2) * g * g
        assert v / (1 - beta2**i) == pytest.approx(g * g, rel=1e-9)  # unbiased at once
        # As printed, ṽ = ṽ / (1 - β2ⁱ), says ṽ·(1 - 1/(1 - β2ⁱ)) = 0: only ṽ = 0 fulfils it.
        assert 1 - 1 / (1 - beta2**i) != 0


# To be read with care


def test_it_is_one_minus_m_that_makes_the_steps_of_the_random_walk_small(rng):
    m, random = 0.9, rng.integers(-10, 11, size=200_000).astype(float)
    average, velocity = np.zeros_like(random), np.zeros_like(random)
    for i in range(1, len(random)):
        average[i] = m * average[i - 1] + (1 - m) * random[i]  # figure 4-8
        velocity[i] = m * velocity[i - 1] + random[i]  # the update rule of the text
    spread = random.std()
    assert average.std() / spread == pytest.approx(math.sqrt((1 - m) / (1 + m)), rel=0.03)  # 0.23
    assert velocity.std() / spread == pytest.approx(math.sqrt(1 / (1 - m**2)), rel=0.03)  # 2.3
    assert velocity == pytest.approx(average / (1 - m))  # as smooth, and ten times as long


def test_the_listing_smooths_other_random_steps_than_it_shows(rng):
    def listing(momentum):
        plain = [rng.integers(-10, 11) for _ in range(100)]
        smoothed = [rng.integers(-10, 11)]
        for _ in range(len(plain) - 1):
            drawn_again = rng.integers(-10, 11)
            smoothed.append(momentum * smoothed[-1] + (1 - momentum) * drawn_again)
        return plain, smoothed

    plain, smoothed = listing(momentum=0.0)  # should change nothing
    assert plain != smoothed


def test_momentum_steps_are_longer_and_yet_larger_rates_are_stable():
    curvature, m = 1.0, 0.9

    def end(rate, m):
        w, v = 1.0, 0.0
        for _ in range(2000):
            v = m * v - rate * curvature * w
            w = w + v
        return abs(w)

    assert end(1.9, 0.0) < 1e-6
    assert end(2.1, 0.0) > 1e6  # the bound 2/λ
    assert end(2 * (1 + m) - 0.1, m) < 1e-6
    assert end(2 * (1 + m) + 0.1, m) > 1e6  # the bound 2(1 + m)/λ


# Right


def test_n_units_in_l_layers_have_n_factorial_to_the_l_orders():
    torch.manual_seed(0)
    net = MLP((2, 3, 3, 2), "tanh").double()
    x = torch.randn(10, 2, dtype=torch.float64)
    seen = set()
    for one, other in product(permutations(range(3)), repeat=2):
        twin = permute_units(permute_units(net, 1, one), 2, other)
        assert torch.allclose(twin(x), net(x), rtol=0, atol=1e-12)
        seen.add(tuple(torch.cat([p.detach().reshape(-1) for p in twin.parameters()]).tolist()))
    assert len(seen) == math.factorial(3) ** 2


def test_newtons_method_goes_to_the_saddle():
    def saddle(w):
        return w[0] ** 2 / 2 - w[1] ** 2 / 2 + w[1] ** 4 / 4  # minima at (0, ±1)

    w = torch.tensor([0.5, 0.3], dtype=torch.float64)
    for _ in range(10):
        gradient = torch.autograd.functional.jacobian(saddle, w)
        w = w - torch.linalg.solve(torch.autograd.functional.hessian(saddle, w), gradient)
    assert w.tolist() == pytest.approx([0, 0], abs=1e-9)


def test_velocity_adds_up_along_and_cancels_across():
    m, rate = 0.9, 0.1
    along = across = 0.0
    for i in range(300):
        along = m * along - rate * 1.0
        across = m * across - rate * (-1.0) ** i
    assert along == pytest.approx(-rate / (1 - m))  # ten steps of gradient descent
    assert abs(across) == pytest.approx(rate / (1 + m))  # about half of one


def test_the_correction_of_adams_moments(rng):
    beta, i = 0.9, 7
    assert (1 - beta) * sum(beta ** (i - k) for k in range(1, i + 1)) == pytest.approx(1 - beta**i)
    g2, v = rng.normal(size=i) ** 2, 0.0
    for value in g2:
        v = beta * v + (1 - beta) * value
    weights = [beta ** (i - k) for k in range(1, i + 1)]
    assert v == pytest.approx((1 - beta) * np.dot(weights, g2))


def test_bfgs_arrives_at_the_inverse_hessian():
    hessian = torch.tensor([[3.0, 1.0], [1.0, 2.0]], dtype=torch.float64)
    inverse, w = torch.eye(2, dtype=torch.float64), torch.tensor([4.0, -7.0], dtype=torch.float64)
    for _ in range(2):
        g = hessian @ w
        d = -inverse @ g
        s = -(g @ d) / (d @ hessian @ d) * d  # an exact line search
        inverse, w = bfgs_update(inverse, s, hessian @ s), w + s
    assert (inverse @ hessian).numpy() == pytest.approx(np.eye(2), abs=1e-12)
    assert w.tolist() == pytest.approx([0, 0], abs=1e-12)
