"""torch's own optimisers by name."""

from collections.abc import Iterable

import torch
from torch.nn import Parameter

from gradus.core.recipe import FitConfig


def make_optimizer(parameters: Iterable[Parameter], config: FitConfig) -> torch.optim.Optimizer:
    """The optimiser that `config` names; its rule and symbols are those of torch.optim.

    torch's fused kernels are used where they are the faster ones: the same numbers to rounding.
    """
    lr, momentum = config.lr, config.momentum
    match config.optimizer:
        case "sgd":
            return torch.optim.SGD(parameters, lr, momentum=momentum, fused=momentum > 0)
        case "adam":
            return torch.optim.Adam(parameters, lr, fused=True)
        case "adamw":
            return torch.optim.AdamW(parameters, lr, fused=True)
        case "rmsprop":
            return torch.optim.RMSprop(parameters, lr, momentum=momentum)
        case "adagrad":
            return torch.optim.Adagrad(parameters, lr, fused=True)
