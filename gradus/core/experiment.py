"""A whole training: fit, test once, figures, report; and going on with one that was stopped."""

import hashlib
import json
import time
from pathlib import Path
from typing import Any

from gradus.core.checkpoint import load_latest
from gradus.core.device import Device, open_device
from gradus.core.errors import Interrupted, RunError, UsageError
from gradus.core.files import write_atomically
from gradus.core.fit import Fitted, fit
from gradus.core.optim import check_optimizer
from gradus.core.practice import Practice, build_practice, practise
from gradus.core.progress import Reporter, Silent, current
from gradus.core.recipe import MACHINE_SETTINGS, FitConfig, Recipe, config_to_json
from gradus.core.report import write_report
from gradus.core.run import Run, create, read_info
from gradus.core.signals import raised_signals
from gradus.core.task import Task, build_task, measure

LOCK_PATIENCE = 30.0
"""How long a resumed run waits for the process it continues to end, in s."""


def train(
    recipe: Recipe,
    config: FitConfig,
    *,
    path: Path | None = None,
    resume: bool = False,
    reporter: Reporter | None = None,
    test: bool = True,
) -> Run:
    """Train a recipe into a run folder, or go on with the one that is there.

    Args:
        recipe: what to train.
        config: with which settings; when resuming it must be the run's own, but for where to
            compute and, where the schedule does not depend on their number, for more epochs.
        path: the folder; by default the next free `runs/<recipe>-<number>`.
        resume: go on from the newest checkpoint in `path`.
        reporter: hears of the progress; by default the one in use (`progress.reporting`).
        test: open the test set at the end, and draw figures and a report. A choice between runs,
            which is made on the validation set, leaves it closed.

    Returns:
        The finished run, its best parameters saved, tested once, with figures and report.

    Raises:
        UsageError: the folder or a setting is refused; nothing was changed.
        RunError: the training failed; what was saved stays.
        Interrupted: a signal asked to stop; the run can be resumed.
    """
    reporter = reporter or current()
    device = open_device(config.device, config.precision, config.fallback)
    task = _build(recipe, config, device)
    run = _folder(recipe, config, path, resume, device)
    if not device.leads and isinstance(task, Task):
        if not device.broadcast(False):
            fit(task, config, run=run, resume=resume, reporter=Silent(), device=device)
        return run
    with run.lock(LOCK_PATIENCE if resume else 0.0):
        complete = resume and _complete(run, config, reporter)
        if device.broadcast(complete):
            reporter.note(f"{run.path} is complete ({config.epochs} epochs): nothing is left to do")
            return run
        run.info.pop("error", None)
        run.update(
            status="running",
            config=config_to_json(config),
            device=device.report(),
            facts=task.facts,
        )
        if recipe.run and recipe.target:
            reporter.note(f"to expect in full: {recipe.target}")
        for name, text in task.files.items() if isinstance(task, Task) else ():
            write_atomically(run.path / name, text.encode())
        try:
            with raised_signals(run.resume_command()):
                learn: Any = practise if isinstance(task, Practice) else fit
                fitted = learn(
                    task, config, run=run, resume=resume, reporter=reporter, device=device
                )
                _finish(run, task, fitted, device, reporter, test)
        except (Interrupted, KeyboardInterrupt):
            run.update(status="interrupted")
            raise
        except Exception as error:
            _fail(run, error)
            raise
    return run


def trained(recipe: Recipe, **settings: Any) -> Run:
    """A finished run with these settings: the one kept from before, else one trained now.

    Such runs, which figures are drawn from, are kept under `runs/figures`.
    """
    config = recipe.configure(**settings)
    digest = hashlib.sha256(json.dumps(config_to_json(config), sort_keys=True).encode())
    path = Path("runs", "figures", f"{recipe.name}-{digest.hexdigest()[:8]}")
    return train(recipe, config, path=path, resume=(path / "run.json").exists())


