"""What conjugate gradients, scaled conjugate gradients and BFGS have in common."""

import io
import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from gradus.core.errors import RunError, UsageError
from gradus.surface.bfgs import BFGS
from gradus.surface.conjugate_gradient import ConjugateGradient
from gradus.surface.flat import flatten, unflatten
from gradus.surface.functions import LANDSCAPES, quadratic
from gradus.surface.scaled_conjugate_gradient import ScaledConjugateGradient
from tests.surface.closures import closure_of, run, scipy_run

METHODS = [ConjugateGradient, ScaledConjugateGradient, BFGS]
LINE_SEARCHERS = [ConjugateGradient, BFGS]
each = pytest.mark.parametrize("method", METHODS)


def rosenbrock(point):
    return LANDSCAPES["rosenbrock"](point)


def net_and_data(dtype):
    generator = torch.Generator().manual_seed(1)
    net = nn.Sequential(nn.Linear(4, 6), nn.Tanh(), nn.Linear(6, 3)).to(dtype)
    for parameter in net.parameters():
        nn.init.normal_(parameter, 0, 0.4, generator=generator)
    x = torch.randn(30, 4, generator=generator, dtype=dtype)
    return net, x, torch.randint(0, 3, (30,), generator=generator)


def net_closure(net, x, t, optimiser):
    def loss_of(_):
        return nn.functional.cross_entropy(net(x), t) + 1e-2 * sum(
            (p**2).sum() for p in net.parameters()
        )

    return closure_of(loss_of, None, optimiser)


# Do they get there?


@each
def test_rosenbrocks_valley_to_1e_8(method):
    point, value, _ = run(
        lambda p: method(p, max_iter=500, tolerance_grad=1e-9), rosenbrock, [-1.2, 1.0]
    )
    assert value < 1e-16
    assert point.tolist() == pytest.approx([1, 1], abs=1e-8)


def problem(name):
    if name == "quadratic":
        bowl = quadratic(50, 100.0, seed=0)
        return bowl, [0.0] * 50, bowl.minimum.numpy()
    landscape = LANDSCAPES[name]
    return landscape, list(landscape.start), np.array(landscape.minima[0])


RIVALS = {
    "conjugate gradients": (
        "CG",
        {},
        lambda p: ConjugateGradient(p, max_iter=2000, tolerance_grad=1e-7),
    ),
    "BFGS": ("BFGS", {}, lambda p: BFGS(p, max_iter=2000, tolerance_grad=1e-7)),
    "L-BFGS": (
        "L-BFGS-B",
        {"ftol": 0, "maxcor": 10},
        lambda p: torch.optim.LBFGS(
            p,
            max_iter=2000,
            max_eval=4000,
            tolerance_grad=1e-7,
            tolerance_change=1e-15,
            history_size=10,
            line_search_fn="strong_wolfe",
        ),
    ),
}


@pytest.mark.parametrize("rival", RIVALS)
@pytest.mark.parametrize("name", ["rosenbrock", "beale", "quadratic"])
def test_scipys_minimum_within_twice_scipys_evaluations(rival, name):
    method, options, make = RIVALS[rival]
    function, start, minimum = problem(name)
    theirs, their_value, their_calls = scipy_run(method, function, start, gtol=1e-7, **options)
    ours, our_value, our_calls = run(make, function, start)
    assert theirs == pytest.approx(minimum, abs=1e-6)
    assert ours.numpy() == pytest.approx(theirs, abs=1e-6)
    assert our_value == pytest.approx(their_value, abs=1e-12)
    assert our_calls <= 2 * their_calls


@each
@pytest.mark.parametrize("condition", [1.0, 1e4])
def test_ill_conditioned_quadratics(method, condition):
    bowl = quadratic(20, condition, seed=1)
    point, value, _ = run(lambda p: method(p, max_iter=2000, tolerance_grad=1e-9), bowl, [0.0] * 20)
    assert value < 1e-16
    assert point.numpy() == pytest.approx(bowl.minimum.numpy(), abs=1e-8)


@each
def test_from_the_saddle_they_leave_downwards(method):
    saddle = LANDSCAPES["saddle"]
    point, value, _ = run(lambda p: method(p, max_iter=100), saddle, saddle.start)
    assert value == pytest.approx(-0.25, abs=1e-12)
    assert point.tolist() == pytest.approx([0, 1], abs=1e-5)


@each
def test_float32(method):
    bowl = quadratic(10, 100.0, seed=2, dtype=torch.float32)
    point, value, _ = run(
        lambda p: method(p, max_iter=500, tolerance_grad=1e-4),
        bowl,
        [0.0] * 10,
        dtype=torch.float32,
    )
    assert point.dtype == torch.float32
    assert value < 1e-7
    assert point.numpy() == pytest.approx(bowl.minimum.numpy(), abs=2e-4)


