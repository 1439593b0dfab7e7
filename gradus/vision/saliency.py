"""Which pixels a class score depends on: its gradient by the image.

Saliency after Simonyan, Vedaldi, Zisserman 2014; SmoothGrad after Smilkov et al. 2017.
"""

import torch
from jaxtyping import Float, Int64
from torch import Tensor, nn

from gradus.core.errors import UsageError
from gradus.vision.activations import evaluating


def saliency(
    model: nn.Module,
    inputs: Float[Tensor, "batch channels height width"],
    classes: Int64[Tensor, "batch"],
) -> Float[Tensor, "batch height width"]:
    """Max over channels of |∂S_c/∂x|, S_c the logit of class c, for each pixel x (section 3.1).

    The model is in evaluation mode meanwhile.

    Args:
        model: inputs -> logits "batch classes".
        inputs: what the model takes.
        classes: c for each input.
    """
    with evaluating(model), torch.enable_grad():
        x = inputs.detach().requires_grad_()
        (gradient,) = torch.autograd.grad(class_scores(model(x), classes).sum(), x)
    return gradient.abs().amax(1)


def smooth_grad(
    model: nn.Module,
    inputs: Float[Tensor, "batch channels height width"],
    classes: Int64[Tensor, "batch"],
    *,
    samples: int = 25,
    noise: float = 0.15,
    seed: int = 0,
) -> Float[Tensor, "batch height width"]:
    """The mean of the saliency over noisy copies of the inputs.

    Args:
        model: inputs -> logits "batch classes".
        inputs: what the model takes.
        classes: c for each input.
        samples: n, copies of each input, ≥ 1.
        noise: σ / (x_max - x_min), standard deviation of the noise as a share of each input's
            range, ≥ 0.
        seed: of the noise.

    Raises:
        UsageError: `samples` or `noise` is out of its range.
    """
    if samples < 1 or noise < 0:
        raise UsageError(f"samples must be ≥ 1 and noise ≥ 0, got {samples} and {noise}")
    generator = torch.Generator().manual_seed(seed)
    low, high = inputs.amin((1, 2, 3), keepdim=True), inputs.amax((1, 2, 3), keepdim=True)
    total = torch.zeros_like(inputs[:, 0])
    for _ in range(samples):
        draw = torch.randn(inputs.shape, generator=generator, dtype=inputs.dtype)
        noisy = inputs + noise * (high - low) * draw.to(inputs.device)
        total += saliency(model, noisy, classes)
    return total / samples


def class_scores(
    logits: Float[Tensor, "batch classes"], classes: Int64[Tensor, "batch"]
) -> Float[Tensor, "batch"]:
    """The logit of each example's class."""
    return logits.gather(1, classes[:, None]).squeeze(1)
