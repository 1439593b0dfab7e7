"""Every optimiser by name, with the rule that it follows: strings and numbers, nothing imported.

With g the gradient at θ, ε the learning rate, m the momentum, δ torch's `eps`, i the step from 1,
and everything element by element, the rules of the first order are:

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
for nadam, Loshchilov & Hutter (2019) for adamw. All are torch.optim's own. Where torch's fused
kernel is the faster one it is used: the same numbers to rounding.

The rules that search take a closure and compute the loss several times in a step: lbfgs is torch's,
the others are this package's. A step is one iteration, on one minibatch.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Literal

OptimizerName = Literal[
    "sgd",
    "momentum",
    "nesterov",
    "adagrad",
    "rmsprop",
    "rmsprop-momentum",
    "adadelta",
    "adam",
    "nadam",
    "adamw",
    "conjugate-gradient",
    "scaled-conjugate-gradient",
    "bfgs",
    "lbfgs",
]


@dataclass(frozen=True)
class Rule:
    """An optimiser: what makes it, and what it takes.

    Attributes:
        kind: "module:class" of a torch.optim.Optimizer.
        lr: a learning rate to begin with. For conjugate-gradient and bfgs it is the distance of
            the very first trial step, for lbfgs the length of each, and
            scaled-conjugate-gradient does not use it.
        settings: further arguments of the class.
        with_momentum: the rule that a momentum makes of this one; "" where there is none.
        has_betas: whether it has adam's β1 and β2.
        searches: whether a step computes the loss of its minibatch several times.
    """

    kind: str
    lr: float
    settings: Mapping[str, Any] = field(default_factory=dict)
    with_momentum: str = ""
    has_betas: bool = False
    searches: bool = False

    @property
    def momentum(self) -> float:
        """The rule's own momentum m; 0 for none."""
        return float(self.settings.get("momentum", 0.0))


FUSED = {"fused": True}
MOMENTUM = {"momentum": 0.9}
DECAY = 0.9  # ρ
ONE = {"max_iter": 1}

OPTIMISERS: Mapping[str, Rule] = MappingProxyType(
    {
        "sgd": Rule("torch.optim:SGD", 0.1, with_momentum="momentum"),
        "momentum": Rule("torch.optim:SGD", 0.01, MOMENTUM | FUSED, "momentum"),
        "nesterov": Rule(
            "torch.optim:SGD", 0.01, {**MOMENTUM, **FUSED, "nesterov": True}, "nesterov"
        ),
        "adagrad": Rule("torch.optim:Adagrad", 0.01, FUSED),
        "rmsprop": Rule("torch.optim:RMSprop", 0.001, {"alpha": DECAY}, "rmsprop-momentum"),
        "rmsprop-momentum": Rule(
            "torch.optim:RMSprop", 0.0003, {**MOMENTUM, "alpha": DECAY}, "rmsprop-momentum"
        ),
        "adadelta": Rule("torch.optim:Adadelta", 1.0, {"rho": DECAY}),
        "adam": Rule("torch.optim:Adam", 0.001, FUSED, has_betas=True),
        "nadam": Rule("torch.optim:NAdam", 0.001, has_betas=True),
        "adamw": Rule("torch.optim:AdamW", 0.001, FUSED, has_betas=True),
        "conjugate-gradient": Rule(
            "gradus.surface.conjugate_gradient:ConjugateGradient", 1.0, ONE, searches=True
        ),
        "scaled-conjugate-gradient": Rule(
            "gradus.surface.scaled_conjugate_gradient:ScaledConjugateGradient",
            1.0,
            ONE,
            searches=True,
        ),
        "bfgs": Rule("gradus.surface.bfgs:BFGS", 1.0, ONE, searches=True),
        "lbfgs": Rule(
            "torch.optim:LBFGS",
            1.0,
            {**ONE, "max_eval": 25, "line_search_fn": "strong_wolfe"},
            searches=True,
        ),
    }
)
"""Name -> rule."""
