"""`train`."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from tyro.conf import Positional, arg

from gradus import catalog
from gradus.core.launch import is_leading_process
from gradus.core.recipe import Recipe, check_setting
from gradus.tables import heading, say
from gradus.verbs.words import Name


@dataclass(frozen=True)
class TrainArgs:
    """Train a recipe into a run folder. Every setting of the recipe is an option."""

    recipe: Positional[Name]
    """Name of the recipe (gradus list)."""
    run_dir: Annotated[Path | None, arg(metavar="FOLDER")] = None
    """Run folder; by default the next free runs/RECIPE-NUMBER."""
    resume: bool = False
    """Go on with the run in --run-dir, with its own settings."""
    quick: bool = False
    """The classroom version: at most a minute on two cores, with the score to expect."""
    devices: int = 1
    """Processes to share the work: one per GPU, or CPU processes."""

    def __post_init__(self) -> None:
        """Refuse a number that cannot be meant."""
        check_setting(self.devices >= 1, "devices", "≥ 1", self.devices)


def train(args: TrainArgs, recipe: Recipe, config: Any) -> None:
    """Train, and say what came of it."""
    from gradus.core.device import leave_group
    from gradus.core.experiment import train as train_recipe

    try:
        run = train_recipe(recipe, config, path=args.run_dir, resume=args.resume)
    finally:
        leave_group()
    if not is_leading_process():
        return
    from gradus.core.report import show

    results = run.results
    metric = recipe.metric if recipe.metric in results["test"] else "loss"
    value = results["test"][metric]
    heading(
        f"{recipe.name}: test {metric} {show(metric, value)} "
        f"({results['steps']:,} updates in {results['seconds']:.1f} s)"
    )
    if args.quick and metric == recipe.metric:
        say(catalog.verdict(recipe, results))
    say(f"{run.path}/report.md has the figures; go on with")
    say(f"  gradus evaluate {run.path}")
    say(f"  gradus {'play' if recipe.run else 'advise'} {run.path}")
    say(f"  tensorboard --logdir {run.path.parent}")
