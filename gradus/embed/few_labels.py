"""Naming images where labels are scarce: from codes and from pixels (book figure 6-1).

The encoder has seen all training images and no label. A softmax regression then learns from a few
labelled images, once from their codes and once from their pixels.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int64
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from gradus.core.errors import UsageError
from gradus.core.recipe import check_setting
from gradus.core.run import Run
from gradus.embed.autoencoder import in_parts
from gradus.embed.predict import encoder
from gradus.nn.mlp import MLP

LABELS = (1, 10, 100)
"""Labelled images of each class."""
DECAYS = (1e-5, 1e-4, 1e-3, 1e-2)
"""Strengths λ of the penalty ½λ‖W‖² to choose from, for examples of mean squared length 1."""
SEEDS = 3
STEPS = 50
"""Of L-BFGS, at most."""
SLOPE = 1e-4
"""It ends when no element of the gradient is larger."""
JUDGES = 2000
"""Images that λ is chosen by, and images to test on, at most."""

Examples = tuple[Tensor, Tensor]


@dataclass(frozen=True, eq=False)
class FewLabels:
    """Test accuracy by labelled images of each class.

    Attributes:
        labels: how many labelled images each class had.
        classes: how many classes there are.
        code: accuracy from codes, a row for each number of labels, a column for each seed.
        pixels: the same from pixels.
    """

    labels: tuple[int, ...]
    classes: int
    code: Float[Tensor, "counts seeds"]
    pixels: Float[Tensor, "counts seeds"]


def few_labels(run: Run, labels: Sequence[int] = LABELS, seeds: int = SEEDS) -> FewLabels:
    """What the codes of a run are worth to a classifier that gets few labels.

    Each seed draws other images to be labelled; codes and pixels get the same ones. For each
    number of labels, λ is the one of `DECAYS` with the best mean accuracy on validation images,
    for codes and pixels apart.

    Args:
        run: of an autoencoder for images.
        labels: labelled images of each class, each ≥ 1; numbers that the rarest class does not have
            are left out.
        seeds: draws, ≥ 1.

    Raises:
        UsageError: the run is no such one, a number is out of its range, or no number is left.
    """
    check_setting(seeds >= 1, "seeds", "≥ 1", seeds)
    check_setting(min(labels, default=0) >= 1, "labels", "one or more, each ≥ 1", tuple(labels))
    model, task = encoder(run), run.task()
    parts = [task.train.tensors, task.validation.tensors, task.test().tensors]
    pixels = [parts[0], *(tuple(t[:JUDGES] for t in part) for part in parts[1:])]
    codes = [(in_parts(model.encode, x), y) for x, y in pixels]
    classes = len(run.info["facts"]["classes"])
    rarest = max(1, int(torch.bincount(parts[0][1], minlength=classes).min()))
    counts = tuple(n for n in labels if n <= rarest)
    if not counts:
        raise UsageError(f"labels must include a number in [1, {rarest}], got {tuple(labels)}")
    return FewLabels(
        counts,
        classes,
        *(_accuracies(_centred(part), counts, seeds, classes) for part in (codes, pixels)),
    )


def softmax_regression(
    x: Float[Tensor, "n features"], labels: Int64[Tensor, "n"], classes: int, decay: float
) -> MLP:
    """The net without hidden layers that minimises cross-entropy + ½λ‖W‖², by L-BFGS.

    Args:
        x: inputs, of about length 1.
        labels: class numbers.
        classes: how many there are.
        decay: λ, ≥ 0.
    """
    model = MLP((x.shape[1], classes), init="zeros")
    optimizer = torch.optim.LBFGS(
        model.parameters(), max_iter=STEPS, tolerance_grad=1e-4, line_search_fn="strong_wolfe"
    )

    def loss() -> Tensor:
        optimizer.zero_grad()
        value = cross_entropy(model(x), labels)
        value = value + 0.5 * decay * model.output.weight.square().sum()
        value.backward()
        return value

    optimizer.step(loss)
    return model


def draw_labelled(labels: Int64[Tensor, "n"], each: int, seed: int) -> Int64[Tensor, "m"]:
    """The numbers of `each` examples of every class, drawn at random."""
    generator = torch.Generator().manual_seed(seed)
    order = torch.randperm(len(labels), generator=generator)
    shuffled = labels[order]
    return torch.cat([order[shuffled == c][:each] for c in range(int(labels.max()) + 1)])


def _centred(parts: Sequence[Examples]) -> list[Examples]:
    """Inputs minus the training mean, scaled to a mean squared length of 1; no label is used."""
    train = parts[0][0]
    mean = train.mean(0)
    scale = (train - mean).square().sum(1).mean().sqrt().clamp_min(1e-12)
    return [((x - mean) / scale, y) for x, y in parts]


def _accuracies(
    parts: Sequence[Examples], counts: Sequence[int], seeds: int, classes: int
) -> Float[Tensor, "counts seeds"]:
    """Test accuracy for each number of labels and seed, at the λ that is best on validation."""
    (x, y), validation, test = parts
    rows = []
    for count in counts:
        drawn = [draw_labelled(y, count, seed) for seed in range(seeds)]
        tries = []
        for decay in DECAYS:
            models = [softmax_regression(x[i], y[i], classes, decay) for i in drawn]
            tries.append([[_right(m, part) for m in models] for part in (validation, test)])
        rows.append(max(tries, key=lambda scores: sum(scores[0]))[1])
    return torch.tensor(rows)


@torch.no_grad()
def _right(model: nn.Module, examples: Examples) -> float:
    x, labels = examples
    return float((model(x).argmax(1) == labels).double().mean())
