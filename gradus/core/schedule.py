"""Learning-rate schedules by name, as pure functions of how far a run has come.

Each takes the update's number `step`, counted from 0, and the run's `total` updates, and gives the
factor in [0, 1] that the highest learning rate ε is multiplied by. `warmup` is the share of the run
over which the factor first rises in a straight line; the schedule proper then spans what is left.

A decay that answers to how training goes is not a function of the step; those are `make_plateau`
and `NoBetter`.
"""

import math
import types
from collections.abc import Callable, Mapping
from typing import Literal

from torch.optim import Optimizer
from torch.optim.lr_scheduler import LambdaLR, LRScheduler, ReduceLROnPlateau

from gradus.core.errors import UsageError
from gradus.core.recipe import check_setting, nearest

STEP_FACTOR = 0.1
"""What `step` multiplies the learning rate by at each of its two milestones."""
PLATEAU_FACTOR = 0.1
"""What `plateau` multiplies the learning rate by each time."""
PLATEAU_EPOCHS = 5
"""Epochs in a row without a new best after which `plateau` does it."""
NO_BETTER_FACTOR = 0.5
"""What `no-better` multiplies the learning rate by each time."""
NO_BETTER_EPOCHS = 3
"""Epochs whose training loss the next one must not all exceed, or `no-better` does it."""
ONE_CYCLE_START = 1 / 25
"""Where `one-cycle` begins, as a share of the highest learning rate."""
ONE_CYCLE_END = ONE_CYCLE_START / 1e4
"""Where `one-cycle` ends, as a share of the highest learning rate."""


def constant(step: int, total: int, *, warmup: float = 0.0) -> float:
    """1 throughout, once warmed up.

    Args:
        step: updates done, in [0, total]; more count as `total`.
        total: updates of the whole run, ≥ 1.
        warmup: share of the run that the rise takes, in [0, 1).

    Returns:
        The factor, in [0, 1].

    Raises:
        UsageError: a number is outside its range.
    """
    return _warmed(lambda done: 1.0, step, total, warmup)


def step_decay(step: int, total: int, *, warmup: float = 0.0) -> float:
    """1, then 1/10 from one half of the run, then 1/100 from three quarters.

    Arguments, result and errors are those of `constant`.
    """
    return _warmed(
        lambda done: STEP_FACTOR ** ((done >= 1 / 2) + (done >= 3 / 4)), step, total, warmup
    )


def cosine(step: int, total: int, *, warmup: float = 0.0) -> float:
    """(1 + cos(π · step / total)) / 2: flat at first, steep in the middle, flat at the end.

    Source: Loshchilov and Hutter 2017, "SGDR", equation 5, with one cycle and η_min = 0.

    Arguments, result and errors are those of `constant`.
    """
    return _warmed(lambda done: (1 + math.cos(math.pi * done)) / 2, step, total, warmup)


def linear(step: int, total: int, *, warmup: float = 0.0) -> float:
    """1 - step / total: a straight line down to 0.

    Arguments, result and errors are those of `constant`.
    """
    return _warmed(lambda done: 1 - done, step, total, warmup)


def one_cycle(step: int, total: int, *, warmup: float = 0.3) -> float:
    """A straight line from 1/25 up to 1, then half a cosine down to 1/250,000.

    The peak is at update p = warmup · total - 1 and the end at the last update, total - 1, as in
    torch's OneCycleLR with div_factor 25 and final_div_factor 10⁴ (which bends the rise too,
    unless its anneal_strategy is "linear").

    Source: Smith and Topin 2018, "Super-Convergence".

    Arguments, result and errors are those of `constant`.
    """
    _check(step, total, warmup)
    peak, last = max(warmup * total - 1, 0), total - 1
    step = min(step, last)
    if step < peak:
        return ONE_CYCLE_START + (1 - ONE_CYCLE_START) * step / peak
    done = (step - peak) / (last - peak) if last > peak else 0.0
    return ONE_CYCLE_END + (1 - ONE_CYCLE_END) * (1 + math.cos(math.pi * done)) / 2


