"""Greedy layer-wise pre-training: a stack of autoencoders, one for each hidden layer.

Layer k learns to rebuild what comes out of the layers below it, which stand still meanwhile; then
layer k + 1 does the same with what comes out of layer k. No label is looked at. The weights found
so are where the training of the whole net starts from.

Source: book ch. 4, "The Challenges with Gradient Descent"; Bengio et al. 2007, "Greedy Layer-Wise
Training of Deep Networks", section 4; Hinton and Salakhutdinov 2006, "Reducing the Dimensionality
of Data with Neural Networks". Vincent et al. 2008 for the corrupted inputs.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from gradus.core.batches import Batch, Batches, DataSet, whole
from gradus.core.errors import RunError, UsageError
from gradus.core.progress import Reporter
from gradus.core.recipe import check_setting
from gradus.nn.corrupt import corrupt


class LayerAutoencoder(nn.Module):
    """One layer and the way back: h = σ(Wx + b), x̂ = σ(W'h + c).

    With tied weights W' = Wᵀ, and only b and c are added to W. Everything is in (0, 1), so x̂_j can
    be read as the probability that unit j is on.

    Attributes:
        encoder: the layer, W and b; it is not copied, so training moves it.
        decoder: W', "visible hidden", or None where the weights are tied.
        bias: c, "visible"; it starts at 0.
    """

    def __init__(self, encoder: nn.Linear, tied: bool = True) -> None:
        """Make the way back for a layer; an untied W' starts as Wᵀ."""
        super().__init__()
        self.encoder = encoder
        self.decoder = None if tied else nn.Parameter(encoder.weight.detach().T.clone())
        self.bias = nn.Parameter(torch.zeros_like(encoder.weight[0]))

    def encode(self, x: Float[Tensor, "batch visible"]) -> Float[Tensor, "batch hidden"]:
        """The code h = σ(Wx + b)."""
        return torch.sigmoid(self.encoder(x))

    def forward(self, x: Float[Tensor, "batch visible"]) -> Float[Tensor, "batch visible"]:
        """The logits W'h + c of x̂."""
        weight = self.encoder.weight.T if self.decoder is None else self.decoder
        return functional.linear(self.encode(x), weight, self.bias)


def reconstruction_loss(
    logits: Float[Tensor, "batch visible"], x: Float[Tensor, "batch visible"]
) -> Float[Tensor, ""]:
    """−Σ_j x_j ln x̂_j + (1 − x_j) ln(1 − x̂_j), the mean over the examples, in nats.

    Bengio et al. 2007, section 4. It is least, the entropy of x, where x̂ = x.
    """
    return functional.binary_cross_entropy_with_logits(logits, x, reduction="sum") / len(x)


@dataclass
class LayerHistory:
    """How a layer's autoencoder learned. All errors are means over the examples, in nats.

    An error is what `reconstruction_loss` has above its least value, the entropy of the inputs:
    the Kullback–Leibler divergence from x to x̂, 0 where every input is rebuilt exactly.

    Attributes:
        inputs: how many there are.
        units: how many the layer has.
        guess: the error of a guess that is the same for every example, the inputs' mean.
        errors: the mean error over each epoch, of the corrupted inputs where there are any.
    """

    inputs: int
    units: int
    guess: float
    errors: list[float] = field(default_factory=list)


def pretrain(
    layers: Sequence[nn.Linear],
    train: DataSet,
    *,
    epochs: int,
    lr: float,
    tied: bool = True,
    corruption: float = 0.0,
    reporter: Reporter,
) -> list[LayerHistory]:
    """Train a stack of sigmoid layers greedily, from the first on, in place.

    Plain gradient descent on `reconstruction_loss`. The order of the examples and the corruption
    depend on the seed of `train` alone; torch's global random numbers are not used.

    Args:
        layers: the hidden layers, the lowest first; the outputs of each are the inputs of the next.
        train: the examples; the first tensor holds the inputs, "n visible", in [0, 1].
        epochs: passes over the examples for each layer, ≥ 1.
        lr: learning rate, > 0.
        tied: whether the way back uses the transposed weights.
        corruption: share of a layer's inputs that are set to 0 and have to be guessed, in [0, 1).
        reporter: hears of each step, and of each layer that is done.

    Returns:
        for each layer how it learned.

    Raises:
        UsageError: a number is out of its range, or an input is outside [0, 1].
        RunError: an error is not finite.
    """
    check_setting(epochs >= 1, "epochs", "≥ 1", epochs)
    check_setting(0 < lr < math.inf, "lr", "> 0 and finite", lr)
    check_setting(0 <= corruption < 1, "corruption", "in [0, 1)", corruption)
    inputs = train.tensors[0]
    low, high = inputs.aminmax()
    if not (low >= 0 and high <= 1):
        raise UsageError(
            f"inputs must be in [0, 1] to be rebuilt by sigmoid units, "
            f"got values from {float(low):g} to {float(high):g}"
        )
    generator = torch.Generator().manual_seed(train.seed or 0)
    steps = len(layers) * epochs * len(train)
    sizes = ", ".join(str(layer.out_features) for layer in layers)
    reporter.begin(steps, 0, f"pre-training layers of {sizes} units, {epochs} epochs each")
    histories = []
    try:
        for number, layer in enumerate(layers, start=1):
            least = entropy(inputs)
            guess = entropy(inputs.mean(0, keepdim=True)) - least
            history = LayerHistory(layer.in_features, layer.out_features, guess)
            model = LayerAutoencoder(layer, tied)
            optimizer = torch.optim.SGD(model.parameters(), lr)
            batches = Batches((inputs,), train.batch_size, train.seed)
            for epoch in range(epochs):
                parts = batches.epoch(epoch)
                loss = _descend(model, optimizer, parts, corruption, generator, reporter)
                history.errors.append(_finite(loss - least, number))
            histories.append(history)
            error = history.errors[-1]
            reporter.note(f"layer {number}: error {error:.2f} nats, a constant guess {guess:.2f}")
            inputs = _outputs(model, inputs)
    finally:
        reporter.end()
    return histories


@torch.no_grad()
def entropy(x: Float[Tensor, "n visible"]) -> float:
    """−Σ_j x_j ln x_j + (1 − x_j) ln(1 − x_j), the mean over the examples, in nats; x in [0, 1]."""
    total = 0.0
    for (part,), _ in whole((x,)).epoch(0):
        total += float((torch.special.entr(part) + torch.special.entr(1 - part)).sum())
    return total / len(x)


def gradient_norms(layers: Sequence[nn.Linear], loss: Float[Tensor, ""]) -> list[float]:
    """‖∂E/∂W_k‖ of each layer's weights, for a loss E that was computed with them."""
    gradients = torch.autograd.grad(loss, [layer.weight for layer in layers])
    return [float(g.norm()) for g in gradients]


def _descend(
    model: LayerAutoencoder,
    optimizer: torch.optim.Optimizer,
    batches: Iterable[tuple[Batch, float]],
    corruption: float,
    generator: torch.Generator,
    reporter: Reporter,
) -> float:
    """One step for each minibatch; the mean loss over all examples."""
    total, count = 0.0, 0
    for (x,), _ in batches:
        seen = corrupt(x, corruption, generator) if corruption else x
        loss = reconstruction_loss(model(seen), x)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        value = float(loss.detach())
        reporter.step(value)
        total, count = total + value * len(x), count + len(x)
    return total / count


@torch.no_grad()
def _outputs(model: LayerAutoencoder, inputs: Tensor) -> Tensor:
    return torch.cat([model.encode(part) for (part,), _ in whole((inputs,)).epoch(0)])


def _finite(error: float, number: int) -> float:
    if not math.isfinite(error):
        raise RunError(
            f"layer {number} rebuilds its inputs with an error of {error}: "
            "try a smaller --pretrain-lr"
        )
    return error
