"""Sparse codes: few units are on for each input (book ch. 6, "Sparsity in Autoencoders").

Symbols: h code in [0, 1], ρ target, ρ̂_j mean of h_j over the minibatch, β weight of the penalty,
k units that are kept.
"""

import torch
from jaxtyping import Float
from torch import Tensor, nn

from gradus.core.errors import UsageError
from gradus.core.recipe import check_setting

LEAST = 1e-6
"""ρ̂ is taken to be at least this far from 0 and from 1, where the divergence has no end."""


def kl_penalty(code: Float[Tensor, "batch units"], target: float) -> Float[Tensor, ""]:
    """Σ_j KL(ρ ‖ ρ̂_j) = Σ_j ρ ln(ρ/ρ̂_j) + (1 − ρ) ln((1 − ρ)/(1 − ρ̂_j)), in nats.

    Each unit's mean over the minibatch, as the probability of being on, is held against the target.
    It is 0 where every unit is on as often as it should be.

    Args:
        code: h, each in [0, 1].
        target: ρ, in (0, 1).

    Source: Lee et al. 2008, "Sparse Deep Belief Net Model for Visual Area V2", in the form of
    Ng's lecture notes "Sparse Autoencoder" (2011); book ch. 6 names the divergence.

    Raises:
        UsageError: the target is out of its range.
    """
    check_setting(0 < target < 1, "target", "in (0, 1)", target)
    mean = code.mean(0).clamp(LEAST, 1 - LEAST)
    goal = torch.full_like(mean, target)
    on = goal * (goal / mean).log()
    off = (1 - goal) * ((1 - goal) / (1 - mean)).log()
    return (on + off).sum()


class KLargest(nn.Module):
    """Keep each example's k largest values and set the others to 0.

    What is set to 0 passes no gradient on. Never more than k are left, whatever values are equal.

    Source: Makhzani and Frey 2013, "k-Sparse Autoencoders", section 2.
    """

    def __init__(self, k: int) -> None:
        """Make it; k ≥ 1."""
        super().__init__()
        check_setting(k >= 1, "k", "≥ 1", k)
        self.k = k

    def forward(self, z: Float[Tensor, "batch units"]) -> Float[Tensor, "batch units"]:
        """The k largest of each row, 0 elsewhere.

        Raises:
            UsageError: there are fewer than k units.
        """
        if self.k > z.shape[1]:
            raise UsageError(f"k must be in [1, {z.shape[1]}], the units of the code, got {self.k}")
        kept = torch.zeros_like(z).scatter_(1, z.topk(self.k).indices, 1)
        return z * kept

    def extra_repr(self) -> str:
        """What is printed in the brackets."""
        return f"k={self.k}"


def active(code: Float[Tensor, "batch units"], threshold: float = 0.0) -> Float[Tensor, "batch"]:
    """The share of each example's units that are further than `threshold` from 0."""
    return (code.abs() > threshold).float().mean(1)
