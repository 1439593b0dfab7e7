"""What each word of a review does to the answer: integrated gradients.

Source: Sundararajan, Taly, Yan 2017, "Axiomatic Attribution for Deep Networks", equation 1.
"""

from typing import Any

import torch
from jaxtyping import Float, Int64
from torch import Tensor

STEPS = 32
"""Points on the way from a review without content to the review."""
METHOD = "integrated gradients of ln p(positive) / p(negative), from word vectors of zeros"


def contributions(
    model: Any, numbers: Int64[Tensor, "words"], steps: int = STEPS
) -> Float[Tensor, "words"]:
    """How much each word speaks for positive (above 0) or negative (below 0).

    With x_w the vector of word w and F = z_positive - z_negative = ln p(positive) / p(negative):

        contribution of w = x_w · ∫₀¹ ∂F(a x)/∂x_w da

    the integral as the mean over the middles of so many steps. Over all words they sum to
    F(x) - F(0), up to the error of that mean.

    Args:
        model: a `gradus.sequence.sentiment.reader.ReviewReader` in evaluation mode.
        numbers: of the words that are read, at least one.
        steps: points a on the way, ≥ 1.
    """
    vectors = model.embedding(numbers).detach()
    shares = (torch.arange(steps, device=vectors.device) + 0.5) / steps
    way = (shares[:, None, None] * vectors).requires_grad_()
    z = model.judge(way, torch.full((steps,), len(numbers), device=vectors.device))
    (slopes,) = torch.autograd.grad((z[:, 1] - z[:, 0]).sum(), way)
    return (slopes.mean(0) * vectors).sum(1)
