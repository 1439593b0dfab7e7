"""From a config of chapter 6 to its task: the wiring."""

import math
from functools import partial

import torch
from jaxtyping import Float
from torch import Tensor, nn

from gradus.core.batches import Batch, Batches, whole
from gradus.core.errors import UsageError
from gradus.core.task import Loss, Metrics, Task
from gradus.data.tensors import image_parts
from gradus.embed.autoencoder import Autoencoder, l2_cost
from gradus.embed.build import autoencoder, circle_net
from gradus.embed.data import RADII, best_threshold, circles
from gradus.embed.recipes import AutoencoderConfig, CirclesConfig, DenoisingConfig, SparseConfig
from gradus.embed.sparse import active, kl_penalty
from gradus.nn.corrupt import corrupt
from gradus.nn.mlp import first_layer
from gradus.nn.neighbours import NEIGHBOURS, knn_right
from gradus.nn.norm import settle_after

HELD_OUT = 1000
"""Points of the validation set and of the test set."""
DARKEST = 0.001
"""What a pixel that is 0 in every image begins to be rebuilt as."""
ON = 0.5
"""From which value on a sigmoid unit of a code counts as active."""


def images(config: AutoencoderConfig) -> Task:
    """Rebuilding images from their codes; their classes are used for measuring alone."""
    parts = image_parts(config.data, config.validation)
    _check_minibatches(config, len(parts.train[0]))
    model = autoencoder(config, math.prod(parts.shape))
    start_at_mean_(model, parts.train[0])
    train = Batches(parts.train, config.batch_size, config.seed)
    if config.settle:
        settle_after(model, round((1 - config.settle) * config.epochs * len(train)))
    return Task(
        model=model,
        train=train,
        validation=whole(parts.validation),
        test=lambda: whole(parts.test()),
        loss=loss_of(config),
        sample=parts.train[0][:1],
        snapshots=config.snapshots,
        pictures=partial(first_layer, shape=parts.shape),
        facts=parts.facts,
    )


def points(config: CirclesConfig) -> Task:
    """Rebuilding points on circles; which circle is used for measuring alone."""
    radii = RADII[-config.circles :]
    train, validation, test = (
        circles(n, config.spread, seed, radii)
        for n, seed in ((config.examples, 0), (HELD_OUT, 1), (HELD_OUT, 2))
    )
    return Task(
        model=circle_net(config),
        train=Batches(train, config.batch_size, config.seed),
        validation=whole(validation),
        test=lambda: whole(test),
        loss=partial(move_back, corruption=config.corruption),
        sample=train[0][:1],
        facts={"inputs": ["x", "y"], "circles": config.circles},
    )


def _check_minibatches(config: AutoencoderConfig, examples: int) -> None:
    """Refuse a minibatch of one image, which batch normalisation would make nothing of."""
    size = config.batch_size
    if config.norm and config.hidden and (size == 1 or examples % size == 1):
        raise UsageError(
            f"batch normalisation needs minibatches of two images or more, got one of 1 "
            f"({examples:,} images, batch_size={size}): choose another batch_size, or norm=0"
        )


@torch.no_grad()
def start_at_mean_(model: Autoencoder, images: Float[Tensor, "n features"]) -> None:
    """Let a decoder that ends in a sigmoid begin with the mean image: c_i = logit(x̄_i), in place.

    Pixels that are 0 in every image begin at `DARKEST`, those that are 1 as far from 1.
    """
    mean = images.mean(0).clamp(DARKEST, 1 - DARKEST)
    model.decoder.output.bias.copy_(mean.logit())


def loss_of(config: AutoencoderConfig) -> Loss:
    """What the autoencoder of a config makes small."""
    match config:
        case DenoisingConfig():
            return partial(denoise, share=config.mask)
        case SparseConfig():
            return partial(sparse, target=config.target, beta=config.beta)
    return rebuild


def rebuild(model: nn.Module, batch: Batch) -> tuple[Tensor, Metrics]:
    """E = mean of ‖x̂ − x‖ (book ch. 6, "Implementing an Autoencoder in TensorFlow").

    Outside training also `knn accuracy`, whether the nearest codes are of the same class, and
    `active`, the share of the code's units that are not 0.
    """
    x, labels = batch
    rebuilt, code = model(x, return_code=True)
    loss = l2_cost(rebuilt, x).mean()
    return loss, {} if model.training else {**agreement(code, labels), **activity(code)}


def denoise(model: nn.Module, batch: Batch, share: float) -> tuple[Tensor, Metrics]:
    """The same from a corrupted input, held against the input as it was (figure 6-14).

    Args:
        model: the autoencoder.
        batch: images and class numbers.
        share: of the pixels that are set to 0. Outside training always the same ones, and `clean`
            is the cost of images that are whole; the codes measured are of those.
    """
    x = batch[0]
    generator = None if model.training else torch.Generator().manual_seed(0)
    loss = l2_cost(model(corrupt(x, share, generator)), x).mean()
    if model.training:
        return loss, {}
    clean, metrics = rebuild(model, batch)
    return loss, {"clean": lambda: clean, **metrics}


def sparse(model: nn.Module, batch: Batch, target: float, beta: float) -> tuple[Tensor, Metrics]:
    """E + β Σ_j KL(ρ ‖ ρ̂_j) (book ch. 6, "Sparsity in Autoencoders").

    Args:
        model: an autoencoder with a code in [0, 1].
        batch: images and class numbers.
        target: ρ.
        beta: β. Outside training E is reported as `cost`, and the units' mean as `activation`.
    """
    x, labels = batch
    rebuilt, code = model(x, return_code=True)
    cost = l2_cost(rebuilt, x).mean()
    loss = cost + beta * kl_penalty(code, target)
    if model.training:
        return loss, {}
    return loss, {
        "cost": lambda: cost,
        "activation": lambda: code.mean(1),
        **agreement(code, labels),
        **activity(code, ON),
    }


def move_back(model: nn.Module, batch: Batch, corruption: float) -> tuple[Tensor, Metrics]:
    """E of points that were moved by noise; outside training of points where they are.

    There `knn accuracy` and `threshold accuracy` tell how well neighbours in the code, and one
    threshold on its first number, name a point's circle.
    """
    x, labels = batch
    moved = x + corruption * torch.randn_like(x) if model.training and corruption else x
    rebuilt, code = model(moved, return_code=True)
    loss = l2_cost(rebuilt, x).mean()
    if model.training:
        return loss, {}
    cut = partial(best_threshold, code[:, 0], labels)
    threshold = {"threshold accuracy": lambda: torch.tensor(cut())}
    return loss, {**agreement(code, labels), **threshold}


def agreement(code: Tensor, labels: Tensor) -> Metrics:
    """`knn accuracy`: whether most of an example's nearest codes in the batch are of its class."""
    k = min(NEIGHBOURS, len(code) - 1)
    if k < 1:
        return {"knn accuracy": lambda: torch.zeros(1)}
    return {"knn accuracy": partial(knn_right, code.flatten(1).detach(), labels, k)}


def activity(code: Tensor, threshold: float = 0.0) -> Metrics:
    """`active`: the share of each example's units that are on."""
    return {"active": partial(active, code.detach(), threshold)}