# What must always hold


@given(
    method=st.sampled_from(METHODS),
    n=st.integers(1, 8),
    condition=st.floats(1, 1e5),
    unit=st.sampled_from([1e-6, 1.0, 1e6]),
    seed=st.integers(0, 1000),
)
@settings(max_examples=60)
def test_on_a_convex_quadratic_no_step_raises_the_loss(method, n, condition, unit, seed):
    bowl = quadratic(n, condition, seed)

    def scaled(point):
        return unit * bowl(point)

    point = torch.zeros(n, dtype=torch.float64, requires_grad=True)
    optimiser = method([point], max_iter=2, tolerance_grad=0)
    losses = [scaled(point).item()]
    for _ in range(8):
        optimiser.step(closure_of(scaled, point, optimiser))
        losses.append(scaled(point).item())
    assert losses == sorted(losses, reverse=True)
    assert losses[-1] < losses[0]


@each
def test_many_small_calls_of_step_are_one_large_one(method):
    one, _, _ = run(lambda p: method(p, max_iter=24), rosenbrock, [-1.2, 1.0])
    many, _, _ = run(lambda p: method(p, max_iter=2), rosenbrock, [-1.2, 1.0], steps=12)
    assert torch.equal(one, many)


@each
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_several_tensors_are_one_vector(method, dtype):
    net, x, t = net_and_data(dtype)
    optimiser = method(net.parameters(), max_iter=15)
    first = optimiser.step(net_closure(net, x, t, optimiser)).item()
    with_groups = flatten(list(net.parameters()))

    flat = nn.Parameter(flatten(list(net_and_data(dtype)[0].parameters())))

    def loss_of(vector):
        parts = vector.split([24, 6, 18, 3])
        hidden = torch.tanh(x @ parts[0].view(6, 4).T + parts[1])
        logits = hidden @ parts[2].view(3, 6).T + parts[3]
        return nn.functional.cross_entropy(logits, t) + 1e-2 * (vector**2).sum()

    single = method([flat], max_iter=15)
    assert single.step(closure_of(loss_of, flat, single)).item() == pytest.approx(first, rel=1e-5)
    tolerance = 2e-3 if dtype == torch.float32 else 1e-9
    assert with_groups.tolist() == pytest.approx(flat.tolist(), abs=tolerance)


@each
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("before", [0, 1, 3])
def test_resuming_from_a_state_dict_equals_not_stopping(method, dtype, before):
    def start():
        net, x, t = net_and_data(dtype)
        return net, x, t, method(net.parameters(), max_iter=3)

    net, x, t, optimiser = start()
    for _ in range(before):
        optimiser.step(net_closure(net, x, t, optimiser))
    file = io.BytesIO()
    torch.save((net.state_dict(), optimiser.state_dict()), file)
    for _ in range(4):
        optimiser.step(net_closure(net, x, t, optimiser))

    twin, x, t, resumed = start()
    file.seek(0)
    weights, state = torch.load(file)
    twin.load_state_dict(weights)
    resumed.load_state_dict(state)
    for _ in range(4):
        resumed.step(net_closure(twin, x, t, resumed))
    assert torch.equal(flatten(list(net.parameters())), flatten(list(twin.parameters())))
    old, new = optimiser.state_dict()["state"][0], resumed.state_dict()["state"][0]
    assert old.keys() == new.keys()
    assert all(np.array_equal(old[key], new[key]) for key in old)


@each
def test_evaluations_and_iterations_are_counted(method):
    point, calls = torch.tensor([-1.2, 1.0], requires_grad=True), []
    optimiser = method([point], max_iter=3)
    for _ in range(2):
        optimiser.step(closure_of(rosenbrock, point, optimiser, calls))
    assert optimiser.state[point]["n_iter"] == 6
    assert optimiser.state[point]["func_evals"] == len(calls)


@each
def test_step_returns_the_loss_before_it(method):
    point = torch.tensor([-1.2, 1.0], dtype=torch.float64, requires_grad=True)
    optimiser = method([point])
    loss = optimiser.step(closure_of(rosenbrock, point, optimiser))
    assert loss.item() == pytest.approx(24.2)
    assert rosenbrock(point).item() < 24.2


@pytest.mark.parametrize("method", LINE_SEARCHERS)
def test_the_parameters_end_where_the_lowest_loss_was_seen(method):
    point, calls = torch.tensor([-1.2, 1.0], dtype=torch.float64, requires_grad=True), []
    optimiser = method([point], max_iter=1)
    for _ in range(20):
        optimiser.step(closure_of(rosenbrock, point, optimiser, calls))
        assert rosenbrock(point).item() <= min(calls) * (1 + 1e-6)


