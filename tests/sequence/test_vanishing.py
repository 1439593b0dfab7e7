"""The vanishing gradient: the book's bound, and what is measured against it."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from gradus.nn.recurrent import GRUCell, LSTMCell, RNNCell
from gradus.sequence.recurrent_figures import FIGURES
from gradus.sequence.vanishing import bound, sensitivity

WEIGHTS = st.floats(-2, 2)


@given(
    w_in=WEIGHTS,
    w_rec=WEIGHTS,
    x=st.lists(st.floats(-3, 3), min_size=1, max_size=12),
    relu=st.booleans(),
)
def test_a_neuron_keeps_at_most_w_rec_to_the_k_times_w_in(w_in, w_rec, x, relu):
    cell = RNNCell(1, 1, relu=relu, bias=False).double()
    cell.weight_ih.data.fill_(w_in)
    cell.weight_hh.data.fill_(w_rec)
    left = sensitivity(cell, torch.tensor(x, dtype=torch.float64)[:, None])
    for k, found in enumerate(left.tolist()):
        assert found <= abs(w_rec) ** k * abs(w_in) * (1 + 1e-9) + 1e-12


@given(seed=st.integers(0, 10_000), scale=st.floats(0.1, 1.5))
@settings(max_examples=20)
def test_a_layer_is_bounded_by_its_largest_singular_values(seed, scale):
    torch.manual_seed(seed)
    cell = RNNCell(3, 5).double()
    cell.weight_hh.data *= scale
    x = torch.randn(8, 3, dtype=torch.float64)
    assert (sensitivity(cell, x) <= bound(cell, 8) * (1 + 1e-9)).all()


def test_it_is_the_derivative():
    torch.manual_seed(0)
    cell = GRUCell(2, 3).double()
    x = torch.randn(4, 2, dtype=torch.float64)

    def last(changed):
        state = cell.start(1)
        for row in changed:
            h, state = cell(row[None], state)
        return h[0]

    for k in range(4):
        jacobian = torch.zeros(3, 2, dtype=torch.float64)
        for j in range(2):
            step = torch.zeros_like(x)
            step[3 - k, j] = 1e-6
            jacobian[:, j] = (last(x + step) - last(x - step)).detach() / 2e-6
        norm = torch.linalg.matrix_norm(jacobian, 2).item()
        assert sensitivity(cell, x)[k].item() == pytest.approx(norm, rel=1e-6)


def test_the_bound_is_reached_where_nothing_saturates():
    cell = RNNCell(1, 1, relu=True, bias=False)
    cell.weight_ih.data.fill_(2.0)
    cell.weight_hh.data.fill_(0.5)
    left = sensitivity(cell, torch.ones(5, 1))
    torch.testing.assert_close(left, torch.tensor([2.0, 1.0, 0.5, 0.25, 0.125]))


def test_an_lstm_that_keeps_is_not_bound_by_its_recurrent_weights():
    torch.manual_seed(1)
    cell = LSTMCell(4, 8, forget_bias=5.0)
    cell.weight_hh.data *= 0.1
    left = sensitivity(cell, torch.randn(40, 4))
    assert torch.linalg.matrix_norm(cell.weight_hh.data, 2) ** 39 < 1e-12
    assert left[-1] > 0.01


@pytest.mark.parametrize("name", FIGURES)
def test_figures(name):
    fig = FIGURES[name]()
    assert FIGURES[name].__doc__
    assert "input" in fig.texts[0].get_text()
