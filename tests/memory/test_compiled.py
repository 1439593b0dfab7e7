"""The compiled DNC: the same numbers and gradients as PyTorch's operations."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from gradus.memory import DNC
from gradus.memory.addressing import inverse_length
from gradus.memory.allocation import allocation
from gradus.memory.compiled import sequence
from gradus.memory.compiled.equations import allocate


def machines(**settings):
    """Two with the same parameters, plain and compiled."""
    made = []
    for compiled in (False, True):
        torch.manual_seed(0)
        sizes = {"locations": 7, "width": 5, "hidden": 6, "reads": 2, **settings}
        made.append(DNC(3, 2, **sizes, compiled=compiled))
    return made


def numbers(*shape, seed=1, scale=2.0):
    return scale * torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def flat(state):
    """The state's tensors but the inverse lengths, whose slope is steep at 0."""
    return [state.memory, *state[2:-1], *state.controller]


def found(model, x, state=None):
    """Outputs, what is carried on, and the gradients at parameters, input and state before."""
    state = model.start(len(x)) if state is None else state
    *middle, inner = (t if isinstance(t, tuple) else t.clone().requires_grad_() for t in state)
    state = type(state)(*middle, tuple(t.clone().requires_grad_() for t in inner))
    state = state._replace(inverse=inverse_length(state.memory))
    x = x.clone().requires_grad_()
    outputs, end = model(x, state)
    carried = sum((part * numbers(*part.shape, seed=i)).sum() for i, part in enumerate(flat(end)))
    ((outputs * numbers(*outputs.shape)).sum() + 0.1 * carried).backward()
    gradients = [p.grad for p in model.parameters()] + [x.grad]
    before = [t.grad for t in flat(state)]
    return [outputs, *flat(end), *gradients, *before]


def unlike(model, batch, locations=None):
    """A start with unlike usages: which of like ones is taken for the freer is up to rounding."""
    start = model.start(batch, locations)
    drawn = torch.rand(start.usage.shape, generator=torch.Generator().manual_seed(4))
    return start._replace(usage=drawn)


def assert_the_same(plain, compiled, x, *states):
    for one, other in zip(found(plain, x, *states), found(compiled, x, *states), strict=True):
        torch.testing.assert_close(other, one, rtol=2e-3, atol=2e-4)


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"reads": 1, "locations": 5},
        {"reads": 3, "controller": "feed-forward"},
        {"locations": 1},
        {"width": 1, "hidden": 1},
    ],
)
def test_outputs_and_gradients_are_the_same(settings):
    assert_the_same(*machines(**settings), numbers(3, 11, 3))


@pytest.mark.parametrize("locations", [10, 17])
@pytest.mark.parametrize("controller", ["lstm", "feed-forward"])
def test_larger_memories(locations, controller):
    plain, compiled = machines(locations=locations, controller=controller)
    assert_the_same(plain, compiled, numbers(3, 11, 3), unlike(plain, 3))


@pytest.mark.parametrize(("batch", "time"), [(1, 1), (1, 4), (5, 5), (2, 8)])
def test_batches_and_times_of_all_sizes(batch, time):
    assert_the_same(*machines(), numbers(batch, time, 3))


@pytest.mark.parametrize("controller", ["lstm", "feed-forward"])
def test_going_on_from_a_state_is_the_same(controller):
    plain, compiled = machines(controller=controller)
    with torch.no_grad():
        _, state = plain(numbers(3, 3, 3))
    assert_the_same(plain, compiled, numbers(3, 8, 3), state)


def test_gradients_go_from_piece_to_piece():
    plain, compiled = machines()
    x = numbers(3, 10, 3)
    _, state = compiled(x[:, :7])
    compiled(x[:, 7:], state)[0].square().sum().backward()
    plain(x)[0][:, 7:].square().sum().backward()
    for one, other in zip(plain.parameters(), compiled.parameters(), strict=True):
        torch.testing.assert_close(other.grad, one.grad, rtol=2e-3, atol=2e-4)


@pytest.mark.parametrize("recompute", [1, 3, 20])
def test_recomputation_and_a_larger_memory(recompute):
    _, compiled = machines(recompute=recompute)
    plain, _ = machines()
    assert_the_same(plain, compiled, numbers(3, 8, 3), unlike(plain, 3, locations=20))


def test_without_gradients_as_with_them():
    _, compiled = machines()
    x = numbers(2, 2 * sequence.PIECE + 3, 3)
    expected, end = compiled(x)
    with torch.no_grad():
        outputs, state = compiled(x)
    torch.testing.assert_close(outputs, expected, rtol=0, atol=0)
    for one, other in zip(flat(end), flat(state), strict=True):
        torch.testing.assert_close(other, one, rtol=0, atol=0)


def test_several_threads_find_what_one_finds(monkeypatch):
    _, compiled = machines()
    x = numbers(5, 6, 3)
    expected = found(compiled, x)
    compiled.zero_grad()
    monkeypatch.setattr(sequence, "LARGE", 0)
    monkeypatch.setattr(torch, "get_num_threads", lambda: 3)
    for one, other in zip(expected, found(compiled, x), strict=True):
        torch.testing.assert_close(other, one, rtol=0, atol=0)


def test_backward_twice_gives_the_same():
    _, compiled = machines()
    outputs, _ = compiled(numbers(3, 6, 3))
    first = torch.autograd.grad(outputs.sum(), list(compiled.parameters()), retain_graph=True)
    again = torch.autograd.grad(outputs.sum(), list(compiled.parameters()))
    assert all(torch.equal(one, other) for one, other in zip(first, again, strict=True))


def test_other_numbers_and_switches_take_pytorchs_operations():
    _, compiled = machines()
    assert compiled.double()(numbers(3, 8, 3).double())[0].dtype == torch.float64
    for switch in ("masked", "deallocate", "sharpened", "normalised"):
        plain, compiled = machines(**{switch: True})
        x = numbers(3, 8, 3)
        assert torch.equal(compiled(x)[0], plain(x)[0])


@pytest.mark.filterwarnings("ignore::torch.jit.TracerWarning", "ignore::DeprecationWarning")
def test_tensorboard_can_draw_the_graph():
    """Sizes are tensors then."""
    _, compiled = machines()
    torch.jit.trace(compiled, numbers(2, 5, 3), strict=False, check_trace=False)


def test_an_empty_memory_has_finite_gradients():
    _, compiled = machines()
    compiled(torch.zeros(2, 4, 3))[0].sum().backward()
    assert all(torch.isfinite(p.grad).all() for p in compiled.parameters())


@settings(max_examples=20, deadline=None)
@given(st.lists(st.sampled_from([0.0, 0.25, 0.5, 1.0]), min_size=1, max_size=9), st.randoms())
def test_allocation_does_not_depend_on_the_order_before(used, random):
    before = list(range(len(used)))
    random.shuffle(before)
    order, usage = np.array(before, np.int32), np.array(used, np.float32)
    products, allocated = np.empty_like(usage), np.empty_like(usage)
    allocate(usage, order, products, allocated)
    assert order.tolist() == np.argsort(usage, kind="stable").tolist()
    expected = allocation(torch.tensor(usage[None]))[0]
    torch.testing.assert_close(torch.tensor(allocated), expected)
