"""Controllers: torch's own cell and the formula as references."""

import pytest
import torch
from torch import nn

from gradus import UsageError
from gradus.memory.controller import CONTROLLERS, LSTM, FeedForward, make_controller


def random(*shape, seed=0):
    return torch.randn(*shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


def whole(controller):
    """W, its columns side by side."""
    parts = dict(controller.named_parameters())
    return torch.cat([parts["weight_x"], parts.get("weight_hr", parts.get("weight_r"))], 1)


def stepped(controller, x, reads, state):
    return controller(controller.project(x), reads, state)


def test_the_lstm_is_torchs():
    torch.manual_seed(0)
    ours, torchs = LSTM(3, 2, 4).double(), nn.LSTMCell(5, 4).double()
    i, f, o, g = whole(ours).detach().chunk(4)
    ordered = torch.cat([i, f, g, o])  # torch's order
    bias = ours.bias.detach().view(4, 4)[[0, 1, 3, 2]].flatten()
    with torch.no_grad():
        torchs.weight_ih.copy_(ordered[:, [0, 1, 2, 7, 8]])
        torchs.weight_hh.copy_(ordered[:, 3:7])
        torchs.bias_ih.copy_(bias)
        torchs.bias_hh.zero_()
    x, reads, state = (
        random(2, 3),
        random(2, 2, seed=1),
        (random(2, 4, seed=2), random(2, 4, seed=3)),
    )
    h, found = stepped(ours, x, reads, state)
    expected = torchs(torch.cat([x, reads], 1), state)
    torch.testing.assert_close(found, expected)
    assert h is found[0]


def test_layer_normalisation_by_its_formula():
    torch.manual_seed(0)
    ours = LSTM(3, 2, 4, normalised=True).double()
    with torch.no_grad():
        ours.gains.copy_(random(5, 4, seed=4))
        ours.shifts.copy_(random(5, 4, seed=5))
    x, reads, (h, c) = (
        random(2, 3),
        random(2, 2, seed=1),
        (random(2, 4, seed=2), random(2, 4, seed=3)),
    )

    def normal(z, k):
        z = z - z.mean(1, keepdim=True)
        z = z / (z.square().mean(1, keepdim=True) + 1e-5).sqrt()
        return z * ours.gains[k] + ours.shifts[k]

    raw = torch.cat([x, h, reads], 1) @ whole(ours).T + ours.bias
    i, f, o, g = (normal(z, k) for k, z in enumerate(raw.chunk(4, 1)))
    new = f.sigmoid() * c + i.sigmoid() * g.tanh()
    out = o.sigmoid() * normal(new, 4).tanh()
    torch.testing.assert_close(stepped(ours, x, reads, (h, c))[1], (out, new))


@pytest.mark.parametrize("normalised", [False, True])
def test_the_feed_forward_layer_by_its_formula(normalised):
    torch.manual_seed(0)
    ours = FeedForward(3, 2, 4, normalised).double()
    x, reads = random(2, 3), random(2, 2, seed=1)
    z = torch.cat([x, reads], 1) @ whole(ours).T + ours.bias
    z = nn.functional.layer_norm(z, (4,)) if normalised else z
    h, state = stepped(ours, x, reads, ours.start(2))
    torch.testing.assert_close(h, z.tanh())
    assert state == ()


@pytest.mark.parametrize("kind", CONTROLLERS)
def test_projecting_all_steps_at_once_is_projecting_each(kind):
    ours = make_controller(kind, 3, 2, 4).double()
    x = random(2, 5, 3)
    torch.testing.assert_close(ours.project(x)[:, 2], ours.project(x[:, 2]))


def test_sizes_and_names_are_checked():
    with pytest.raises(UsageError, match="controller must be one of feed-forward, lstm, got 'x'"):
        make_controller("x", 3, 2, 4)
    with pytest.raises(UsageError, match="inputs must be ≥ 1, got 0"):
        make_controller("lstm", 0, 2, 4)
