"""Batches without end, and batches of like length: the same after a stop, shared by processes."""

import pytest
import torch

from gradus import UsageError
from gradus.core.batches import Batches, BatchSource
from gradus.memory.bucketed import Bucketed
from gradus.memory.generated import Generated


def draw(generator, n, epoch):
    return (torch.rand(n, 2, generator=generator), torch.full((n,), float(epoch)))


def generated(**changes):
    return Generated(**{"draw": draw, "batch_size": 6, "batches": 4, "seed": 3, **changes})


def bucketed(n=37, batch_size=5, seed=0):
    generator = torch.Generator().manual_seed(1)
    lengths = torch.randint(1, 20, (n,), generator=generator)
    rows = torch.arange(n)[:, None].expand(-1, 20).clone()
    rows[torch.arange(20) >= lengths[:, None]] = -1
    return Bucketed((rows, torch.arange(n)), lengths, batch_size, seed)


@pytest.mark.parametrize("batches", [generated(), bucketed()], ids=["generated", "bucketed"])
def test_protocol(batches):
    assert isinstance(batches, BatchSource)
    assert isinstance(Batches((torch.rand(4),), 2), BatchSource)
    assert len(list(batches.epoch(0))) == len(batches)


@pytest.mark.parametrize("batches", [generated(), bucketed()], ids=["generated", "bucketed"])
def test_a_batch_depends_on_seed_epoch_and_number_alone(batches):
    whole = [batch for batch, _ in batches.epoch(2)]
    rest = [batch for batch, _ in batches.epoch(2, start=2)]
    for one, other in zip(whole[2:], rest, strict=True):
        assert all(torch.equal(a, b) for a, b in zip(one, other, strict=True))
    first = next(iter(batches.epoch(3)))[0]
    assert not torch.equal(first[0], whole[0][0])


def test_all_batches_of_all_epochs_differ():
    seen = {batch[0][0, 0].item() for epoch in range(5) for batch, _ in generated().epoch(epoch)}
    assert len(seen) == 20
    other = {batch[0][0, 0].item() for batch, _ in generated(seed=4).epoch(0)}
    assert not seen & other


@pytest.mark.parametrize("batches", [generated(), bucketed()], ids=["generated", "bucketed"])
@pytest.mark.parametrize("world", [2, 4, 7])
def test_processes_share_each_batch(batches, world):
    parts = [list(batches.shard(rank, world).epoch(1)) for rank in range(world)]
    for number, (whole, _) in enumerate(batches.epoch(1)):
        ours = [part[number] for part in parts]
        rows = torch.cat([batch[1] for batch, share in ours if share])
        assert torch.equal(rows, whole[1])
        shares = [share * len(whole[1]) / world for _, share in ours]
        assert sum(shares) == pytest.approx(len(whole[1]))


def test_every_sequence_comes_once_an_epoch_with_its_likes():
    batches = bucketed(n=500)
    seen, spread = [], []
    for batch, _ in batches.epoch(0):
        seen += batch[1].tolist()
        lengths = batches.lengths[batch[1]]
        assert batch[0].shape[1] == lengths.max()
        spread.append((lengths.max() - lengths.min()).item())
    assert sorted(seen) == list(range(500))
    assert sum(spread) / len(spread) < 2


def test_batches_of_nothing_are_refused():
    with pytest.raises(UsageError, match="batch_size must be ≥ 1, got 0"):
        generated(batch_size=0)
    with pytest.raises(UsageError, match="batches must be ≥ 1, got 0"):
        generated(batches=0)
