import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch.nn import functional

from gradus.core.errors import UsageError
from gradus.neurons.regularise import (
    after_step,
    inverted_dropout,
    l1_penalty,
    l2_penalty,
    project_max_norm_,
    soft_threshold_,
    weights_of,
)
from gradus.nn.mlp import MLP

SEEDS = st.integers(0, 2**31)


def net(seed: int = 0) -> MLP:
    torch.manual_seed(seed)
    model = MLP((3, 5, 2)).double()
    for layer in (model.hidden_1, model.output):
        nn.init.normal_(layer.bias)
    return model


def test_biases_and_gains_are_exempt():
    model = nn.Sequential(nn.Conv2d(2, 3, 3), nn.BatchNorm2d(3), nn.Flatten(), nn.Linear(3, 2))
    assert [tuple(w.shape) for w in weights_of(model)] == [(3, 2, 3, 3), (2, 3)]


def test_shared_weights_count_once():
    model = MLP((3, 3, 3, 2))
    model.hidden_2 = model.hidden_1
    assert len(weights_of(model)) == 2


@given(seed=SEEDS)
@settings(deadline=None, max_examples=20)
def test_penalties_equal_the_books_sums(seed):
    model = net(seed)
    values = [w for p in (model.hidden_1.weight, model.output.weight) for w in p.flatten().tolist()]
    assert l2_penalty(model).item() == pytest.approx(0.5 * sum(w * w for w in values), rel=1e-9)
    assert l1_penalty(model).item() == pytest.approx(sum(map(abs, values)), rel=1e-9)


def test_the_gradient_of_l2_is_the_weight_and_of_l1_its_sign():
    for penalty, expected in ((l2_penalty, lambda w: w), (l1_penalty, torch.sign)):
        model = net()
        penalty(model).backward()
        for w in weights_of(model):
            torch.testing.assert_close(w.grad, expected(w.detach()), rtol=1e-12, atol=0)
        assert model.output.bias.grad is None


def test_l2_in_plain_gradient_descent_is_weight_decay():
    """One step of SGD on λ · L2 equals torch's own weight decay of λ, biases left out."""
    x, ours, theirs = torch.randn(4, 3, dtype=torch.float64), net(), net()
    groups = [
        {"params": weights_of(theirs), "weight_decay": 0.1},
        {"params": [theirs.hidden_1.bias, theirs.output.bias]},
    ]
    mine = torch.optim.SGD(ours.parameters(), lr=0.5)
    (ours(x).square().sum() + 0.1 * l2_penalty(ours)).backward()
    mine.step()
    other = torch.optim.SGD(groups, lr=0.5)
    theirs(x).square().sum().backward()
    other.step()
    for a, b in zip(ours.parameters(), theirs.parameters(), strict=True):
        torch.testing.assert_close(a, b, rtol=1e-9, atol=1e-12)


@given(
    values=st.lists(st.floats(-10, 10), min_size=1, max_size=20),
    amount=st.floats(0, 5),
)
@settings(deadline=None, max_examples=100)
def test_soft_threshold_solves_its_minimisation(values, amount):
    """argmin_v ½(v - w)² + amount·|v|: the formula, and no better v nearby."""
    w = torch.tensor([values], dtype=torch.float64)
    soft_threshold_([w], amount)
    expected = [math.copysign(max(abs(v) - amount, 0.0), v) for v in values]
    np.testing.assert_allclose(w[0].numpy(), expected, rtol=1e-9, atol=1e-15)

    def cost(v, start):
        return 0.5 * (v - start) ** 2 + amount * abs(v)

    for v, start in zip(w[0].tolist(), values, strict=True):
        assert cost(v, start) <= min(cost(v - 1e-3, start), cost(v + 1e-3, start)) + 1e-12


def test_soft_threshold_gives_exact_zeros():
    w = torch.tensor([[0.3, -0.3, 0.1, -0.0, 2.0, -2.0]], dtype=torch.float64)
    soft_threshold_([w], 0.3)
    assert w[0, :4].tolist() == [0.0] * 4
    assert w[0, 4:].tolist() == pytest.approx([1.7, -1.7])


