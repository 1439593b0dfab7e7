"""The learning-rate range test: a short training whose rate rises from minibatch to minibatch.

While the rate ε is too small nothing happens; then the loss falls, and at last it rises again or
diverges. Good rates lie where it falls, somewhat below the rate of the lowest loss.

Source: Smith 2017, "Cyclical Learning Rates for Training Neural Networks", section 3.3. There ε
rises in a straight line; here it rises by the same factor at each step, as in the fastai library,
so that many powers of ten are tried in one go.
"""

import copy
import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import count

import numpy as np
from jaxtyping import Float

from gradus.core.batches import Batch
from gradus.core.checkpoint import random_state, seed_everything, set_random_state
from gradus.core.device import Device, open_device
from gradus.core.errors import UsageError
from gradus.core.optim import make_optimizer
from gradus.core.progress import Reporter, current
from gradus.core.recipe import FitConfig, Recipe, check_setting
from gradus.core.rules import OPTIMISERS
from gradus.core.task import Task, build_task

FEWEST = 20
"""Steps that a test needs."""
LATELY = 10
"""Minibatches whose mean loss tells whether the training diverges."""
WIDTH, NARROWEST = 0.03, 3.0
"""Standard deviation of the bell that smooths the curve, as a share of the steps; the least."""
IDLE = 0.1
"""The share of the steps, from the first, that are to be too small to do anything."""
NOISE = 4.0
"""A fall of less than so many standard errors of the smoothed curve is none."""
BELOW = 3.0
"""The rate of the lowest loss is divided by it for the suggestion."""


@dataclass(frozen=True)
class RangeTest:
    """What a range test found.

    Attributes:
        rates: ε of each step, rising.
        losses: of each step's minibatch before the step, a row for each seed; NaN from where the
            training has diverged.
    """

    rates: Float[np.ndarray, "steps"]
    losses: Float[np.ndarray, "seeds steps"]

    @property
    def tried(self) -> int:
        """How many rates there were before the first seed's training diverged."""
        return int(np.isfinite(self.losses).all(axis=0).sum())

    @property
    def smoothed(self) -> Float[np.ndarray, "tried"]:
        """The mean loss over seeds at each rate that was tried, smoothed along the rates."""
        return smooth(self.losses[:, : self.tried].mean(axis=0), self._width)

    @property
    def lowest(self) -> float | None:
        """The rate at which the smoothed loss is lowest; None where it never fell."""
        smoothed = self.smoothed
        idle = math.ceil(IDLE * len(self.rates))
        if len(smoothed) <= idle or (bottom := int(smoothed.argmin())) < idle:
            return None
        jitter = (self.losses[:, : self.tried].mean(axis=0) - smoothed)[: bottom + 1].std()
        error = jitter / math.sqrt(2 * math.sqrt(math.pi) * self._width)
        fell = smoothed[:idle].mean() - smoothed.min()
        return float(self.rates[bottom]) if fell > NOISE * error else None

    @property
    def suggestion(self) -> float | None:
        """A third of the rate of the lowest loss, to two digits; None where there is none."""
        return None if self.lowest is None else float(f"{self.lowest / BELOW:.2g}")

    @property
    def diverged(self) -> bool:
        """Whether a training diverged before its last rate."""
        return self.tried < len(self.rates)

    @property
    def _width(self) -> float:
        return max(WIDTH * len(self.rates), NARROWEST)


def smooth(values: Float[np.ndarray, "n"], width: float) -> Float[np.ndarray, "n"]:
    """Each value averaged with those around it, weighted by a bell.

    Args:
        values: evenly spaced.
        width: the bell's standard deviation, > 0, the distance of two neighbours being 1.
    """
    places = np.arange(len(values))
    weights = np.exp(-0.5 * ((places[:, None] - places) / width) ** 2)
    return weights @ values / weights.sum(axis=1)


