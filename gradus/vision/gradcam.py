"""Grad-CAM: where in the picture a layer finds what speaks for a class (Selvaraju et al. 2017)."""

import torch
from jaxtyping import Float, Int64
from torch import Tensor, nn
from torch.nn.functional import interpolate

from gradus.vision.activations import check_spatial, evaluating, run_with
from gradus.vision.saliency import class_scores


def grad_cam(
    model: nn.Module,
    inputs: Float[Tensor, "batch channels height width"],
    classes: Int64[Tensor, "batch"],
    layer: str,
) -> Float[Tensor, "batch rows columns"]:
    """ReLU(Σₖ αₖ Aᵏ), αₖ the mean of ∂yᶜ/∂Aᵏ over all places (equations 1 and 2).

    Aᵏ is the layer's k-th map, yᶜ the logit of class c. The model is in evaluation mode meanwhile.

    Args:
        model: inputs -> logits "batch classes".
        inputs: what the model takes.
        classes: c for each input.
        layer: name of a module whose output is a stack of maps; the paper takes the last.

    Returns:
        values ≥ 0 at the resolution of the layer; `upsample` brings them to that of the inputs.

    Raises:
        UsageError: the layer has no spatial maps, or there is none of that name; those that have
            are named.
    """
    with evaluating(model), torch.enable_grad():
        check_spatial(model, inputs[:1], layer)
        x = inputs.detach().requires_grad_()  # so that the maps have gradients in a frozen network
        logits, found = run_with(model, x, [layer])
        maps = found[layer]
        (gradient,) = torch.autograd.grad(class_scores(logits, classes).sum(), maps)
        alpha = gradient.mean((2, 3), keepdim=True)
        return (alpha * maps).sum(1).clamp_min(0).detach()


def upsample(
    heat: Float[Tensor, "batch rows columns"], size: tuple[int, int]
) -> Float[Tensor, "batch height width"]:
    """Enlarge maps to (height, width), linearly between their cells' centres."""
    return interpolate(heat[:, None], size, mode="bilinear", align_corners=False).squeeze(1)
