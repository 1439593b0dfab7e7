"""Every optimiser by name: made as its rule says, resumed to the bit, refused where it cannot work.

The rules themselves (gradus.core.rules) are checked in tests/surface/test_rules.py.
"""

import signal
from dataclasses import replace
from typing import get_args

import pytest
import torch
from torch import nn

from gradus.core.errors import Interrupted, RunError, UsageError
from gradus.core.experiment import train
from gradus.core.fit import fit
from gradus.core.optim import check_optimizer, make_optimizer
from gradus.core.recipe import FitConfig, resolve
from gradus.core.rules import OPTIMISERS, OptimizerName
from gradus.core.run import create
from gradus.core.task import build_task
from tests.commands import contents
from tests.tiny import CALM, TINY, calm_task, cpu

SEARCHING = [name for name, rule in OPTIMISERS.items() if rule.searches]


def settings(name):
    """The tiny recipe's config for an optimiser, at its own rate."""
    return replace(TINY.config, optimizer=name, lr=OPTIMISERS[name].lr, momentum=0.0)


def parameters(task):
    return torch.cat([p.detach().flatten() for p in task.model.parameters()])


# Names --------------------------------------------------------------------------------------------


def test_names_are_listed_once():
    assert list(OPTIMISERS) == list(get_args(OptimizerName))
    assert SEARCHING == ["conjugate-gradient", "scaled-conjugate-gradient", "bfgs", "lbfgs"]


@pytest.mark.parametrize("name", OPTIMISERS)
def test_each_is_made_with_its_rate(name):
    rule = OPTIMISERS[name]
    optimizer = make_optimizer(name, [torch.zeros(3, requires_grad=True)], 0.25)
    assert type(optimizer) is resolve(rule.kind)
    (group,) = optimizer.param_groups
    assert group["lr"] == 0.25
    assert group.get("momentum", 0.0) == rule.momentum


@pytest.mark.parametrize(
    ("name", "momentum", "expected"),
    [
        ("sgd", 0.0, 0.0),
        ("sgd", 0.5, 0.5),
        ("momentum", 0.0, 0.9),
        ("momentum", 0.5, 0.5),
        ("nesterov", 0.0, 0.9),
        ("nesterov", 0.5, 0.5),
        ("rmsprop", 0.0, 0.0),
        ("rmsprop", 0.5, 0.5),
        ("rmsprop-momentum", 0.0, 0.9),
    ],
)
def test_momentum_is_the_rules_own_unless_given(name, momentum, expected):
    optimizer = make_optimizer(name, [torch.zeros(3, requires_grad=True)], 0.1, momentum)
    (group,) = optimizer.param_groups
    assert group["momentum"] == expected
    assert group.get("nesterov", False) == (name == "nesterov")


@pytest.mark.parametrize("name", ["adam", "nadam", "adamw"])
def test_beta2_is_the_rules_own_unless_given(name):
    for given, expected in ((0.0, 0.999), (0.98, 0.98)):
        optimizer = make_optimizer(name, [torch.zeros(3, requires_grad=True)], 0.1, beta2=given)
        assert optimizer.param_groups[0]["betas"] == (0.9, expected)


def test_beta2_is_refused_where_there_is_none():
    with pytest.raises(UsageError, match="beta2 is for adam, nadam and adamw, got"):
        replace(TINY.config, beta2=0.98)


def test_sgd_with_momentum_is_momentum():
    ends = []
    for config in (
        replace(TINY.config, optimizer="sgd", momentum=0.9),
        replace(TINY.config, optimizer="momentum", momentum=0.0),
    ):
        task = build_task(TINY, config)
        fit(task, config, device=cpu())
        ends.append(parameters(task))
    assert torch.equal(*ends)


# In the training loop -----------------------------------------------------------------------------


@pytest.mark.parametrize("name", OPTIMISERS)
def test_each_lowers_the_loss_of_a_recipe_under_a_schedule(name):
    config = replace(settings(name), schedule="cosine", batch_size=60, epochs=8)
    fitted = fit(build_task(CALM, config), config, device=cpu())
    first, last = (fitted.records[i]["train/loss"] for i in (0, -1))
    assert last < first
    assert fitted.records[0]["lr"] < config.lr


@pytest.mark.parametrize("name", OPTIMISERS)
def test_stopped_and_resumed_equals_uninterrupted(tmp_path, name):
    config = settings(name)
    whole = build_task(CALM, config)
    expected = fit(whole, config, run=create(TINY, config, tmp_path / "a"), device=cpu())

    run = create(TINY, config, tmp_path / "b")
    task = build_task(CALM, config)
    inner, batches = task.loss, []

    def loss(model, batch):
        if model.training and not any(batch[0] is seen for seen in batches):
            batches.append(batch[0])
            if len(batches) == 10:  # in the midst of the third epoch
                signal.raise_signal(signal.SIGTERM)
        return inner(model, batch)

    task.loss = loss
    with pytest.raises(Interrupted):
        fit(task, config, run=run, device=cpu())
    again = build_task(CALM, config)
    fitted = fit(again, config, run=run, resume=True, device=cpu())
    assert fitted.records == expected.records
    assert torch.equal(parameters(again), parameters(whole))
    a, b = ((tmp_path / n / "metrics.jsonl").read_bytes() for n in "ab")
    assert a == b


