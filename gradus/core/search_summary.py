"""What a search came to: its trials, the best of them, and the files that say so."""

import csv
import io
import json
import math
import shlex
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from gradus.core.errors import RunError
from gradus.core.files import write_atomically
from gradus.core.recipe import FitConfig, Recipe, config_to_json
from gradus.core.report import show as show_metric
from gradus.core.space import Range, Space, configured, show, train_words

if TYPE_CHECKING:
    from gradus.core.studies import Study

MIN_TRIALS = 10
"""From fewer complete trials a forest does not learn which settings matter."""


@dataclass(frozen=True)
class Trial:
    """One trial of a study.

    Attributes:
        number: its place in the study, from 0; its run folder is `trial-<number>`.
        state: `complete`, `pruned` (stopped early), `failed` (its settings cannot be trained),
            `running` or `waiting`.
        point: the settings that differ between trials.
        value: the objective after the best epoch; of a pruned trial, after its last one.
        epochs: epochs trained.
        best_epoch: the epoch that `value` is of, from 1.
        seconds: time of training.
        error: why it failed.
        host: the machine that trained it.
    """

    number: int
    state: str
    point: dict[str, Any]
    value: float | None = None
    epochs: int | None = None
    best_epoch: int | None = None
    seconds: float | None = None
    error: str = ""
    host: str = ""

    @property
    def ended(self) -> bool:
        """Whether it has its result."""
        return self.state not in ("running", "waiting")

    @property
    def words(self) -> str:
        """The point in words, such as `lr 0.1, batch_size 50`."""
        return ", ".join(f"{name} {show(value)}" for name, value in self.point.items())


@dataclass(frozen=True)
class Summary:
    """What a search came to.

    Attributes:
        path: the study's folder.
        recipe: what was trained.
        config: the settings that all trials share.
        space: the settings that differ.
        sampler: what drew the points: `grid`, `random` or `tpe`.
        objective: the record that decides, such as `validation/accuracy`.
        better: whether it should be large ("max") or small ("min").
        trials: all trials by number.
        test: loss and metrics of the best trial on the test set; None before it was read, which
            is once, after all trials have ended.
        importance: setting -> the share of the differences that it alone explains, largest
            first; {} where it cannot be told.
    """

    path: Path
    recipe: Recipe
    config: FitConfig
    space: Space
    sampler: str
    objective: str
    better: str
    trials: tuple[Trial, ...]
    test: dict[str, float] | None = None
    importance: dict[str, float] = field(default_factory=dict)

    @property
    def metric(self) -> str:
        """The objective's name without its set, such as `accuracy`."""
        return self.objective.split("/")[1]

    @property
    def ranked(self) -> list[Trial]:
        """The complete trials, best first; of equals the first."""
        sign = -1 if self.better == "max" else 1
        complete = [t for t in self.trials if t.state == "complete" and t.value is not None]
        return sorted(complete, key=lambda t: (sign * (t.value or 0.0), t.number))

    @property
    def best(self) -> Trial | None:
        """The best complete trial, chosen on validation; None before there is one."""
        return next(iter(self.ranked), None)

    @property
    def is_full_grid(self) -> bool:
        """Whether every point of a grid is complete."""
        return self.sampler == "grid" and len(self.ranked) == len(self.trials)

    @property
    def best_config(self) -> FitConfig:
        """All settings of the best trial.

        Raises:
            RunError: no trial is complete.
        """
        if self.best is None:
            failed = [t for t in self.trials if t.error]
            why = f": trial {failed[0].number} ({failed[0].words}): {failed[0].error}"
            raise RunError(f"{self.path} has no complete trial{why if failed else ''}")
        return configured(self.recipe, self.config, self.best.point)

    @property
    def command(self) -> str:
        """What the user types to train with the settings of the best trial.

        Raises:
            RunError: no trial is complete.
        """
        return shlex.join(["gradus", *train_words(self.recipe, self.best_config)])

    def show(self, value: float | None) -> str:
        """A value of the objective for people."""
        return show_metric(self.metric, value)


def summarise(study: "Study", importance: bool = False) -> Summary:
    """What the storage knows of a study.

    Args:
        study: the study.
        importance: whether to work out which settings matter, which takes a moment.
    """
    from gradus.core.studies import records

    plan = study.plan
    made = Summary(
        path=study.path,
        recipe=plan.recipe,
        config=plan.config,
        space=plan.space,
        sampler=plan.sampler,
        objective=plan.objective,
        better=plan.better,
        trials=tuple(_trial(study, slot, record) for slot, record in records(study).items()),
    )
    kept = study.kept.user_attrs.get("test") or {}
    tested = made.best is not None and kept.get("trial") == made.best.number
    return replace(
        made,
        test=kept["values"] if tested else None,
        importance=importances(made) if importance else {},
    )


