"""From a config of chapter 5 to its task: the wiring."""

from functools import partial

import torch
from torch import Tensor, nn

from gradus.core.batches import Batch, Batches, whole
from gradus.core.task import Metrics, Task
from gradus.data.tensors import image_parts
from gradus.nn.classify import classify
from gradus.vision.build import net
from gradus.vision.data import planes
from gradus.vision.distort import Distortion, distortion
from gradus.vision.filters import filter_pictures
from gradus.vision.recipes import ImageConfig
from gradus.vision.whitening import IMAGES, whiten_


def images(config: ImageConfig) -> Task:
    """Naming images with a convolutional network (chapter 5)."""
    parts = image_parts(config.data, config.validation, planes, grey=not config.colour)
    distort = distortion(config.distort)
    distort(parts.train[0][:2], generator=torch.Generator())  # refuses here what does not fit
    model = net(config, parts.shape, len(parts.classes))
    if config.whitened:
        whiten_(next(model.net.children()), model.prepared(parts.train[0][:IMAGES]))
    return Task(
        model=model,
        train=Batches(parts.train, config.batch_size, config.seed),
        validation=whole(parts.validation),
        test=lambda: whole(parts.test()),
        loss=partial(learn, distort=distort, smoothing=config.smoothing),
        sample=parts.train[0][:1],
        watch="validation/accuracy",
        better="max",
        keep=config.keep,
        project=partial(decay, share=config.weight_decay) if config.weight_decay else None,
        pictures=filter_pictures,
        facts=parts.facts,
    )


def learn(
    model: nn.Module, batch: Batch, distort: Distortion, smoothing: float
) -> tuple[Tensor, Metrics]:
    """The loss of `classify`; in training the images are distorted and the targets smoothed.

    Args:
        model: images -> logits "batch classes".
        batch: images and class numbers.
        distort: images -> images, at random.
        smoothing: share of the target that is spread over all classes alike.
    """
    if not model.training:
        return classify(model, batch)
    inputs, labels = batch
    return classify(model, (distort(inputs), labels), smoothing)


@torch.no_grad()
def decay(model: nn.Module, lr: float, share: float) -> None:
    """Weights shrink by the share lr · λ, apart from the gradient: w ← w - ε λ w.

    Source: Loshchilov and Hutter 2019, "Decoupled Weight Decay Regularization", equation 4.
    """
    weights: list[Tensor] = [p for p in model.parameters() if p.ndim >= 2 and p.requires_grad]
    torch._foreach_mul_(weights, 1 - lr * share)
