"""Keeping the content's colours: by luminance alone, or by matching the style's to them.

Source: Gatys, Bethge, Hertzmann, Shechtman 2016, "Preserving Color in Neural Artistic Style
Transfer" (arXiv 1606.05897).
"""

import torch
from jaxtyping import Float
from torch import Tensor

LUMINANCE = (0.299, 0.587, 0.114)
"""Weights of red, green and blue in the luminance Y of YIQ (ITU-R BT.601)."""


def luminance(
    image: Float[Tensor, "batch 3 height width"],
) -> Float[Tensor, "batch 1 height width"]:
    """Y, the brightness of each pixel, in the image's units."""
    weights = torch.tensor(LUMINANCE, dtype=image.dtype, device=image.device)
    return (image * weights[:, None, None]).sum(1, keepdim=True)


def with_luminance(
    image: Float[Tensor, "batch 3 height width"], y: Float[Tensor, "batch 1 height width"]
) -> Float[Tensor, "batch 3 height width"]:
    """The image with another luminance and its own I and Q, cut to [0, 1] (section 3.2).

    Red, green and blue move by the same amount, which leaves I and Q as they are.
    """
    return (image + y - luminance(image)).clamp(0, 1)


def match_luminance(
    style: Float[Tensor, "batch 1 height width"], content: Float[Tensor, "batch 1 rows columns"]
) -> Float[Tensor, "batch 1 height width"]:
    """The style's luminance with the content's mean and spread (equation 10).

    L' = (L − μ_style) · σ_content / σ_style + μ_content; a style of one grey becomes μ_content.
    """
    spread = style.std(correction=0)
    factor = torch.where(spread > 0, content.std(correction=0) / spread.clamp_min(1e-12), 0)
    return (style - style.mean()) * factor + content.mean()


def match_histogram(
    style: Float[Tensor, "1 3 height width"], content: Float[Tensor, "1 3 rows columns"]
) -> Float[Tensor, "1 3 height width"]:
    """The style's colours turned so that their mean and covariance are the content's (section 3.1).

    x' = Ax + b with A = Σ_content^½ Σ_style^-½, both roots symmetric ("image analogies" there);
    b moves the mean. Colours that the style lacks altogether stay absent. Cut to [0, 1].
    """
    (mean_s, cov_s), (mean_c, cov_c) = _moments(style), _moments(content)
    values, vectors = torch.linalg.eigh(cov_s)
    there = values > 1e-8 * values.max().clamp_min(1e-12)
    inverse = torch.where(there, values.clamp_min(1e-30).rsqrt(), 0)
    values_c, vectors_c = torch.linalg.eigh(cov_c)
    root_c = vectors_c * values_c.clamp_min(0).sqrt() @ vectors_c.T
    a = root_c @ (vectors * inverse @ vectors.T)
    rows = a @ (style[0].flatten(1).double() - mean_s) + mean_c
    return rows.reshape(style.shape).to(style.dtype).clamp(0, 1)


def _moments(
    image: Float[Tensor, "1 3 height width"],
) -> tuple[Float[Tensor, "3 1"], Float[Tensor, "3 3"]]:
    """Mean and covariance of the pixels' colours, in float64."""
    rows = image[0].flatten(1).double()
    mean = rows.mean(1, keepdim=True)
    return mean, (rows - mean) @ (rows - mean).T / rows.shape[1]