SCHEDULES: Mapping[str, Callable[..., float]] = types.MappingProxyType(
    {
        "constant": constant,
        "step": step_decay,
        "cosine": cosine,
        "one-cycle": one_cycle,
        "linear": linear,
    }
)


def make_schedule(
    optimizer: Optimizer, name: str, total_steps: int, warmup: float = 0.0
) -> LRScheduler:
    """The schedule called `name`, laid on the optimiser; call its `step` after each update.

    Args:
        optimizer: its learning rates at this moment are the highest ones.
        name: a key of `SCHEDULES`.
        total_steps: updates of the whole run, ≥ 1.
        warmup: share of the run that the rise takes, in [0, 1); 0 leaves the schedule its own,
            which is none, or 0.3 for "one-cycle".

    Returns:
        A LambdaLR.

    Raises:
        UsageError: no schedule has this name, or a number is outside its range.
    """
    if name not in SCHEDULES:
        hint = nearest(name, SCHEDULES) or f"; there are {', '.join(SCHEDULES)}"
        raise UsageError(f"no schedule is called {name!r}{hint}")
    schedule = SCHEDULES[name]
    settings = {"warmup": warmup} if warmup else {}
    return LambdaLR(optimizer, lambda step: schedule(step, total_steps, **settings))


def make_plateau(optimizer: Optimizer, better: Literal["min", "max"]) -> ReduceLROnPlateau:
    """A tenth of the learning rate whenever five epochs have brought no new best (torch's own).

    Args:
        optimizer: its learning rates at this moment are the highest ones.
        better: whether the watched value, which each epoch gives to `step`, should be small or
            large. Any improvement is a new best; a NaN is none.
    """
    return ReduceLROnPlateau(
        optimizer, better, factor=PLATEAU_FACTOR, patience=PLATEAU_EPOCHS - 1, threshold=0, eps=0
    )


class NoBetter:
    """Half the learning rate after an epoch whose training loss is above each of the last three.

    Source: the book's ch. 7, Dissecting a Neural Translation Network, which takes 0.99 of it, every
    200 minibatches of a training of days.
    """

    def __init__(self, optimizer: Optimizer) -> None:
        """Lay it on the optimiser, whose learning rates at this moment are the highest ones."""
        self.optimizer = optimizer
        self.losses: list[float] = []

    def step(self, loss: float) -> None:
        """Take note of an epoch's mean training loss."""
        if len(self.losses) == NO_BETTER_EPOCHS and loss > max(self.losses):
            for group in self.optimizer.param_groups:
                group["lr"] *= NO_BETTER_FACTOR
        self.losses = [*self.losses, loss][-NO_BETTER_EPOCHS:]

    def get_last_lr(self) -> list[float]:
        """The learning rate of each group of parameters."""
        return [group["lr"] for group in self.optimizer.param_groups]

    def state_dict(self) -> dict[str, list[float]]:
        """What has to be kept to go on later; the optimiser keeps the rates."""
        return {"losses": self.losses}

    def load_state_dict(self, state: dict[str, list[float]]) -> None:
        """Go on where `state_dict` was taken."""
        self.losses = state["losses"]


def _warmed(decay: Callable[[float], float], step: int, total: int, warmup: float) -> float:
    """`decay` over the share done of the run, after a rise of W = warmup · total updates.

    The rise is (step + 1) / (W + 1), so that the first update already moves and the last of the
    rise is one notch below the top.
    """
    _check(step, total, warmup)
    rise = min(int(warmup * total), total - 1)
    if step < rise:
        return (step + 1) / (rise + 1)
    return decay(min(step - rise, total - rise) / (total - rise))


def _check(step: int, total: int, warmup: float) -> None:
    check_setting(total >= 1, "total steps", "≥ 1", total)
    check_setting(step >= 0, "step", "≥ 0", step)
    check_setting(0 <= warmup < 1, "warmup", "in [0, 1)", warmup)