@pytest.mark.parametrize("name", SEARCHING)
def test_one_that_searches_takes_the_steps_that_it_takes_alone(name):
    config = replace(settings(name), batch_size=60, epochs=5)
    task = build_task(CALM, config)
    fit(task, config, device=cpu())

    torch.manual_seed(config.seed)
    alone = calm_task(config)
    optimizer = make_optimizer(name, alone.model.parameters(), config.lr)
    best = (0.0, None)
    for epoch in range(5):
        rows = alone.train.order(epoch)
        batch = tuple(t[rows] for t in alone.train.tensors)

        def closure(batch=batch):
            optimizer.zero_grad()
            loss, _ = alone.loss(alone.model, batch)
            loss.backward()
            return loss

        optimizer.step(closure)
        score = alone.model(alone.validation.tensors[0]).argmax(1) == alone.validation.tensors[1]
        if score.float().mean() > best[0]:
            best = score.float().mean(), parameters(alone)
    assert torch.equal(parameters(task), best[1])


def test_what_was_computed_for_the_step_is_not_computed_again():
    config = replace(settings("bfgs"), batch_size=60, epochs=1)
    task = build_task(CALM, config)
    inner, calls = task.loss, []

    def loss(model, batch):
        calls.append(model.training)
        return inner(model, batch)

    task.loss = loss
    fit(task, config, device=cpu())
    trained = calls.count(True) - 2  # two that check whether the loss stays the same
    alone = build_task(CALM, config)
    optimizer = make_optimizer("bfgs", alone.model.parameters(), config.lr)
    batch = tuple(t[alone.train.order(0)] for t in alone.train.tensors)

    def closure():
        optimizer.zero_grad()
        loss, _ = inner(alone.model, batch)
        loss.backward()
        return loss

    optimizer.step(closure)
    (state,) = optimizer.state.values()
    assert trained == state["func_evals"]


@pytest.mark.parametrize("name", SEARCHING)
def test_a_loss_that_is_no_number_is_told_with_its_step(name):
    config = replace(settings(name), batch_size=60, epochs=4)
    task = build_task(CALM, config)
    inner, at = task.loss, []

    def loss(model, batch):
        value, metrics = inner(model, batch)
        if model.training and not any(batch[0] is seen for seen in at):
            at.append(batch[0])
        return (value * float("nan") if len(at) > 3 else value), metrics

    task.loss = loss
    with pytest.raises(RunError, match=r"the loss became nan at step 3 \(epoch 3\)"):
        fit(task, config, device=cpu())


# Refused ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", SEARCHING)
def test_dropout_is_refused(name):
    config = settings(name)
    with pytest.raises(UsageError, match=rf"{name} needs the same loss each time .*--dropout"):
        check_optimizer(build_task(TINY, config), config, cpu())
    with pytest.raises(UsageError, match="the same loss"):
        fit(build_task(TINY, config), config, device=cpu())


def test_a_projection_is_refused():
    config = settings("lbfgs")
    task = build_task(CALM, config)
    task.project = lambda model, lr: None
    with pytest.raises(UsageError, match=r"lbfgs cannot work with a projection .*--max-norm"):
        check_optimizer(task, config, cpu())


def test_several_processes_are_refused():
    config = settings("bfgs")
    with pytest.raises(UsageError, match="bfgs works in one process, got 3"):
        check_optimizer(build_task(CALM, config), config, replace(cpu(), world=3))


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"optimizer": "bfgs", "clip_norm": 1.0}, "bfgs chooses .* got clip_norm=1.0"),
        ({"optimizer": "lbfgs", "precision": "bf16-mixed"}, "lbfgs .* precision=bf16-mixed"),
        ({"optimizer": "adam", "momentum": 0.9}, "momentum is for sgd, .* and rmsprop-momentum"),
        ({"optimizer": "bfgs", "momentum": 0.9}, "momentum=0.9 with optimizer=bfgs"),
    ],
)
def test_settings_that_exclude_each_other(changed, says):
    with pytest.raises(UsageError, match=says):
        FitConfig(**changed)


def test_bfgs_is_refused_where_its_matrix_would_be_too_large():
    with pytest.raises(UsageError, match="at most n = 10,000 parameters, got 10,100: use L-BFGS"):
        make_optimizer("bfgs", nn.Linear(99, 101).parameters(), 1.0)


def test_what_is_refused_leaves_no_folder(tmp_path):
    for name in SEARCHING:
        with pytest.raises(UsageError, match="the same loss"):
            train(TINY, settings(name), path=tmp_path / "run")
    assert not contents(tmp_path)
    assert not list(tmp_path.iterdir())


def test_the_check_changes_nothing():
    config = settings("lbfgs")
    task = build_task(TINY, config)
    task.model.insert(1, nn.BatchNorm1d(8))
    task.model.eval()
    before = {k: v.clone() for k, v in task.model.state_dict().items()}
    with pytest.raises(UsageError):
        check_optimizer(task, config, cpu())
    after = task.model.state_dict()
    assert all(torch.equal(before[k], after[k]) for k in before)
    assert not task.model.training