def range_test(
    recipe: Recipe,
    config: FitConfig,
    *,
    low: float = 1e-6,
    high: float = 10.0,
    steps: int = 100,
    seeds: int = 1,
    reporter: Reporter | None = None,
) -> RangeTest:
    """Train a recipe for a moment, its learning rate rising by the same factor at each step.

    Only the training set is read. Schedule, warm-up and `lr` of the config are not used.

    Args:
        recipe: what to train.
        config: its settings: the optimiser, the batch size and whatever else matters.
        low: the first rate, > 0.
        high: the last rate, above `low`.
        steps: how many minibatches, ≥ 20.
        seeds: how many trainings to average over, ≥ 1, each from its own random start; the first
            has the config's seed, the next ones those that follow.
        reporter: hears of each step; by default the one in use.

    Raises:
        UsageError: a number is out of its range, or the optimiser searches for its step itself.
    """
    check_setting(0 < low < high < math.inf, "from and to", "0 < from < to", f"{low:g}, {high:g}")
    check_setting(steps >= FEWEST, "steps", f"≥ {FEWEST}", steps)
    check_setting(seeds >= 1, "seeds", "≥ 1", seeds)
    if OPTIMISERS[config.optimizer].searches:
        raise UsageError(
            f"{config.optimizer} searches for the length of its steps itself, so there is no rate "
            "to find: choose another --optimizer"
        )
    rates = np.geomspace(low, high, steps)
    device = open_device(config.device, config.precision, config.fallback)
    reporter = reporter or current()
    reporter.begin(seeds * steps, 0, f"{steps:,} minibatches at rates from {low:g} to {high:g}")
    try:
        rows = []
        for seed in range(config.seed, config.seed + seeds):
            one = replace(config, seed=seed)
            task = build_task(recipe, one)
            rows.append(try_rates(task, one, rates, device=device, reporter=reporter))
    finally:
        reporter.end()
    return RangeTest(rates, np.stack(rows))


def try_rates(
    task: Task,
    config: FitConfig,
    rates: Float[np.ndarray, "steps"],
    *,
    device: Device | None = None,
    reporter: Reporter | None = None,
) -> Float[np.ndarray, "steps"]:
    """Train a task with one minibatch at each rate; afterwards its model is what it was before.

    It ends early where the loss is not finite, or its mean over the last ten minibatches lies
    above the lowest such mean by more than the loss of the first minibatch.

    Args:
        task: what to train. Validation and test set are not opened.
        config: how; its `lr` and its schedule are not used.
        rates: ε of each step.
        device: where to compute; by default the one the config names.
        reporter: hears of each step; by default nobody.

    Returns:
        The loss of each minibatch before its step; NaN from where the training has diverged.
    """
    device = device or open_device(config.device, config.precision, config.fallback)
    task.model.to(device.torch)
    kept, random = copy.deepcopy(task.model.state_dict()), random_state()
    training = task.model.training
    losses = np.full(len(rates), math.nan)
    try:
        for step, loss in enumerate(_descend(task, config, rates, device)):
            if _diverges(losses[:step], loss):
                break
            losses[step] = loss
            if reporter:
                reporter.step(loss)
    finally:
        device.release(task.model)
        task.model.load_state_dict(kept)
        task.model.train(training)
        set_random_state(random)
    return losses


def _descend(
    task: Task, config: FitConfig, rates: Float[np.ndarray, "steps"], device: Device
) -> Iterator[float]:
    """A step at each rate, as `gradus.core.fit` takes them; yields each loss before its step."""
    seed_everything(config.seed)
    optimizer = make_optimizer(
        config.optimizer, task.model.parameters(), float(rates[0]), config.momentum, config.beta2
    )
    model, optimizer = device.prepare(task.model.train(), optimizer)
    for rate, batch in zip(rates.tolist(), _minibatches(task, device), strict=False):
        for group in optimizer.param_groups:
            group["lr"] = rate
        if task.update:
            yield float(task.update(task.model, batch, rate))
            continue
        with device.autocast():
            loss, _ = task.loss(model, batch)
        yield float(loss.detach())
        optimizer.zero_grad()
        device.backward(loss)
        if config.clip_norm:
            device.clip(model, config.clip_norm)
        optimizer.step()
        if task.project:
            task.project(task.model, rate)


def _minibatches(task: Task, device: Device) -> Iterator[Batch]:
    """The training set's minibatches, epoch after epoch."""
    train = task.train.to(device.torch)
    for epoch in count():
        for batch, _ in train.epoch(epoch):
            yield batch


def _diverges(before: Float[np.ndarray, "steps"], loss: float) -> bool:
    """Whether a loss, after those before, shows that the training diverges."""
    if not math.isfinite(loss):
        return True
    losses = np.append(before, loss)
    if len(losses) <= LATELY or losses[0] == 0:
        return False
    means = np.convolve(losses, np.full(LATELY, 1 / LATELY), "valid")
    return bool(means[-1] > means.min() + abs(losses[0]))
