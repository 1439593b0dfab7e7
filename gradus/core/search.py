"""Hyper-parameter search: many trainings of a recipe, chosen on validation, the best tested once.

    from gradus import catalog
    from gradus.core.search import search

    found = search(catalog.recipe("digits-mlp"), {"lr": (0.01, 0.1)}, sampler="grid")
    print(found.best, found.test, found.command)

Optuna draws the points and keeps the study; every trial is an ordinary run folder. Grid: every
combination. Random: independent draws (Bergstra & Bengio 2012). TPE: the tree-structured Parzen
estimator (Bergstra et al. 2011), which draws where good trials are denser than bad ones.
"""

import importlib.util
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

from gradus.core.errors import RunError, UsageError
from gradus.core.progress import Reporter, current
from gradus.core.recipe import MACHINE_SETTINGS, FitConfig, Recipe, check_setting
from gradus.core.report import write_report
from gradus.core.run import Run, new_folder, read_info
from gradus.core.search_summary import (
    Summary,
    Trial,
    document,
    summarise,
    write_json,
    write_summary,
)
from gradus.core.signals import raised_signals
from gradus.core.space import (
    Pruner,
    Range,
    Sampler,
    Space,
    checked,
    configured,
    default_space,
    grid,
    largest_batch,
    show,
)

if TYPE_CHECKING:
    from gradus.core.studies import Study

TRIALS = 20
"""Trials of a sampled space unless told otherwise."""
__all__ = ["Range", "Summary", "Trial", "join", "search"]


def search(
    recipe: Recipe,
    space: Space | None = None,
    trials: int | None = None,
    *,
    config: FitConfig | None = None,
    sampler: Sampler = "tpe",
    pruner: Pruner = "auto",
    workers: int = 1,
    threads: int = 1,
    path: Path | None = None,
    storage: str = "",
    reporter: Reporter | None = None,
) -> Summary:
    """Search for a recipe's best settings; the same as `gradus search`.

    Args:
        recipe: what to train.
        space: setting -> its values, or a `Range`; by default learning rate and minibatch.
        trials: how many; by default 20, in a grid every point.
        config: the settings that all trials share; by default the recipe's.
        sampler: `grid` takes every combination of values, in order; `random` and `tpe` draw.
        pruner: stops trials that lag behind: `median` (below the median of the others at this
            epoch), `hyperband`, `none`; `auto` is none for a grid, else median.
        workers: processes of this machine; others may join.
        threads: CPU threads of each trial. The same number gives the same digits everywhere.
        path: folder of the study; by default the next free `runs/search-<recipe>-<number>`.
        storage: address of a database, `sqlite:///FILE`, `postgresql://…` or `mysql+pymysql://…`;
            by default a journal in the folder.
        reporter: hears of the progress; by default the one in use.

    Returns:
        All trials and the best one's test. The folder has figures, trials.csv and study.json.

    Raises:
        UsageError: an argument is refused, or Optuna is missing; no trial was begun.
        RunError: every trial failed, or the storage, the disk or the data did.
        Interrupted: a signal asked to stop; `join` goes on.
    """
    _need_optuna()
    config = config or recipe.config
    for name, value, kind in (("sampler", sampler, Sampler), ("pruner", pruner, Pruner)):
        known = get_args(kind)
        check_setting(value in known, name, f"one of {', '.join(known)}", repr(value))
    check_setting(threads >= 1, "threads", "≥ 1", threads)
    _check_counts(workers, trials)
    if sampler == "grid" and (trials is not None or not space):
        raise UsageError("a grid needs values, and has as many trials as it has points")
    typed = checked(recipe, config, space or {})
    points = grid(typed) if sampler == "grid" else []
    largest = configured(recipe, config, largest_batch(config, typed))
    objective, better, examples = _judge(recipe, largest)
    typed = typed or checked(recipe, config, default_space(config, examples))

    from gradus.core.storage import absolute
    from gradus.core.studies import Plan, create

    if pruner == "auto":
        pruner = "none" if sampler == "grid" else "median"
    plan = Plan(recipe, config, typed, sampler, pruner, threads, objective, better)
    url = absolute(storage)
    folder = new_folder(path, f"search-{recipe.name}", "study.json", "study")
    try:
        study = create(folder, plan, url, trials or len(points) or TRIALS)
    except (UsageError, RunError):
        if not any(folder.iterdir()):
            folder.rmdir()
        raise
    return _run(study, workers, reporter or current())