@each
def test_at_the_minimum_nothing_moves_and_nothing_is_searched(method):
    point, value, calls = run(method, rosenbrock, [1.0, 1.0], steps=3)
    assert point.tolist() == [1, 1]
    assert value == 0
    assert calls == 3


@each
def test_without_tolerance_they_stop_where_the_arithmetic_does(method):
    bowl = quadratic(5, 10.0, seed=3)

    def raised(point):
        return bowl(point) + 1.0  # now 1e-16 of the loss is 1e-16, not 0

    point, value, calls = run(
        lambda p: method(p, max_iter=1000, tolerance_grad=0), raised, [0.0] * 5
    )
    assert value == pytest.approx(1, abs=1e-15)
    assert point.numpy() == pytest.approx(bowl.minimum.numpy(), abs=1e-7)
    assert calls < 500


@each
def test_a_parameter_that_the_loss_does_not_reach_stays(method):
    used = torch.tensor([3.0, -2.0], requires_grad=True)
    unused = torch.tensor([[1.0]], requires_grad=True)
    optimiser = method([unused, used], max_iter=10)
    optimiser.step(closure_of(LANDSCAPES["bowl"], used, optimiser))
    assert unused.item() == 1
    assert used.tolist() == pytest.approx([0, 0], abs=1e-4)


@each
def test_a_loss_that_is_a_plain_number_will_do(method):
    point = torch.tensor([3.0, -2.0], requires_grad=True)
    optimiser = method([point])

    def closure():
        optimiser.zero_grad()
        loss = LANDSCAPES["bowl"](point)
        loss.backward()
        return loss.item()

    assert optimiser.step(closure) == 6.5


# Mistakes


@each
def test_step_without_a_closure_says_what_is_missing(method):
    optimiser = method([torch.zeros(2, requires_grad=True)])
    with pytest.raises(UsageError, match=r"step\(\) needs a closure"):
        optimiser.step()


@each
def test_a_loss_that_is_not_finite_is_an_error(method):
    point = torch.tensor([math.inf, 0.0], requires_grad=True)
    optimiser = method([point])
    with pytest.raises(RunError, match="loss before the step is inf"):
        optimiser.step(closure_of(LANDSCAPES["bowl"], point, optimiser))
    root = torch.tensor([0.0], requires_grad=True)
    optimiser = method([root])
    with pytest.raises(RunError, match="gradient is not finite"):
        optimiser.step(closure_of(lambda p: p.sqrt().sum(), root, optimiser))


@each
def test_parameters_that_are_no_vector_are_refused(method):
    number, double = torch.zeros(2), torch.zeros(2, dtype=torch.float64)
    with pytest.raises(UsageError, match="one list of at least one parameter"):
        method([])
    with pytest.raises(UsageError, match="no groups"):
        method([{"params": [number]}])
    with pytest.raises(UsageError, match=r"share one real dtype.*float32 on cpu.*float64 on cpu"):
        method([number, double])
    with pytest.raises(UsageError, match="int64"):
        method([torch.zeros(2, dtype=torch.long)])


@each
@pytest.mark.parametrize(("name", "value"), [("max_iter", 0), ("tolerance_grad", -1.0)])
def test_numbers_out_of_range_are_refused(method, name, value):
    with pytest.raises(UsageError, match=f"{name} .*≥"):
        method([torch.zeros(2, requires_grad=True)], **{name: value})


@pytest.mark.parametrize("method", LINE_SEARCHERS)
@pytest.mark.parametrize("lr", [0.0, -1.0, math.nan])
def test_a_learning_rate_that_is_not_positive_is_refused(method, lr):
    with pytest.raises(UsageError, match="lr must be > 0"):
        method([torch.zeros(2, requires_grad=True)], lr=lr)


@pytest.mark.parametrize("method", LINE_SEARCHERS)
@pytest.mark.parametrize("lr", [1e-6, 1.0, 1e6])
def test_the_learning_rate_is_only_a_first_guess(method, lr):
    _, value, _ = run(lambda p: method(p, lr=lr, max_iter=500), rosenbrock, [-1.2, 1.0])
    assert value < 1e-12


# Flat vectors


@given(st.lists(st.lists(st.integers(0, 3), max_size=3), min_size=1, max_size=4))
def test_unflatten_is_the_inverse_of_flatten(shapes):
    tensors = [torch.randn(shape) for shape in shapes]
    twins = [torch.zeros_like(tensor) for tensor in tensors]
    vector = flatten(tensors)
    assert vector.tolist() == [number for t in tensors for number in t.reshape(-1).tolist()]
    unflatten(vector, twins)
    assert all(torch.equal(a, b) for a, b in zip(tensors, twins, strict=True))
