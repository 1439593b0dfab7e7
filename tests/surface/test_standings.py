"""What a comparison came to: means, places, levels, times of trainings that were stopped."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gradus.core.run import create
from gradus.surface.standings import (
    Contestant,
    Training,
    common_level,
    ranked,
    read_training,
)
from tests.tiny import CALM


def training(*watched, seed=0, failed=""):
    """A training of ten steps and two seconds an epoch."""
    epochs = range(1, len(watched) + 1)
    steps, seconds = [10 * e for e in epochs], [2.0 * e for e in epochs]
    return Training(seed, steps, seconds, [1 / e for e in epochs], list(watched), failed)


def contestant(*trainings, name="sgd", better="max"):
    return Contestant(name, 0.1, "given", {}, False, better, list(trainings))


def test_mean_and_deviation_of_the_best_epochs():
    c = contestant(training(0.1, 0.9, 0.3), training(0.8, 0.2), training(0.5, failed="NaN"))
    assert c.values == [0.9, 0.8]
    assert c.mean == pytest.approx(np.mean([0.9, 0.8]))
    assert c.sd == pytest.approx(np.std([0.9, 0.8], ddof=1))
    assert contestant(training(0.5)).sd == 0
    assert contestant(training(0.5, failed="NaN")).mean is None
    assert contestant(training(3.0, 1.0, 2.0), better="min").values == [1.0]


def test_how_soon_a_level_was_reached():
    c = contestant(training(0.1, 0.6, 0.5), training(0.6, 0.9), training(0.2, 0.3))
    assert c.to_level(0.6) == {"seeds": 2, "steps": 15, "seconds": 3}
    assert c.to_level(0.95) == {"seeds": 0, "steps": None, "seconds": None}
    assert contestant(training(3.0, 1.0), better="min").to_level(2.0)["steps"] == 20
    assert training(0.5).reached(0.5, "max") == 0, "as good is good enough"


def test_the_best_comes_first_and_who_failed_last():
    good, bad = contestant(training(0.9), name="a"), contestant(training(0.2), name="b")
    none = contestant(training(failed="NaN"), name="c")
    assert [c.name for c in ranked([none, bad, good])] == ["a", "b", "c"]
    low = [contestant(training(v), name=str(v), better="min") for v in (3.0, 1.0, 2.0)]
    assert [c.name for c in ranked(low)] == ["1.0", "2.0", "3.0"]


@given(
    st.lists(st.lists(st.floats(1e-3, 1e3), min_size=2, max_size=2), min_size=1, max_size=6),
    st.sampled_from(["min", "max"]),
)
def test_at_least_half_reach_the_common_level_with_every_seed(values, better):
    found = ranked([contestant(*map(training, pair), better=better) for pair in values])
    level = common_level(found)
    reached = [c.to_level(level)["seeds"] == len(c.trainings) for c in found]
    assert sum(reached) >= len(found) / 2
    assert len(f"{level:.12e}".split("e")[0].rstrip("0").replace(".", "")) <= 3


def test_the_common_level_by_hand():
    found = [contestant(training(a), training(b)) for a, b in ((0.98, 0.97), (0.9577, 0.96))]
    assert common_level(found) == 0.957, "the worst seed of the second of two, rounded down"
    low = [contestant(training(v), better="min") for v in (0.01234, 0.056789, 0.5)]
    assert common_level(low) == 0.0568
    assert common_level([contestant(training(0.0))]) == 0


def test_an_epoch_that_was_stopped_in_its_midst_counts_in_full(tmp_path):
    run = create(CALM, CALM.config, tmp_path / "r")
    batch = CALM.config.batch_size
    for epoch, rate in ((1, 400.0), (2, 800.0)):  # of the second a part was timed only
        values = {"train/loss": 1 / epoch, "validation/accuracy": 0.5}
        run.append("metrics", {"epoch": epoch, "step": 4 * epoch, **values})
        run.append("timing", {"epoch": epoch, "seconds": 0.01, "examples_per_second": rate})
    found = read_training(run.path, CALM, "validation/accuracy")
    assert found.seconds == pytest.approx([4 * batch / 400, 4 * batch / 400 + 4 * batch / 800])
    assert (found.steps, found.loss) == ([4, 8], [1, 0.5])
    assert found.failed == "running"
    run.update(status="complete")
    assert read_training(run.path, CALM, "validation/accuracy").failed == ""
    run.update(status="failed", error="the loss became nan")
    assert read_training(run.path, CALM, "validation/accuracy").failed == "the loss became nan"
