"""The library's front door: train a recipe by name, open a run by its folder."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from gradus import catalog
from gradus.core.errors import RunError, UsageError
from gradus.core.recipe import FitConfig, Recipe, config_from_json
from gradus.core.run import Run, read_info

if TYPE_CHECKING:
    from gradus.core.progress import Reporter


def train(
    name: str,
    *,
    run_dir: str | Path | None = None,
    resume: bool = False,
    quick: bool = False,
    reporter: "Reporter | None" = None,
    **settings: Any,
) -> Run:
    """Train a recipe; the same as `gradus train NAME`.

    Args:
        name: a recipe's name, such as `mnist-mlp`.
        run_dir: the run folder; by default the next free `runs/<name>-<number>`.
        resume: go on with the run in `run_dir`.
        quick: the classroom version, at most 60 s on two cores.
        reporter: hears of the progress; `gradus.core.progress.console()` shows a bar.
        settings: the recipe's settings by name, such as `epochs=5`.

    Returns:
        The finished run.

    Raises:
        UsageError: a name or value is refused.
        RunError: the training failed.
    """
    from gradus.core.experiment import train as train_recipe

    recipe = catalog.recipe(name)
    path = Path(run_dir) if run_dir is not None else None
    start = starting_config(recipe, quick=quick, resume=path if resume else None)
    config = recipe.configure(**{**vars(start), **settings})
    return train_recipe(recipe, config, path=path, resume=resume, reporter=reporter)


def starting_config(recipe: Recipe, *, quick: bool, resume: Path | None) -> FitConfig:
    """The settings a training starts from: the recipe's, its quick ones, or a run's own.

    Args:
        recipe: what is trained.
        quick: lay the recipe's quick settings over.
        resume: the folder of the run that goes on, if one does.

    Raises:
        UsageError: that folder is no run, or one of another recipe.
    """
    if resume is None:
        return recipe.configure(quick=quick)
    info = read_info(resume)
    if info.get("recipe") != recipe.name:
        raise UsageError(f"{resume} is a run of {info.get('recipe')}, not of {recipe.name}")
    stored = config_from_json(recipe, info["config"])
    return recipe.configure(**{**vars(stored), **(recipe.quick if quick else {})})


def open_run(path: str | Path) -> Run:
    """The run in a folder; also as `gradus.open`.

    Raises:
        UsageError: there is no run, or a newer Gradus wrote it.
        RunError: run.json is damaged.
    """
    path = Path(path)
    info = read_info(path)
    name = info.get("recipe")
    if name not in catalog.RECIPES:
        raise RunError(f"{path} is a run of {name!r}, a recipe that this Gradus does not have")
    return Run(path, catalog.recipe(name), info)
