"""A network that answers with the running mean of its parameters."""

import copy
from typing import Any

import torch
from torch import Tensor, nn


class Averaged(nn.Module):
    """Trains one network and answers, in evaluation mode, with its parameters' running mean.

    After step n: mean ← mean + (1 − d)(parameters − mean) with d = min(decay, (1 + n) / (10 + n)),
    so that the random start is soon forgotten. Such a mean lies nearer the valley's floor than the
    last step does (Polyak & Juditsky 1992).

    Attributes:
        model: what is trained.
        average: the mean; no gradient moves it.
        updates: n.
    """

    updates: Tensor

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model
        self.average = copy.deepcopy(model).requires_grad_(False)
        self.register_buffer("updates", torch.zeros((), dtype=torch.int64))

    def forward(self, *given: Any) -> Any:
        """What the trained network says in training, else what the mean does."""
        return chosen(self)(*given)

    @torch.no_grad()
    def update(self, decay: float) -> None:
        """Move the mean after a step.

        Args:
            decay: d at most, in [0, 1): about 1 / (1 − d) steps are averaged.
        """
        n = int(self.updates)
        share = 1 - min(decay, (1 + n) / (10 + n))
        pairs = zip(self.average.parameters(), self.model.parameters(), strict=True)
        for mean, parameter in pairs:
            mean.lerp_(parameter, share)
        self.updates += 1


def chosen(model: Any) -> Any:
    """The network itself: out of the wrapper of several processes and of `Averaged`."""
    inner = getattr(model, "module", model)
    if isinstance(inner, Averaged):
        return inner.model if inner.training else inner.average
    return inner
