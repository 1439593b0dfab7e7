"""What a comparison of optimisers came to: curves, places, and how soon a level was reached."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import mean, stdev
from typing import Any, Literal

from gradus.core.recipe import FitConfig, Recipe
from gradus.core.run import Run, read_info
from gradus.surface.rates import Better, Outcome


@dataclass(frozen=True)
class Training:
    """One training of one optimiser; the lists have a number for each complete epoch.

    Attributes:
        seed: of its initial weights, order of examples and noise.
        steps: updates done by the end of the epoch.
        seconds: time spent on them, validation not counted.
        loss: mean training loss of the epoch.
        watched: what is watched, such as the validation accuracy.
        failed: why it did not come to its end; "" if it did.
    """

    seed: int
    steps: list[int]
    seconds: list[float]
    loss: list[float]
    watched: list[float]
    failed: str = ""

    def best(self, better: Better) -> float:
        """The watched value of the best epoch."""
        return max(self.watched) if better == "max" else min(self.watched)

    def reached(self, level: float, better: Better) -> int | None:
        """Index of the first epoch whose watched value is as good as the level."""
        sign = 1 if better == "max" else -1
        good = (i for i, value in enumerate(self.watched) if sign * (value - level) >= 0)
        return next(good, None)


@dataclass(frozen=True)
class Contestant:
    """An optimiser and its trainings.

    Attributes:
        name: a key of `gradus.core.rules.OPTIMISERS`.
        lr: its learning rate.
        how: where that comes from: `given`, `own` (the rule's), or `grid`.
        tried: the rates of its grid, each with its outcome.
        at_end: whether the best of them lies at the grid's end.
        better: whether the watched value should be large or small.
        trainings: one for each seed.
    """

    name: str
    lr: float
    how: str
    tried: dict[float, Outcome]
    at_end: bool
    better: Better
    trainings: list[Training]

    @property
    def whole(self) -> list[Training]:
        """The trainings that came to their end."""
        return [t for t in self.trainings if not t.failed]

    @property
    def values(self) -> list[float]:
        """The watched value of each whole training's best epoch."""
        return [t.best(self.better) for t in self.whole]

    @property
    def mean(self) -> float | None:
        """Their mean, if there is any."""
        return mean(self.values) if self.values else None

    @property
    def sd(self) -> float:
        """Their standard deviation (n - 1 in the denominator); 0 of a single one."""
        return stdev(self.values) if len(self.values) > 1 else 0.0

    def to_level(self, level: float) -> dict[str, Any]:
        """How soon the level was reached.

        Returns:
            `seeds`, how many reached it, and the means over those of `steps` and `seconds`; None
            where none did.
        """
        found = [(t, i) for t in self.whole if (i := t.reached(level, self.better)) is not None]
        return {
            "seeds": len(found),
            "steps": mean(t.steps[i] for t, i in found) if found else None,
            "seconds": mean(t.seconds[i] for t, i in found) if found else None,
        }


@dataclass(frozen=True)
class Comparison:
    """Optimisers on one recipe.

    Attributes:
        path: the folder with the runs, compare.json and the figure.
        recipe: what was trained.
        config: the settings that all shared.
        watch: the record that decides, such as `validation/accuracy`.
        level: the value of it whose reaching is timed.
        asked: whether the level was asked for, or is one that half of the optimisers reached.
        trial_epochs: epochs of the trainings that the rates were tried in.
        contestants: the optimisers, best first.
        test: the winner's test metrics, one list a metric with a value for each seed.
    """

    path: Path
    recipe: Recipe
    config: FitConfig
    watch: str
    level: float
    asked: bool
    trial_epochs: int
    contestants: list[Contestant]
    test: dict[str, list[float]]

    @property
    def winner(self) -> Contestant:
        """The one with the best mean on the validation set."""
        return self.contestants[0]

    def to_json(self) -> dict[str, Any]:
        """Everything but the curves, as plain JSON values."""
        return {
            "path": str(self.path),
            "recipe": self.recipe.name,
            "watch": self.watch,
            "level": self.level,
            "winner": self.winner.name,
            "test": self.test,
            "optimizers": [
                {
                    "name": c.name,
                    "lr": c.lr,
                    "lr_from": c.how,
                    "lr_tried": {f"{lr:g}": o and list(o) for lr, o in c.tried.items()},
                    "lr_at_end": c.at_end,
                    "mean": c.mean,
                    "sd": c.sd,
                    "to_level": c.to_level(self.level),
                    "seconds": mean(t.seconds[-1] for t in c.whole) if c.whole else None,
                    "trainings": [
                        {
                            "seed": t.seed,
                            "value": None if t.failed else t.best(c.better),
                            "steps": t.steps[-1] if t.steps else 0,
                            "seconds": t.seconds[-1] if t.seconds else 0.0,
                            "failed": t.failed,
                        }
                        for t in c.trainings
                    ],
                }
                for c in self.contestants
            ],
        }


def read_training(path: Path, recipe: Recipe, watch: str) -> Training:
    """A training from its run folder.

    Where it was stopped and went on, the epoch in between counts as long as its steps took at the
    rate of those that were timed.
    """
    run = Run(path, recipe, read_info(path))
    records, timing = run.records(), run.records("timing")
    steps = [r["step"] for r in records]
    seconds, at, before = [], 0.0, 0
    for step, timed in zip(steps, timing, strict=True):
        at += (step - before) * run.config.batch_size / timed["examples_per_second"]
        before = step
        seconds.append(at)
    return Training(
        seed=run.config.seed,
        steps=steps,
        seconds=seconds,
        loss=[r["train/loss"] for r in records],
        watched=[r[watch] for r in records],
        failed="" if run.status == "complete" else run.info.get("error", run.status),
    )


def ranked(contestants: Sequence[Contestant]) -> list[Contestant]:
    """The best first; those without a whole training last."""

    def order(c: Contestant) -> tuple[bool, float]:
        value = c.mean or 0.0
        return c.mean is None, -value if c.better == "max" else value

    return sorted(contestants, key=order)


def common_level(contestants: Sequence[Contestant]) -> float:
    """A level that at least half of the optimisers reached with every seed; three digits.

    Args:
        contestants: at least one has a whole training.
    """
    able = [c for c in contestants if c.values]
    if able[0].better == "max":
        return _rounded(sorted(min(c.values) for c in able)[-(len(able) // 2) - 1], "floor")
    return _rounded(sorted(max(c.values) for c in able)[len(able) // 2], "ceil")


def _rounded(value: float, way: Literal["floor", "ceil"]) -> float:
    """Three significant digits."""
    if value == 0:
        return 0.0
    unit = 2 - math.floor(math.log10(abs(value)))
    return float(f"{getattr(math, way)(value * 10.0**unit)}e{-unit}")
