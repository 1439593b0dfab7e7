"""DRQN's loss against a loop, what burn-in does, and Doom's scenario."""

import sys

import numpy as np
import pytest
import torch

from gradus.agents.beyond.drqn import sequence_loss
from gradus.agents.beyond.recurrent import RecurrentQ
from gradus.agents.beyond.sequences import Stretch
from gradus.agents.envs import make_games
from gradus.core.errors import UsageError


def made(seed=0, time=5, batch=3):
    """Two networks and a stretch, one of whose games ends in the midst."""
    torch.manual_seed(seed)
    model, target = RecurrentQ((2,), 3, (4,)), RecurrentQ((2,), 3, (4,))
    draw = np.random.default_rng(seed)
    terminal = np.zeros((time, batch), dtype=bool)
    terminal[2, 1] = terminal[4, 2] = True
    mask = np.ones((time, batch), dtype=np.float32)
    mask[3:, 1] = 0
    stretch = Stretch(
        draw.normal(size=(time + 1, batch, 2)).astype(np.float32),
        draw.integers(0, 3, (time, batch)),
        draw.normal(size=(time, batch)).astype(np.float32) * 3,
        terminal,
        terminal,
        mask,
        draw.normal(size=(batch, 8)).astype(np.float32),
    )
    return model, target, stretch


@pytest.mark.parametrize("double", [False, True])
@pytest.mark.parametrize("stored", [False, True])
def test_the_loss_against_a_loop(double, stored):
    model, target, stretch = made()
    total = count = 0.0
    for b in range(3):
        notes = torch.as_tensor(stretch.notes[b : b + 1])
        memory = (notes[:, :4], notes[:, 4:]) if stored else None
        x = torch.as_tensor(stretch.seen[:, b : b + 1])
        with torch.no_grad():
            q, later = (net(x, memory)[0][:, 0].numpy() for net in (model, target))
        for t in range(5):
            if not stretch.mask[t, b]:
                continue
            best = (q if double else later)[t + 1].argmax()
            ahead = 0 if stretch.terminal[t, b] else 0.9 * later[t + 1, best]
            error = abs(stretch.reward[t, b] + ahead - q[t, stretch.action[t, b]])
            total += error**2 / 2 if error < 1 else error - 0.5
            count += 1
    found = sequence_loss(
        model, target, stretch, gamma=0.9, burn_in=0, stored=stored, double=double
    )
    assert count == 13
    assert float(found.detach()) == pytest.approx(total / count, rel=1e-5)


def test_burn_in_warms_the_memory_up_and_teaches_nothing():
    model, target, stretch = made()
    settings = {"gamma": 0.9, "stored": True, "double": True}
    burnt = sequence_loss(model, target, stretch, burn_in=2, **settings)
    with torch.no_grad():
        x = torch.as_tensor(stretch.seen)
        notes = torch.as_tensor(stretch.notes)
        _, (h, c) = model(x[:2], (notes[:, :4], notes[:, 4:]))
        _, (h_, _) = target(x[:2], (notes[:, :4], notes[:, 4:]))
    late = Stretch(*(part[2:] for part in stretch[:6]), notes=torch.cat([h, c], 1).numpy())
    same = sequence_loss(model, model, late, burn_in=0, **settings)
    again = sequence_loss(model, model, stretch, burn_in=2, **settings)
    assert float(same.detach()) == pytest.approx(float(again.detach()), rel=1e-5)
    assert not torch.allclose(h, h_)
    assert torch.isfinite(burnt)


def test_doom_is_seen_in_grey_and_begins_the_same_way_again():
    games = make_games("ViZDoom/basic", 1)
    first = games.reset(5)
    assert first.shape == (1, 1, 45, 60)
    assert first.dtype == np.uint8
    one = ("move left", "move right", "attack")
    assert games.actions == (*one, "move left + attack", "move right + attack")
    assert games.buttons == [[1, 0, 0], [0, 1, 0], [0, 0, 1], [1, 0, 1], [0, 1, 1]]
    steps = [games.step(np.array([a])) for a in (0, 0, 2)]
    assert np.array_equal(games.reset(5), first)
    again = [games.step(np.array([a])) for a in (0, 0, 2)]
    for one, other in zip(steps, again, strict=True):
        assert np.array_equal(one.observation, other.observation)
        assert one.reward == other.reward
    assert steps[0].reward[0] == -4, "a point for each of four frames"
    assert games.pictures().shape == (120, 160, 3)


def test_doom_in_square_pictures_is_the_same_game():
    wide, square = make_games("ViZDoom/basic", 1), make_games("ViZDoom/basic/84", 1)
    assert square.shape == (1, 84, 84)
    assert square.reset(5).shape == (1, 1, 84, 84)
    wide.reset(5)
    assert np.array_equal(wide.pictures(), square.pictures())
    assert abs(wide.reset(5).mean() - square.reset(5).mean()) < 1
    with pytest.raises(UsageError, match="ViZDoom/ must be a scenario, or that and the pixels"):
        make_games("ViZDoom/basic/wide", 1)
    with pytest.raises(UsageError, match="sticky must be 0 for ViZDoom"):
        make_games("ViZDoom/basic", 1, sticky=0.25)


def test_doom_that_is_missing(monkeypatch):
    with pytest.raises(UsageError, match="no scenario 'basik': did you mean basic"):
        make_games("ViZDoom/basik", 1)
    monkeypatch.setitem(sys.modules, "vizdoom", None)
    with pytest.raises(
        UsageError, match=r'vizdoom is not installed: pip install "gradus-dl\[agent'
    ):
        make_games("ViZDoom/basic", 1)
