"""A3C: one worker is the plain actor-critic; a killed worker ends the run, which goes on then."""

import copy
import multiprocessing
import os
import signal
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from gradus import catalog
from gradus.agents.actor_critic import actor_critic_loss, roll
from gradus.agents.beyond.a3c import Order, gradient, share, work
from gradus.agents.build import network
from gradus.agents.dense import dense_scores
from gradus.agents.envs import make_games
from gradus.agents.loop import Tally, training_seed
from gradus.core.errors import RunError, UsageError
from gradus.core.experiment import train
from gradus.core.optim import make_optimizer
from gradus.core.progress import Silent

RECIPE = catalog.recipe("cartpole-a3c")
SMALL = RECIPE.configure(**RECIPE.smoke)


def made(config=SMALL):
    """Games, network and optimiser, always the same."""
    torch.manual_seed(3)
    games = make_games(config.environment, config.games)
    model = network(config, games.shape, len(games.actions))
    return games, model, make_optimizer(config.optimizer, model.parameters(), config.lr)


@pytest.mark.parametrize("rule", ["adam", "rmsprop", "sgd"])
def test_one_worker_comes_to_what_a_single_process_comes_to(rule):
    config = replace(SMALL, optimizer=rule, steps=32, schedule="constant")
    games, model, optimizer = made(config)
    draw = np.random.default_rng([config.seed, 0, 0])
    seen, tally = games.reset(training_seed(config.seed, 0)), Tally(games.count)
    for _ in range(4):
        rollout, seen = roll(
            model,
            games,
            seen,
            config.unroll,
            draw=draw,
            tally=tally,
            clip=False,
            device=torch.device("cpu"),
            quick=dense_scores(model),
        )
        settings = {name: getattr(config, name) for name in ("gamma", "decay", "entropy", "value")}
        optimizer.zero_grad()
        actor_critic_loss(rollout, **settings).backward()
        nn.utils.clip_grad_norm_(model.parameters(), config.clip_norm)
        optimizer.step()

    _, other, optimizer = made(config)
    shared = share(config, other, optimizer, alone=True)
    work(shared, lambda: None, Order(0, 0))
    assert all(p.is_shared() for p in other.parameters())
    assert shared.done[:2].tolist() == [32, 4]
    for ours, theirs in zip(model.parameters(), other.parameters(), strict=True):
        assert torch.equal(ours, theirs)


def test_a_memory_goes_over_updates_but_not_over_episodes():
    config = RECIPE.configure(**{**RECIPE.smoke, "memory": True, "apart": False})
    _, model, optimizer = made(config)
    before = copy.deepcopy(model.state_dict())
    shared = share(config, model, optimizer, alone=True)
    work(shared, lambda: None, Order(0, 0))
    assert any(not torch.equal(before[n], p) for n, p in model.state_dict().items())
    assert gradient.__doc__
    with pytest.raises(UsageError, match="apart must be False with a memory"):
        replace(SMALL, memory=True, apart=True)


class Deadly(Silent):
    """Kills a worker in the second epoch."""

    killed = False
    ended = False

    def epoch(self, record, epochs):
        self.ended = True

    def step(self, loss, steps=1):
        if self.ended and not self.killed:
            self.killed = True
            os.kill(multiprocessing.active_children()[0].pid, signal.SIGKILL)


def test_a_killed_worker_ends_the_run_which_then_goes_on(tmp_path):
    config = replace(SMALL, workers=2, epochs=3, steps=2048, checkpoint_seconds=0.0)
    recipe = replace(RECIPE, figures="tests.tiny:FIGURES")
    with pytest.raises(RunError, match=r"was killed by SIGKILL; .* go on with --resume"):
        train(recipe, config, path=tmp_path / "run", reporter=Deadly())
    assert not multiprocessing.active_children()
    run = train(recipe, config, path=tmp_path / "run", resume=True)
    assert run.status == "complete"
    assert [record["epoch"] for record in run.records()] == [1, 2, 3]
    assert not multiprocessing.active_children(), "no worker outlives its training"
