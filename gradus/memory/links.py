"""In which order locations were written, and the next and previous one of those just read.

Source: Graves et al. 2016, Methods, "Temporal memory linkage".
"""

from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor
from torch.autograd.function import once_differentiable

from gradus.memory.addressing import sharpen

Weighting = Float[Tensor, "batch locations"]
Heads = Float[Tensor, "batch heads locations"]
Links = Float[Tensor, "batch locations locations"]


def precedence(before: Weighting, write_weighting: Weighting) -> Weighting:
    """P = (1 - Σ_i w[i]) p + w: how far each location is the last one written; sums to ≤ 1."""
    written = write_weighting.sum(-1, keepdim=True)
    return torch.addcmul(before + write_weighting, before, written, value=-1)


def follow_links(
    links: Links, write_weighting: Weighting, precedence_before: Weighting, reads_before: Heads
) -> tuple[Links, Heads, Heads]:
    """Update the links, and go along them from where the heads read in the step before.

    L_t[i, j] = (1 - w[i] - w[j]) L_{t-1}[i, j] + w[i] p_{t-1}[j], and L_t[i, i] = 0;
    forward weighting f = L_t w_r, backward weighting b = L_tᵀ w_r of each head.

    Args:
        links: L_{t-1}; L[i, j] tells how far i was written right after j.
        write_weighting: w of this step.
        precedence_before: p_{t-1}.
        reads_before: w_r, the read weightings of the step before.

    Returns:
        L_t, f and b. With weightings that sum to at most 1, every row and column of L_t does too.
    """
    return _Links.apply(links, write_weighting, precedence_before, reads_before)


def sharpen_links(weighting: Heads, sharpness: Float[Tensor, "batch heads"]) -> Heads:
    """S(d, s)[i] = D d[i]^s / Σ_j d[j]^s, s ≥ 1, D = Σ_j d[j]: against links that blur with time.

    Source: Csordás & Schmidhuber 2019, section 3.3, without the factor D. With it a weighting of
    zeros, before anything was written, stays one, and s = 1 changes nothing.
    """
    return weighting.sum(-1, keepdim=True) * sharpen(weighting, sharpness)


class _Links(torch.autograd.Function):
    """One operation, because N×N numbers a step are what a large memory costs.

    The matrix is passed over as seldom as matrix products allow, and what the backward pass needs
    of it beyond L_{t-1} and L_t, which are there anyway, is computed again. With G the gradient at
    L_t, from L_{t+1} and from f and b,

        ∂E/∂L_{t-1} = (1 - w_i - w_j) G      ∂E/∂p = Gᵀ w
        ∂E/∂w_r = Lᵀ_t g_f + L_t g_b         ∂E/∂w = G p - rows(G ∘ L_{t-1}) - columns(G ∘ L_{t-1})
    """

    @staticmethod
    def forward(
        ctx: Any, links: Tensor, w: Tensor, p: Tensor, reads: Tensor
    ) -> tuple[Tensor, Tensor, Tensor]:
        new = _keep(w).mul_(links).baddbmm_(w.unsqueeze(2), p.unsqueeze(1))
        new.diagonal(dim1=1, dim2=2).zero_()
        ctx.save_for_backward(links, new, w, p, reads)
        return new, reads @ new.mT, reads @ new

    @staticmethod
    @once_differentiable
    def backward(
        ctx: Any, from_next: Tensor, g_forward: Tensor, g_backward: Tensor
    ) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        links, new, w, p, reads = ctx.saved_tensors
        left = torch.cat([g_forward, reads], 1)
        right = torch.cat([reads, g_backward], 1)
        g = torch.baddbmm(from_next, left.mT, right)
        g.diagonal(dim1=1, dim2=2).zero_()
        g_reads = torch.baddbmm(g_backward @ new.mT, g_forward, new)
        g_p = (w.unsqueeze(1) @ g).squeeze(1)
        g_w = (g @ p.unsqueeze(2)).squeeze(2)
        product = g * links
        g_w -= product.sum(2) + product.sum(1)
        return g.mul_(_keep(w)), g_w, g_p, g_reads


def _keep(w: Tensor) -> Tensor:
    """1 - w[i] - w[j]."""
    return (1 - w).unsqueeze(2) - w.unsqueeze(1)
