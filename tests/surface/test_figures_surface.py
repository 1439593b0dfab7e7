import functools
import re

import numpy as np
import pytest
import torch

from gradus.surface.figures import FIGURES
from gradus.surface.figures_gradient import bowl_at, downhill, largest_miss
from gradus.surface.figures_surface import SLICES, descend, errors_at, examples, minima, saddle
from tests.figures import assert_readable

NAMES = ["4-1", "4-4", "4-5", "4-6", "4-7"]  # those that need no MNIST


@functools.cache
def drawn(name):
    return FIGURES[name]()


def heading(name):
    return drawn(name).texts[0].get_text().replace("\n", " ")


@pytest.mark.parametrize("name", NAMES)
def test_it_is_readable(name):
    assert_readable(drawn(name))


@pytest.mark.parametrize("name", NAMES)
def test_axes_are_named(name):
    assert all(ax.get_xlabel() for ax in drawn(name).axes)
    assert any(ax.get_ylabel() for ax in drawn(name).axes)


def test_4_1_the_error_is_that_of_the_neuron():
    x, t = examples()
    w = np.array([0.7, 3.0])
    expected = [
        [0.5 * (ti - np.sin(wi * xi)) ** 2 for wi in w] for xi, ti in zip(x, t, strict=True)
    ]
    np.testing.assert_allclose(errors_at(w), expected)


def test_4_1_there_is_a_shallow_a_deep_and_a_lowest_minimum():
    shallow, deep, lowest = minima()
    grid = np.linspace(shallow, lowest, 2001)
    error = errors_at(grid).mean(axis=0)
    pass_out = error[grid < deep].max() - error[0]
    pass_on = error[grid > deep].max() - errors_at(np.array([deep])).mean()
    assert pass_on > 10 * pass_out > 0
    assert errors_at(np.array([lowest])).mean() < 1e-6


def test_4_1_minibatches_leave_the_shallow_minimum_only():
    shallow, deep, _ = minima()
    ends = [descend(shallow, 4, seed)[-1] for seed in range(20)]
    assert sum(abs(end - deep) < 0.5 for end in ends) == 20
    assert heading("4-1").startswith("Minibatches shake 20 of 20 runs out of the shallow minimum")
    assert "none out of the deep one" in heading("4-1")
    assert abs(descend(shallow, 20)[-1] - shallow) < 0.02


def test_4_1_a_step_follows_the_minibatchs_own_slope():
    x, t = examples()
    path = descend(2.0, 20)
    w = torch.tensor(2.0, dtype=torch.float64, requires_grad=True)
    error = 0.5 * ((torch.from_numpy(t) - torch.sin(w * torch.from_numpy(x))) ** 2).mean()
    error.backward()
    assert path[1] == pytest.approx(2 - 0.2 * w.grad.item())
    assert len(path) == 301


def test_4_4_the_slices_are_those_of_the_saddle():
    for ax, (direction, _) in zip(drawn("4-4").axes, SLICES.values(), strict=True):
        t, error = ax.get_lines()[0].get_data()
        points = torch.from_numpy(np.outer(t, direction))
        np.testing.assert_allclose(error, saddle(points).numpy())
    titles = [ax.get_title(loc="left") for ax in drawn("4-4").axes]
    assert [t.split("= ")[1] for t in titles] == ["+1", "−1", "0"]


def test_4_4_the_third_slice_rises_throughout():
    _, error = drawn("4-4").axes[2].get_lines()[0].get_data()
    assert (np.diff(error) > 0).all()


def test_4_5_minima_grow_rare_but_slower_than_by_thirds():
    ax = next(ax for ax in drawn("4-5").axes if "dimensions" in ax.get_xlabel())
    d, shares = ax.get_lines()[0].get_data()
    assert (np.diff(shares) < 0).all()
    assert (shares > 3.0**-d).all()
    assert f"one in {1 / shares[-1]:,.0f}" in heading("4-5")


def test_4_6_the_miss_is_that_of_the_formula():
    for steepness in (1.0, 4.0, 10.0, 250.0):
        exact = np.degrees(np.arccos(2 * np.sqrt(steepness) / (1 + steepness)))
        assert largest_miss(steepness) == pytest.approx(exact, abs=0.05)


def test_4_6_the_arrows_lead_down():
    for steepness in (1.0, 10.0):
        place = np.array([1.3, -0.4])
        step = 1e-4 * downhill(place, steepness)
        assert bowl_at(place + step, steepness).value < bowl_at(place, steepness).value
        assert np.linalg.norm(downhill(place, steepness)) == pytest.approx(1)


def test_4_7_on_circles_the_gradient_does_not_turn():
    titles = [ax.get_title(loc="left") for ax in drawn("4-7").axes]
    turned = [int(re.search(r"by (\d+)°", title)[1]) for title in titles[:2]]
    assert turned[0] == 0
    assert turned[1] > 45


def test_4_7_the_nets_loss_starts_as_predicted():
    measured, predicted = drawn("4-7").axes[2].get_lines()[:2]
    x, y = measured.get_data()
    assert y[0] == pytest.approx(predicted.get_ydata()[0], rel=1e-5)
    assert y[1] == pytest.approx(predicted.get_ydata()[1], rel=1e-3)
    assert min(y) < y[0] - 0.2
    assert x[-1] > 0


@pytest.mark.data
@pytest.mark.learn
def test_4_3_the_line_of_the_mnist_net_has_no_barrier(real_data, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert "without a barrier" in FIGURES["4-3"]().texts[0].get_text().replace("\n", " ")
