"""The Neural Turing Machine: equal to NumPy, any size, edges, gradients."""

import numpy as np
import pytest
import torch

from gradus import UsageError
from gradus.memory import NTM, NTMState
from tests.memory import plain


def machine(seed=0, **settings):
    torch.manual_seed(seed)
    sizes = {"locations": 6, "width": 4, "hidden": 5, **settings}
    return NTM(3, 2, **sizes).double()


def inputs(batch=2, time=5, seed=1):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(batch, time, 3, dtype=torch.float64, generator=generator)


@pytest.mark.parametrize(
    "settings", [{}, {"reads": 2, "writes": 3}, {"shift": 2}, {"shift": 0}, {"locations": 1}]
)
def test_outputs_equal_the_equations_in_numpy(settings):
    model, x = machine(**settings), inputs()
    found, _ = model(x)
    for row in range(2):
        np.testing.assert_allclose(
            found[row].detach().numpy(), plain.ntm(model, x[row].numpy()), rtol=1e-9, atol=1e-12
        )


@pytest.mark.parametrize("controller", ["feed-forward", "lstm"])
def test_going_on_from_a_state_equals_one_go(controller):
    model, x = machine(controller=controller, reads=2), inputs()
    whole, end = model(x)
    first, state = model(x[:, :2])
    second, last = model(x[:, 2:], state)
    torch.testing.assert_close(torch.cat([first, second], 1), whole)
    assert isinstance(end, NTMState)
    torch.testing.assert_close(last.memory, end.memory)


def test_sequences_of_a_batch_do_not_touch_each_other():
    model, x = machine(), inputs(batch=3)
    torch.testing.assert_close(model(x)[0][1:2], model(x[1:2])[0])


def test_lower_precision_leaves_the_memory_alone():
    model, x = machine().float(), inputs().float()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        found, state = model(x)
    torch.testing.assert_close(found, model(x)[0])
    assert found.dtype == state.memory.dtype == torch.float32


def test_a_larger_memory_needs_no_other_parameters():
    model, x = machine(), inputs()
    found, state = model(x, model.start(2, locations=40))
    assert found.shape == (2, 5, 2)
    assert state.memory.shape == (2, 40, 4)


def test_one_location_one_number_one_step():
    model = machine(locations=1, width=1, shift=1)
    found, state = model(inputs(time=1))
    assert found.shape == (2, 1, 2)
    assert state.weightings.flatten().tolist() == [1.0] * 4


def test_weightings_are_distributions():
    _, state = machine(reads=2, writes=2)(10 * inputs(time=9))
    assert (state.weightings >= 0).all()
    torch.testing.assert_close(state.weightings.sum(2), torch.ones(2, 4).double())


def test_gradients():
    model, x = machine(controller="lstm"), inputs(batch=1, time=3).requires_grad_()
    assert torch.autograd.gradcheck(lambda x: model(x)[0], (x,))


def test_a_long_sequence_has_finite_gradients():
    model = machine().float()
    found, _ = model(100 * inputs(time=60).float())
    found.square().mean().backward()
    assert all(torch.isfinite(p.grad).all() for p in model.parameters())


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"reads": 0}, "reads must be ≥ 1, got 0"),
        ({"writes": 0}, "writes must be ≥ 1, got 0"),
        ({"locations": 0}, "locations must be ≥ 1, got 0"),
        ({"width": -1}, "width must be ≥ 1, got -1"),
        ({"hidden": 0}, "hidden must be ≥ 1, got 0"),
        ({"shift": 7}, r"shift must be in \[0, 6\], the locations, got 7"),
        ({"controller": "gru"}, "controller must be one of feed-forward, lstm, got 'gru'"),
    ],
)
def test_sizes_out_of_range_are_refused(settings, said):
    with pytest.raises(UsageError, match=said):
        machine(**settings)


@pytest.mark.learn
def test_copy_of_two_vectors_is_learned():
    from gradus.memory.losses import bits_loss
    from gradus.memory.tasks import PROBLEMS, examples

    torch.manual_seed(0)
    model = NTM(4, 3, locations=8, width=8, hidden=32)
    optimizer = torch.optim.Adam(model.parameters(), 0.01)
    for step in range(600):
        loss, metrics = bits_loss(model, examples(PROBLEMS["copy"], (1, 2), 16, 3, step))
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 10)
        optimizer.step()
    assert metrics["error"]().float().mean() < 0.05
