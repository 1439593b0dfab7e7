"""A study in its storage: each of its trials is done exactly once, whoever dies meanwhile.

A study of N trials has N slots. Optuna's records carry the number of their slot, and the first
record of a slot that was not given up (state FAIL) stands for it. Records are only ever added and a
finished one never changes, so no slot can be lost or count twice: whoever finds a slot without a
record adds one, and whoever holds a record that does not stand for its slot drops it.

Who trains holds the trial's lock, which the system takes back however the process ends. So a
running record whose lock is free belongs to a dead process: it is taken over, with its parameters,
and its run goes on from the checkpoint. A journal or an SQLite file is for processes that share the
study's folder. Through a server others may work too, who see no locks: they show that they live by
a count in the storage; one that stands still for a minute is given up.
"""

import contextlib
import fcntl
import json
import os
import shlex
import socket
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import optuna
from optuna.trial import FrozenTrial, TrialState

from gradus.core.errors import UsageError
from gradus.core.recipe import FitConfig, Recipe, config_from_json, config_to_json
from gradus.core.space import Range, Space, grid, space_from_json, space_to_json
from gradus.core.storage import arrive, is_file, open_storage, place_of, shown, told

FORMAT = 1
"""Version of what is kept of a study; one of a newer Gradus is refused."""
SILENCE = 60.0
"""A process elsewhere that has not been heard of for so long is taken to be dead, in s."""


@dataclass(frozen=True)
class Plan:
    """What is searched, and how; equal for everyone who works on the study.

    Attributes:
        recipe: what is trained.
        config: the settings that all trials share.
        space: the settings that differ.
        sampler: `grid`, `random` or `tpe`.
        pruner: `none`, `median` or `hyperband`.
        threads: CPU threads of each trial.
        objective: the record of an epoch that decides, such as `validation/accuracy`.
        better: whether it should be large ("max") or small ("min").
    """

    recipe: Recipe
    config: FitConfig
    space: Space
    sampler: str
    pruner: str
    threads: int
    objective: str
    better: str

    def to_json(self) -> dict[str, Any]:
        """The plan as plain JSON values."""
        return {
            **{f.name: getattr(self, f.name) for f in fields(self)},
            "format": FORMAT,
            "recipe": self.recipe.name,
            "config": config_to_json(self.config),
            "space": space_to_json(self.space),
        }

    @cached_property
    def points(self) -> list[dict[str, Any]]:
        """The points of the grid, one for each slot; none if the space is sampled."""
        return grid(self.space) if self.sampler == "grid" else []


def plan_from_json(recipe: Recipe, values: Mapping[str, Any]) -> Plan:
    """The inverse of `Plan.to_json`."""
    kept = {name: value for name, value in values.items() if name != "format"}
    config, space = config_from_json(recipe, kept["config"]), space_from_json(kept["space"])
    return Plan(**{**kept, "recipe": recipe, "config": config, "space": space})


@dataclass(frozen=True)
class Study:
    """A plan, its storage, and our place in the work.

    Attributes:
        path: our folder of the study; its name is the study's.
        plan: what is searched.
        url: address of the database; "" for the journal in the folder.
        kept: Optuna's study.
        place: tells our folder from those of other machines.
    """

    path: Path
    plan: Plan
    url: str
    kept: optuna.Study
    place: str

    @property
    def trials(self) -> int:
        """How many trials there will be."""
        return self.kept.user_attrs["trials"]

    @property
    def command(self) -> str:
        """What the user types to go on with the study."""
        words = ["gradus", "search", self.plan.recipe.name, "--run-dir", str(self.path), "--resume"]
        return shlex.join(words)

    def folder(self, slot: int) -> Path:
        """The run folder of a trial."""
        return self.path / f"trial-{slot:03}"

    @contextlib.contextmanager
    def lock(self, slot: int, wait: bool = False) -> Iterator[bool]:
        """Hold a trial's lock; whether we have it, or with `wait` once we have it."""
        folder = self.path / "locks"
        folder.mkdir(parents=True, exist_ok=True)
        with open(folder / f"{slot:03}", "a+") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                yield False
            else:
                yield True

    def with_machine(self, **settings: Any) -> "Study":
        """The same study, its trials computed where these settings say."""
        return replace(self, plan=replace(self.plan, config=replace(self.plan.config, **settings)))


