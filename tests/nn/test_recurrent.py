"""Recurrent cells: against torch's fused layers, and against loops where torch has none."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

import gradus.nn
from gradus import UsageError
from gradus.nn.fused import from_torch, ragged, to_torch
from gradus.nn.recurrent import GRUCell, LSTMCell, Recurrent, RNNCell, unroll

BATCH, TIME, INPUTS, HIDDEN = 3, 6, 4, 5
LENGTHS = torch.tensor([6, 2, 4])
LAYERS = {
    "rnn": lambda **more: nn.RNN(INPUTS, HIDDEN, 2, batch_first=True, **more),
    "rnn relu": lambda **more: nn.RNN(
        INPUTS, HIDDEN, 1, nonlinearity="relu", batch_first=True, **more
    ),
    "rnn without biases": lambda **more: nn.RNN(INPUTS, HIDDEN, 1, bias=False, **more),
    "lstm": lambda **more: nn.LSTM(INPUTS, HIDDEN, 2, batch_first=True, **more),
    "lstm, time first": lambda **more: nn.LSTM(INPUTS, HIDDEN, 2, **more),
    "lstm projected": lambda **more: nn.LSTM(
        INPUTS, HIDDEN, 2, proj_size=3, batch_first=True, **more
    ),
    "gru": lambda **more: nn.GRU(INPUTS, HIDDEN, 3, batch_first=True, **more),
}


def inputs(dtype=torch.float64, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(BATCH, TIME, INPUTS, dtype=torch.float64, generator=generator).to(dtype)


def stacked(state):
    """Ours, a state for each cell, in torch's layout: "layers batch numbers" of h, and of c."""
    return [torch.stack(part) for part in zip(*state, strict=True)]


def flat(state):
    return [state] if isinstance(state, torch.Tensor) else list(state)


# Against torch

pytestmark = pytest.mark.filterwarnings("ignore:LSTM with projections is not supported with oneDNN")


@pytest.mark.parametrize(
    ("dtype", "near"), [(torch.float64, 1e-12), (torch.float32, 1e-6)], ids=["float64", "float32"]
)
@pytest.mark.parametrize("name", LAYERS)
def test_outputs_states_and_gradients_are_those_of_the_fused_layer(name, dtype, near):
    torch.manual_seed(0)
    fused = LAYERS[name](dtype=dtype)
    ours = from_torch(fused)
    x = inputs(dtype)
    x = x if fused.batch_first else x.transpose(0, 1)
    weight = torch.randn(1, generator=torch.Generator().manual_seed(1)).to(dtype)
    found = []
    for layer in (fused, ours):
        given_x = x.clone().requires_grad_()
        out, state = layer(given_x)
        state = flat(state) if layer is fused else stacked(state)
        total = (out * (out + weight)).sum() + sum((s * s).sum() for s in state)
        total.backward()
        found.append((out, *state, given_x.grad))
    for theirs, mine in zip(*found, strict=True):
        torch.testing.assert_close(mine, theirs, rtol=near, atol=near)
    for number, cell in enumerate(ours.cells):
        for part, parameter in cell.named_parameters():
            theirs = getattr(fused, f"{part}_l{number}").grad
            torch.testing.assert_close(parameter.grad, theirs, rtol=10 * near, atol=10 * near)


@pytest.mark.parametrize("name", LAYERS)
def test_weights_go_to_torch_and_come_back(name):
    torch.manual_seed(1)
    fused = LAYERS[name]()
    ours = from_torch(fused)
    again = to_torch(ours)
    assert type(again) is type(fused)
    for key, value in fused.state_dict().items():
        assert torch.equal(again.state_dict()[key], value), key
    ours.cells[0].weight_ih.data += 1
    assert not torch.equal(ours.cells[0].weight_ih, fused.weight_ih_l0)  # copies, not shared


