"""Against overfitting: penalties, proximal steps, max-norm and dropout (book chapter 2).

All of it concerns weights only: biases do not multiply inputs and are exempt.
"""

from collections.abc import Callable, Iterable

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.hooks import RemovableHandle

from gradus.core.errors import UsageError


def weights_of(model: nn.Module) -> list[nn.Parameter]:
    """The parameters that regularisation is about: those with two dimensions or more.

    Biases and the gains of normalisation layers have one and are left out (book ch. 2,
    "Preventing Overfitting in Deep Neural Networks").
    """
    return [parameter for parameter in model.parameters() if parameter.ndim >= 2]


def l2_penalty(model: nn.Module) -> Float[Tensor, ""]:
    """½ Σ w² over all weights; times the strength λ it is added to the error.

    In plain gradient descent it takes the share ε λ of every weight each step, so it is also
    called weight decay (book ch. 2, "L2 regularization", figure 2-15: λ of 0.01, 0.1 and 1).

    Args:
        model: has at least one weight.
    """
    return 0.5 * torch.stack([w.square().sum() for w in weights_of(model)]).sum()


def l1_penalty(model: nn.Module) -> Float[Tensor, ""]:
    """Σ |w| over all weights; times the strength λ it is added to the error.

    Gradient descent on it only comes near zero; `soft_threshold_` gives exact zeros (book ch. 2,
    "L1 regularization").

    Args:
        model: has at least one weight.
    """
    return torch.stack([w.abs().sum() for w in weights_of(model)]).sum()


@torch.no_grad()
def soft_threshold_(weights: Iterable[Tensor], amount: float) -> None:
    """The proximal step of L1 regularisation, in place: w ← sign(w) · max(|w| - amount, 0).

    Steps of gradient descent on the error alone, each followed by this with amount = ε λ, minimise
    Error + λ Σ |w| and make the weights that do not earn their keep exactly zero (book ch. 2, "L1
    regularization"; Daubechies et al. 2004, iterative soft thresholding).

    Args:
        weights: the weights, such as `weights_of(model)`.
        amount: what each weight loses of its size, ≥ 0.

    Raises:
        UsageError: the amount is negative.
    """
    if not amount >= 0:
        raise UsageError(f"amount must be ≥ 0, got {amount}")
    for w in weights:
        w.copy_(functional.softshrink(w, amount))


@torch.no_grad()
def project_max_norm_(weights: Iterable[Tensor], c: float) -> None:
    """Shorten every incoming weight vector with ‖w‖₂ > c to length c, in place.

    Done after each step this is projected gradient descent onto the ball of radius c (book ch. 2,
    max norm constraints; Srebro et al. 2004), which keeps weights bounded at any learning rate.

    Args:
        weights: the weights, "neurons *inputs": one incoming vector per index of dimension 0.
        c: the radius, > 0; typically 3 or 4.

    Raises:
        UsageError: the radius is not positive.
    """
    if not c > 0:
        raise UsageError(f"c must be > 0, got {c}")
    for w in weights:
        inputs = tuple(range(1, w.ndim))
        norms = torch.linalg.vector_norm(w, dim=inputs, keepdim=True)
        w.mul_((c / norms).clamp(max=1))


def inverted_dropout(
    x: Float[Tensor, "*shape"], p: float, generator: torch.Generator | None = None
) -> Float[Tensor, "*shape"]:
    """Keep each output with probability p and divide it by p, else set it to 0.

    So E[output] = p · x/p + (1 - p) · 0 = x, and nothing has to be scaled at test time (book ch. 2,
    figure 2-16; Srivastava et al. 2014). torch's own dropout takes 1 - p.

    Args:
        x: the outputs of a layer of neurons.
        p: probability of keeping a neuron active, in (0, 1].
        generator: where the random numbers come from; None is torch's global generator.

    Raises:
        UsageError: p is out of its range.
    """
    if not 0 < p <= 1:
        raise UsageError(f"p, the probability of keeping a neuron, must be in (0, 1], got {p}")
    kept = torch.empty_like(x).bernoulli_(p, generator=generator)
    return x * kept / p


def after_step(optimizer: torch.optim.Optimizer, function: Callable[[], None]) -> RemovableHandle:
    """Call `function` after every step of `optimizer`, as projections need (book ch. 2).

    Args:
        optimizer: any of torch's.
        function: for instance `lambda: project_max_norm_(weights_of(model), 3.0)`.

    Returns:
        the handle of torch's hook; `.remove()` ends it.
    """
    return optimizer.register_step_post_hook(lambda *_: function())