def join(
    recipe: Recipe,
    path: Path,
    *,
    storage: str = "",
    trials: int | None = None,
    config: FitConfig | None = None,
    workers: int = 1,
    reporter: Reporter | None = None,
) -> Summary:
    """Go on with a study, or help the processes that work on it.

    Args:
        recipe: what the study trains.
        path: the study's folder; on a machine that does not share it, a new one of the same name.
        storage: the study's database; needed where the folder is new.
        trials: how many there shall be; more than before make a sampled study longer.
        config: where to compute is taken from these settings; the rest must be the study's own.
        workers: processes of this machine.
        reporter: hears of the progress; by default the one in use.

    Returns:
        As `search`.

    Raises:
        As `search`.
    """
    _need_optuna()
    _check_counts(workers, trials)
    from gradus.core.storage import absolute
    from gradus.core.studies import load

    known = (path / "study.json").exists()
    url = absolute(storage) or (stored(path)["storage"] if known else "")
    study = load(path, recipe, url)
    if trials is not None and trials != study.trials:
        if study.plan.sampler == "grid" or trials < study.trials:
            raise UsageError(
                f"{path.name} has {study.trials} trials, got {trials}: "
                "only a sampled study can be made longer, and none shorter"
            )
        study.kept.set_user_attr("trials", trials)
    if config is not None:
        study = study.with_machine(**_machine(study, config))
    return _run(study, workers, reporter or current())


def stored(path: Path) -> dict[str, Any]:
    """The contents of a study's study.json.

    Raises:
        UsageError: there is no such file.
        RunError: it is damaged.
    """
    return read_info(path, "study.json", "study")


def _need_optuna() -> None:
    if importlib.util.find_spec("optuna") is None:
        raise UsageError('gradus search needs Optuna: pip install "gradus-dl[search]"')


def _check_counts(workers: int, trials: int | None) -> None:
    check_setting(workers >= 1, "workers", "≥ 1", workers)
    if trials is not None:
        check_setting(trials >= 1, "trials", "≥ 1", trials)


def _judge(recipe: Recipe, config: FitConfig) -> tuple[str, str, int]:
    """What decides between trials, which way, and how many examples the training set has.

    Building the task here tells of missing data before any trial begins. A recipe that watches its
    training is judged by the same quantity on the validation set.
    """
    from gradus.core.task import build_task

    task = build_task(recipe, config)
    return "validation/" + task.watch.split("/")[1], task.better, task.train.examples


def _machine(study: "Study", config: FitConfig) -> dict[str, Any]:
    """Where to compute, from settings that are else the study's own or the recipe's."""
    ours = study.plan.config
    usual = study.plan.recipe.config
    for name, value in vars(config).items():
        if name in MACHINE_SETTINGS or value in (getattr(ours, name), getattr(usual, name)):
            continue
        raise UsageError(
            f"{name} is {show(getattr(ours, name))} in {study.path.name}, got {show(value)}: "
            "a study goes on with its own settings"
        )
    given = {n: getattr(config, n) for n in MACHINE_SETTINGS}
    return {n: v for n, v in given.items() if v != getattr(usual, n)}


# Running ------------------------------------------------------------------------------------------


def _run(study: "Study", workers: int, reporter: Reporter) -> Summary:
    """Work until every trial is done, then test the best and write what came of it."""
    from gradus.core.search_progress import Progress
    from gradus.core.search_worker import work, work_together
    from gradus.core.storage import told
    from gradus.core.studies import finished

    with told(study.path, study.url):
        write_json(study.path / "study.json", document(study, summarise(study)))
        if not finished(study):
            progress = Progress(study, reporter)
            try:
                if workers > 1:
                    work_together(study, workers, progress.update, progress.note)
                else:
                    work(study, progress.update)
            finally:
                progress.end()
        with raised_signals(study.command):
            try:
                _test(study, reporter)
            except RunError:
                write_summary(study, summarise(study))
                raise
            found = summarise(study, importance=True)
            write_summary(study, found)
    return found


def _test(study: "Study", reporter: Reporter) -> None:
    """Read the test set for the best trial, if its run is here and nobody has done it yet.

    Raises:
        RunError: no trial is complete, or the best one's parameters are damaged.
    """
    found = summarise(study)
    best = found.best
    if best is None:
        failed = [t for t in found.trials if t.error]
        why = f": trial {failed[0].number} ({failed[0].words}): {failed[0].error}"
        raise RunError(f"{study.path} has no complete trial{why if failed else ''}")
    path = study.folder(best.number)
    if found.test is not None:
        return
    if not (path / "run.json").exists() or read_info(path)["status"] != "complete":
        reporter.note(f"trial {best.number} is best; to test it, join the study on {best.host}")
        return
    with study.lock(best.number, wait=True):
        run = Run(path, study.plan.recipe, read_info(path))
        if "test" not in run.results:
            reporter.note(f"testing trial {best.number}, drawing figures")
            run.update(results={"test": run.evaluate("test"), **run.results})
        if not (path / "report.md").exists():
            for name in run.figures():
                run.figure(name)
            write_report(run)
        study.kept.set_user_attr("test", {"trial": best.number, "values": run.results["test"]})