@dataclass(frozen=True)
class Claim:
    """A trial that is ours to train.

    Attributes:
        slot: its number in the study.
        trial: Optuna's handle.
        told: epochs whose value the storage has already.
        path: its run folder.
    """

    slot: int
    trial: optuna.Trial
    told: frozenset[int]
    path: Path


# Studies ------------------------------------------------------------------------------------------


def create(path: Path, plan: Plan, url: str, trials: int) -> Study:
    """A new study.

    Args:
        path: its folder, which is there.
        plan: what is searched.
        url: address of a database; "" for a journal in the folder.
        trials: how many there will be.

    Raises:
        UsageError: the address is refused, or the database has a study of this name.
        RunError: the database cannot be reached.
    """
    with told(path, url):
        try:
            kept = optuna.create_study(
                storage=open_storage(path, url),
                study_name=path.name,
                direction="maximize" if plan.better == "max" else "minimize",
                pruner=_pruner(plan),
            )
        except optuna.exceptions.DuplicatedStudyError:
            raise UsageError(
                f"{shown(url)} has a study called {path.name} already: "
                "go on with --resume, or choose another --run-dir"
            ) from None
        study = Study(path, plan, url, kept, place_of(path))
        kept.set_user_attr("home", [str(path.resolve()), study.place])
        kept.set_user_attr("trials", trials)
        kept.set_user_attr("plan", plan.to_json())
        fill(study)
    return study


def load(path: Path, recipe: Recipe, url: str) -> Study:
    """The study of this folder's name in its storage.

    Args:
        path: our folder of the study; it is made if it is not there.
        recipe: what the study must be of.
        url: address of its database; "" for the journal in the folder.

    Raises:
        UsageError: there is no such study, it is of another recipe or of a newer Gradus.
        RunError: the storage is damaged or cannot be reached.
    """
    if not url and not (path / "journal.log").exists():
        raise UsageError(
            f"{path} holds no study: name its folder, or give the --storage that it is kept in"
        )
    with told(path, url):
        try:
            kept = optuna.load_study(study_name=path.name, storage=open_storage(path, url))
            plan = kept.user_attrs["plan"]
        except KeyError:
            raise UsageError(f"{shown(url)} holds no study called {path.name}") from None
        if plan["format"] > FORMAT:
            raise UsageError(
                f"{path.name} was begun by a newer Gradus (format {plan['format']}, this one "
                f"reads up to {FORMAT}): pip install --upgrade gradus-dl"
            )
        if plan["recipe"] != recipe.name:
            raise UsageError(f"{path.name} is a study of {plan['recipe']}, not of {recipe.name}")
        made = plan_from_json(recipe, plan)
        kept.pruner = _pruner(made)
        return Study(path, made, url, kept, arrive(path, url, kept))


def _pruner(plan: Plan) -> optuna.pruners.BasePruner:
    match plan.pruner:
        case "median":
            return optuna.pruners.MedianPruner()
        case "hyperband":
            epochs = plan.space.get("epochs", (plan.config.epochs,))
            most = int(epochs.high) if isinstance(epochs, Range) else max(epochs)
            return optuna.pruners.HyperbandPruner(max_resource=most)
    return optuna.pruners.NopPruner()


def sampler(plan: Plan, slot: int) -> optuna.samplers.BaseSampler:
    """What draws the parameters of a trial; its randomness depends on seed and slot alone."""
    seed = int(np.random.SeedSequence((plan.config.seed, slot)).generate_state(1)[0])
    if plan.sampler == "tpe":
        return optuna.samplers.TPESampler(seed=seed)
    return optuna.samplers.RandomSampler(seed=seed)


# Trials -------------------------------------------------------------------------------------------


def suggest(plan: Plan, trial: optuna.Trial) -> dict[str, Any]:
    """The trial's point of the space: the one it had, or the one that the sampler draws now."""
    point: dict[str, Any] = {}
    for name, part in plan.space.items():
        if not isinstance(part, Range):
            names = {_encoded(value): value for value in part}
            point[name] = names[trial.suggest_categorical(name, list(names))]
        elif isinstance(part.low, int) and isinstance(part.high, int):
            step = int(part.step) or 1
            point[name] = trial.suggest_int(name, part.low, part.high, step=step, log=part.log)
        else:
            step_or_none = part.step or None
            point[name] = trial.suggest_float(
                name, part.low, part.high, step=step_or_none, log=part.log
            )
    return point


