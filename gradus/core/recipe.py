"""What a recipe is: a named experiment, and the settings that every training has.

A recipe is data. It names its functions by string ("module:attribute"), so that listing all
recipes imports neither torch nor any domain.
"""

import importlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from difflib import get_close_matches
from math import inf
from typing import Any, Literal, get_args, get_origin

from gradus.core.errors import UsageError
from gradus.core.rules import OPTIMISERS, OptimizerName

ScheduleName = Literal["constant", "step", "cosine", "one-cycle", "linear", "plateau", "no-better"]
ANSWERING = ("plateau", "no-better")
"""Schedules that answer to how training goes, once an epoch."""
Precision = Literal["float32", "bf16-mixed", "16-mixed"]

MACHINE_SETTINGS = frozenset({"device", "fallback", "compile", "check_numerics"})
"""Settings that say where and how to compute, not what: they may differ when a run is resumed."""


@dataclass(frozen=True, kw_only=True)
class FitConfig:
    """The settings of the one training loop; a recipe's own settings are added by inheritance."""

    epochs: int = 10
    """Passes over the training set."""
    batch_size: int = 100
    """Examples in a minibatch, summed over all processes."""
    optimizer: OptimizerName = "sgd"
    """Update rule; the last four search along a line, best with --batch-size the whole set."""
    lr: float = 0.1
    """Learning rate ε at its highest."""
    momentum: float = 0.0
    """Momentum m in [0, 1); 0: the rule's own (sgd, rmsprop: none; momentum, nesterov, …: 0.9)."""
    beta2: float = 0.0
    """How slowly adam, nadam, adamw forget squared gradients, β2 in [0, 1); 0: 0.999."""
    schedule: ScheduleName = "constant"
    """How the learning rate changes over a run; plateau, no-better: when it stalls."""
    warmup: float = 0.0
    """Share of the run over which the learning rate first rises from 0, in [0, 1)."""
    clip_norm: float = 0.0
    """Largest norm of the whole gradient; longer ones are shortened (0: off)."""
    patience: int = 0
    """Stop after so many epochs without a new best (0: never)."""
    seed: int = 0
    """Seed of initial weights, order of examples and all noise."""
    device: str = "auto"
    """Where to compute: auto, cpu, cuda, cuda:1, mps …"""
    fallback: bool = False
    """Use the CPU when the device asked for is absent, instead of stopping."""
    precision: Precision = "float32"
    """Number format of the forward pass."""
    compile: bool = False
    """Compile the model with torch.compile (slow first step, needs a C++ compiler)."""
    check_numerics: bool = False
    """Look at every tensor of every step and name the first NaN or infinity (slow)."""
    checkpoint_seconds: float = 1.0
    """Least time between two checkpoints, in s; 0 saves after every epoch."""

    def __post_init__(self) -> None:
        """Refuse values that cannot be meant."""
        for setting in fields(self):
            _check_type(setting.name, setting.type, getattr(self, setting.name))
        check_setting(self.epochs >= 1, "epochs", "≥ 1", self.epochs)
        check_setting(self.batch_size >= 1, "batch_size", "≥ 1", self.batch_size)
        check_setting(0 < self.lr < inf, "lr", "> 0 and finite", self.lr)
        check_setting(0 <= self.momentum < 1, "momentum", "in [0, 1)", self.momentum)
        check_setting(0 <= self.beta2 < 1, "beta2", "in [0, 1)", self.beta2)
        check_setting(0 <= self.warmup < 1, "warmup", "in [0, 1)", self.warmup)
        check_setting(self.clip_norm >= 0, "clip_norm", "≥ 0", self.clip_norm)
        check_setting(self.patience >= 0, "patience", "≥ 0", self.patience)
        check_setting(0 <= self.seed < 2**63, "seed", "in [0, 2⁶³)", self.seed)
        check_setting(
            self.checkpoint_seconds >= 0, "checkpoint_seconds", "≥ 0 s", self.checkpoint_seconds
        )
        _check_rule(self)
        if self.warmup and self.schedule in ANSWERING:
            raise UsageError(
                f"schedule {self.schedule} has no warmup, got warmup={self.warmup}: "
                "drop one of the two"
            )

    @property
    def open_ended(self) -> bool:
        """Whether the learning rate stays the same however many epochs are still to come."""
        return self.schedule in ("constant", *ANSWERING) and not self.warmup


