"""What chapter 4 of the book has on error surfaces, beside what is right: see docs/errata.md."""

import math

import numpy as np
import pytest
import torch
from torch.nn.functional import cross_entropy

START, SOLUTION = np.array([3.0, -1.0, 0.5]), np.array([-1.0, 2.0, 0.0])


def text_mix(alpha):
    return alpha * SOLUTION + (1 - alpha) * START


def listing_mix(alpha):
    beta = 1 - alpha
    return SOLUTION * beta + START * alpha


def gradient(function, x):
    x = x.clone().requires_grad_()
    return torch.autograd.grad(function(x), x)[0]


def bowl(bends):
    """E = ½ Σ bᵢ xᵢ², and its Hessian."""
    bends = torch.tensor(bends, dtype=torch.float64)
    return lambda x: 0.5 * (bends * x**2).sum(), torch.diag(bends)


def angle(one, other):
    cosine = one @ other / (one.norm() * other.norm())
    return math.degrees(math.acos(max(-1.0, min(1.0, cosine.item()))))


# Wrong


def test_the_listings_alpha_is_one_minus_that_of_the_text():
    assert text_mix(1.0).tolist() == SOLUTION.tolist()
    assert listing_mix(1.0).tolist() == START.tolist()
    for alpha in np.arange(-2, 2, 0.01):
        assert listing_mix(alpha) == pytest.approx(text_mix(1 - alpha))
    # So what the listing draws from -2 to 2 is what the text calls 3 to -1.
    assert listing_mix(-2.0) == pytest.approx(text_mix(3.0))
    assert listing_mix(1.99) == pytest.approx(text_mix(-0.99))


def test_a_relu_on_the_mixed_output_makes_flats_that_are_not_the_surfaces():
    # One example of the first of three classes; along the line its logits pass below zero.
    solution, start = torch.tensor([[4.0, -2.0, -2.0]]), torch.tensor([[-3.0, -1.0, -2.0]])
    label = torch.tensor([0])

    def losses(alpha, rectified):
        alpha = torch.tensor(alpha, dtype=torch.float64, requires_grad=True)
        logits = alpha * solution.double() + (1 - alpha) * start.double()
        loss = cross_entropy(logits.relu() if rectified else logits, label)
        return loss.item(), torch.autograd.grad(loss, alpha)[0].item()

    for alpha in (0.0, 0.1, 0.2, 0.4):  # every logit is negative: a flat at log 3
        assert losses(alpha, rectified=True) == (pytest.approx(math.log(3)), 0)
        assert losses(alpha, rectified=False)[1] < -1
    assert losses(0.0, rectified=False)[0] > 2


# To be read with care


def test_a_step_of_epsilon_is_epsilon_times_the_gradient_long_and_leads_against_it():
    error, hessian = bowl([1.0, 9.0])
    x, rate = torch.tensor([3.0, 1.0], dtype=torch.float64), 0.05
    g = gradient(error, x)
    predicted = error(x) - rate * g @ g + 0.5 * rate**2 * g @ hessian @ g
    assert error(x - rate * g).item() == pytest.approx(predicted.item())  # the formula's step
    assert (rate * g).norm().item() == pytest.approx(rate * math.sqrt(90))
    assert error(x + rate * g / g.norm()) > error(x)  # ε units in the gradient's direction


def test_the_gradient_misses_a_minimum_by_less_than_90_degrees():
    turns = np.linspace(0, 2 * np.pi, 721)
    for ratio in (1.0, 10.0, 1000.0, 1e6):
        error, _ = bowl([1.0, ratio])
        places = [torch.tensor([np.cos(t) * ratio**0.5, np.sin(t)]) for t in turns]
        worst = max(angle(-gradient(error, x), -x) for x in places)
        exact = math.degrees(math.acos(2 * math.sqrt(ratio) / (1 + ratio)))
        assert worst == pytest.approx(exact, abs=0.1)
        assert worst < 90
    assert worst > 89.8


def test_the_gradient_changes_on_every_bowl_but_turns_on_long_ones_only():
    x = torch.tensor([3.0, 1.0], dtype=torch.float64)
    for bends, turns in (([2.0, 2.0], False), ([2.0, 18.0], True)):
        error, _ = bowl(bends)
        before = gradient(error, x)
        after = gradient(error, x - 0.05 * before)
        assert after.norm() < 0.95 * before.norm()
        assert (angle(before, after) > 1) == turns


def test_the_best_rate_needs_a_surface_that_curves_up():
    x = torch.tensor([1.0, 2.0], dtype=torch.float64)
    for bends in ([1.0, 9.0], [1.0, -2.0]):
        error, hessian = bowl(bends)
        g = gradient(error, x)
        rate = ((g @ g) / (g @ hessian @ g)).item()
        errors = [error(x - r * rate * g).item() for r in (0.9, 1.0, 1.1)]
        if bends[1] > 0:
            assert errors[1] == min(errors)
        else:
            assert rate < 0  # it would have one climb, to the highest place on the line
            assert errors[1] == max(errors) > error(x)


# Right


def test_the_second_order_formulas_are_right():
    torch.manual_seed(0)

    def error(x):
        return torch.sin(x[0] * x[1]) + (x**2).sum() + torch.exp(0.3 * x[2])

    x = torch.randn(3, dtype=torch.float64)
    g, hessian = gradient(error, x), torch.autograd.functional.hessian(error, x)
    misses = []
    for rate in (1e-2, 1e-3):
        predicted = error(x) - rate * g @ g + 0.5 * rate**2 * g @ hessian @ g
        misses.append(abs(error(x - rate * g) - predicted).item())
    assert misses[0] / misses[1] == pytest.approx(1000, rel=0.1)  # what is left is of third order

    d, h = torch.nn.functional.normalize(torch.randn(3, dtype=torch.float64), dim=0), 1e-4
    second = (error(x + h * d) - 2 * error(x) + error(x - h * d)) / h**2
    assert (d @ hessian @ d).item() == pytest.approx(second.item(), rel=1e-5)


def test_on_round_contours_the_gradient_points_at_the_minimum():
    error, _ = bowl([4.0, 4.0, 4.0])
    torch.manual_seed(0)
    for x in torch.randn(20, 3, dtype=torch.float64):
        assert angle(-gradient(error, x), -x) == pytest.approx(0, abs=1e-5)