@pytest.mark.parametrize("name", ["rnn", "lstm", "lstm projected", "gru"])
def test_many_lengths_at_once_are_torch_s_packed_sequences(name):
    torch.manual_seed(2)
    fused = LAYERS[name](dtype=torch.float64)
    packed = pack_padded_sequence(inputs(), LENGTHS, batch_first=True, enforce_sorted=False)
    theirs, state = fused(packed)
    theirs, _ = pad_packed_sequence(theirs, batch_first=True)
    mine, last = from_torch(fused)(inputs(), LENGTHS)
    torch.testing.assert_close(mine, theirs)
    for a, b in zip(stacked(last), flat(state), strict=True):
        torch.testing.assert_close(a, b)
    torch.testing.assert_close(ragged(fused, inputs(), LENGTHS), theirs)


@given(
    lengths=st.lists(st.integers(1, TIME), min_size=BATCH, max_size=BATCH),
    noise=st.floats(-1e3, 1e3),
)
@settings(max_examples=15)
def test_what_stands_after_an_end_is_never_read(lengths, noise):
    torch.manual_seed(3)
    fused = nn.LSTM(INPUTS, HIDDEN, batch_first=True, dtype=torch.float64)
    ends = torch.tensor(lengths)
    outside = (torch.arange(TIME) >= ends[:, None]).unsqueeze(2)
    x = inputs().masked_fill(outside, float("nan")).requires_grad_()
    out = ragged(fused, x, ends)
    out.sum().backward()
    assert not out.masked_select(outside.expand_as(out)).any()
    assert torch.equal(x.grad == 0, outside.expand_as(x))
    for row, n in enumerate(lengths):
        alone, _ = fused(x.detach()[row : row + 1, :n])
        torch.testing.assert_close(out[row, :n], alone[0])
    ours, state = from_torch(fused)(x.detach().masked_fill(outside, noise), ends)
    torch.testing.assert_close(ours, out)
    for row, n in enumerate(lengths):
        torch.testing.assert_close(state[0][0][row], out[row, n - 1])


# Where torch has no layer of its own: loops


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


def lstm_in_loops(cell, x):
    """Outputs and the last memory, one number at a time."""
    w, u = cell.weight_ih.detach().numpy(), cell.weight_hh.detach().numpy()
    b = (cell.bias_ih + cell.bias_hh).detach().numpy()
    n = cell.hidden
    p = np.zeros((3, n)) if cell.peepholes is None else cell.peepholes.detach().numpy()
    project = None if cell.weight_hr is None else cell.weight_hr.detach().numpy()
    h, c = np.zeros((len(x), cell.outputs)), np.zeros((len(x), n))
    outputs = []
    for t in range(x.shape[1]):
        before, h = h, np.zeros_like(h)
        for row in range(len(x)):
            told = np.zeros(n)
            for k in range(n):

                def z(gate, row=row, k=k, t=t, before=before):
                    at = gate * n + k
                    return b[at] + w[at] @ x[row, t] + u[at] @ before[row]

                write = sigmoid(z(0) + p[0, k] * c[row, k])
                keep = sigmoid(z(1) + p[1, k] * c[row, k])
                c[row, k] = keep * c[row, k] + write * np.tanh(z(2))
                if cell.clip:
                    c[row, k] = min(max(c[row, k], -cell.clip), cell.clip)
                told[k] = sigmoid(z(3) + p[2, k] * c[row, k]) * np.tanh(c[row, k])
            h[row] = told if project is None else project @ told
            if cell.projection_clip:
                h[row] = np.clip(h[row], -cell.projection_clip, cell.projection_clip)
        outputs.append(h)
    return np.stack(outputs, 1), c


