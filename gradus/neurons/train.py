"""From a config of chapters 1–3 to its task: the wiring."""

import math
from collections import OrderedDict
from collections.abc import Callable
from functools import partial

import torch
from jaxtyping import Float, Int64
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from gradus.core.batches import Batch, Batches, split
from gradus.core.task import Metrics, Task
from gradus.data.public import load_images
from gradus.neurons.build import net
from gradus.neurons.data import pixels, planar_data
from gradus.neurons.delta_rule import PRICES, meals
from gradus.neurons.perceptron import Perceptron, exam_data, perceptron_loss
from gradus.neurons.recipes import ExamConfig, FastFoodConfig, ImageConfig, NetConfig, PlanarConfig
from gradus.neurons.regularise import (
    l2_penalty,
    project_max_norm_,
    soft_threshold_,
    weights_of,
)

Projection = Callable[[nn.Module, float], None]

EVALUATION_BATCH = 5000
"""Examples looked at together where nothing is learned."""


def images(config: ImageConfig) -> Task:
    """Naming images with a feed-forward net (chapter 3)."""
    data = load_images(config.data)
    classes, shape = data.classes, data.train_images.shape[1:]
    kept, held_out = split(_tensors(data.train_images, data.train_labels), config.validation)
    tested = _tensors(data.test_images, data.test_labels)
    del data  # the training images are copied by now
    train = (pixels(kept[0]), kept[1])
    return Task(
        model=net(config, math.prod(shape), len(classes)),
        train=Batches(train, config.batch_size, config.seed),
        validation=_whole((pixels(held_out[0]), held_out[1])),
        test=lambda: _whole((pixels(tested[0]), tested[1])),
        loss=partial(classify, l2=config.l2),
        sample=train[0][:1],
        watch="validation/accuracy",
        better="max",
        project=_projection(config),
        pictures=partial(first_layer, shape=shape),
        facts={"classes": list(classes), "shape": list(shape)},
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
        validation=_whole(validation),
        test=lambda: _whole(test),
        loss=partial(classify, l2=config.l2),
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
        validation=_whole(validation),
        test=lambda: _whole(test),
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
        validation=_whole(validation),
        test=lambda: _whole(test),
        loss=_squared_error,
        sample=train[0][:1],
        facts={"inputs": ["burgers", "fries", "sodas"], "prices": list(PRICES)},
    )


def classify(model: nn.Module, batch: Batch, l2: float = 0.0) -> tuple[Tensor, Metrics]:
    """Cross-entropy of the softmax, the L2 penalty added, and whether each answer is right.

    Args:
        model: input "batch features" -> logits "batch classes".
        batch: inputs and class numbers.
        l2: strength λ of the penalty.
    """
    inputs, labels = batch
    logits = model(inputs)
    loss = cross_entropy(logits, labels)
    if l2:
        loss = loss + l2 * l2_penalty(model)
    return loss, {"accuracy": partial(right, logits.detach(), labels)}


def right(logits: Float[Tensor, "batch classes"], labels: Int64[Tensor, "batch"]) -> Tensor:
    """Whether the largest logit of each example is that of its class."""
    return logits.argmax(1) == labels


def first_layer(model: nn.Module, shape: tuple[int, ...]) -> dict[str, Tensor]:
    """The first layer's weights as pictures, each stretched over [0, 1]; at most 64 neurons."""
    weight = next(model.parameters()).detach().cpu()[:64]
    low, high = weight.amin(1, keepdim=True), weight.amax(1, keepdim=True)
    grey = (weight - low) / (high - low).clamp_min(1e-12)
    return {"first layer": grey.reshape(-1, *(shape if len(shape) == 3 else (1, *shape)))}


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


def _tensors(images: object, labels: object) -> tuple[Tensor, Tensor]:
    return torch.as_tensor(images), torch.as_tensor(labels)


def _whole(tensors: Batch) -> Batches:
    return Batches(tensors, min(EVALUATION_BATCH, len(tensors[0])))
