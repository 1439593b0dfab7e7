"""The learning-rate range test, as a function and as the verb of gradus.verbs.lr_find."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from gradus.core import task as task_module
from gradus.core.batches import Batches
from gradus.core.errors import UsageError
from gradus.core.recipe import FitConfig
from gradus.core.rules import OPTIMISERS
from gradus.core.task import Task, build_task
from gradus.surface.figures_rates import draw_range_test
from gradus.surface.lr_range import BELOW, RangeTest, range_test, smooth, try_rates
from tests.commands import call, contents, one_line
from tests.figures import assert_readable
from tests.tiny import TINY, cpu, tiny_task

FIRST_ORDER = [name for name, rule in OPTIMISERS.items() if not rule.searches]


def parabola(curvature=4.0, start=3.0, n=400):
    """E = ½ c w² of a single weight, the same on every minibatch."""
    model = nn.Linear(1, 1, bias=False)
    nn.init.constant_(model.weight, start)
    batches = Batches((torch.ones(n, 1),), 1)

    def loss(model, batch):
        return 0.5 * curvature * model(batch[0]).square().mean(), {}

    return Task(
        model=model,
        train=batches,
        validation=batches,
        test=lambda: batches,
        loss=loss,
        sample=torch.ones(1, 1),
    )


# The steps ----------------------------------------------------------------------------------------


def test_each_step_is_gradient_descent_at_its_rate():
    rates = np.geomspace(1e-3, 0.3, 25)
    found = try_rates(parabola(), FitConfig(), rates, device=cpu())
    w, expected = 3.0, []
    for rate in rates:
        expected.append(2 * w**2)
        w -= rate * 4 * w
    np.testing.assert_allclose(found, expected, rtol=1e-5)


def test_an_update_of_the_tasks_own_is_taken_at_each_rate():
    rates = np.geomspace(1e-3, 0.3, 25)
    task = parabola()

    def update(model, batch, lr):
        loss = task.loss(model, batch)[0].detach()
        model.weight.data *= 1 - 4.0 * lr
        return loss

    expected = try_rates(parabola(), FitConfig(), rates, device=cpu())
    task.update = update
    np.testing.assert_allclose(
        try_rates(task, FitConfig(), rates, device=cpu()), expected, rtol=1e-5
    )


def test_on_a_parabola_the_loss_grows_beyond_twice_the_inverse_of_the_curvature():
    rates = np.geomspace(1e-4, 100, 300)
    found = RangeTest(rates, try_rates(parabola(), FitConfig(), rates, device=cpu())[None])
    assert found.diverged
    raw = found.losses[0, : found.tried]
    assert 1 / 4 < rates[raw.argmin()] <= 2 / 4 < rates[found.tried - 1]


def test_steps_are_those_of_a_training(monkeypatch):
    """With one rate throughout the losses are those of a bare loop."""
    config = replace(TINY.config, clip_norm=0.5)
    rates = np.full(20, config.lr)
    found = try_rates(build_task(TINY, config), config, rates, device=cpu())
    torch.manual_seed(config.seed)
    bare = tiny_task(config)
    optimizer = torch.optim.SGD(bare.model.parameters(), config.lr, config.momentum)
    task_module.torch.manual_seed(config.seed)
    expected, epoch = [], 0
    while len(expected) < 20:
        for batch, _ in bare.train.epoch(epoch):
            loss, _ = bare.loss(bare.model, batch)
            expected.append(loss.item())
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(bare.model.parameters(), 0.5)
            optimizer.step()
        epoch += 1
    np.testing.assert_allclose(found, expected[:20], rtol=1e-4)


def test_the_model_and_the_random_numbers_are_what_they_were():
    task = build_task(TINY, TINY.config)
    task.model.append(nn.BatchNorm1d(3))
    task.model.eval()
    before = {name: tensor.clone() for name, tensor in task.model.state_dict().items()}
    torch.manual_seed(5)
    state = torch.get_rng_state()
    task.validation = task.test = None  # neither is needed
    losses = try_rates(task, TINY.config, np.geomspace(1e-3, 1, 30), device=cpu())
    assert np.isfinite(losses).all()
    assert torch.equal(torch.get_rng_state(), state)
    assert not any(module.training for module in task.model.modules())
    for name, tensor in task.model.state_dict().items():
        assert torch.equal(tensor, before[name]), name


def test_the_projection_follows_each_step():
    task, seen = parabola(), []
    task.project = lambda model, rate: seen.append(rate)
    rates = np.geomspace(1e-3, 1e-2, 20)
    try_rates(task, FitConfig(), rates, device=cpu())
    assert seen == rates.tolist()[:-1] + seen[-1:]


@pytest.mark.parametrize("optimizer", FIRST_ORDER)
def test_every_optimiser_with_a_rate_gets_one(optimizer):
    config = replace(TINY.config, optimizer=optimizer, momentum=0.0)
    found = range_test(TINY, config, low=1e-5, high=100, steps=150, seeds=2)
    own = OPTIMISERS[optimizer].lr
    assert found.suggestion is not None
    assert own / 30 < found.suggestion < own * 300
    assert found.smoothed.min() < 0.9 * found.smoothed[0]


# What is read off ---------------------------------------------------------------------------------


def made(losses, low=1e-6, high=10.0):
    losses = np.atleast_2d(losses)
    return RangeTest(np.geomspace(low, high, losses.shape[1]), losses)


def valley(n=100, bottom=70, depth=2.0, noise=0.0, seed=0):
    """A flat start, a fall to `bottom` and a rise."""
    x = np.arange(n)
    curve = 2.5 - depth * np.exp(-(((x - bottom) / 12) ** 2))
    return curve + noise * np.random.default_rng(seed).normal(size=n)


def test_the_suggestion_is_a_third_of_the_lowest():
    found = made(valley())
    assert found.lowest == pytest.approx(found.rates[70])
    assert found.suggestion == pytest.approx(found.rates[70] / BELOW, rel=0.03)
    assert float(f"{found.suggestion:.2g}") == found.suggestion


def test_noise_moves_it_little_and_seeds_less():
    alone = made(valley(noise=0.3))
    many = made(np.stack([valley(noise=0.3, seed=seed) for seed in range(8)]))
    for found, factor in ((alone, 3), (many, 1.6)):
        assert 1 / factor < found.lowest / found.rates[70] < factor


def test_noise_alone_has_no_lowest_rate():
    for n in (20, 100, 400):
        fell = [made(valley(n, depth=0, noise=0.3, seed=seed)).lowest for seed in range(100)]
        assert sum(rate is not None for rate in fell) <= 15
    assert made(np.full(100, 2.0)).suggestion is None


def test_a_loss_that_only_rises_has_none():
    assert made(np.linspace(1, 5, 100)).suggestion is None
    assert made(np.r_[1.0, 9.0, np.full(98, np.nan)]).suggestion is None
    assert made(np.full(100, np.nan)).suggestion is None


def test_all_seeds_count_up_to_the_first_that_diverged():
    rows = np.stack([valley(), valley()])
    rows[1, 90:] = np.nan
    found = made(rows)
    assert (found.tried, found.diverged) == (90, True)
    assert found.smoothed.shape == (90,)


def test_smoothing_is_a_weighted_mean():
    values, width = np.random.default_rng(0).normal(size=30), 2.5
    for i in (0, 7, 29):
        weights = [np.exp(-0.5 * ((i - j) / width) ** 2) for j in range(30)]
        expected = sum(w * v for w, v in zip(weights, values, strict=True)) / sum(weights)
        assert smooth(values, width)[i] == pytest.approx(expected, rel=1e-12)
    np.testing.assert_allclose(smooth(np.full(9, 3.0), 1.0), 3.0)


@pytest.mark.parametrize("losses", [valley(), np.full(100, 2.0)])
def test_its_figure_is_readable(losses):
    found = made(losses)
    figure = draw_range_test(found, "a recipe")
    assert_readable(figure)
    heading = figure.texts[0].get_text().replace("\n", " ")
    rate = found.suggestion
    assert (f"ε = {rate:g}," if rate else "No rate of this range") in heading


# The command --------------------------------------------------------------------------------------


def test_the_verb_says_which_rate_and_how_to_go_on(capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    words = ("lr-find", "digits-mlp", "--hidden", 16, "--optimizer", "adam", "--seeds", 2)
    said = call(capsys, *words)
    assert said.code == 0, said.err
    first, why, command, figure = said.out.splitlines()
    found = json.loads(call(capsys, *words, "--json").out)
    assert first == f"digits-mlp, adam: begin with --lr {found['suggestion']:g}"
    assert "a third of" in why
    settings = f"--optimizer adam --lr {found['suggestion']} --hidden 16"
    assert command.strip() == f"gradus train digits-mlp {settings}" == found["command"]
    assert figure == "figures/lr-find-digits-mlp.png" == found["figure"]
    assert (tmp_path / figure).read_bytes().startswith(b"\x89PNG")
    assert len(found["losses"]) == 2
    assert len(found["rates"]) == len(found["smoothed"]) == len(found["losses"][0])


def test_the_verb_where_no_rate_helps(capsys, tmp_path):
    out = ("--out", tmp_path / "a.png")
    said = call(capsys, "lr-find", "digits-mlp", "--to", 1e-5, "--steps", 40, *out)
    assert said.code == 0
    assert "no rate from 1e-06 helps\nthe loss does not fall beyond its noise" in said.out
    said = call(capsys, "lr-find", "digits-mlp", "--from", 9, "--to", 1e3, *out)
    assert "the loss diverges before it falls beyond its noise: more --seeds" in said.out


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ("--from 1 --to 0.1", "from and to must be 0 < from < to, got 1, 0.1"),
        ("--from 0", "from and to must be 0 < from < to, got 0, 10"),
        ("--to inf", "from and to must be 0 < from < to, got 1e-06, inf"),
        ("--steps 5", "steps must be ≥ 20, got 5"),
        ("--seeds 0", "seeds must be ≥ 1, got 0"),
        ("--optimizer bfgs", "bfgs searches for the length of its steps itself"),
        ("--optimizer sdg", "sdg"),
        ("--device warp", "device 'warp' is not here"),
    ],
)
def test_what_cannot_be_meant_is_one_line(capsys, tmp_path, monkeypatch, words, says):
    monkeypatch.chdir(tmp_path)
    one_line(call(capsys, "lr-find", "digits-mlp", *words.split()), 2, says)
    assert not contents(tmp_path)


def test_from_python_too():
    with pytest.raises(UsageError, match="steps must be ≥ 20, got 19"):
        range_test(TINY, TINY.config, steps=19)
