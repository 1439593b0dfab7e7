"""What a comparison of optimisers trains, and how."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from gradus.core.errors import UsageError
from gradus.core.recipe import (
    MACHINE_SETTINGS,
    FitConfig,
    Recipe,
    check_setting,
    config_from_json,
    config_to_json,
    nearest,
)
from gradus.core.rules import OPTIMISERS
from gradus.core.run import read_info
from gradus.surface.rates import SHARE

FILE = "compare.json"
WHAT = "comparison"
USUAL = ("sgd", "momentum", "nesterov", "adagrad", "rmsprop", "adam")
"""Who is compared when nobody is named."""


@dataclass(frozen=True)
class Plan:
    """What is compared, and how.

    Attributes:
        recipe: what is trained.
        config: the settings that all share; its seed is the first one.
        optimizers: keys of `gradus.core.rules.OPTIMISERS`.
        seeds: how many trainings of each.
        rates: learning rates that are given; the others are looked for.
        level: the watched value whose reaching is timed; None for one that half of them reach.
    """

    recipe: Recipe
    config: FitConfig
    optimizers: tuple[str, ...]
    seeds: int
    rates: Mapping[str, float] = field(default_factory=dict)
    level: float | None = None

    def __post_init__(self) -> None:
        """Refuse what cannot be compared."""
        names = self.optimizers
        for name in names:
            if name not in OPTIMISERS:
                close = nearest(name, list(OPTIMISERS)) or f"; there are {', '.join(OPTIMISERS)}"
                raise UsageError(f"no optimizer is called {name!r}{close}")
        if not names or len(set(names)) < len(names):
            got = " ".join(names) or "none"
            raise UsageError(f"a {WHAT} needs one or more different optimizers, got {got}")
        check_setting(self.seeds >= 1, "seeds", "≥ 1", self.seeds)
        for name in self.rates:
            if name not in names:
                raise UsageError(
                    f"lr is given for {name}, which is not compared ({', '.join(names)}): "
                    "leave it out, or add the optimizer"
                )
        momentum = self.config.momentum
        given = momentum and momentum != self.recipe.config.momentum
        if given and not any(_has_momentum(name) for name in names):
            raise UsageError(
                f"momentum={momentum} is for none of the optimizers compared "
                f"({', '.join(names)}): leave it out, or add momentum or nesterov"
            )
        for name in names:
            self.settings(name, self.rates.get(name, OPTIMISERS[name].lr))

    def settings(self, name: str, lr: float, seed: int = 0) -> FitConfig:
        """The config of an optimiser's training.

        Args:
            name: the optimiser.
            lr: its learning rate.
            seed: counted from the first one, which is 0.
        """
        momentum = self.config.momentum if _has_momentum(name) else 0.0
        beta2 = self.config.beta2 if OPTIMISERS[name].has_betas else 0.0
        changes: dict[str, Any] = {
            "optimizer": name,
            "lr": lr,
            "momentum": momentum,
            "beta2": beta2,
        }
        return replace(self.config, **changes, seed=self.config.seed + seed)

    def looked_for(self, name: str) -> bool:
        """Whether the optimiser's rate comes from a grid; those that search need none."""
        return name not in self.rates and not OPTIMISERS[name].searches

    @property
    def trial_epochs(self) -> int:
        """Epochs of the trainings that rates are tried in."""
        return -(-self.config.epochs // SHARE)

    def to_json(self) -> dict[str, Any]:
        """The plan as plain JSON values."""
        return {
            "recipe": self.recipe.name,
            "optimizers": list(self.optimizers),
            "seeds": self.seeds,
            "rates": dict(self.rates),
            "level": self.level,
            "config": config_to_json(self.config),
        }


def _has_momentum(name: str) -> bool:
    """Whether the rule has a momentum of its own."""
    return OPTIMISERS[name].with_momentum == name


def stored_plan(recipe: Recipe, path: Path) -> Plan:
    """The plan of a comparison that is there.

    Raises:
        UsageError: there is none in this folder, or it is one of another recipe.
        RunError: compare.json is damaged.
    """
    kept = read_info(path, FILE, WHAT)
    if kept["recipe"] != recipe.name:
        raise UsageError(f"{path} is a {WHAT} of {kept['recipe']}, not of {recipe.name}")
    config = config_from_json(recipe, kept["config"])
    names = tuple(kept["optimizers"])
    return Plan(recipe, config, names, kept["seeds"], kept["rates"], kept["level"])


def check_same(plan: Plan, path: Path) -> None:
    """Refuse to go on with another plan than the one in the folder, but for where to compute.

    Raises:
        UsageError: naming what differs, its value there and the one given.
    """
    before, now = (p.to_json() for p in (stored_plan(plan.recipe, path), plan))
    before |= before.pop("config")
    now |= now.pop("config")
    for name, value in now.items():
        if before[name] != value and name not in MACHINE_SETTINGS:
            raise UsageError(
                f"{name} is {before[name]} in {path}, got {value}: "
                f"resume with the {WHAT}'s own settings, or begin another in a new folder"
            )
