"""Minibatches: order, sharding, splits."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from gradus.core.batches import Batches, split
from gradus.core.errors import UsageError


@given(n=st.integers(1, 60), size=st.integers(1, 60), epoch=st.integers(0, 5))
def test_every_example_comes_once_an_epoch(n, size, epoch):
    size = min(size, n)
    batches = Batches((torch.arange(n), torch.arange(n) * 2), size, seed=3)
    seen = [batch for batch, _ in batches.epoch(epoch)]
    assert len(seen) == len(batches)
    assert sorted(torch.cat([b[0] for b in seen]).tolist()) == list(range(n))
    assert all(torch.equal(2 * a, b) for a, b in seen)


def test_order_depends_on_seed_and_epoch_alone():
    x = (torch.arange(50),)
    order = Batches(x, 10, seed=1).order(4)
    assert torch.equal(order, Batches(x, 7, seed=1).order(4))
    assert not torch.equal(order, Batches(x, 10, seed=1).order(5))
    assert not torch.equal(order, Batches(x, 10, seed=2).order(4))
    assert torch.equal(Batches(x, 10).order(4), torch.arange(50))


@given(n=st.integers(2, 40), size=st.integers(1, 40), start=st.integers(0, 5))
def test_an_epoch_can_be_entered_in_its_midst(n, size, start):
    batches = Batches((torch.arange(n),), min(size, n), seed=0)
    whole = [b[0].tolist() for b, _ in batches.epoch(2)]
    assert [b[0].tolist() for b, _ in batches.epoch(2, start)] == whole[start:]


@given(n=st.integers(1, 40), size=st.integers(1, 40), world=st.integers(1, 4))
def test_shards_weighted_by_their_share_give_the_batch_mean(n, size, world):
    values = torch.randn(n, dtype=torch.float64, generator=torch.Generator().manual_seed(n))
    batches = Batches((values,), min(size, n), seed=0)
    whole = [b[0].mean() for b, _ in batches.epoch(0)]
    shards = [[b[0].mean() * s for b, s in batches.shard(r, world).epoch(0)] for r in range(world)]
    for mean, parts in zip(whole, zip(*shards, strict=True), strict=True):
        torch.testing.assert_close(sum(parts) / world, mean, rtol=1e-12, atol=1e-12)


def test_batch_larger_than_the_data_is_refused():
    with pytest.raises(UsageError, match=r"batch_size must be between 1 and the 5 .* got 6"):
        Batches((torch.arange(5),), 6)


def test_tensors_of_unequal_length_are_refused():
    with pytest.raises(UsageError, match=r"one length, got lengths \[5, 4\]"):
        Batches((torch.arange(5), torch.arange(4)), 2)


def test_split_is_disjoint_complete_and_fixed_by_the_seed():
    x = (torch.arange(30), torch.arange(30) + 100)
    kept, out = split(x, 8, seed=5)
    assert len(out[0]) == 8
    assert sorted(torch.cat([kept[0], out[0]]).tolist()) == list(range(30))
    assert torch.equal(kept[0] + 100, kept[1])
    assert torch.equal(split(x, 8, seed=5)[1][0], out[0])
    with pytest.raises(UsageError, match="between 1 and 29"):
        split(x, 30)
