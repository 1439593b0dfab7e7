"""The schedule that answers to the validation set: gradus.core.schedule.make_plateau, and fit."""

import signal
from dataclasses import replace

import pytest
import torch

from gradus.core.errors import Interrupted, UsageError
from gradus.core.experiment import train
from gradus.core.fit import fit
from gradus.core.recipe import FitConfig
from gradus.core.run import create
from gradus.core.schedule import make_plateau
from gradus.core.task import build_task
from tests.tiny import TINY, cpu

CONFIG = replace(TINY.config, schedule="plateau", epochs=40)


def rates(values, better="min"):
    """The learning rate of each epoch, and after the last, when the epochs end with `values`."""
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1.0)
    schedule, found = make_plateau(optimizer, better), []
    for value in values:
        found.append(optimizer.param_groups[0]["lr"])
        schedule.step(value)
    return [*found, optimizer.param_groups[0]["lr"]]


def by_hand(values, sign):
    rate, best, waited, found = 1.0, None, 0, []
    for value in values:
        found.append(rate)
        if value == value and (best is None or sign * value > sign * best):
            best, waited = value, 0
        else:
            waited += 1
        if waited == 5:
            rate, waited = rate / 10, 0
    return [*found, rate]


def test_five_epochs_without_a_new_best_cost_nine_tenths_of_the_rate():
    assert rates([3, 2, 2, 2, 2, 2, 2]) == pytest.approx([1] * 7 + [0.1])
    assert rates([3, 2, 2, 2, 2, 2, 1]) == pytest.approx([1] * 8)
    assert rates([1, *[float("nan")] * 5]) == pytest.approx([1] * 6 + [0.1])
    assert rates([1] * 11) == pytest.approx([1] * 6 + [0.1] * 5 + [0.01])


@pytest.mark.parametrize(("better", "sign"), [("max", 1), ("min", -1)])
def test_the_smallest_improvement_is_one(better, sign):
    noise = torch.rand(60, generator=torch.Generator().manual_seed(0)).cumsum(0).sin().tolist()
    creeping = [sign * (1 + epoch * 1e-9) for epoch in range(20)]
    for values in (noise, creeping):
        assert rates(values, better) == pytest.approx(by_hand(values, sign))
    assert rates(creeping, better)[-1] == 1


def test_a_training_that_stands_still_slows_down():
    config = replace(CONFIG, lr=1e-5, momentum=0.0, epochs=12)
    fitted = fit(build_task(TINY, config), config, device=cpu())
    assert len({record["validation/accuracy"] for record in fitted.records}) == 1
    expected = [1e-5] * 6 + [1e-6] * 5 + [1e-7]
    assert [record["lr"] for record in fitted.records] == pytest.approx(expected)


@pytest.mark.parametrize("step", [30, 61, 120])
def test_stopped_and_resumed_equals_uninterrupted(tmp_path, step):
    whole = fit(build_task(TINY, CONFIG), CONFIG, run=create(TINY, CONFIG, tmp_path / "a"))
    assert len({record["lr"] for record in whole.records}) > 2
    task, run = build_task(TINY, CONFIG), create(TINY, CONFIG, tmp_path / "b")
    inner, calls = task.loss, []

    def loss(model, batch):
        calls.append(model.training)
        if calls.count(True) == step and model.training:
            signal.raise_signal(signal.SIGTERM)
        return inner(model, batch)

    task.loss = loss
    with pytest.raises(Interrupted):
        fit(task, CONFIG, run=run)
    fit(build_task(TINY, CONFIG), CONFIG, run=run, resume=True)
    a, b = ((tmp_path / name / "metrics.jsonl").read_bytes() for name in "ab")
    assert a == b


def test_more_epochs_may_follow_as_with_a_constant_rate(tmp_path):
    whole = train(TINY, CONFIG, path=tmp_path / "whole")
    half = train(TINY, replace(CONFIG, epochs=20), path=tmp_path / "half")
    more = train(TINY, CONFIG, path=half.path, resume=True)
    assert more.records() == whole.records()
    assert FitConfig().open_ended
    assert not FitConfig(warmup=0.1).open_ended
    assert not FitConfig(schedule="cosine").open_ended


def test_warmup_is_refused():
    with pytest.raises(UsageError, match=r"schedule plateau has no warmup, got warmup=0.1"):
        replace(CONFIG, warmup=0.1)
