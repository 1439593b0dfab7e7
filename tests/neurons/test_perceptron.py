import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from gradus.core.errors import RunError, UsageError
from gradus.neurons.perceptron import (
    EXAM_THETA,
    NotSeparable,
    Perceptron,
    exam_data,
    perceptron_loss,
    perceptron_rule,
    predict,
    to_neuron,
)

THETA = np.array(EXAM_THETA)
XOR = np.array([[0, 0], [0, 1], [1, 0], [1, 1]])


def rule_by_hand(x, t, epochs: int) -> list[float]:
    """The textbook rule in plain Python, for a fixed number of passes."""
    theta = [0.0] * (x.shape[1] + 1)
    for _ in range(epochs):
        for x_i, t_i in zip(x.tolist(), t.tolist(), strict=True):
            z = theta[0] + sum(a * b for a, b in zip(theta[1:], x_i, strict=True))
            if (1 if z >= 0 else -1) != t_i:
                theta = [a + t_i * b for a, b in zip(theta, [1.0, *x_i], strict=True)]
    return theta


def test_predictions_of_the_books_theta():
    hours = np.array([[8.0, 0.0], [7.9, 0.0], [0.0, 6.0], [0.0, 5.9], [4.0, 3.0], [10.0, 10.0]])
    assert predict(THETA, hours).tolist() == [1, -1, 1, -1, 1, 1]


def test_learns_the_exam_with_no_error():
    x, t = exam_data()
    fit = perceptron_rule(x, t)
    assert np.array_equal(predict(fit.theta, x), t)
    assert fit.epochs == len(fit.mistakes) < 50
    assert fit.mistakes[-1] == 0
    assert all(count > 0 for count in fit.mistakes[:-1])


def test_equals_the_rule_by_hand():
    x, t = exam_data(seed=3)
    fit = perceptron_rule(x, t)
    np.testing.assert_allclose(fit.theta, rule_by_hand(x, t, fit.epochs), rtol=1e-9)


@given(
    n=st.integers(2, 30),
    features=st.integers(1, 5),
    seed=st.integers(0, 2**31),
    shuffle=st.none() | st.integers(0, 100),
)
@settings(deadline=None, max_examples=50)
def test_never_more_mistakes_than_novikoffs_bound(n, features, seed, shuffle):
    rng = np.random.default_rng(seed)
    separator = rng.normal(size=features + 1)
    separator /= np.linalg.norm(separator)
    with_bias = np.column_stack([np.ones(n), rng.normal(size=(n, features))])
    score = with_bias @ separator
    with_bias, score = with_bias[abs(score) > 0.1], score[abs(score) > 0.1]
    if len(score) == 0:
        return
    x, t = with_bias[:, 1:], np.sign(score)
    fit = perceptron_rule(x, t, max_epochs=10**6, seed=shuffle)
    assert np.array_equal(predict(fit.theta, x), t)
    bound = (np.linalg.norm(with_bias, axis=1).max() / abs(score).min()) ** 2
    assert sum(fit.mistakes) <= bound


@pytest.mark.parametrize("seed", [None, 1])
def test_xor_is_refused_after_the_given_epochs(seed):
    message = r"did not converge after 25 epochs: [1-4] of 4 examples still wrong; .*separable"
    with pytest.raises(NotSeparable, match=message) as error:
        perceptron_rule(XOR, np.array([-1, 1, 1, -1]), max_epochs=25, seed=seed)
    assert isinstance(error.value, RunError)


def test_contradicting_examples_are_refused():
    with pytest.raises(NotSeparable, match="after 1,000 epochs: 1 of 2 examples"):
        perceptron_rule(np.ones((2, 1)), np.array([1.0, -1.0]))


def test_a_last_update_that_mends_all_counts_as_converged():
    x, t = np.array([[1.0], [2.0]]), np.array([-1.0, -1.0])
    fit = perceptron_rule(x, t, max_epochs=1)
    assert fit.mistakes == (1,)
    assert fit.theta.tolist() == [-1.0, -1.0]


def test_starts_from_the_given_theta_and_leaves_it_alone():
    x, t = exam_data()
    start = THETA.copy()
    fit = perceptron_rule(x, t, theta=start)
    assert fit.mistakes == (0,)
    assert np.array_equal(fit.theta, THETA)
    assert np.array_equal(start, THETA)
    moved = perceptron_rule(x, -t, theta=start)
    assert moved.epochs > 1
    assert np.array_equal(start, THETA)


def test_one_example_and_one_class():
    fit = perceptron_rule(np.array([[2]]), np.array([-1]))
    assert predict(fit.theta, np.array([[2]])).tolist() == [-1.0]


def test_the_seed_fixes_the_order():
    x, t = exam_data()
    fits = [perceptron_rule(x, t, seed=seed).theta for seed in (0, 0, 1)]
    assert np.array_equal(fits[0], fits[1])
    assert not np.array_equal(fits[0], fits[2])


