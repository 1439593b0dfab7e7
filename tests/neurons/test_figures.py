import functools
import re

import numpy as np
import pytest
import torch

from gradus.neurons import figures_descent, figures_flat, figures_neurons, figures_overfitting
from gradus.neurons.delta_rule import delta_rule, largest_stable_rate
from gradus.neurons.figures import FIGURES
from gradus.neurons.perceptron import exam_data
from tests.figures import assert_readable

# Those that need no trained net.
NAMES = [f"1-{i}" for i in (4, 9, 11, 12, 13)]
NAMES += [f"2-{i}" for i in (2, 3, 4, 6, 7, 8, 9, 16)]


@functools.cache
def drawn(name):
    return FIGURES[name]()


def heading(name):
    return drawn(name).texts[0].get_text().replace("\n", " ")


def numbers(name):
    words = heading(name).replace("−", "-")
    return [float(n.replace(",", "")) for n in re.findall(r"-?\d[\d,]*\.?\d*", words)]


def curve(name, label, panel=0):
    (line,) = [x for x in drawn(name).axes[panel].get_lines() if x.get_label().startswith(label)]
    return np.asarray(line.get_xdata(), float), np.asarray(line.get_ydata(), float)


@pytest.mark.parametrize("name", NAMES)
def test_it_is_readable(name):
    assert_readable(drawn(name))


@pytest.mark.parametrize("name", NAMES)
def test_axes_are_named(name):
    panels = [ax for ax in drawn(name).axes if ax.axison]
    assert all(ax.get_xlabel() for ax in panels)
    assert not panels or panels[0].get_ylabel()


def test_1_4_both_lines_separate_the_students():
    hours, t = exam_data(60, 0)
    for label in ("the book's", "θ of the"):
        x, y = curve("1-4", label)
        on_line = np.interp(hours[:, 0], x, y)
        np.testing.assert_array_equal(np.where(hours[:, 1] < on_line, -1, 1), t)
    assert numbers("1-4")[-1] == 60


def test_1_9_counts_parameters():
    assert heading("1-9") == "The network 3-3-3 has 24 parameters"


@pytest.mark.parametrize(
    ("name", "f"), [("1-11", torch.sigmoid), ("1-12", torch.tanh), ("1-13", torch.relu)]
)
def test_responses_and_slopes_equal_torch_and_autograd(name, f):
    z, y = curve(name, "output")
    inputs = torch.tensor(z, requires_grad=True)
    f(inputs).sum().backward()
    np.testing.assert_allclose(y, f(inputs).detach(), atol=1e-12)
    np.testing.assert_allclose(curve(name, "slope")[1], inputs.grad, atol=1e-12)


def test_responses_say_what_the_formulas_give():
    assert numbers("1-11") == [0.25, 0.01, 4.6]  # y(1 - y) = 0.01 at z = ln 98.99 = 4.595
    assert numbers("1-12") == [4]
    assert heading("1-13").startswith("A ReLU's slope is 1 for every z > 0")
    assert heading("1-13").endswith("0 below")


def error_at(w):
    return figures_descent.error_at(w[None])[0]


def test_error_surface_equals_the_sum_over_meals():
    x, t = figures_descent.two_prices()
    w = np.random.default_rng(0).normal(size=(3, 4, 2))
    for i, j in np.ndindex(3, 4):
        loop = sum(0.5 * (target - row @ w[i, j]) ** 2 for row, target in zip(x, t, strict=True))
        assert figures_descent.error_at(w)[i, j] == pytest.approx(loop, rel=1e-12)


def test_2_2_names_the_prices_and_the_ratio_of_curvatures():
    x, _ = figures_descent.two_prices()
    singular = np.linalg.svd(x, compute_uv=False)
    ratio, *lowest = numbers("2-2")
    assert lowest == [2.5, 1.5]
    assert ratio == round((singular[0] / singular[1]) ** 2, 1)


def test_2_3_steps_are_perpendicular_to_the_contours():
    x, t = figures_descent.two_prices()
    rate = 0.3 * largest_stable_rate(x)
    descent = delta_rule(x, t, learning_rate=rate, epochs=40, w0=figures_descent.START)
    for here, step in zip(descent.weights, np.diff(descent.weights, axis=0), strict=False):
        shift = 1e-6 * np.array([-step[1], step[0]]) / np.linalg.norm(step)
        along = error_at(here + shift) - error_at(here - shift)
        down = error_at(here + 1e-6 * step / np.linalg.norm(step))
        assert abs(along) < 1e-3 * abs(down - error_at(here))
    assert numbers("2-3") == [round(descent.errors[0]), round(descent.errors[-1], 1), 40]


