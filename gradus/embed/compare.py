"""Autoencoder and PCA side by side: what each makes of the same images with codes of one length."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int64
from torch import Tensor

from gradus.core.run import Run
from gradus.embed.autoencoder import in_parts, l2_cost
from gradus.embed.pca import pca
from gradus.embed.predict import encoder
from gradus.nn.neighbours import knn_accuracy


@dataclass(frozen=True, eq=False)
class Coded:
    """A method's codes of the test images, and how good they are.

    Attributes:
        name: of the method.
        codes: of the images.
        rebuilt: the images rebuilt from them.
        cost: mean ‖x̂ − x‖.
        agreement: share of images whose 10 nearest codes are mostly of their class.
    """

    name: str
    codes: Float[Tensor, "n m"]
    rebuilt: Float[Tensor, "n features"]
    cost: float
    agreement: float


def both(run: Run) -> tuple[Coded, Coded, Tensor, Int64[Tensor, "n"]]:
    """PCA and the run's autoencoder on the test images, with codes of the same length.

    The axes of PCA come from the training images, as the autoencoder does. Pixels that PCA rebuilds
    outside [0, 1] are brought there, which only makes its cost smaller.

    Returns:
        (PCA, autoencoder, images, class numbers).
    """
    model, task = encoder(run), run.task()
    images, labels = task.test().tensors
    length = in_parts(model.encode, images[:1]).shape[1]
    axes = pca(task.train.tensors[0], min(length, images.shape[1]))
    linear = coded("PCA", axes.encode, lambda c: axes.decode(c).clamp(0, 1), images, labels)
    return linear, coded("autoencoder", model.encode, model.decode, images, labels), images, labels


def coded(
    name: str,
    encode: Callable[[Tensor], Tensor],
    decode: Callable[[Tensor], Tensor],
    images: Float[Tensor, "n features"],
    labels: Int64[Tensor, "n"],
) -> Coded:
    """Code images, rebuild them, and measure both."""
    codes = in_parts(encode, images)
    rebuilt = in_parts(decode, codes)
    cost = float(l2_cost(rebuilt, images).mean())
    return Coded(name, codes, rebuilt, cost, knn_accuracy(codes, labels))


def plane(codes: Float[Tensor, "n m"]) -> Float[Tensor, "n 2"]:
    """Codes as points to draw: of more than two numbers the first two principal components."""
    if codes.shape[1] == 2:
        return codes
    if codes.shape[1] == 1:
        return torch.cat([codes, torch.zeros_like(codes)], 1)
    return pca(codes, 2).encode(codes)
