"""The training loop: what it keeps, when it stops, how it resumes, what it never touches."""

import signal
from dataclasses import replace

import pytest
import torch
from torch import nn
from torch.nn.functional import cross_entropy

from gradus.core import fit as fit_module
from gradus.core.checkpoint import seed_everything
from gradus.core.errors import Interrupted, RunError, UsageError
from gradus.core.fit import fit
from gradus.core.progress import Silent
from gradus.core.recipe import FitConfig
from gradus.core.run import create
from gradus.core.task import build_task, evaluate
from tests.tiny import TINY, cpu, tiny_task


def parameters(task):
    return torch.cat([p.detach().flatten() for p in task.model.parameters()])


def test_equals_a_bare_pytorch_loop_bit_for_bit():
    config = replace(TINY.config, schedule="cosine", epochs=3)
    task = build_task(TINY, config)
    fitted = fit(task, config, device=cpu())

    torch.manual_seed(config.seed)
    bare = tiny_task(config)
    optimizer = torch.optim.SGD(bare.model.parameters(), config.lr, config.momentum, fused=True)
    total = 3 * len(bare.train)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, total)
    seed_everything(config.seed)
    best = (0.0, None)
    for epoch in range(3):
        bare.model.train()
        for rows in bare.train.order(epoch).split(config.batch_size):
            x, y = (t[rows] for t in bare.train.tensors)
            optimizer.zero_grad()
            cross_entropy(bare.model(x), y).backward()
            optimizer.step()
            schedule.step()
        score = evaluate(bare, bare.validation)["accuracy"]
        assert fitted.records[epoch]["validation/accuracy"] == score
        if score > best[0]:
            best = (score, {k: v.clone() for k, v in bare.model.state_dict().items()})
    bare.model.load_state_dict(best[1])
    torch.testing.assert_close(parameters(task), parameters(bare), rtol=0, atol=1e-6)


def own_update(task):
    """Gradient descent by hand, as an update of the task's own."""

    def update(model, batch, lr):
        loss, _ = task.loss(model, batch)
        gradients = torch.autograd.grad(loss, list(model.parameters()))
        with torch.no_grad():
            for parameter, gradient in zip(model.parameters(), gradients, strict=True):
                parameter -= lr * gradient
        return loss.detach()

    task.update = update
    return task


def test_a_task_may_update_its_parameters_itself():
    config = replace(TINY.config, momentum=0.0, schedule="linear", epochs=3)
    plain, own = build_task(TINY, config), own_update(build_task(TINY, config))
    records = [fit(task, config, device=cpu()).records for task in (plain, own)]
    for one, other in zip(*records, strict=True):
        assert one["train/loss"] == pytest.approx(other["train/loss"], rel=1e-5)
        assert "train/accuracy" not in other  # no metrics without a loss of the loop's own
    torch.testing.assert_close(parameters(plain), parameters(own))


@pytest.mark.parametrize("settings", [{"optimizer": "adam"}, {"momentum": 0.5}, {"clip_norm": 1.0}])
def test_an_update_of_its_own_needs_no_optimiser(settings):
    config = replace(TINY.config, **{"momentum": 0.0, **settings})
    with pytest.raises(UsageError, match="has an update of its own, got optimizer="):
        fit(own_update(build_task(TINY, config)), config, device=cpu())


def test_remarks_are_told_after_each_epoch():
    said = []

    class Listener(Silent):
        def note(self, text):
            said.append(text)

    config = replace(TINY.config, epochs=3)
    task = build_task(TINY, config)
    task.remarks = lambda model: [f"{len(list(model.parameters()))} tensors", "more"]
    fit(task, config, device=cpu(), reporter=Listener())
    assert said == ["4 tensors", "more"] * 3


def test_it_learns_and_gives_back_the_best_epoch():
    config = replace(TINY.config, epochs=30)
    task = build_task(TINY, config)
    before = parameters(task)
    fitted = fit(task, config, device=cpu())
    assert not torch.equal(before, parameters(task))
    scores = [r["validation/accuracy"] for r in fitted.records]
    assert fitted.best_value == max(scores)
    assert fitted.best_epoch == 1 + scores.index(max(scores))
    assert evaluate(task, task.validation)["accuracy"] == max(scores)
    assert max(scores) > 0.8


def test_the_test_set_is_never_opened():
    task = build_task(TINY, TINY.config)

    def opened():
        raise AssertionError("fit opened the test set")

    task.test = opened
    assert fit(task, TINY.config, device=cpu()).epoch == TINY.config.epochs


def test_patience_stops_early():
    config = replace(TINY.config, lr=1e-12, momentum=0.0, epochs=50, patience=3)
    fitted = fit(build_task(TINY, config), config, device=cpu())
    assert (fitted.best_epoch, fitted.epoch) == (1, 4)


