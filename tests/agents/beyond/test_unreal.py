"""UNREAL's losses against loops in NumPy, hand-made frames, and a gradient for each switch."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from gradus.agents.beyond.auxiliary import auxiliary_losses
from gradus.agents.beyond.recipes import MAZE_UNREAL
from gradus.agents.beyond.sequences import Sequences
from gradus.agents.beyond.train import unreal
from gradus.agents.beyond.unreal import (
    Unreal,
    bootstrapped,
    pixel_changes,
    pixel_control_loss,
    reward_class,
    reward_prediction_loss,
    value_loss,
)
from gradus.core.errors import UsageError

DRAW = np.random.default_rng(0)


def test_changes_of_pixels_by_hand():
    seen = np.zeros((2, 1, 1, 84, 84), dtype=np.uint8)
    seen[1, 0, 0, 2:6, 2:6] = 255  # the first square whole
    seen[1, 0, 0, 6:8, 2:6] = 255  # half of the one below
    seen[1, 0, 0, :2] = 255  # the edge, which is no square's
    changes = pixel_changes(seen)
    assert changes.shape == (1, 1, 20, 20)
    assert changes[0, 0, 0, 0] == 1
    assert changes[0, 0, 1, 0] == 0.5
    assert changes.sum() == 1.5


def test_changes_of_pixels_against_a_loop():
    seen = DRAW.integers(0, 256, (3, 2, 3, 84, 84)).astype(np.uint8)
    found = pixel_changes(seen)
    for t, b, i, j in [(0, 0, 0, 0), (1, 1, 19, 19), (0, 1, 7, 12)]:
        rows, columns = slice(2 + 4 * i, 6 + 4 * i), slice(2 + 4 * j, 6 + 4 * j)
        one = seen[t, b, :, rows, columns].astype(float)
        other = seen[t + 1, b, :, rows, columns].astype(float)
        assert found[t, b, i, j] == pytest.approx(np.abs(other - one).mean() / 255, rel=1e-5)


def test_returns_of_several_steps_against_a_loop():
    rewards, after = DRAW.normal(size=(2, 6, 3))
    terminal, stop = DRAW.random((2, 6, 3)) < 0.3
    stop |= terminal
    stop[-1] = True
    found = bootstrapped(rewards, after, terminal, stop, 0.9)
    for game in range(3):
        for t in range(6):
            total, k = 0.0, t
            while True:
                total += 0.9 ** (k - t) * rewards[k, game]
                if terminal[k, game]:
                    break
                if stop[k, game]:
                    total += 0.9 ** (k - t + 1) * after[k, game]
                    break
                k += 1
            assert found[t, game] == pytest.approx(total, abs=1e-12)


def test_the_loss_of_pixel_control_against_a_loop():
    q = DRAW.normal(size=(4, 2, 3, 5, 5)).astype(np.float32)
    action = DRAW.integers(0, 3, (3, 2))
    target = DRAW.normal(size=(3, 2, 5, 5)).astype(np.float32)
    mask = np.array([[1, 1], [1, 0], [0, 0]], dtype=np.float32)
    total = 0.0
    for t in range(3):
        for b in range(2):
            for i in range(5):
                for j in range(5):
                    error = target[t, b, i, j] - q[t, b, action[t, b], i, j]
                    total += mask[t, b] * error**2 / 2
    found = pixel_control_loss(*map(torch.as_tensor, (q, action, target, mask)))
    assert float(found) == pytest.approx(total / 3, rel=1e-5)


def test_the_loss_of_the_value_against_a_loop():
    value, target = DRAW.normal(size=(2, 4, 2))
    mask = np.array([[1.0, 1], [1, 1], [1, 0], [0, 0]])
    total = sum(
        mask[t, b] * (target[t, b] - value[t, b]) ** 2 / 2 for t in range(4) for b in range(2)
    )
    found = value_loss(*map(torch.as_tensor, (value, target, mask)))
    assert float(found) == pytest.approx(total / 5, rel=1e-12)


def test_classes_of_rewards_and_their_loss():
    reward = np.array([0.0, 3.0, -0.5, 1.0])
    assert reward_class(reward).tolist() == [0, 1, 2, 1]
    logits = DRAW.normal(size=(4, 3))
    total = 0.0
    for row, name in zip(logits, (0, 1, 2, 1), strict=True):
        total -= row[name] - np.log(sum(np.exp(n) for n in row))
    found = reward_prediction_loss(torch.as_tensor(logits), reward)
    assert float(found) == pytest.approx(total / 4, rel=1e-12)


def test_the_values_of_pixel_control_are_value_and_advantages():
    torch.manual_seed(0)
    model = Unreal(1, 4, 8)
    features = torch.randn(2, 8)
    q = model.pixel_control(features)
    assert q.shape == (2, 4, 20, 20)
    spread = model.spread(features).unflatten(1, (32, 9, 9))
    assert torch.allclose(q.mean(1), model.pixel_value(spread).squeeze(1), atol=1e-5)


@pytest.mark.parametrize(
    ("name", "head"),
    [
        ("pixel_control", "pixel_advantage.weight"),
        ("reward_prediction", "reward.2.weight"),
        ("value_replay", "value.weight"),
    ],
)
def test_each_task_has_a_switch_and_teaches_its_head_and_the_eye(name, head):
    torch.manual_seed(0)
    off = {"pixel_control": 0.0, "reward_prediction": 0.0, "value_replay": 0.0}
    settings = {**off, name: 1.0, "stretch": 4, "stretches": 2, "shown": 4}
    config = replace(MAZE_UNREAL.config, **settings)
    model, replay = Unreal(1, 4, 16), Sequences(20, 2, (1, 84, 84))
    draw, no = np.random.default_rng(1), np.zeros(2, dtype=bool)
    for t in range(12):
        seen = draw.integers(0, 256, (2, 1, 84, 84))
        replay.add(seen, draw.integers(0, 4, 2), np.full(2, float(t % 5 == 0)), no, no, no)
    losses = auxiliary_losses(config, model, replay, draw)
    assert list(losses) == [name]
    losses[name].backward()
    taught = {n for n, p in model.named_parameters() if p.grad is not None and p.grad.any()}
    assert {head, "eye.1.weight"} <= taught
    assert "policy.weight" not in taught
    assert auxiliary_losses(replace(config, **off), model, replay, draw) == {}


def test_the_tasks_have_an_optimiser_of_their_own():
    practice = unreal(replace(MAZE_UNREAL.config, **MAZE_UNREAL.smoke), torch.device("cpu"))
    practice.epoch(0, lambda steps, loss: None)
    state = practice.state()
    names = [name for name, _ in practice.model.named_parameters()]
    played, aside = ({names[n] for n in state[which]["state"]} for which in ("optimizer", "aside"))
    assert {"policy.weight", "eye.1.weight"} <= played
    assert {"pixel_advantage.weight", "reward.0.weight", "eye.1.weight"} <= aside
    assert "pixel_advantage.weight" not in played
    assert "policy.weight" not in aside


def test_the_tasks_rate_falls_to_nothing_and_stays_there():
    smoke = MAZE_UNREAL.smoke
    config = replace(MAZE_UNREAL.config, **{**smoke, "replay_steps": 240})
    practice = unreal(config, torch.device("cpu"))
    tasks = {"train/value replay", "train/pixel control", "train/reward prediction"}
    assert tasks <= set(practice.epoch(0, lambda steps, loss: None))
    at = smoke["steps"] - config.games * config.unroll  # of the epoch's last update
    rate = practice.state()["aside"]["param_groups"][0]["lr"]
    assert rate == pytest.approx(config.replay_lr * (1 - at / 240))
    while_learning = practice.epoch(1, lambda steps, loss: None)
    assert tasks <= set(while_learning)
    before = practice.state()["aside"]["state"][0]["step"]
    after = practice.epoch(2, lambda steps, loss: None)
    assert not tasks & set(after)
    assert practice.state()["aside"]["state"][0]["step"] == before
    assert after["updates"] > while_learning["updates"]


def test_what_unreal_refuses():
    for wrong, words in [
        ({"pixel_control": -1.0}, "pixel_control must be ≥ 0"),
        ({"replay": 20}, r"replay must be > the stretch of 20 steps \+ 1, got 20"),
        ({"replays": 0}, "replays must be ≥ 1, got 0"),
        ({"replay_lr": 0.0}, "replay_lr must be > 0"),
        ({"replay_steps": -1}, "replay_steps must be ≥ 0, got -1"),
        ({"apart": True}, "apart must be False"),
        ({"hidden": (8, 8)}, "hidden must be one width"),
    ]:
        with pytest.raises(UsageError, match=words):
            MAZE_UNREAL.configure(**wrong)
