"""Batch normalisation that settles: before it torch's, after it that of evaluation."""

import pytest
import torch
from torch import nn

from gradus.nn.mlp import MLP
from gradus.nn.norm import SettlingBatchNorm, settle_after


def batches(n):
    generator = torch.Generator().manual_seed(0)
    return [3 * torch.randn(5, 4, generator=generator) + 1 for _ in range(n)]


@pytest.mark.parametrize("settles", [None, 3])
def test_it_is_torchs_until_it_settles(settles):
    ours, torchs = SettlingBatchNorm(4), nn.BatchNorm1d(4)
    ours.settles = settles
    for x in batches(3):
        assert torch.equal(ours(x), torchs(x))
    assert torch.equal(ours.eval()(x), torchs.eval()(x))


def test_then_it_holds_its_numbers_and_learns_all_the_same():
    norm = SettlingBatchNorm(4)
    norm.settles = 2
    one, two, three = batches(3)
    norm(one), norm(two)
    held = {name: value.clone() for name, value in norm.named_buffers()}
    out = norm(three)
    expected = (three - held["running_mean"]) / (held["running_var"] + norm.eps).sqrt()
    torch.testing.assert_close(out, expected)
    assert torch.equal(out, norm.eval()(three))
    assert all(torch.equal(held[name], value) for name, value in norm.named_buffers())
    out.square().sum().backward()
    assert norm.weight.grad.abs().min() > 0
    assert norm.bias.grad.abs().min() > 0


def test_how_far_it_is_goes_with_the_parameters():
    first, second = SettlingBatchNorm(4), SettlingBatchNorm(4)
    first.settles = second.settles = 2
    one, two, three = batches(3)
    first(one), first(two)
    second.load_state_dict(first.state_dict())
    assert torch.equal(second(three), first(three))
    assert int(second.num_batches_tracked) == 2


def test_all_norms_of_a_model_settle():
    model = nn.Sequential(MLP((4, 3, 3, 2), norm=1.0), nn.BatchNorm1d(2))
    settle_after(model, 7)
    norms = [m for m in model.modules() if isinstance(m, SettlingBatchNorm)]
    assert [norm.settles for norm in norms] == [7, 7]
