"""Errata of chapter 7, recurrent networks and sentiment: the printed version beside the right."""

import pytest
import torch
from torch import nn

from gradus import UsageError
from gradus.nn.fused import ragged
from gradus.nn.recurrent import LSTMCell, Recurrent, RNNCell
from gradus.sequence.sentiment.reader import ReviewReader
from gradus.sequence.vanishing import bound, sensitivity

NUMBERS = torch.tensor([[3, 4, 5, 2]])


# Wrong


def test_dropout_that_stays_on_answers_by_chance():
    torch.manual_seed(0)
    model = ReviewReader(9, 4, 6, normalised=False)
    model.train()  # keep_prob 0.5 whatever phase_train is, as printed
    assert not torch.equal(model(NUMBERS), model(NUMBERS))
    model.eval()
    assert torch.equal(model(NUMBERS), model(NUMBERS))


def test_the_last_output_of_a_padded_review_tells_of_its_padding():
    torch.manual_seed(1)
    lstm, x = nn.LSTM(3, 5, batch_first=True), torch.randn(1, 20, 3)
    filler = torch.randn(1, 1, 3).expand(1, 480, 3)  # the vector of number 0
    printed, _ = lstm(torch.cat([x, filler], 1))
    other, _ = lstm(torch.cat([torch.randn(1, 20, 3), filler], 1))
    assert (printed[:, -1] - other[:, -1]).abs().max() < 1e-6  # the review is forgotten
    right = ragged(lstm, torch.cat([x, filler], 1), torch.tensor([20]))[:, 19]
    torch.testing.assert_close(right, lstm(x)[0][:, -1])
    assert (right - printed[:, -1]).abs().max() > 0.01


def test_one_cell_repeated_shares_its_weights():
    cell = LSTMCell(4, 4)
    assert len({id(p) for c in [cell] * 2 for p in c.parameters()}) == len(list(cell.parameters()))
    with pytest.raises(UsageError, match="shares its weights"):
        Recurrent([cell] * 2)
    right = Recurrent([LSTMCell(4, 4), LSTMCell(4, 4)])
    assert len(list(right.parameters())) == 2 * len(list(cell.parameters()))


# To be read with care


def test_connections_of_one_weight_have_the_sum_of_their_derivatives():
    cell = RNNCell(1, 1, bias=False).double()
    x = torch.tensor([[0.5], [1.0], [-0.3]], dtype=torch.float64)
    Recurrent([cell])(x[None])[0][0, -1].sum().backward()
    copies = [cell.weight_ih.detach().clone().requires_grad_() for _ in x]
    h = torch.zeros(1, 1, dtype=torch.float64)
    for row, w in zip(x, copies, strict=True):
        h = torch.tanh(row @ w.T + h @ cell.weight_hh.detach().T)
    h.sum().backward()
    total = sum(w.grad for w in copies)
    torch.testing.assert_close(cell.weight_ih.grad, total)
    assert (cell.weight_ih.grad / (total / len(copies))).item() == pytest.approx(3)


def test_a_gate_is_seldom_close_to_0_or_1():
    z = torch.randn(100_000, generator=torch.Generator().manual_seed(0))
    gate = z.sigmoid()
    assert ((gate < 0.05) | (gate > 0.95)).float().mean() < 0.01
    assert ((gate > 0.2) & (gate < 0.8)).float().mean() > 0.8


def test_an_lstm_attenuates_until_its_keep_gate_opens():
    torch.manual_seed(2)
    x = torch.randn(40, 8)
    plain, keeping = (LSTMCell(8, 8, forget_bias=b) for b in (0.0, 4.0))
    assert sensitivity(plain, x)[-1] < 1e-6
    assert sensitivity(keeping, x)[-1] > 1e-3


# Right


def test_the_bound_on_what_is_left_of_an_input():
    torch.manual_seed(3)
    cell = RNNCell(1, 1)
    assert (sensitivity(cell, torch.randn(10, 1)) <= bound(cell, 10) * (1 + 1e-6)).all()