def _complete(run: Run, config: FitConfig, reporter: Reporter) -> bool:
    """Whether the run needs no more training.

    Raises:
        RunError: every checkpoint is damaged; nothing was changed.
    """
    run.info = read_info(run.path)  # it may have ended while we waited for it
    load_latest(run.checkpoints, note=lambda _: None)
    if run.status != "complete" or run.info["config"]["epochs"] != config.epochs:
        return False
    if not run.weights_are_whole():
        reporter.note("weights.safetensors is damaged or missing: written anew from a checkpoint")
        return False
    return True


def check_resumable(run: Run, config: FitConfig) -> None:
    """Refuse to resume with other settings than the run's own.

    Raises:
        UsageError: naming the setting, its value in the run and the one given.
    """
    old, new = run.info["config"], config_to_json(config)
    for name in sorted(old.keys() | new.keys()):
        before, after = old.get(name), new.get(name)
        if before == after or name in MACHINE_SETTINGS:
            continue
        if not (name == "epochs" and config.open_ended and after > before):
            raise UsageError(
                f"{name} is {before} in {run.path}, got {after}: "
                "resume with the run's own settings, or train into a new folder"
            )


def _folder(
    recipe: Recipe, config: FitConfig, path: Path | None, resume: bool, device: Device
) -> Run:
    """The run's folder: made by the leading process, known to all."""
    if resume:
        if path is None:
            raise UsageError("--resume needs --run-dir: which run should go on?")
        run = Run(path, recipe, read_info(path))
        if run.info["recipe"] != recipe.name:
            raise UsageError(f"{path} is a run of {run.info['recipe']}, not of {recipe.name}")
        check_resumable(run, config)
        return run
    made = create(recipe, config, path) if device.leads else None
    where = device.broadcast(str(made.path) if made else "")
    return made or Run(Path(where), recipe, {})


def _build(recipe: Recipe, config: FitConfig, device: Device) -> Task | Practice:
    """What is trained, refused where it cannot be trained so."""
    if not recipe.run:
        task = build_task(recipe, config)
        check_optimizer(task, config, device)
        return task
    if device.world > 1:
        raise UsageError(f"{recipe.name} learns by acting, in one process: leave out --devices")
    return build_practice(recipe, config, device.torch)


def _finish(
    run: Run, task: Task | Practice, fitted: Fitted, device: Device, reporter: Reporter, test: bool
) -> None:
    """Save the best parameters and results; with `test` measure them once, draw and report."""
    if fitted.best_model is None:
        raise RunError(f"{task.watch} was never a number: there is no best epoch to keep")
    run.save_weights(fitted.best_model)
    best = fitted.records[fitted.best_epoch - 1]
    results: dict[str, Any] = {
        "validation": _part(best, "validation/"),
        "train": _part(best, "train/"),
        "best_epoch": fitted.best_epoch,
        "epochs": fitted.epoch,
        "steps": fitted.records[-1].get("updates", fitted.step),
        "examples": task.train.examples if isinstance(task, Task) else fitted.step,
        "seconds": round(sum(t["seconds"] for t in run.records("timing")), 3),
    }
    if test:
        reporter.note(f"testing epoch {fitted.best_epoch}, drawing figures")
        started = time.perf_counter()
        if isinstance(task, Practice):
            tested = task.test("test", 0, None)
        else:
            tested = measure(task, task.test().to(device.torch))
        seconds = round(time.perf_counter() - started, 3)
        results = {"test": tested, **results, "test_seconds": seconds}
    run.update(results=results)
    run.remember(task)
    if test:
        for name in run.figures():
            run.figure(name)
        write_report(run)
    run.update(status="complete")


def _part(record: dict[str, Any], prefix: str) -> dict[str, float]:
    """The values of a record under `prefix`, without it."""
    return {k.removeprefix(prefix): v for k, v in record.items() if k.startswith(prefix)}


def _fail(run: Run, error: Exception) -> None:
    """Note in run.json that the run failed, if the disk still takes it."""
    try:
        run.update(status="failed", error=str(error))
    except RunError:
        return
