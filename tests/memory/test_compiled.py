"""The compiled step of a DNC: the same numbers and gradients as PyTorch's operations."""

import pytest
import torch

from gradus.memory import DNC
from gradus.memory.compiled import access


def machines(**settings):
    """Two with the same parameters, plain and compiled."""
    made = []
    for compiled in (False, True):
        torch.manual_seed(0)
        sizes = {"locations": 7, "width": 5, "hidden": 6, "reads": 2, **settings}
        made.append(DNC(3, 2, **sizes, compiled=compiled))
    return made


def inputs(time=8, scale=2.0):
    return scale * torch.randn(3, time, 3, generator=torch.Generator().manual_seed(1))


def found(model, x, state=None):
    """Outputs, what is carried on, and the gradients at parameters and input."""
    x = x.clone().requires_grad_()
    outputs, end = model(x, state)
    weights = torch.randn(outputs.shape, generator=torch.Generator().manual_seed(2))
    parts = [end.memory, *end[2:-1]]  # not the inverse lengths, whose slope is steep at 0
    carried = sum((part * (i + 1)).sum() for i, part in enumerate(parts))
    ((outputs * weights).sum() + 0.1 * carried).backward()
    gradients = [p.grad for p in model.parameters()] + [x.grad]
    return [outputs, *parts, *gradients]


@pytest.mark.parametrize(
    "settings",
    [{}, {"reads": 1}, {"reads": 3, "controller": "feed-forward"}, {"locations": 1}, {"width": 1}],
)
def test_outputs_and_gradients_are_the_same(settings):
    plain, compiled = machines(**settings)
    for one, other in zip(found(plain, inputs()), found(compiled, inputs()), strict=True):
        torch.testing.assert_close(other, one, rtol=2e-3, atol=2e-4)


def test_going_on_from_a_state_is_the_same():
    plain, compiled = machines()
    with torch.no_grad():
        _, state = plain(inputs(3))
    for one, other in zip(
        found(plain, inputs(), state), found(compiled, inputs(), state), strict=True
    ):
        torch.testing.assert_close(other, one, rtol=2e-3, atol=2e-4)


def test_recomputation_and_a_larger_memory():
    _, compiled = machines(recompute=3)
    plain, _ = machines()
    unlike = torch.rand(3, 20, generator=torch.Generator().manual_seed(4))  # else rounding decides
    larger = plain.start(3, locations=20)._replace(usage=unlike)  # which of like ones is taken
    for one, other in zip(
        found(plain, inputs(), larger), found(compiled, inputs(), larger), strict=True
    ):
        torch.testing.assert_close(other, one, rtol=2e-3, atol=2e-4)


def test_other_numbers_and_switches_take_pytorchs_operations():
    _, compiled = machines()
    assert compiled.double()(inputs().double())[0].dtype == torch.float64
    model = DNC(3, 2, locations=4, width=3, masked=True, compiled=True)
    assert not model.compiled


def test_an_empty_memory_has_finite_gradients():
    _, compiled = machines()
    compiled(torch.zeros(2, 4, 3))[0].sum().backward()
    assert all(torch.isfinite(p.grad).all() for p in compiled.parameters())


def test_a_step_by_itself():
    model, _ = machines()
    state = model.start(2)
    h = torch.randn(2, 6, generator=torch.Generator().manual_seed(3))
    xi = model.interface(h)
    carried = (
        state.memory,
        state.usage,
        state.links,
        state.precedence,
        state.write_weighting,
        state.read_weightings,
    )
    *_, r = access(xi, *carried)
    expected = model.access(model.interpret(xi), state)
    torch.testing.assert_close(r.flatten(1), expected.reads)
