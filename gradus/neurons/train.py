"""From a config of chapters 1–3 to its task: the wiring."""

import math
from collections import OrderedDict
from collections.abc import Callable
from functools import partial

import torch
from torch import Tensor, nn

from gradus.core.batches import Batch, Batches, whole
from gradus.core.task import Loss, Metrics, Task
from gradus.data.tensors import image_parts
from gradus.neurons.build import net
from gradus.neurons.data import planar_data
from gradus.neurons.delta_rule import PRICES, meals
from gradus.neurons.perceptron import Perceptron, exam_data, perceptron_loss
from gradus.neurons.recipes import ExamConfig, FastFoodConfig, ImageConfig, NetConfig, PlanarConfig
from gradus.neurons.regularise import (
    l2_penalty,
    project_max_norm_,
    soft_threshold_,
    weights_of,
)
from gradus.nn.classify import classify
from gradus.nn.mlp import first_layer

Projection = Callable[[nn.Module, float], None]


def images(config: ImageConfig) -> Task:
    """Naming images with a feed-forward net (chapter 3)."""
    parts = image_parts(config.data, config.validation)
    return Task(
        model=net(config, math.prod(parts.shape), len(parts.classes)),
        train=Batches(parts.train, config.batch_size, config.seed),
        validation=whole(parts.validation),
        test=lambda: whole(parts.test()),
        loss=_loss(config),
        sample=parts.train[0][:1],
        watch="validation/accuracy",
        better="max",
        project=_projection(config),
        pictures=partial(first_layer, shape=parts.shape),
        facts=parts.facts,
    )


def planar(config: PlanarConfig) -> Task:
    """Dividing the plane between two classes (chapter 2)."""
    train, validation, test = (
        planar_data(config.shape, n, config.noise, seed)
        for n, seed in ((config.examples, 0), (1000, 1), (1000, 2))
    )
    return Task(
        model=net(config, 2, 2),
        train=Batches(train, config.batch_size, config.seed),
        validation=whole(validation),
        test=lambda: whole(test),
        loss=_loss(config),
        sample=train[0][:1],
        watch="validation/loss",
        project=_projection(config),
        facts={"classes": ["first", "second"]},
    )


def exam(config: ExamConfig) -> Task:
    """The perceptron rule on the exam data, as descent on the perceptron's own loss (chapter 1)."""
    train, validation, test = (_exam(config, seed) for seed in (0, 1, 2))
    return Task(
        model=Perceptron(2),
        train=Batches(train, config.batch_size, config.seed),
        validation=whole(validation),
        test=lambda: whole(test),
        loss=_perceptron,
        measure_every=1,
        sample=train[0][:1],
        watch="train/error",
        goal=0.0,
        goal_missed="the perceptron did not converge after {epochs} epochs: in the best one "
        "{value:.1%} of the examples were still wrong; perhaps no line separates the classes",
        facts={"inputs": ["hours of sleep", "hours of study"]},
    )


def fast_food(config: FastFoodConfig) -> Task:
    """A linear neuron that learns prices by the delta rule (chapter 2)."""
    train, validation, test = (
        tuple(torch.from_numpy(a).float() for a in meals(n, seed))
        for n, seed in ((config.meals, 0), (100, 1), (100, 2))
    )
    output = nn.Linear(3, 1, bias=False)
    nn.init.zeros_(output.weight)
    model = nn.Sequential(OrderedDict(output=output))
    return Task(
        model=model,
        train=Batches(train, config.batch_size, config.seed),
        validation=whole(validation),
        test=lambda: whole(test),
        loss=_squared_error,
        sample=train[0][:1],
        facts={"inputs": ["burgers", "fries", "sodas"], "prices": list(PRICES)},
    )


def penalised(model: nn.Module, batch: Batch, l2: float) -> tuple[Tensor, Metrics]:
    """The loss of `classify`, and the L2 penalty of strength λ = `l2` added to it."""
    loss, metrics = classify(model, batch)
    return loss + l2 * l2_penalty(model), metrics


def _loss(config: NetConfig) -> Loss:
    return partial(penalised, l2=config.l2) if config.l2 else classify


def _perceptron(model: nn.Module, batch: Batch) -> tuple[Tensor, Metrics]:
    x, t = batch
    z = model(x)
    wrong = torch.where(z >= 0, 1.0, -1.0) != t
    return perceptron_loss(z, t), {"error": lambda: wrong}


def _squared_error(model: nn.Module, batch: Batch) -> tuple[Tensor, Metrics]:
    """½(t − y)², the mean over the batch where the book sums: the rate is then the batch's."""
    x, t = batch
    error = t - model(x).squeeze(1)
    return 0.5 * error.square().mean(), {"absolute error": error.detach().abs}


def _exam(config: ExamConfig, seed: int) -> tuple[Tensor, Tensor]:
    x, t = (torch.from_numpy(a).float() for a in exam_data(config.examples, seed))
    flipped = torch.rand(len(t), generator=torch.Generator().manual_seed(seed)) < config.flipped
    return x, torch.where(flipped, -t, t)


def _projection(config: NetConfig) -> Projection | None:
    if not (config.l1 or config.max_norm):
        return None

    def project(model: nn.Module, lr: float) -> None:
        weights = weights_of(model)
        if config.l1:
            soft_threshold_(weights, lr * config.l1)
        if config.max_norm:
            project_max_norm_(weights, config.max_norm)

    return project