def decoded(plan: Plan, params: Mapping[str, Any]) -> dict[str, Any]:
    """A record's parameters as values of the settings."""
    point = {}
    for name, part in plan.space.items():
        if name in params:
            names = {} if isinstance(part, Range) else {_encoded(v): v for v in part}
            point[name] = names.get(params[name], params[name])
    return point


def _encoded(value: Any) -> Any:
    """A value as Optuna can keep it."""
    return json.dumps(value) if isinstance(value, tuple) else value


def records(study: Study) -> dict[int, FrozenTrial]:
    """Slot -> the record that stands for it: the first that was not given up."""
    found: dict[int, FrozenTrial] = {}
    for record in study.kept.get_trials(deepcopy=False):
        slot = record.user_attrs.get("slot")
        if slot is not None and record.state != TrialState.FAIL:
            found.setdefault(slot, record)
    return dict(sorted(found.items()))


def finished(study: Study) -> bool:
    """Whether every trial has its result."""
    return sum(r.state.is_finished() for r in records(study).values()) >= study.trials


def fill(study: Study) -> dict[int, FrozenTrial]:
    """The records of all slots; one that lacks a record gets a new one, with its old parameters."""
    present = records(study)
    missing = [slot for slot in range(study.trials) if slot not in present]
    if not missing:
        return present
    before = {r.user_attrs.get("slot"): r.params for r in study.kept.get_trials(deepcopy=False)}
    for slot in missing:
        points = study.plan.points
        point = {n: _encoded(v) for n, v in points[slot].items()} if points else before.get(slot)
        study.kept.enqueue_trial(point or {}, user_attrs={"slot": slot})
    return records(study)


class Silence:
    """Which running records have not been heard of for too long, by our own clock."""

    def __init__(self) -> None:
        self.heard: dict[int, tuple[Any, float]] = {}

    def of(self, record: FrozenTrial) -> bool:
        """Whether this record's count has stood still for a minute."""
        beat, now = record.user_attrs.get("beat"), time.monotonic()
        last, since = self.heard.setdefault(record.number, (beat, now))
        if last != beat:
            self.heard[record.number] = (beat, now)
        return last == beat and now - since > SILENCE


def claim(study: Study, held: contextlib.ExitStack, silence: Silence) -> Claim | None:
    """A trial to train, its lock kept in `held`; None if there is none just now.

    What dead processes left comes first, then the waiting trials in order.
    """
    present = fill(study)
    for slot, record in present.items():
        if record.state != TrialState.RUNNING:
            continue
        place = record.user_attrs.get("owner", {}).get("place")
        if place == study.place or is_file(study.url):
            taken = _take(study, slot, record.number, held)
            if taken:
                return taken
        elif silence.of(record):
            give_up(study, record.number)
    while any(r.state == TrialState.WAITING for r in study.kept.get_trials(deepcopy=False)):
        trial = study.kept.ask()
        slot = trial.user_attrs.get("slot", -1)
        stands = records(study).get(slot)
        if stands is not None and stands.number == trial.number:
            return _take(study, slot, trial.number, held)
        give_up(study, trial.number)  # two had found the slot empty
    return None


def _take(study: Study, slot: int, number: int, held: contextlib.ExitStack) -> Claim | None:
    """The running record, if nobody here is training it."""
    if not held.enter_context(study.lock(slot)):
        return None
    record = records(study).get(slot)
    if record is None or record.number != number or record.state != TrialState.RUNNING:
        held.close()
        return None
    trial = optuna.Trial(study.kept, record._trial_id)
    owner = {"place": study.place, "host": socket.gethostname(), "pid": os.getpid()}
    trial.set_user_attr("owner", owner)
    return Claim(slot, trial, frozenset(record.intermediate_values), study.folder(slot))


def give_up(study: Study, number: int) -> None:
    """Have a record no longer stand for its slot; one that is finished meanwhile stays."""
    with contextlib.suppress(ValueError, optuna.exceptions.UpdateFinishedTrialError):
        study.kept.tell(number, state=TrialState.FAIL)
