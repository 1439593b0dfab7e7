import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import expit

from gradus.core.errors import RunError, UsageError
from gradus.neurons.delta_rule import (
    PRICES,
    Diverged,
    delta_rule,
    largest_stable_rate,
    meals,
    minibatches,
    sigmoid,
    squared_error,
)


def deltas_by_hand(x, t, w, rate: float, logistic: bool) -> list[float]:
    """One update of the whole set in plain Python, as the book's sums read."""
    delta = [0.0] * len(w)
    for x_i, t_i in zip(x.tolist(), t.tolist(), strict=True):
        z = sum(a * b for a, b in zip(x_i, w, strict=True))
        y = 1 / (1 + math.exp(-z)) if logistic else z
        for k in range(len(w)):
            factor = y * (1 - y) if logistic else 1.0
            delta[k] += rate * x_i[k] * factor * (t_i - y)
    return delta


def test_meals_are_whole_servings_at_the_given_prices():
    servings, cost = meals(200, seed=1, prices=(5.0, 2.0, 0.5), largest=3)
    assert servings.shape == (200, 3)
    assert set(np.unique(servings)) == {0.0, 1.0, 2.0, 3.0}
    for (burgers, fries, sodas), price in zip(servings, cost, strict=True):
        assert price == 5.0 * burgers + 2.0 * fries + 0.5 * sodas


def test_meals_depend_on_their_seed_alone():
    assert np.array_equal(meals(5, seed=2)[0], meals(5, seed=2)[0])
    assert not np.array_equal(meals(5, seed=2)[0], meals(5, seed=3)[0])


@pytest.mark.parametrize(("name", "arguments"), [("n", (0,)), ("largest", (3, 0, PRICES, 0))])
def test_empty_meals_are_refused(name, arguments):
    with pytest.raises(UsageError, match=f"{name} must be ≥ 1, got 0"):
        meals(*arguments)


def test_squared_error_by_hand():
    assert squared_error(np.array([1.0, 2.0]), np.array([4.0, 0.0])) == 0.5 * (9 + 4)


@pytest.mark.parametrize("batch_size", [None, 1, 8])
def test_recovers_the_prices(batch_size):
    servings, cost = meals(40, seed=0, prices=PRICES)
    rate = largest_stable_rate(servings) / 2 if batch_size is None else 0.01
    descent = delta_rule(servings, cost, learning_rate=rate, epochs=200, batch_size=batch_size)
    np.testing.assert_allclose(descent.weights[-1], PRICES, atol=1e-3)
    assert descent.errors[-1] < 1e-4 < descent.errors[0]


def test_equals_the_books_sums_over_many_updates():
    x, t = meals(12, seed=5)
    for neuron, rate in (("linear", 0.002), ("logistic", 0.05)):
        targets = t if neuron == "linear" else (t > t.mean()).astype(float)
        descent = delta_rule(x, targets, learning_rate=rate, epochs=6, neuron=neuron)
        w = [0.0, 0.0, 0.0]
        for reached in descent.weights[1:]:
            delta = deltas_by_hand(x, targets, w, rate, neuron == "logistic")
            w = [a + b for a, b in zip(w, delta, strict=True)]
            np.testing.assert_allclose(reached, w, rtol=1e-9)


@given(
    n=st.integers(1, 12),
    inputs=st.integers(1, 4),
    seed=st.integers(0, 2**31),
    neuron=st.sampled_from(["linear", "logistic"]),
)
@settings(deadline=None, max_examples=40)
def test_an_update_is_a_step_against_autograds_gradient(n, inputs, seed, neuron):
    rng = np.random.default_rng(seed)
    x, t, w0 = rng.normal(size=(n, inputs)), rng.uniform(size=n), rng.normal(size=inputs)
    descent = delta_rule(x, t, learning_rate=1e-3, epochs=1, w0=w0, neuron=neuron)
    w = torch.tensor(w0, requires_grad=True)
    z = torch.from_numpy(x) @ w
    y = z if neuron == "linear" else torch.sigmoid(z)
    error = 0.5 * (torch.from_numpy(t) - y).square().sum()
    error.backward()
    np.testing.assert_allclose(descent.weights[1], w0 - 1e-3 * w.grad.numpy(), rtol=1e-9)
    assert descent.errors[0] == pytest.approx(error.item(), rel=1e-9)


def test_the_path_starts_at_w0_and_has_one_position_per_update():
    x, t = meals(10)
    w0 = np.array([1.0, 2.0, 3.0])
    descent = delta_rule(x, t, learning_rate=1e-3, epochs=4, batch_size=3, w0=w0)
    assert descent.weights.shape == (4 * 4 + 1, 3)
    assert np.array_equal(descent.weights[0], w0)
    for w, error in zip(descent.weights, descent.errors, strict=True):
        assert error == pytest.approx(0.5 * sum((t - x @ w) ** 2), rel=1e-12)


@given(seed=st.integers(0, 2**31), n=st.integers(3, 20), inputs=st.integers(1, 4))
@settings(deadline=None, max_examples=40)
def test_the_largest_stable_rate_is_the_border(seed, n, inputs):
    """The minimum attracts just below 2/λmax and repels just above it."""
    rng = np.random.default_rng(seed)
    x, w0 = rng.normal(size=(n, inputs)), rng.normal(size=inputs)
    border = largest_stable_rate(x)
    t = np.zeros(n)
    below = delta_rule(x, t, learning_rate=0.999 * border, epochs=50, w0=w0)
    assert (np.diff(below.errors) <= 1e-12).all()
    with pytest.raises(Diverged):
        delta_rule(x, t, learning_rate=1.5 * border, epochs=2000, w0=w0)


