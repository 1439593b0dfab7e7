import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from gradus.core.errors import UsageError
from gradus.neurons.backprop import forward, gradients, init, train

NETS = st.lists(st.integers(1, 6), min_size=2, max_size=6)
SEEDS = st.integers(0, 2**31)
XOR_X = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
XOR_T = np.array([[0.0], [1.0], [1.0], [0.0]])


def problem(sizes, examples: int, seed: int):
    """Weights with biases that are not zero, inputs and targets."""
    rng = np.random.default_rng(seed)
    weights = [w + rng.normal(0, 0.5, w.shape) for w in init(sizes, seed)]
    return weights, rng.normal(size=(examples, sizes[0])), rng.uniform(size=(examples, sizes[-1]))


def outputs_by_autograd(weights, x) -> list[torch.Tensor]:
    y = [x]
    for w in weights:
        y.append(torch.sigmoid(w[0] + y[-1] @ w[1:]))
    return y


def error_by_loops(weights, x, t) -> float:
    """The book's sums, one neuron at a time, in plain Python."""
    total = 0.0
    for y, targets in zip(x.tolist(), t.tolist(), strict=True):
        for w in weights:
            z = [
                w[0, j] + sum(w[i + 1, j] * y[i] for i in range(len(y))) for j in range(w.shape[1])
            ]
            y = [1 / (1 + math.exp(-z_j)) for z_j in z]
        total += 0.5 * sum((t_j - y_j) ** 2 for t_j, y_j in zip(targets, y, strict=True))
    return total


@given(sizes=NETS, examples=st.integers(1, 8), seed=SEEDS)
@settings(deadline=None, max_examples=60)
def test_every_entry_of_the_table_equals_autograd(sizes, examples, seed):
    weights, x, t = problem(sizes, examples, seed)
    leaves = [torch.tensor(w, requires_grad=True) for w in weights]
    y = outputs_by_autograd(leaves, torch.tensor(x, requires_grad=True))
    for each in y:
        each.retain_grad()
    (0.5 * (torch.from_numpy(t) - y[-1]).square().sum()).backward()
    table = gradients(weights, x, t)
    for ours, leaf in zip(table.dw, leaves, strict=True):
        np.testing.assert_allclose(ours, leaf.grad.numpy(), rtol=1e-10, atol=1e-10)
    for ours, layer in zip(table.dy, y, strict=True):
        np.testing.assert_allclose(ours, layer.grad.numpy(), rtol=1e-10, atol=1e-10)
    for dz, dy, layer in zip(table.dz, table.dy[1:], y[1:], strict=True):
        slope = (layer * (1 - layer)).detach().numpy()
        np.testing.assert_allclose(dz, slope * dy, rtol=1e-10, atol=1e-10)


@given(sizes=NETS, seed=SEEDS)
@settings(deadline=None, max_examples=15)
def test_the_gradient_equals_the_slope_of_the_error(sizes, seed):
    weights, x, t = problem(sizes, 2, seed)
    dw = gradients(weights, x, t).dw
    step = 1e-5
    for w, d in zip(weights, dw, strict=True):
        for index in np.ndindex(w.shape):
            kept = w[index]
            w[index] = kept + step
            above = error_by_loops(weights, x, t)
            w[index] = kept - step
            below = error_by_loops(weights, x, t)
            w[index] = kept
            assert d[index] == pytest.approx((above - below) / (2 * step), rel=1e-5, abs=1e-8)


@given(sizes=NETS, examples=st.integers(1, 5), seed=SEEDS)
@settings(deadline=None, max_examples=30)
def test_forward_gives_the_outputs_of_every_layer(sizes, examples, seed):
    weights, x, _ = problem(sizes, examples, seed)
    expected = outputs_by_autograd([torch.from_numpy(w) for w in weights], torch.from_numpy(x))
    ours = forward(weights, x)
    assert [y.shape[1] for y in ours] == sizes
    for y, their_y in zip(ours, expected, strict=True):
        np.testing.assert_allclose(y, their_y.numpy(), rtol=1e-10, atol=1e-12)


def test_one_neuron_by_hand():
    """w = 2 on x = 1, bias -2: z = 0, y = ½, so ∂E/∂w = x y(1 - y)(y - t) = ¼ · (-½)."""
    table = gradients([np.array([[-2.0], [2.0]])], np.array([[1.0]]), np.array([[1.0]]))
    assert table.dy[1].tolist() == [[-0.5]]
    assert table.dz[0].tolist() == [[-0.125]]
    assert table.dw[0].tolist() == [[-0.125], [-0.125]]
    assert table.dy[0].tolist() == [[-0.25]]


