"""Steps of a DNC in pieces: the same numbers and gradients as one after the other.

Without a GPU the pieces are run, not captured; with one, what is captured is tested as well.
"""

import copy
import pickle

import pytest
import torch

from gradus.memory import DNC
from gradus.memory.controller import unroll
from gradus.memory.graphed import Pieces

VARIED = dict.fromkeys(("masked", "deallocate", "sharpened", "normalised"), True)
DEVICES = ["cpu", *(["cuda"] if torch.cuda.is_available() else [])]


def machine(device="cpu", **settings):
    torch.manual_seed(0)
    return DNC(3, 2, locations=6, width=4, hidden=5, reads=2, **settings).to(device).double()


def numbers(*shape, seed=1, device="cpu"):
    drawn = torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.double)
    return drawn.to(device)


def by_pieces(model, count, pieces):
    return lambda projected, state: pieces.unroll(model, projected, state, count)


def found(model, x, steps):
    """What comes out, what is carried on, and the gradients at the parameters and the input."""
    model.zero_grad()
    x = x.clone().requires_grad_()
    usage = numbers(len(x), 6, seed=4, device=x.device).sigmoid()  # like ones are sorted anyhow
    h, r, end = steps(model.controller.project(x), model.start(len(x))._replace(usage=usage))
    results = [h, r, end.memory, end.usage, end.links, end.precedence, *end.controller]
    sum(
        (part * numbers(*part.shape, seed=i, device=x.device)).sum()
        for i, part in enumerate(results)
    ).backward()
    used = [p.grad for p in model.parameters() if p.grad is not None]
    return [*results, x.grad, *used]


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("count", [1, 3, 4, 20])
@pytest.mark.parametrize(
    "settings", [{}, {"controller": "feed-forward"}, VARIED], ids=["lstm", "feed-forward", "varied"]
)
def test_pieces_are_the_steps_one_after_the_other(settings, count, device):
    model = machine(device, **settings)
    pieces = Pieces()
    for seed in (1, 2):  # the second time with what was captured in the first
        x = numbers(3, 8, 3, seed=seed, device=device)
        plain = found(model, x, lambda *given: unroll(model.step, *given))
        for one, other in zip(plain, found(model, x, by_pieces(model, count, pieces)), strict=True):
            torch.testing.assert_close(other, one, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("device", DEVICES)
def test_weights_may_change_in_place_and_move(device):
    model, pieces, x = machine(device), Pieces(), numbers(2, 5, 3, device=device)
    for change in (lambda p: p.data.mul_(1.5), lambda p: setattr(p, "data", p.data * 0.5)):
        found(model, x, by_pieces(model, 2, pieces))
        for parameter in model.parameters():
            change(parameter)
        plain = found(model, x, lambda *given: unroll(model.step, *given))
        for one, other in zip(plain, found(model, x, by_pieces(model, 2, pieces)), strict=True):
            torch.testing.assert_close(other, one, rtol=1e-9, atol=1e-9)


def test_what_inference_captured_serves_training():
    model, pieces, x = machine(), Pieces(), numbers(2, 4, 3)
    with torch.inference_mode():
        state = model.start(2)
        by_pieces(model, 2, pieces)(model.controller.project(x), state)
    assert all(torch.isfinite(part).all() for part in found(model, x, by_pieces(model, 2, pieces)))


def test_frozen_weights_need_no_gradient():
    model, pieces, x = machine(), Pieces(), numbers(2, 5, 3)
    found(model, x, by_pieces(model, 2, pieces))
    expected = model.controller.recurrent.grad
    model.interface.requires_grad_(False)
    found(model, x, by_pieces(model, 2, pieces))
    assert model.interface.weight.grad is None
    assert torch.equal(model.controller.recurrent.grad, expected)


def test_a_copy_has_nothing_captured():
    model, x = machine(), numbers(2, 5, 3)
    found(model, x, by_pieces(model, 2, model._graphs))
    assert model._graphs._made
    for other in (copy.deepcopy(model), pickle.loads(pickle.dumps(model))):
        assert not other._graphs._made
        assert torch.equal(other(x)[0], model(x)[0])


@pytest.mark.skipif("cuda" not in DEVICES, reason="needs a GPU")
def test_on_a_gpu_compiled_means_captured():
    x = numbers(3, 21, 3, device="cuda")
    plain, compiled = machine("cuda", **VARIED), machine("cuda", compiled=True, **VARIED)
    for model in (plain, compiled):
        model(x)[0].square().sum().backward()
    assert compiled._graphs._made
    for one, other in zip(plain.parameters(), compiled.parameters(), strict=True):
        torch.testing.assert_close(other.grad, one.grad, rtol=1e-9, atol=1e-9)