def test_goal_stops_at_once_and_missing_it_is_an_error():
    task = build_task(TINY, TINY.config)
    task.goal, task.goal_missed = 0.0, "missed after {epochs}"
    assert fit(task, TINY.config, device=cpu()).epoch == 1
    task = build_task(TINY, TINY.config)
    task.goal, task.goal_missed = 1.1, "missed after {epochs} epochs"
    with pytest.raises(RunError, match="missed after 6 epochs"):
        fit(task, TINY.config, device=cpu())


def test_project_is_applied_after_every_step():
    rates = []

    def project(model, lr):
        rates.append(lr)
        for p in model.parameters():
            p.data.clamp_(-0.1, 0.1)

    task = build_task(TINY, TINY.config)
    task.project = project
    fitted = fit(task, TINY.config, device=cpu())
    assert len(rates) == fitted.step == 6 * len(task.train)
    assert set(rates) == {TINY.config.lr}
    assert parameters(task).abs().max() <= 0.1


def test_clip_norm_bounds_the_first_update():
    config = replace(TINY.config, clip_norm=1e-3, epochs=1, batch_size=60, momentum=0.0)
    task = build_task(TINY, config)
    before = parameters(task)
    fit(task, config, device=cpu())
    assert (parameters(task) - before).norm() <= config.lr * 1e-3 * (1 + 1e-5)


def stop_at(task, step, signum):
    """Let the task send a signal to this process in the midst of a step."""
    inner, calls = task.loss, []

    def loss(model, batch):
        if model.training:
            calls.append(1)
            if len(calls) == step:
                signal.raise_signal(signum)
        return inner(model, batch)

    task.loss = loss
    return task


@pytest.mark.parametrize("signum", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("step", [1, 3, 4, 10, 24])
def test_stopped_anywhere_and_resumed_equals_uninterrupted(tmp_path, step, signum):
    config = replace(TINY.config, schedule="one-cycle", optimizer="adam", momentum=0, lr=0.01)
    whole = build_task(TINY, config)
    expected = fit(whole, config, run=create(TINY, config, tmp_path / "a"), device=cpu())

    run = create(TINY, config, tmp_path / "b")
    task = stop_at(build_task(TINY, config), step, signum)
    with pytest.raises(Interrupted, match="--resume") as stopped:
        fit(task, config, run=run, device=cpu())
    assert stopped.value.signum == signum
    again = build_task(TINY, config)
    fitted = fit(again, config, run=run, resume=True, device=cpu())
    assert fitted.records == expected.records
    assert torch.equal(parameters(again), parameters(whole))
    a, b = ((tmp_path / n / "metrics.jsonl").read_bytes() for n in "ab")
    assert a == b


def test_nan_stops_with_step_reason_and_hint(tmp_path):
    config = replace(TINY.config, epochs=4)
    task = build_task(TINY, config)
    inner, calls = task.loss, []

    def loss(model, batch):
        value, metrics = inner(model, batch)
        calls.append(1)
        return (value * float("nan") if len(calls) > 7 else value), metrics

    task.loss = loss
    run = create(TINY, config, tmp_path / "r")
    with pytest.raises(RunError, match=r"the loss became nan at step \d+ \(epoch \d\): .*--lr"):
        fit(task, config, run=run, device=cpu())
    kept = list(run.checkpoints.iterdir())
    assert kept
    assert all(
        torch.isfinite(v).all()
        for path in kept
        for v in fit_module.checkpoint.load(path)["model"].values()
    )


def test_exploding_weights_are_named():
    config = FitConfig(epochs=3, batch_size=16, lr=1e30)
    task = tiny_task(config)
    with pytest.raises(RunError, match=r"(?s)the loss became .* at step .*Sequential|0|3"):
        fit(task, config, device=cpu())


def test_check_numerics_names_the_module():
    config = replace(TINY.config, check_numerics=True, epochs=1)
    task = build_task(TINY, config)

    class Log(nn.Module):
        def forward(self, x):
            return torch.log(x * 0)

    task.model.insert(1, Log())
    with pytest.raises(RunError, match=r"\b1\b"):
        fit(task, config, device=cpu())
    healthy = build_task(TINY, config)
    assert fit(healthy, config, device=cpu()).epoch == 1


def test_bf16_autocast_reaches_the_layers():
    config = replace(TINY.config, precision="bf16-mixed", epochs=1)
    task = build_task(TINY, config)
    seen = []
    hook = task.model[0].register_forward_hook(lambda m, i, out: seen.append(out.dtype))
    fit(task, config)
    hook.remove()
    assert seen[0] == torch.bfloat16
    assert all(p.dtype == torch.float32 for p in task.model.parameters())
