"""The optimiser that a config names, made; and what one that searches cannot work with."""

import copy
import math
from collections.abc import Iterable

import torch
from torch import Tensor

from gradus.core.device import Device
from gradus.core.errors import UsageError
from gradus.core.recipe import FitConfig, resolve
from gradus.core.rules import OPTIMISERS
from gradus.core.task import Task

BETA1 = 0.9
"""What torch's adam and its kind have, too."""


def make_optimizer(
    name: str, parameters: Iterable[Tensor], lr: float, momentum: float = 0.0, beta2: float = 0.0
) -> torch.optim.Optimizer:
    """Make an optimiser by name.

    Args:
        name: a key of `gradus.core.rules.OPTIMISERS`.
        parameters: what it moves.
        lr: the learning rate ε, > 0; see `gradus.core.rules.Rule`.
        momentum: m, in [0, 1); 0 leaves the rule its own. Only for rules `with_momentum`.
        beta2: β2, in [0, 1); 0 leaves the rule its own, 0.999. Only where the rule `has_betas`.

    Raises:
        UsageError: the name is unknown, or the optimiser cannot take these parameters.
    """
    if name not in OPTIMISERS:
        raise UsageError(f"optimiser must be one of {', '.join(OPTIMISERS)}; got {name!r}")
    rule = OPTIMISERS[name]
    settings = dict(rule.settings)
    if momentum:
        rule = OPTIMISERS[rule.with_momentum]
        settings = {**rule.settings, "momentum": momentum}
    if beta2:
        settings["betas"] = (BETA1, beta2)
    optimizer = resolve(rule.kind)(list(parameters), **settings)
    for group in optimizer.param_groups:
        group["lr"] = lr  # also where the rule takes none: a schedule looks for it
    return optimizer


def check_optimizer(task: Task, config: FitConfig, device: Device) -> None:
    """Refuse, before anything is done, an optimiser that cannot train this task.

    One that searches has to find the same loss each time that it looks at a minibatch, on one
    process, and its step to stay where it put it.

    Raises:
        UsageError: it cannot; the message says why, and what to change.
    """
    name = config.optimizer
    make_optimizer(name, task.model.parameters(), config.lr, config.momentum, config.beta2)
    if task.update and (name != "sgd" or config.momentum or config.clip_norm or device.world > 1):
        raise UsageError(
            f"this task has an update of its own, got optimizer={name}, "
            f"momentum={config.momentum:g}, clip_norm={config.clip_norm:g} and {device.world} "
            "processes: it takes sgd, 0, 0 and one"
        )
    if not OPTIMISERS[name].searches:
        return
    if device.world > 1:
        raise UsageError(
            f"{name} works in one process, got {device.world}: "
            "leave --devices out, or choose another optimizer"
        )
    if task.project:
        raise UsageError(
            f"{name} cannot work with a projection or proximal step after each update "
            "(such as --l1 or --max-norm): set it to 0, or choose another optimizer"
        )
    one, other = _twice(task)
    if one != other and not math.isnan(one):
        raise UsageError(
            f"{name} needs the same loss each time it looks at a minibatch, got {one:.4g} and "
            f"{other:.4g}: set --dropout and other noise to 0, or choose another optimizer"
        )


def _twice(task: Task) -> tuple[float, float]:
    """The training loss of the first minibatch, computed two times on a copy of the model."""
    model = copy.deepcopy(task.model).train()
    batch, _ = next(task.train.to(next(model.parameters()).device).epoch(0))
    with torch.no_grad():
        one, other = (float(task.loss(model, batch)[0]) for _ in range(2))
    return one, other
