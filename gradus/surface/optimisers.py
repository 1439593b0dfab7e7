"""Every optimiser of chapter 4 by name, with the rule that it follows.

The first-order methods are torch.optim's own. With g the gradient at θ, ε the learning rate `lr`,
δ torch's `eps`, i the step from 1, and everything element by element, their rules are:

    sgd               θ ← θ - ε g
    momentum          v ← m v - ε g,    θ ← θ + v              (torch keeps -v/ε in place of v)
    nesterov          the same with g taken at θ + m v         (torch moves that point, not θ)
    adagrad           r ← r + g²,    θ ← θ - ε g / (δ + √r)
    rmsprop           r ← ρ r + (1 - ρ) g²,    θ ← θ - ε g / (δ + √r)
    rmsprop-momentum  r as above,    b ← m b + g / (δ + √r),    θ ← θ - ε b
    adadelta          r as above,    Δ = g √(u + δ) / √(r + δ),    u ← ρ u + (1 - ρ) Δ²,
                      θ ← θ - ε Δ
    adam              n ← β1 n + (1 - β1) g,    r ← β2 r + (1 - β2) g²,
                      θ ← θ - ε ñ / (δ + √r̃)    with ñ = n / (1 - β1ⁱ), r̃ = r / (1 - β2ⁱ)
    nadam             adam whose ñ looks a step ahead, as nesterov does
    adamw             adam, after θ ← θ - ε λ θ

Sources: book ch. 4; Sutskever et al. (2013) for nesterov, Zeiler (2012) for adadelta, Dozat (2016)
for nadam, Loshchilov & Hutter (2019) for adamw.

The second-order methods take a closure and evaluate it more than once in a step: lbfgs is torch's,
the others are this package's.
"""

from collections.abc import Callable, Iterable

import torch
from torch import Tensor

from gradus.core.errors import UsageError
from gradus.surface.bfgs import BFGS
from gradus.surface.conjugate_gradient import ConjugateGradient
from gradus.surface.scaled_conjugate_gradient import ScaledConjugateGradient

MOMENTUM = 0.9
DECAY = 0.9  # ρ

OPTIMISERS: dict[str, Callable[[list[Tensor], float], torch.optim.Optimizer]] = {
    "sgd": lambda params, lr: torch.optim.SGD(params, lr),
    "momentum": lambda params, lr: torch.optim.SGD(params, lr, MOMENTUM),
    "nesterov": lambda params, lr: torch.optim.SGD(params, lr, MOMENTUM, nesterov=True),
    "adagrad": lambda params, lr: torch.optim.Adagrad(params, lr),
    "rmsprop": lambda params, lr: torch.optim.RMSprop(params, lr, DECAY),
    "rmsprop-momentum": lambda params, lr: torch.optim.RMSprop(
        params, lr, DECAY, momentum=MOMENTUM
    ),
    "adadelta": lambda params, lr: torch.optim.Adadelta(params, lr, DECAY),
    "adam": lambda params, lr: torch.optim.Adam(params, lr),
    "nadam": lambda params, lr: torch.optim.NAdam(params, lr),
    "adamw": lambda params, lr: torch.optim.AdamW(params, lr),
    "conjugate-gradient": lambda params, lr: ConjugateGradient(params, lr, max_iter=1),
    "scaled-conjugate-gradient": lambda params, _: ScaledConjugateGradient(params, max_iter=1),
    "bfgs": lambda params, lr: BFGS(params, lr, max_iter=1),
    "lbfgs": lambda params, lr: torch.optim.LBFGS(
        params, lr, max_iter=1, max_eval=25, line_search_fn="strong_wolfe"
    ),
}
"""Name -> function of the parameters and the learning rate. A step is one iteration."""


def make(name: str, params: Iterable[Tensor], lr: float) -> torch.optim.Optimizer:
    """Build an optimiser by name.

    Args:
        name: a key of `OPTIMISERS`.
        params: what it moves.
        lr: ε, > 0. The first trial step of conjugate-gradient and bfgs is a distance of lr, each
            trial step of lbfgs has the length lr, scaled-conjugate-gradient does not use it.

    Raises:
        UsageError: the name is unknown.
    """
    if name not in OPTIMISERS:
        raise UsageError(f"optimiser must be one of {', '.join(OPTIMISERS)}; got {name!r}")
    return OPTIMISERS[name](list(params), lr)