def _trial(study: "Study", slot: int, record: Any) -> Trial:
    from gradus.core.studies import decoded

    attributes = record.user_attrs
    error, done = attributes.get("error", ""), attributes.get("done", {})
    return Trial(
        number=slot,
        state="failed" if error else record.state.name.lower(),
        point=decoded(study.plan, record.params),
        value=None if error else record.value,
        epochs=done.get("epochs"),
        best_epoch=done.get("best_epoch"),
        seconds=done.get("seconds"),
        error=error,
        host=attributes.get("owner", {}).get("host", ""),
    )


def importances(summary: Summary) -> dict[str, float]:
    """How much of the differences between trials each setting explains alone.

    It is the share of the value's variance over the space that is left when the value is averaged
    over all other settings: V_s / V of the functional analysis of variance (Hutter, Hoos &
    Leyton-Brown 2014). Over a whole grid it is computed; over other trials a random forest first
    learns the value. Ranges in the logarithm are seen in the logarithm.

    Returns:
        setting -> share in [0, 1], largest first; what is missing to 1 is due to several settings
        together. {} for a single setting, equal values, or fewer than ten complete trials that
        are no whole grid.
    """
    enough = summary.is_full_grid or len(summary.ranked) >= MIN_TRIALS
    if len(summary.space) < 2 or not enough or len({t.value for t in summary.ranked}) < 2:
        return {}
    found = _over_grid(summary) if summary.is_full_grid else _by_forest(summary)
    return {name: float(v) for name, v in sorted(found.items(), key=lambda item: -item[1])}


def _over_grid(summary: Summary) -> dict[str, float]:
    """Exact, of the values on all points of a grid."""
    axes = list(summary.space)
    sizes = [len(p) for p in summary.space.values() if not isinstance(p, Range)]
    values = np.array([t.value for t in summary.trials]).reshape(sizes)
    others = {a: tuple(i for i, b in enumerate(axes) if b != a) for a in axes}
    return {a: values.mean(others[a]).var() / values.var() for a in axes}


def _by_forest(summary: Summary) -> dict[str, float]:
    """Of a random forest that was fitted to the complete trials."""
    import optuna

    from gradus.core.storage import quiet

    kinds: dict[str, Any] = {}
    for name, part in summary.space.items():
        if isinstance(part, Range):
            ends = (_seen(part, value) for value in (part.low, part.high))
            kinds[name] = optuna.distributions.FloatDistribution(*ends)
        else:
            kinds[name] = optuna.distributions.CategoricalDistribution([show(v) for v in part])
    with quiet():
        study = optuna.create_study()
        for t in sorted(summary.ranked, key=lambda t: t.number):
            seen = {name: _seen(summary.space[name], value) for name, value in t.point.items()}
            study.add_trial(optuna.create_trial(params=seen, distributions=kinds, value=t.value))
        try:
            return optuna.importance.FanovaImportanceEvaluator(seed=0).evaluate(study)
        except RuntimeError:  # the forest sees no difference
            return {}


def _seen(part: Any, value: Any) -> Any:
    """A value as the forest sees it."""
    if not isinstance(part, Range):
        return show(value)
    return math.log10(value) if part.log else float(value)


# Files --------------------------------------------------------------------------------------------


def document(study: "Study", summary: Summary) -> dict[str, Any]:
    """What study.json holds: the plan, the trials, the best one and how to train it."""
    from gradus.core.storage import without_password

    best = summary.best
    return {
        "study": study.path.name,
        **study.plan.to_json(),
        "storage": without_password(study.url),
        "best": None if best is None else best.number,
        "best_config": None if best is None else config_to_json(summary.best_config),
        "command": None if best is None else summary.command,
        "test": summary.test,
        "importance": summary.importance,
        "trials": [asdict(t) for t in summary.trials],
    }


def write_summary(study: "Study", summary: Summary) -> None:
    """Write study.json; once there is a best trial also best.json, trials.csv and the figures."""
    write_json(study.path / "study.json", document(study, summary))
    if summary.best is None:
        return
    from gradus.core.plot import save
    from gradus.core.search_figures import figures

    write_json(study.path / "best.json", config_to_json(summary.best_config))
    write_atomically(study.path / "trials.csv", table(summary).encode())
    for name, figure in figures(summary).items():
        save(figure, study.path / "figures" / f"{name}.png")


def write_json(path: Path, value: Mapping[str, Any]) -> None:
    """Write a JSON document."""
    write_atomically(path, (json.dumps(value, indent=2, ensure_ascii=False) + "\n").encode())


def table(summary: Summary) -> str:
    """The trials as comma-separated values, one line each."""
    said = io.StringIO()
    lines = csv.writer(said, lineterminator="\n")
    rest = ("epochs", "best_epoch", "seconds", "host", "error")
    lines.writerow(["trial", "state", *summary.space, summary.objective, *rest])
    for t in summary.trials:
        point = [t.point.get(name, "") for name in summary.space]
        shown = [show(v) if isinstance(v, tuple) else v for v in point]
        lines.writerow([t.number, t.state, *shown, t.value, *(getattr(t, n) for n in rest)])
    return said.getvalue()
