"""Which locations of a Differentiable Neural Computer are free, and the next one to write to.

Source: Graves et al. 2016, "Hybrid computing using a neural network with dynamic external memory",
Methods, "Dynamic memory allocation".
"""

from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor
from torch.autograd.function import once_differentiable

from gradus.memory.addressing import EPSILON

Weighting = Float[Tensor, "batch locations"]
Heads = Float[Tensor, "batch heads locations"]


def retention(free: Float[Tensor, "batch heads"], read_weightings: Heads) -> Weighting:
    """ψ = ∏_i (1 - f_i w_i): what is not freed after it was read.

    Args:
        free: f, the free gate of each read head, in [0, 1].
        read_weightings: w, where each head read in the step before.
    """
    kept = 1 - free.unsqueeze(-1) * read_weightings
    product, *others = kept.unbind(1)  # torch's prod has no gradient that is fast where one is 0
    for factor in others:
        product = product * factor
    return product


def usage(before: Weighting, write_weighting: Weighting, retained: Weighting) -> Weighting:
    """U = (u + w - u ∘ w) ∘ ψ: what was used or just written, if it is retained; in [0, 1].

    Args:
        before: u of the step before.
        write_weighting: w of the step before.
        retained: ψ.
    """
    return torch.lerp(before, torch.ones_like(before), write_weighting) * retained


def allocation(used: Weighting) -> Weighting:
    """a[φ_j] = (1 - u[φ_j]) ∏_{i<j} u[φ_i], φ the locations from the least used to the most.

    The free location gets nearly all, those after it what it leaves. Usages are first moved into
    [ε, 1], ε = 10⁻⁶: products of zeros have no gradient to learn from.

    Args:
        used: u in [0, 1].

    Returns:
        weightings that sum to at most 1; a fully used memory gives zeros.
    """
    return _Allocation.apply(used)


class _Allocation(torch.autograd.Function):
    """Sorting, running products and putting back as one operation.

    With s the sorted usages, P_j = ∏_{i<j} s_i and a_j = (1 - s_j) P_j, the gradient is
    ∂E/∂s_k = -g_k P_k + (Σ_{j>k} g_j a_j) / s_k.
    """

    @staticmethod
    def forward(ctx: Any, used: Tensor) -> Tensor:
        ordered, free_list = used.mul(1 - EPSILON).add_(EPSILON).sort(dim=-1, stable=True)
        products = ordered.cumprod(-1).roll(1, -1)
        products[..., 0] = 1
        allocated = (1 - ordered) * products
        ctx.save_for_backward(ordered, free_list, products, allocated)
        return torch.empty_like(used).scatter_(-1, free_list, allocated)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> Tensor:
        ordered, free_list, products, allocated = ctx.saved_tensors
        g = gradient.gather(-1, free_list)
        sums = (g * allocated).flip(-1).cumsum(-1).roll(1, -1)
        sums[..., 0] = 0
        later = sums.flip(-1)  # Σ_{j>k} g_j a_j
        inner = later.div_(ordered).sub_(g.mul_(products)).mul_(1 - EPSILON)
        return torch.empty_like(inner).scatter_(-1, free_list, inner)