def test_2_4_the_bound_parts_falling_from_growing_errors():
    x, t = figures_descent.two_prices()
    bound = largest_stable_rate(x)
    ends = []
    for share in (0.99, 1.01):
        w = figures_descent.START.copy()
        for _ in range(400):
            w -= share * bound * x.T @ (x @ w - t)
        ends.append(error_at(w))
    start = error_at(figures_descent.START)
    assert ends[0] < start < ends[1]
    assert numbers("2-4")[1] == round(bound, 4)
    grown = drawn("2-4").axes[2].get_title("left").rsplit("→ ", 1)[1].replace(",", "")
    assert numbers("2-4")[-1] == pytest.approx(float(grown) / start, abs=0.06)


def test_2_6_the_flat_region_has_no_minimum_and_holds_the_last_step():
    x, t = figures_flat.examples()
    w = torch.linspace(-1.2, 6, 500, dtype=torch.float64, requires_grad=True)
    error = 0.5 * (torch.tensor(t)[:, None] - torch.sigmoid(torch.tensor(x) * w)) ** 2
    error.sum().backward()
    places = w.detach().numpy()
    np.testing.assert_allclose(figures_flat.errors_at(places), error.detach(), rtol=1e-10)
    np.testing.assert_allclose(figures_flat.slope_at(places), w.grad, rtol=1e-8, atol=1e-12)
    assert (figures_flat.slope_at(places) < 0).all()
    low, high = figures_flat.flat_region()
    assert low < figures_flat.descend().weights[-1, 0] < high
    assert numbers("2-6")[0] == 300


def test_2_7_stochastic_descent_leaves_the_flat_region():
    assert "leaves the flat region in 10 of 10 runs" in heading("2-7")
    _, high = figures_flat.flat_region()
    assert figures_flat.descend(batch_size=1, seed=123).weights[-1, 0] > high


def test_2_8_the_polynomial_meets_every_point_and_the_line_is_least_squares():
    (x, y), _ = figures_overfitting.noisy_line()
    line, polynomial = figures_overfitting.fit_both((x, y))
    np.testing.assert_allclose(polynomial(x), y, atol=1e-8)
    np.testing.assert_allclose(line(x), np.polyval(np.polyfit(x, y, 1), x), atol=1e-10)
    error = sum(0.5 * (b - line(a)) ** 2 for a, b in zip(x, y, strict=True))
    assert numbers("2-8") == [12, 13, 0, round(error, 2)]


def test_2_9_errors_on_new_points():
    (x, y), (new_x, new_y) = figures_overfitting.noisy_line()
    assert not set(x) & set(new_x)
    lagrange = [
        sum(
            y[i] * np.prod([(a - x[j]) / (x[i] - x[j]) for j in range(13) if j != i])
            for i in range(13)
        )
        for a in new_x
    ]
    line = np.polyval(np.polyfit(x, y, 1), new_x)
    expected = [0.5 * np.sum((new_y - guess) ** 2) for guess in (line, lagrange)]
    assert numbers("2-9") == [13, round(expected[0], 1), round(expected[1])]


def test_2_16_masks_are_those_of_torch_dropout():
    state = torch.get_rng_state()
    one, two = (figures_overfitting.silent_units(seed) for seed in (1, 2))
    assert torch.equal(torch.get_rng_state(), state)
    assert one != two
    torch.manual_seed(1)
    dropout = torch.nn.Dropout(0.5)
    for layer in one[1:-1]:
        assert (dropout(torch.ones(6)) == 0).nonzero().flatten().tolist() == layer
    torch.set_rng_state(state)
    assert numbers("2-16") == [sum(map(len, one)), sum(map(len, two)), 12]


def test_inputs_and_outputs_are_never_silent():
    for seed in range(5):
        mask = figures_overfitting.silent_units(seed)
        assert (mask[0], mask[-1]) == ([], [])


def test_figures_are_new_each_time():
    assert figures_neurons.figure_1_9() is not figures_neurons.figure_1_9()
