"""From a config of chapter 4 to its task: the wiring."""

import math
from dataclasses import asdict
from functools import partial
from typing import Any

from torch import nn

from gradus.core.batches import Batches, DataSet, whole
from gradus.core.progress import Reporter
from gradus.core.task import Task
from gradus.data.tensors import image_parts
from gradus.nn.classify import classify
from gradus.nn.mlp import MLP, first_layer
from gradus.surface.build import deep_net
from gradus.surface.pretraining import gradient_norms, pretrain
from gradus.surface.recipes import DeepConfig

LOOKED_AT = 1000
"""Training examples of which the gradient at the start is measured."""


def deep_sigmoid(config: DeepConfig) -> Task:
    """Naming images with a deep net that is pre-trained without their names."""
    parts = image_parts(config.data, config.validation)
    return Task(
        model=deep_net(config, math.prod(parts.shape), len(parts.classes)),
        train=Batches(parts.train, config.batch_size, config.seed),
        validation=whole(parts.validation),
        test=lambda: whole(parts.test()),
        loss=classify,
        sample=parts.train[0][:1],
        watch="validation/accuracy",
        better="max",
        pretrain=partial(start, config=config),
        pictures=partial(first_layer, shape=parts.shape),
        facts=parts.facts,
    )


def start(
    model: nn.Module, train: DataSet, reporter: Reporter, *, config: DeepConfig
) -> dict[str, Any]:
    """Pre-train the hidden layers if the config asks for it, and measure where training starts.

    Args:
        model: the net, which is changed in place.
        train: the training set; its labels are used for `gradients` alone.
        reporter: hears of the progress.
        config: says how.

    Returns:
        `layers`: how each autoencoder learned, as `LayerHistory`, none for a random start;
        `gradients`: ‖∂E/∂W‖ of each layer, the output layer last, before the first step.
    """
    assert isinstance(model, MLP)
    histories = []
    if config.pretrain_epochs:
        histories = pretrain(
            model.layers[:-1],
            train,
            epochs=config.pretrain_epochs,
            lr=config.pretrain_lr,
            tied=not config.untied,
            corruption=config.corruption,
            reporter=reporter,
        )
    loss, _ = classify(model, tuple(t[:LOOKED_AT] for t in train.tensors))
    return {
        "layers": [asdict(history) for history in histories],
        "gradients": gradient_norms(model.layers, loss),
    }
