"""Corrupted inputs, to be rebuilt as they were (Vincent et al. 2008; book ch. 6, figure 6-12)."""

import torch
from jaxtyping import Float
from torch import Tensor


def corrupt(
    x: Float[Tensor, "batch visible"], share: float, generator: torch.Generator | None = None
) -> Float[Tensor, "batch visible"]:
    """Set each input to 0 with probability `share`.

    Args:
        x: the inputs.
        share: in [0, 1]: with 0 all stay, with 1 none does.
        generator: where the random numbers come from; None is torch's global generator.
    """
    kept = torch.rand(x.shape, generator=generator) >= share
    return x * kept.to(x)