def test_the_gradient_of_a_set_is_the_sum_over_its_examples():
    weights, x, t = problem([3, 4, 2], 5, seed=0)
    whole = gradients(weights, x, t).dw
    parts = [gradients(weights, x[k : k + 1], t[k : k + 1]).dw for k in range(5)]
    for layer, d in enumerate(whole):
        np.testing.assert_allclose(d, sum(part[layer] for part in parts), rtol=1e-10, atol=1e-14)


@pytest.mark.parametrize("batch_size", [None, 1, 4, 10])
def test_training_equals_torchs_sgd_on_the_same_minibatches(batch_size):
    weights, x, t = problem([3, 5, 2], 10, seed=1)
    ours = train(weights, x, t, learning_rate=0.3, epochs=3, batch_size=batch_size, seed=8)
    leaves = [torch.tensor(w, requires_grad=True) for w in weights]
    optimizer = torch.optim.SGD(leaves, lr=0.3)
    inputs, targets = torch.from_numpy(x), torch.from_numpy(t)

    def error(rows) -> torch.Tensor:
        y = outputs_by_autograd(leaves, inputs[rows])[-1]
        return 0.5 * (targets[rows] - y).square().sum()

    rng, errors = np.random.default_rng(8), [error(range(10)).item()]
    for _ in range(3):
        order = np.arange(10) if batch_size is None else rng.permutation(10)
        for start in range(0, 10, batch_size or 10):
            optimizer.zero_grad()
            error(order[start : start + (batch_size or 10)]).backward()
            optimizer.step()
        errors.append(error(range(10)).item())
    for w, leaf in zip(ours.weights, leaves, strict=True):
        np.testing.assert_allclose(w, leaf.detach().numpy(), rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(ours.errors, errors, rtol=1e-9)


@pytest.mark.parametrize(("batch_size", "epochs"), [(None, 3000), (2, 2000), (1, 1500)])
def test_learns_xor_which_no_single_neuron_can(batch_size, epochs):
    start = init([2, 4, 1], seed=1)
    trained = train(
        start, XOR_X, XOR_T, learning_rate=2.0, epochs=epochs, batch_size=batch_size, seed=0
    )
    assert np.array_equal(forward(trained.weights, XOR_X)[-1].round(), XOR_T)
    assert trained.errors[-1] < 0.05 < trained.errors[0]
    assert len(trained.errors) == epochs + 1
    single = train(init([2, 1]), XOR_X, XOR_T, learning_rate=2.0, epochs=500)
    assert single.errors[-1] > 0.45


def test_training_leaves_the_starting_weights_alone():
    weights, x, t = problem([2, 3, 1], 4, seed=2)
    copies = [w.copy() for w in weights]
    trained = train(weights, x, t, learning_rate=0.5, epochs=2)
    for w, copy, moved in zip(weights, copies, trained.weights, strict=True):
        assert np.array_equal(w, copy)
        assert not np.array_equal(w, moved)


def test_the_seed_fixes_order_and_start():
    weights, x, t = problem([2, 3, 1], 6, seed=3)
    runs = [
        train(weights, x, t, learning_rate=0.5, epochs=2, batch_size=1, seed=seed).errors[-1]
        for seed in (0, 0, 1)
    ]
    assert runs[0] == runs[1] != runs[2]
    assert np.array_equal(init([2, 3], 5)[0], init([2, 3], 5)[0])
    assert not np.array_equal(init([2, 3], 5)[0], init([2, 3], 6)[0])


def test_starting_weights_have_their_scale_and_zero_biases():
    (w,) = init([400, 300], seed=0)
    assert w.shape == (401, 300)
    assert not w[0].any()
    assert w[1:].std() == pytest.approx(0.05, rel=0.01)


def test_saturated_neurons_have_a_gradient_of_zero_not_nan():
    weights = [np.array([[0.0], [1e6]])]
    table = gradients(weights, np.array([[1.0], [-1.0]]), np.array([[0.0], [0.5]]))
    assert table.dw[0].tolist() == [[0.0], [0.0]]


@pytest.mark.parametrize("sizes", [[], [3], [3, 0, 1]])
def test_networks_without_neurons_are_refused(sizes):
    with pytest.raises(UsageError, match="sizes must be two or more numbers ≥ 1, got"):
        init(sizes)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"learning_rate": -1.0}, "learning_rate must be > 0"),
        ({"epochs": 0}, "epochs must be ≥ 1, got 0"),
        ({"batch_size": 5}, "between 1 and the 4 examples, got 5"),
    ],
)
def test_bad_settings_are_refused(change, message):
    good = {"learning_rate": 0.1, "epochs": 1, "batch_size": None}
    with pytest.raises(UsageError, match=message):
        train(init([2, 1]), XOR_X, XOR_T, **{**good, **change})