def test_the_largest_stable_rate_by_hand():
    x = np.array([[3.0, 0.0], [0.0, 1.0]])
    assert largest_stable_rate(x) == pytest.approx(2 / 9, rel=1e-12)
    assert largest_stable_rate(np.zeros((4, 2))) == math.inf


def test_a_rate_that_is_too_large_is_refused_with_the_reason_and_the_path():
    x, t = np.array([[3.0, 0.0], [0.0, 1.0]]), np.array([3.0, 1.0])
    message = (
        r"error grew without bound, from 5 to \S+ in \d+ updates with learning rate 0.3; "
        r"the largest stable rate is 2/λmax = 0.2222"
    )
    with pytest.raises(Diverged, match=message) as error:
        delta_rule(x, t, learning_rate=0.3, epochs=1000)
    assert isinstance(error.value, RunError)
    descent = error.value.descent
    assert descent.errors[-1] > 1e6 * descent.errors[0]
    assert (np.diff(descent.errors[5:]) > 0).all()
    assert len(descent.weights) == len(descent.errors) < 100


@pytest.mark.parametrize("batch_size", [1, 4])
def test_the_rate_of_the_updates_that_were_made_is_named(batch_size):
    x, t = meals(30)
    with pytest.raises(Diverged, match="largest stable rate") as error:
        delta_rule(x, t, learning_rate=0.2, epochs=1000, batch_size=batch_size)
    named = float(str(error.value).split("2/λmax = ")[1].split()[0])
    assert largest_stable_rate(x) < named < 0.2


def test_overflow_to_infinity_or_nan_counts_as_divergence():
    x, t = meals(5)
    for rate in (1e160, 1e307):
        with pytest.raises(Diverged, match="learning rate 1e"):
            delta_rule(x, t, learning_rate=rate, epochs=3)


def test_starting_at_the_solution_stays_there():
    x, t = meals(20)
    rate = largest_stable_rate(x) / 3
    descent = delta_rule(x, t, learning_rate=rate, epochs=50, w0=np.array(PRICES))
    assert (descent.errors < 1e-20).all()


def test_the_logistic_neuron_recovers_its_weights():
    rng = np.random.default_rng(0)
    x, true = rng.normal(size=(200, 3)), np.array([1.0, -2.0, 0.5])
    t = expit(x @ true)
    descent = delta_rule(x, t, learning_rate=0.2, epochs=400, neuron="logistic")
    np.testing.assert_allclose(descent.weights[-1], true, atol=1e-3)


def test_the_logistic_neuron_never_diverges():
    x, t = meals(30)
    t = (t > t.mean()).astype(float)
    descent = delta_rule(x, t, learning_rate=1e6, epochs=50, neuron="logistic")
    assert np.isfinite(descent.weights).all()
    assert descent.errors.max() <= len(t) / 2


@given(z=st.floats(-1e300, 1e300))
def test_sigmoid_equals_scipys_and_never_overflows(z):
    assert sigmoid(np.array([z]))[0] == pytest.approx(expit(z), rel=1e-9, abs=0)


@given(n=st.integers(1, 50), data=st.data(), seed=st.integers(0, 2**31))
@settings(max_examples=60)
def test_an_epoch_holds_each_example_once(n, data, seed):
    size = data.draw(st.integers(1, n))
    batches = list(minibatches(n, size, np.random.default_rng(seed)))
    assert sorted(np.concatenate(batches)) == list(range(n))
    assert [len(batch) for batch in batches[:-1]] == [size] * (len(batches) - 1)
    assert 1 <= len(batches[-1]) <= size


def test_a_whole_batch_keeps_the_order_and_minibatches_shuffle():
    rng = np.random.default_rng(0)
    assert [batch.tolist() for batch in minibatches(4, None, rng)] == [[0, 1, 2, 3]]
    first, second = (np.concatenate(list(minibatches(50, 7, rng))) for _ in range(2))
    assert not np.array_equal(first, second)


@pytest.mark.parametrize("size", [0, 6])
def test_impossible_batches_are_refused(size):
    with pytest.raises(UsageError, match=f"between 1 and the 5 examples, got {size}"):
        delta_rule(*meals(5), learning_rate=0.001, epochs=1, batch_size=size)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"learning_rate": 0.0}, "learning_rate must be > 0, got 0.0"),
        ({"learning_rate": math.nan}, "learning_rate must be > 0, got nan"),
        ({"epochs": 0}, "epochs must be ≥ 1, got 0"),
        ({"x": np.full((3, 2), np.nan)}, "must be finite"),
        ({"x": np.ones((0, 2)), "t": np.ones(0)}, "one length ≥ 1, got 0 and 0"),
    ],
)
def test_bad_settings_are_refused(change, message):
    good = {"x": np.ones((3, 2)), "t": np.ones(3), "learning_rate": 0.1, "epochs": 1}
    with pytest.raises(UsageError, match=message):
        delta_rule(**{**good, **change})