@pytest.mark.parametrize(
    "settings_of",
    [
        {},
        {"peepholes": True},
        {"projection": 3},
        {"clip": 0.2},
        {"forget_bias": 1.0},
        {
            "peepholes": True,
            "projection": 2,
            "clip": 0.3,
            "projection_clip": 0.1,
            "forget_bias": 1.0,
        },
    ],
    ids=lambda s: ", ".join(s) or "plain",
)
def test_an_lstm_is_its_formula(settings_of):
    torch.manual_seed(4)
    cell = LSTMCell(INPUTS, HIDDEN, **settings_of).double()
    if cell.peepholes is not None:
        nn.init.normal_(cell.peepholes)
    x = 2 * inputs()
    out, ((h, c),) = Recurrent([cell])(x)
    right, memory = lstm_in_loops(cell, x.numpy())
    np.testing.assert_allclose(out.detach(), right, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(c.detach(), memory, rtol=1e-9, atol=1e-12)
    assert torch.equal(h, out[:, -1])
    if cell.clip:
        assert c.abs().max() == cell.clip  # it was reached
    if cell.projection_clip:
        assert out.abs().max() == cell.projection_clip


@pytest.mark.parametrize(
    "cell",
    [
        lambda: RNNCell(2, 3),
        lambda: LSTMCell(2, 3, peepholes=True, projection=2),
        lambda: GRUCell(2, 3),
    ],
    ids=["rnn", "lstm", "gru"],
)
def test_gradients_are_those_of_differences(cell):
    torch.manual_seed(5)
    layer = Recurrent([cell()], learned_start=True).double()
    x = torch.randn(2, 3, 2, dtype=torch.float64, requires_grad=True)
    names = list(dict(layer.named_parameters()))

    def outputs(x, *values):
        return torch.func.functional_call(
            layer, dict(zip(names, values, strict=True)), (x, torch.tensor([3, 2]))
        )[0]

    assert torch.autograd.gradcheck(outputs, (x, *layer.parameters()))


# Settings


def test_the_forget_bias_keeps_more_of_the_memory():
    torch.manual_seed(6)
    plain = LSTMCell(INPUTS, HIDDEN)
    torch.manual_seed(6)
    keeping = LSTMCell(INPUTS, HIDDEN, forget_bias=1.0)
    change = keeping.bias_ih - plain.bias_ih
    assert torch.equal(change != 0, torch.arange(4 * HIDDEN) // HIDDEN == 1)
    x, state = inputs(torch.float32)[:, 0], plain.start(BATCH)
    state = (state[0], torch.ones_like(state[1]))
    assert (keeping(x, state)[1][1] > plain(x, state)[1][1]).all()


def test_time_major_is_the_same_turned():
    torch.manual_seed(7)
    layer = Recurrent([GRUCell(INPUTS, HIDDEN)])
    x = inputs(torch.float32)
    batch_first, state = layer(x, LENGTHS)
    layer.time_major = True
    time_first, same = layer(x.transpose(0, 1), LENGTHS)
    torch.testing.assert_close(time_first.transpose(0, 1), batch_first)
    torch.testing.assert_close(same, state)


def test_a_learned_start_is_where_the_state_begins():
    torch.manual_seed(8)
    layer = Recurrent([LSTMCell(INPUTS, HIDDEN), RNNCell(HIDDEN, 2)], learned_start=True)
    assert [tuple(s.shape) for s in layer.start] == [(HIDDEN,), (HIDDEN,), (2,)]
    for start in layer.start:
        nn.init.normal_(start)
    x = inputs(torch.float32)
    out, _ = layer(x)
    given_states = [
        tuple(s.expand(BATCH, -1) for s in part) for part in (layer.start[:2], layer.start[2:])
    ]
    torch.testing.assert_close(layer(x, states=given_states)[0], out)
    out.sum().backward()
    assert all(s.grad.abs().sum() > 0 for s in layer.start)
    empty, state = layer(x, torch.tensor([0, 0, 6]))
    assert torch.equal(state[0][0][0], layer.start[0])  # a sequence of no steps stays at the start
    assert not empty[:2].any()


def test_dropout_is_of_inputs_and_outputs_in_training_alone():
    torch.manual_seed(9)
    cells = [RNNCell(INPUTS, 200), RNNCell(200, 200)]
    layer = Recurrent(cells, output_dropout=0.5)
    x = inputs(torch.float32)
    out, state = layer(x)
    assert (out == 0).float().mean() == pytest.approx(0.5, abs=0.03)
    assert state[1][0].all()  # what is remembered is whole
    assert not torch.equal(out[:, 0] == 0, out[:, 1] == 0)  # anew at each step
    layer.eval()
    torch.testing.assert_close(layer(x)[0], Recurrent(cells)(x)[0])
    only = Recurrent([RNNCell(INPUTS, 3)], input_dropout=0.999)
    first = only(x)[0][:, 0]
    assert (first - (only.cells[0].bias_ih + only.cells[0].bias_hh).tanh()).abs().max() < 1e-6


def test_a_step_by_hand():
    cell = RNNCell(1, 1, bias=False)
    nn.init.constant_(cell.weight_ih, 2.0)
    nn.init.constant_(cell.weight_hh, -1.0)
    out, _ = unroll(cell, torch.tensor([[[0.5]], [[0.25]]]), (torch.zeros(1, 1),))
    first = np.tanh(1.0)
    assert out.flatten().tolist() == pytest.approx([first, np.tanh(0.5 - first)], rel=1e-6)


def test_no_steps_and_no_sequences():
    layer = Recurrent([LSTMCell(INPUTS, HIDDEN)])
    out, ((h, _),) = layer(torch.zeros(2, 0, INPUTS))
    assert out.shape == (2, 0, HIDDEN)
    assert not h.any()
    assert layer(torch.zeros(0, 3, INPUTS), torch.zeros(0, dtype=torch.int64))[0].shape[0] == 0


def test_public_names():
    assert gradus.nn.LSTMCell is LSTMCell
    assert set(gradus.nn.__all__) >= {"LSTMCell", "GRUCell", "RNNCell", "Recurrent"}


# Refused

TWICE = RNNCell(2, 2)


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: RNNCell(0, 2), "inputs must be ≥ 1, got 0"),
        (lambda: GRUCell(2, 0), "hidden must be ≥ 1, got 0"),
        (lambda: LSTMCell(2, 2, clip=-1.0), "clip must be ≥ 0, got -1.0"),
        (lambda: LSTMCell(2, 2, projection_clip=1.0), "needs a projection"),
        (lambda: LSTMCell(2, 2, forget_bias=1.0, bias=False), "needs biases"),
        (lambda: Recurrent([]), "at least one cell"),
        (lambda: Recurrent([TWICE] * 2), "shares its weights"),
        (lambda: Recurrent([RNNCell(2, 3), RNNCell(2, 3)]), "must take the 3 numbers"),
        (lambda: Recurrent([RNNCell(2, 3)], output_dropout=1.0), r"in \[0, 1\), got 1.0"),
        (
            lambda: Recurrent([RNNCell(2, 3)])(torch.zeros(1, 4, 2), torch.tensor([5])),
            r"in \[0, 4\]",
        ),
        (lambda: ragged(nn.GRU(2, 3), torch.zeros(1, 4, 2), torch.tensor([0])), r"in \[1, 4\]"),
        (lambda: from_torch(nn.GRU(2, 3, bidirectional=True)), "one direction"),
        (lambda: to_torch(Recurrent([LSTMCell(2, 3, peepholes=True)])), "no peepholes"),
        (lambda: to_torch(Recurrent([LSTMCell(2, 3, clip=1.0)])), "no clip"),
        (lambda: to_torch(Recurrent([RNNCell(2, 3)], learned_start=True)), "no learned_start"),
        (lambda: to_torch(Recurrent([RNNCell(2, 3), GRUCell(3, 3)])), "one kind"),
        (lambda: to_torch(Recurrent([RNNCell(2, 3), RNNCell(3, 4)])), "one size"),
    ],
)
def test_what_cannot_be_meant_is_refused(make, said):
    with pytest.raises(UsageError, match=said):
        make()
