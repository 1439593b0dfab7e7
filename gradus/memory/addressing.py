"""Where a head looks: by content, by place, and what it writes there (book ch. 8).

Every function is one equation. N: locations, W: numbers in a location, H: heads. A weighting gives
each location a share in [0, 1]; those of the Neural Turing Machine sum to 1.

Sources: Graves, Wayne, Danihelka 2014, "Neural Turing Machines", section 3; the cosine's ε and the
sharpening by logarithms are ours, so that nothing is divided by 0.
"""

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import softplus

from gradus.core.errors import UsageError

EPSILON = 1e-6
"""Added to squared lengths, and to usages, so that their gradients stay finite."""
TINY = 1e-30
"""Added to weightings before their logarithm: far below what a float32 weighting holds apart."""

Heads = Float[Tensor, "batch heads locations"]
Memory = Float[Tensor, "batch locations width"]


def oneplus(x: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
    """1 + ln(1 + eˣ): a number ≥ 1, for strengths and sharpness."""
    return softplus(x) + 1


def inverse_length(vectors: Float[Tensor, "*shape width"]) -> Float[Tensor, "*shape"]:
    """1 / √(‖v‖² + ε), finite for a vector of zeros too."""
    return torch.linalg.vecdot(vectors, vectors).add(EPSILON).rsqrt()


def content_weighting(
    memory: Memory,
    keys: Float[Tensor, "batch heads width"],
    strengths: Float[Tensor, "batch heads"],
    inverse: Float[Tensor, "batch locations"] | None = None,
) -> Heads:
    """Look up by content: C(M, k, β)[i] = softmax over i of β D(M[i], k), D the cosine.

    Args:
        memory: M.
        keys: k, what each head looks for.
        strengths: β ≥ 0; the larger, the sharper.
        inverse: `inverse_length` of the memory, where it is known already.

    Returns:
        one weighting a head, summing to 1. A memory of equal locations gives 1/N everywhere.
    """
    inverse = inverse_length(memory) if inverse is None else inverse
    scaled = keys * (strengths * inverse_length(keys)).unsqueeze(-1)
    return ((scaled @ memory.mT) * inverse.unsqueeze(-2)).softmax(-1)


def masked_content_weighting(
    memory: Memory,
    keys: Float[Tensor, "batch heads width"],
    strengths: Float[Tensor, "batch heads"],
    masks: Float[Tensor, "batch heads width"],
) -> Heads:
    """Look up by part of the content: C(M, k, β, m)[i] = softmax over i of β D(M[i] ∘ m, k ∘ m).

    The cosine of whole locations counts what the key leaves open as a difference; the mask takes
    it out. Source: Csordás & Schmidhuber 2019, "Improving Differentiable Neural Computers Through
    Memory Masking, De-allocation, and Link Distribution Sharpness Control", section 3.1.

    Args:
        memory: M.
        keys: k, what each head looks for.
        strengths: β ≥ 0.
        masks: m in [0, 1]; 0 leaves that number of the location out.
    """
    keys = keys * masks
    squares = masks.square() @ memory.square().mT  # ‖M[i] ∘ m‖²
    scaled = keys * (strengths * inverse_length(keys)).unsqueeze(-1) * masks
    return ((scaled @ memory.mT) * (squares + EPSILON).rsqrt()).softmax(-1)


def interpolate(content: Heads, before: Heads, gate: Float[Tensor, "batch heads"]) -> Heads:
    """w_g = g w_c + (1 - g) w_before: gate 1 takes the content's weighting, 0 stays in place."""
    return torch.lerp(before, content, gate.unsqueeze(-1))


def rotate(weighting: Heads, shift: Float[Tensor, "batch heads shifts"]) -> Heads:
    """Move by a circular convolution: w̃[i] = Σ_j w[(i - j) mod N] s[j], j = -S … S.

    Args:
        weighting: w.
        shift: s, a distribution over moves by -S … S, 2S + 1 numbers; the last is the farthest
            move to the right.

    Raises:
        UsageError: the number of shifts is even, or a shift is longer than the memory.
    """
    n, count = weighting.shape[-1], shift.shape[-1]
    half = count // 2
    if count % 2 == 0 or half > n:
        raise UsageError(
            f"shift must be an odd number of moves, by at most the {n} locations there are, "
            f"got {count}"
        )
    padded = torch.cat([weighting[..., n - half :], weighting, weighting[..., :half]], -1)
    windows = padded.unfold(-1, n, 1)  # "batch heads shifts locations": w moved by S … -S
    return (shift.flip(-1).unsqueeze(-2) @ windows).squeeze(-2)


def sharpen(weighting: Heads, gamma: Float[Tensor, "batch heads"]) -> Heads:
    """w[i] = w̃[i]^γ / Σ_j w̃[j]^γ, computed as the softmax of γ ln w̃.

    So it sums to 1 for any γ ≥ 0, where the powers themselves would underflow. A weighting of
    zeros becomes 1/N everywhere.
    """
    return ((weighting + TINY).log() * gamma.unsqueeze(-1)).softmax(-1)


def erase_and_add(
    memory: Memory,
    weighting: Float[Tensor, "batch locations"],
    erase: Float[Tensor, "batch width"],
    add: Float[Tensor, "batch width"],
) -> Memory:
    """Write: M ∘ (E - w eᵀ) + w vᵀ, E a matrix of ones.

    Args:
        memory: M before.
        weighting: w, where to write.
        erase: e in [0, 1], what to wipe out there.
        add: v, what to put there.
    """
    change = torch.addcmul(add.unsqueeze(-2), memory, erase.unsqueeze(-2), value=-1)
    return torch.addcmul(memory, weighting.unsqueeze(-1), change)


def read(memory: Memory, weightings: Heads) -> Float[Tensor, "batch heads width"]:
    """R = Mᵀ w of each head."""
    return weightings @ memory
