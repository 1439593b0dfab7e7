"""A3C: workers that each play games of their own and change the same parameters, nobody waiting.

A worker copies the shared parameters, plays a few steps, computes the gradient on its copy, and
takes an optimiser's step on the shared ones; the optimiser's averages are shared too. Two may
write at once, and a little is lost then ("Hogwild!"). Source: Mnih et al. 2016, algorithm S3 and
section 4.
"""

import copy
import multiprocessing
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import torch
from jaxtyping import Float, Shaped
from torch import Tensor, nn

from gradus.agents.actor_critic import played_loss
from gradus.agents.beyond.recipes import A3CConfig
from gradus.agents.beyond.recurrent import Followed, Remembering
from gradus.agents.dense import dense_scores
from gradus.agents.envs import make_games
from gradus.agents.loop import Tally, training_seed
from gradus.core.schedule import SCHEDULES


class Shared(NamedTuple):
    """What all workers hold together.

    Attributes:
        config: the settings.
        model: its parameters lie in shared memory.
        optimizer: so do its averages.
        done: steps of games, updates, and sum of the losses since the epoch began; shared too.
        lock: for `done`.
    """

    config: A3CConfig
    model: nn.Module
    optimizer: torch.optim.Optimizer
    done: Float[Tensor, "3"]
    lock: Any


class Order(NamedTuple):
    """What a worker is told to do: play in an epoch until all have played enough.

    Attributes:
        epoch: its number, from 0.
        worker: which worker this is, from 0.
    """

    epoch: int
    worker: int


def share(
    config: A3CConfig, model: nn.Module, optimizer: torch.optim.Optimizer, alone: bool
) -> Shared:
    """Put parameters and the optimiser's averages into shared memory.

    The averages come into being with a step along a gradient of zeros, which moves nothing, and
    count as never made.

    Args:
        config: the settings.
        model: in place.
        optimizer: in place; sgd, momentum, rmsprop, adam or another with tensors as averages.
        alone: one process only: nothing has to be locked.
    """
    model.share_memory()
    for parameter in model.parameters():
        parameter.grad = torch.zeros_like(parameter)
    optimizer.step()
    optimizer.zero_grad(set_to_none=True)
    for averages in optimizer.state.values():
        for name, value in averages.items():
            if isinstance(value, Tensor):
                averages[name] = value.zero_().share_memory_()
    done = torch.zeros(3, dtype=torch.float64).share_memory_()
    lock = None if alone else multiprocessing.get_context("spawn").Lock()
    return Shared(config, model, optimizer, done, lock)


def work(
    shared: Shared,
    beat: Callable[[], None],
    order: Order,
    tick: Callable[[int, float], None] = lambda steps, loss: None,
) -> list[tuple[float, int]]:
    """Play and learn until the epoch's steps are done by all together.

    Args:
        shared: parameters, averages, counts.
        beat: called after each update.
        order: which epoch, and who.
        tick: hears of the steps and the loss of each update.

    Returns:
        (return, length) of the episodes that ended here.
    """
    config = shared.config
    local = copy.deepcopy(shared.model)
    games: Any = make_games(config.environment, config.games, sticky=config.sticky)
    model: nn.Module = local
    if config.memory:
        model = Remembering(local, games.count, peeks=True)
        games = Followed(games, model)
    seed = [config.seed, order.epoch, order.worker]
    draw = np.random.default_rng(seed)
    seen = games.reset(training_seed(config.seed + 7919 * order.worker, order.epoch))
    tally = Tally(games.count)
    tally.finished = type(tally.finished)()  # all of them, not the last hundred
    steps = games.count * config.unroll
    while shared.done[0] < config.steps:
        local.load_state_dict(shared.model.state_dict())
        loss, seen = gradient(config, model, games, seen, draw, tally)
        update(shared, local, order.epoch)
        _count(shared, steps, loss)
        tick(steps, loss)
        beat()
    return list(tally.finished)


def gradient(
    config: A3CConfig,
    model: nn.Module,
    games: Any,
    seen: Shaped[np.ndarray, "games *shape"],
    draw: np.random.Generator,
    tally: Tally,
) -> tuple[float, Shaped[np.ndarray, "games *shape"]]:
    """Play `unroll` steps of each game and leave the loss's gradient in the model's parameters.

    Returns:
        The loss, and what is seen now.
    """
    if isinstance(model, Remembering):
        model.detach()
    quick, device = dense_scores(model), torch.device("cpu")
    loss, seen = played_loss(
        config, model, games, seen, draw=draw, tally=tally, device=device, quick=quick
    )
    model.zero_grad(set_to_none=True)
    loss.backward()
    if config.clip_norm:
        nn.utils.clip_grad_norm_(model.parameters(), config.clip_norm)
    return float(loss.detach()), seen


def update(shared: Shared, local: nn.Module, epoch: int) -> None:
    """Move the shared parameters along the gradient that the copy holds."""
    config = shared.config
    for ours, theirs in zip(local.parameters(), shared.model.parameters(), strict=True):
        theirs.grad = ours.grad
    done = epoch * config.steps + min(float(shared.done[0]), config.steps)
    settings = {"warmup": config.warmup} if config.warmup else {}
    factor = SCHEDULES[config.schedule](int(done), config.epochs * config.steps, **settings)
    for group in shared.optimizer.param_groups:
        group["lr"] = config.lr * factor
    shared.optimizer.step()


def _count(shared: Shared, steps: int, loss: float) -> None:
    """Add to what all have done."""
    new = torch.tensor([steps, 1.0, loss], dtype=torch.float64)
    if shared.lock is None:
        shared.done.add_(new)
        return
    with shared.lock:
        shared.done.add_(new)
