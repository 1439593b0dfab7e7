"""The Differentiable Neural Computer: equal to NumPy, switches, sizes, edges, gradients."""

import itertools

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from gradus import UsageError
from gradus.memory import DNC, DNCState
from tests.memory import plain

SWITCHES = {
    "masked": True,
    "deallocate": True,
    "sharpened": True,
    "normalised": True,
    "bypass_dropout": 0.1,
}


def machine(seed=0, **settings):
    torch.manual_seed(seed)
    sizes = {"locations": 5, "width": 4, "hidden": 6, "reads": 2, **settings}
    return DNC(3, 2, **sizes).double()


def inputs(batch=2, time=6, seed=1):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(batch, time, 3, dtype=torch.float64, generator=generator)


@pytest.mark.parametrize("settings", [{}, {"reads": 1}, {"locations": 1}, {"width": 1}])
def test_outputs_equal_the_equations_in_numpy(settings):
    model, x = machine(**settings), inputs()
    found, _ = model(x)
    for row in range(2):
        np.testing.assert_allclose(
            found[row].detach().numpy(), plain.dnc(model, x[row].numpy()), rtol=1e-8, atol=1e-11
        )


def test_the_interface_has_the_papers_size():
    model = machine(reads=3, width=7)
    assert model.interface.out_features == 3 * 7 + 3 * 7 + 5 * 3 + 3  # R W + 3 W + 5 R + 3


@pytest.mark.parametrize("settings", [{}, {"controller": "feed-forward"}, SWITCHES])
def test_going_on_from_a_state_equals_one_go(settings):
    model, x = machine(**settings).eval(), inputs()
    whole, end = model(x)
    first, state = model(x[:, :2])
    second, last = model(x[:, 2:], state)
    torch.testing.assert_close(torch.cat([first, second], 1), whole)
    assert isinstance(end, DNCState)
    torch.testing.assert_close(last.links, end.links)


@pytest.mark.parametrize("recompute", [1, 2, 4, 100])
def test_recomputation_changes_no_gradient(recompute):
    x = inputs()

    def gradients(recompute):
        model = machine(recompute=recompute)
        found, _ = model(x)
        found.square().sum().backward()
        return found.detach(), [p.grad for p in model.parameters()]

    plainly, again = gradients(0), gradients(recompute)
    torch.testing.assert_close(again, plainly)


@pytest.mark.parametrize("name", SWITCHES)
def test_each_switch_changes_what_is_learned_and_has_gradients(name):
    x = inputs(batch=1, time=4)
    model = machine(**{name: SWITCHES[name]})
    found, _ = model(x)
    found.square().sum().backward()
    assert all(torch.isfinite(p.grad).all() for p in model.parameters())
    model.eval()
    torch.testing.assert_close(model(x)[0], model(x)[0])
    assert torch.autograd.gradcheck(lambda x: model(x)[0], (x.requires_grad_(),))


def test_gradients_of_the_paper_s():
    model, x = machine(), inputs(batch=1, time=4).requires_grad_()
    assert torch.autograd.gradcheck(lambda x: model(x)[0], (x,))


def told(model, x, state=None):
    """The last step's interface and state."""
    state = model.start(len(x)) if state is None else state
    for now in model.controller.project(x).unbind(1):
        _, said, state = model.step(now, state)
    return said, state


def test_deallocation_wipes_out_what_was_freed():
    model, x = machine(deallocate=True), inputs()
    _, before = told(model, x)
    said, _ = told(model, x)
    said = said._replace(free=torch.ones(2, 2).double(), write_gate=torch.zeros(2, 1).double())
    one = torch.zeros(2, 2, 5).double()
    one[:, 0, 3] = 1
    after = model.access(said, before._replace(read_weightings=one))
    assert (after.memory[:, 3] == 0).all()
    torch.testing.assert_close(after.memory[:, :3], before.memory[:, :3])
    model.deallocate = False
    kept = model.access(said, before._replace(read_weightings=one))
    torch.testing.assert_close(kept.memory, before.memory)
    assert (kept.usage[:, 3] == 0).all()


def test_bypass_dropout_leaves_the_memory_alone():
    model, x = machine(bypass_dropout=0.9), inputs()
    torch.manual_seed(0)
    first, one = model(x)
    second, other = model(x)
    assert not torch.equal(first, second)
    assert torch.equal(one.memory, other.memory)


@given(st.integers(0, 100), st.integers(1, 4), st.floats(0.1, 30))
def test_weightings_are_sub_stochastic_and_usage_is_a_share(seed, reads, scale):
    _, state = machine(seed, reads=reads)(scale * inputs(time=7, seed=seed))
    for w in (state.write_weighting, state.precedence, *state.read_weightings.unbind(1)):
        assert (w >= 0).all()
        assert (w.sum(1) <= 1 + 1e-9).all()
    assert (state.usage >= 0).all()
    assert (state.usage <= 1).all()
    assert (state.links >= 0).all()
    assert (state.links <= 1).all()
    assert (state.links.diagonal(dim1=1, dim2=2) == 0).all()
    assert (state.links.sum(1) <= 1 + 1e-9).all()
    assert (state.links.sum(2) <= 1 + 1e-9).all()


def test_lower_precision_leaves_the_memory_alone():
    model, x = machine().float(), inputs().float()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        found, state = model(x)
    torch.testing.assert_close(found, model(x)[0])
    assert found.dtype == state.memory.dtype == torch.float32


def test_a_larger_memory_needs_no_other_parameters():
    model, x = machine(), inputs()
    found, state = model(x, model.start(2, locations=40))
    assert found.shape == (2, 6, 2)
    assert state.links.shape == (2, 40, 40)


def test_one_location_one_number_one_step():
    found, state = machine(locations=1, width=1, reads=1)(inputs(time=1))
    assert found.shape == (2, 1, 2)
    assert state.links.tolist() == [[[0.0]], [[0.0]]]


def test_sequences_longer_than_the_memory_work():
    model = machine(locations=2).float()
    found, state = model(inputs(time=50).float())
    found.square().mean().backward()
    assert all(torch.isfinite(p.grad).all() for p in model.parameters())
    assert (state.usage <= 1).all()


def test_an_all_zero_memory_has_finite_gradients():
    model = machine().float()
    found, _ = model(torch.zeros(2, 4, 3))
    found.sum().backward()
    assert all(torch.isfinite(p.grad).all() for p in model.parameters())


def test_all_switches_together_are_finite():
    for one, other in itertools.combinations(SWITCHES, 2):
        model = machine(**{one: SWITCHES[one], other: SWITCHES[other]}).float()
        model(inputs().float())[0].sum().backward()
        assert all(torch.isfinite(p.grad).all() for p in model.parameters()), (one, other)


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"reads": 0}, "reads must be ≥ 1, got 0"),
        ({"locations": 0}, "locations must be ≥ 1, got 0"),
        ({"width": 0}, "width must be ≥ 1, got 0"),
        ({"hidden": 0}, "hidden must be ≥ 1, got 0"),
        ({"bypass_dropout": 1.0}, r"bypass_dropout must be in \[0, 1\), got 1.0"),
        ({"recompute": -1}, "recompute must be ≥ 0, got -1"),
        ({"controller": "gru"}, "controller must be one of"),
    ],
)
def test_sizes_out_of_range_are_refused(settings, said):
    with pytest.raises(UsageError, match=said):
        machine(**settings)