@pytest.mark.parametrize(
    ("x", "t", "settings_", "message"),
    [
        (np.ones((2, 1)), np.array([0.0, 1.0]), {}, r"only -1 and \+1, got 0"),
        (np.ones((0, 1)), np.ones(0), {}, "one length ≥ 1, got 0 and 0"),
        (np.array([[np.nan]]), np.ones(1), {}, "x must be finite"),
        (np.ones((1, 1)), np.ones(1), {"max_epochs": 0}, "max_epochs must be ≥ 1, got 0"),
        (np.ones((1, 1)), np.ones(1), {"theta": np.ones(3)}, "hold 2 numbers, .* got 3"),
    ],
)
def test_bad_input_is_refused(x, t, settings_, message):
    with pytest.raises(UsageError, match=message):
        perceptron_rule(x, t, **settings_)


@given(
    theta=st.lists(st.floats(-5, 5), min_size=2, max_size=6),
    seed=st.integers(0, 2**31),
)
@settings(deadline=None, max_examples=50)
def test_the_neuron_equals_the_perceptron(theta, seed):
    theta = np.array(theta)
    x = np.random.default_rng(seed).integers(-5, 6, size=(20, len(theta) - 1)).astype(float)
    away = abs(x @ theta[1:] + theta[0]) > 1e-9  # from ties that rounding decides
    neuron = to_neuron(theta)
    assert np.array_equal(
        neuron(torch.from_numpy(x)).detach().numpy()[away], predict(theta, x)[away]
    )


def test_the_neuron_of_figure_1_8():
    neuron = to_neuron(THETA)
    assert neuron.weight.tolist() == [3.0, 4.0]
    assert neuron.bias.item() == -24.0
    assert neuron.f(torch.tensor([-0.1, 0.0, 2.0])).tolist() == [-1.0, 1.0, 1.0]
    assert neuron(torch.tensor([4.0, 3.0], dtype=torch.float64)).item() == 1.0


def test_gradient_descent_on_the_loss_is_the_perceptron_rule():
    """Learning rate 1, one example a step, the same order, from zero: the same θ."""
    x, t = exam_data(seed=1)
    model = Perceptron(2).double()
    optimizer = torch.optim.SGD(model.parameters(), lr=1.0)
    epochs, updates = 7, 0
    for _ in range(epochs):
        for x_i, t_i in zip(torch.from_numpy(x), torch.from_numpy(t), strict=True):
            loss = perceptron_loss(model(x_i[None]), t_i[None])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            updates += bool(model.output.weight.grad.any())
    theta = [model.output.bias.item(), *model.output.weight[0].tolist()]
    np.testing.assert_allclose(theta, rule_by_hand(x, t, epochs), rtol=1e-12)
    assert updates > 5


def test_the_loss_counts_mistakes_only():
    logit = torch.tensor([2.0, -3.0, 0.5, -1.0], dtype=torch.float64)
    target = torch.tensor([1.0, -1.0, -1.0, 1.0], dtype=torch.float64)
    assert perceptron_loss(logit, target).item() == (0.5 + 1.0) / 4


@pytest.mark.parametrize(("target", "gradient"), [(-1.0, [[3.0, 5.0]]), (1.0, [[0.0, 0.0]])])
def test_a_logit_of_zero_is_a_mistake_only_for_the_negative_class(target, gradient):
    model = Perceptron(2)
    x = torch.tensor([[3.0, 5.0]])
    loss = perceptron_loss(model(x), torch.tensor([target]))
    loss.backward()
    assert loss.item() == 0.0
    assert model.output.weight.grad.tolist() == gradient


def test_the_module_predicts_as_the_function_does():
    x, _ = exam_data()
    model = Perceptron(2).double()
    model.load_state_dict(
        {"output.weight": torch.tensor([[3.0, 4.0]]), "output.bias": torch.tensor([-24.0])}
    )
    assert model(torch.tensor([[4.0, 3.0]], dtype=torch.float64)).tolist() == [0.0]
    assert np.array_equal(model.predict(torch.from_numpy(x)).detach().numpy(), predict(THETA, x))
    assert [name for name, _ in model.named_parameters()] == ["output.weight", "output.bias"]


def test_a_perceptron_needs_a_feature():
    with pytest.raises(UsageError, match="features must be ≥ 1, got 0"):
        Perceptron(0)


@given(n=st.integers(2, 40), seed=st.integers(0, 2**31), margin=st.floats(0, 3))
@settings(deadline=None, max_examples=40)
def test_exam_data_keeps_its_promises(n, seed, margin):
    x, t = exam_data(n, seed, margin)
    assert x.shape == (n, 2)
    assert ((x >= 0) & (x < 10)).all()
    assert np.array_equal(predict(THETA, x), t)
    assert (t == -1).sum() == n // 2
    distance = abs(x @ THETA[1:] + THETA[0]) / math.hypot(3, 4)
    assert distance.min() >= margin - 1e-12


def test_exam_data_depends_on_its_seed_alone():
    assert np.array_equal(exam_data(seed=4)[0], exam_data(seed=4)[0])
    assert not np.array_equal(exam_data(seed=4)[0], exam_data(seed=5)[0])


@pytest.mark.parametrize(
    ("settings_", "message"),
    [({"n": 1}, "n must be ≥ 2"), ({"margin": 3.5}, "between 0 and 3 hours, got 3.5")],
)
def test_impossible_exams_are_refused(settings_, message):
    with pytest.raises(UsageError, match=message):
        exam_data(**settings_)