def regression():
    """Twenty features of which two matter."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(100, 20))
    t = 2.0 * x[:, 3] - 1.5 * x[:, 11] + 0.1 * rng.normal(size=100)
    return torch.from_numpy(x), torch.from_numpy(t)


def fitted_by_l1(proximal: bool, strength: float = 0.3) -> torch.Tensor:
    x, t = regression()
    model = nn.Linear(20, 1, bias=False).double()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    if proximal:
        after_step(optimizer, lambda: soft_threshold_(weights_of(model), 0.1 * strength))
    for _ in range(300):
        error = 0.5 * (t - model(x)[:, 0]).square().mean()
        if not proximal:
            error = error + strength * l1_penalty(model)
        optimizer.zero_grad()
        error.backward()
        optimizer.step()
    return model.weight.detach()[0]


def test_proximal_l1_finds_the_two_features_exactly_and_equals_the_lasso():
    from sklearn.linear_model import Lasso

    w = fitted_by_l1(proximal=True)
    assert w.nonzero().flatten().tolist() == [3, 11]
    x, t = regression()
    lasso = Lasso(alpha=0.3, fit_intercept=False, tol=1e-12).fit(x.numpy(), t.numpy())
    np.testing.assert_allclose(w.numpy(), lasso.coef_, atol=1e-6)


def test_l1_by_its_gradient_alone_gives_no_exact_zero():
    w = fitted_by_l1(proximal=False)
    assert (w != 0).all()
    assert (w.abs() < 0.1).sum() == 18


@given(
    shape=st.lists(st.integers(1, 5), min_size=2, max_size=4),
    c=st.floats(0.1, 10),
    scale=st.floats(0, 100),
    seed=SEEDS,
)
@settings(deadline=None, max_examples=80)
def test_projection_is_the_nearest_point_of_the_ball(shape, c, scale, seed):
    generator = torch.Generator().manual_seed(seed)
    w = scale * torch.randn(shape, dtype=torch.float64, generator=generator)
    before = w.numpy().reshape(shape[0], -1).copy()
    project_max_norm_([w], c)
    after = w.numpy().reshape(shape[0], -1)
    for old, new in zip(before, after, strict=True):
        length = math.sqrt(sum(v * v for v in old))
        expected = old if length <= c else old * c / length
        np.testing.assert_allclose(new, expected, rtol=1e-9, atol=1e-300)
        assert np.linalg.norm(new) <= c * (1 + 1e-12)


def test_projection_leaves_a_zero_vector_at_zero():
    w = torch.zeros(2, 3)
    project_max_norm_([w], 3.0)
    assert w.tolist() == [[0.0] * 3] * 2


def test_projection_is_per_neuron():
    w = torch.tensor([[3.0, 4.0], [0.3, 0.4]])
    project_max_norm_([w], 1.0)
    torch.testing.assert_close(w, torch.tensor([[0.6, 0.8], [0.3, 0.4]]))


@given(
    c=st.sampled_from([0.5, 3.0, 4.0]),
    lr=st.sampled_from([0.1, 10.0, 1e4]),
    optimizer=st.sampled_from([torch.optim.SGD, torch.optim.Adam]),
    seed=SEEDS,
)
@settings(deadline=None, max_examples=25)
def test_no_norm_exceeds_c_after_any_step(c, lr, optimizer, seed):
    model = net(seed)
    stepper = optimizer(model.parameters(), lr=lr)
    after_step(stepper, lambda: project_max_norm_(weights_of(model), c))
    x, classes = torch.randn(8, 3, dtype=torch.float64), torch.arange(8) % 2
    touched = False
    for _ in range(10):
        stepper.zero_grad()
        functional.cross_entropy(model(x), classes).backward()
        stepper.step()
        norms = torch.cat([w.detach().norm(dim=1) for w in weights_of(model)])
        assert (norms <= c * (1 + 1e-12)).all()
        touched = touched or bool((norms > c * (1 - 1e-9)).any())
    assert touched or lr * c < 10


def test_after_step_runs_once_a_step_until_it_is_removed():
    model = net()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    calls = []
    handle = after_step(optimizer, lambda: calls.append(model.output.weight[0, 0].item()))
    for _ in range(2):
        model(torch.ones(1, 3, dtype=torch.float64)).sum().backward()
        optimizer.step()
    assert len(calls) == 2
    assert calls[1] == model.output.weight[0, 0].item()
    handle.remove()
    optimizer.step()
    assert len(calls) == 2


@pytest.mark.parametrize("p", [0.1, 0.5, 0.8])
def test_dropout_keeps_the_expectation(p):
    generator = torch.Generator().manual_seed(0)
    x = torch.tensor([-2.0, 0.5, 3.0], dtype=torch.float64)
    draws = 40_000
    y = inverted_dropout(x.expand(draws, 3), p, generator)
    standard_error = x.abs() * math.sqrt((1 - p) / p / draws)
    assert ((y.mean(0) - x).abs() < 4 * standard_error).all()
    values = [{0.0, v} for v in (x / p).tolist()]
    assert [set(column) for column in y.T.tolist()] == values
    assert (y[:, 1] != 0).double().mean().item() == pytest.approx(p, abs=0.01)


@given(p=st.floats(0.05, 0.95), seed=SEEDS)
@settings(deadline=None, max_examples=30)
def test_dropout_equals_torchs_own_with_the_same_random_numbers(p, seed):
    x = torch.randn(30, 7, dtype=torch.float64)
    torch.manual_seed(seed)
    ours = inverted_dropout(x, p)
    torch.manual_seed(seed)
    theirs = functional.dropout(x, 1 - p, training=True)
    torch.testing.assert_close(ours, theirs, rtol=1e-9, atol=0)


def test_dropout_that_keeps_all_changes_nothing():
    x = torch.randn(5, 5)
    assert torch.equal(inverted_dropout(x, 1.0), x)


def test_dropouts_gradient_flows_through_the_kept_neurons_only():
    x = torch.ones(1000, dtype=torch.float64, requires_grad=True)
    y = inverted_dropout(x, 0.25, torch.Generator().manual_seed(1))
    y.sum().backward()
    assert torch.equal(x.grad, y.detach())
    assert set(x.grad.tolist()) == {0.0, 4.0}


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: soft_threshold_([], -0.1), "amount must be ≥ 0, got -0.1"),
        (lambda: project_max_norm_([], 0.0), "c must be > 0, got 0.0"),
        (lambda: project_max_norm_([], math.nan), "c must be > 0, got nan"),
        (lambda: inverted_dropout(torch.ones(2), 0.0), r"must be in \(0, 1\], got 0.0"),
        (lambda: inverted_dropout(torch.ones(2), 1.1), r"must be in \(0, 1\], got 1.1"),
    ],
)
def test_numbers_out_of_range_are_refused(call, message):
    with pytest.raises(UsageError, match=message):
        call()