def _check_rule(config: FitConfig) -> None:
    """Refuse settings that the optimiser cannot work with."""
    name, rule = config.optimizer, OPTIMISERS[config.optimizer]
    if config.momentum and not rule.with_momentum:
        taken = [n for n, r in OPTIMISERS.items() if r.with_momentum]
        raise UsageError(
            f"momentum is for {', '.join(taken[:-1])} and {taken[-1]}, got "
            f"momentum={config.momentum} with optimizer={name}: drop one of the two"
        )
    if config.beta2 and not rule.has_betas:
        taken = [n for n, r in OPTIMISERS.items() if r.has_betas]
        raise UsageError(
            f"beta2 is for {', '.join(taken[:-1])} and {taken[-1]}, got "
            f"beta2={config.beta2} with optimizer={name}: drop one of the two"
        )
    if rule.searches and config.clip_norm:
        raise UsageError(
            f"{name} chooses the length of its steps itself, got clip_norm={config.clip_norm}: "
            "set it to 0, or choose another optimizer"
        )
    if rule.searches and config.precision != "float32":
        raise UsageError(
            f"{name} compares losses that differ little, got precision={config.precision}: "
            "set it to float32, or choose another optimizer"
        )


def _check_type(name: str, kind: Any, value: object) -> None:
    """Refuse a value that is not of the setting's type; an int will do for a float."""
    if get_origin(kind) is Literal:
        holds, rule = value in get_args(kind), f"one of {', '.join(get_args(kind))}"
    elif get_origin(kind) is tuple:
        inner = get_args(kind)[0]
        holds = isinstance(value, tuple) and all(type(v) is inner for v in value)
        rule = f"a tuple of {inner.__name__}"
    elif kind in (int, float, bool, str):
        holds = type(value) is kind or (kind is float and type(value) is int)
        rule = f"of type {kind.__name__}"
    else:
        return
    check_setting(holds, name, rule, repr(value))


def check_setting(holds: bool, name: str, rule: str, found: object) -> None:
    """Raise UsageError "NAME must be RULE, got FOUND" unless `holds`."""
    if not holds:
        raise UsageError(f"{name} must be {rule}, got {found}")


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """A named experiment.

    Attributes:
        name: what the user types, such as `mnist-mlp`.
        summary: its purpose, one line.
        source: chapter and section of the book, or paper.
        data: the data set it learns from.
        config: the settings, with their default values.
        task: "module:function", config -> `gradus.core.task.Task`.
        run: the same for what learns by acting, in a loop of its own: (config, device) ->
            `gradus.core.practice.Practice`. A recipe has one of the two.
        load: "module:function", run -> a predictor that answers about new inputs.
        figures: "module:mapping", name -> function that draws a figure of a finished run.
        formats: "module:mapping", name -> function that makes lines of answers, for `gradus predict
            --format NAME`; the first is what is shown without. The answers of such a recipe are
            about running text: what comes on standard input is one text, not a line each.
        quick: settings of the classroom version, at most 60 s on two cores.
        smoke: settings of the test suite's version, a few seconds, nothing downloaded.
        metric: the test metric that is quoted, such as `accuracy`; where a test lacks it, the loss.
        target: what the full recipe must reach, in words.
    """

    name: str
    summary: str
    source: str
    data: str
    config: FitConfig
    task: str = ""
    run: str = ""
    load: str
    figures: str
    formats: str = ""
    quick: Mapping[str, Any] = field(default_factory=dict)
    smoke: Mapping[str, Any] = field(default_factory=dict)
    metric: str = "loss"
    target: str = ""

    def configure(self, *, quick: bool = False, **settings: Any) -> FitConfig:
        """The recipe's config with `quick` and then `settings` laid over its defaults.

        Raises:
            UsageError: a setting is unknown (the nearest names are given) or its value is refused.
        """
        known = {f.name for f in fields(self.config)}
        for name in settings:
            if name not in known:
                raise UsageError(f"{self.name} has no setting {name!r}{nearest(name, known)}")
        return replace(self.config, **{**(self.quick if quick else {}), **settings})


def nearest(name: str, known: Mapping[str, Any] | set[str] | list[str], prefix: str = "") -> str:
    """The words ": did you mean a or b?" for the names in `known` that resemble `name`, else "".

    Args:
        name: what the user wrote.
        known: what there is.
        prefix: shown before each name.
    """
    close = get_close_matches(name, sorted(known), n=3, cutoff=0.5)
    return f": did you mean {' or '.join(prefix + c for c in close)}?" if close else ""


def resolve(reference: str) -> Any:
    """The object that "package.module:attribute" names."""
    module, attribute = reference.split(":")
    return getattr(importlib.import_module(module), attribute)


def config_to_json(config: FitConfig) -> dict[str, Any]:
    """The config as plain JSON values; tuples become lists."""
    return {k: list(v) if isinstance(v, tuple) else v for k, v in asdict(config).items()}


def config_from_json(recipe: Recipe, values: Mapping[str, Any]) -> FitConfig:
    """The inverse of `config_to_json`, for the recipe's own type of config."""
    settings = {k: tuple(v) if isinstance(v, list) else v for k, v in values.items()}
    return recipe.configure(quick=False, **settings)
