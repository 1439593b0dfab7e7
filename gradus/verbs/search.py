"""`search`: many trainings of a recipe, to find its best settings."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from tyro.conf import Positional, UseAppendAction, arg

from gradus.core.errors import UsageError
from gradus.core.recipe import FitConfig, Recipe, check_setting, config_from_json
from gradus.core.run import read_info
from gradus.core.space import Pruner, parse_space
from gradus.tables import heading, say, show_json, table
from gradus.verbs.words import Name

if TYPE_CHECKING:
    from gradus.core.search import Summary

ROWS = 10
"""Trials in the table of the best."""

Values = Annotated[UseAppendAction[tuple[str, ...]], arg(metavar="NAME=A,B,C")]
Ranges = Annotated[UseAppendAction[tuple[str, ...]], arg(metavar="NAME=LOW..HIGH")]


@dataclass(frozen=True)
class SearchArgs:
    """Search for a recipe's best settings: by grid, at random, or with TPE.

    Every other setting of the recipe is an option too, the same for all trials.

    The trial that is best on validation is tested, once, after all have ended.

    --resume goes on; given again while others work, here or elsewhere, it helps.
    """

    recipe: Positional[Name]
    """Name of the recipe (gradus list)."""
    grid: Values = ()
    """Try every combination of these values; 64x64 is two layers."""
    choice: Values = ()
    """Draw from these values."""
    range: Ranges = ()
    """Draw between these numbers; LOW..HIGH:log in the logarithm, LOW..HIGH:STEP in steps."""
    trials: int = 0
    """Trainings (0: a grid's own number, else 20)."""
    sampler: Literal["random", "tpe"] = "tpe"
    """How to draw: independently, or where trials were good."""
    pruner: Pruner = "auto"
    """Stop trials that lag behind (auto: none in a grid, else median)."""
    quick: bool = False
    """Start from the recipe's classroom version."""
    workers: int = 1
    """Processes on this machine."""
    threads: int = 1
    """CPU threads of each trial."""
    run_dir: Annotated[Path | None, arg(metavar="FOLDER")] = None
    """The study's folder; by default the next free runs/search-RECIPE-NUMBER."""
    storage: Annotated[str, arg(metavar="URL")] = ""
    """Keep the study in a database: sqlite:///FILE, postgresql://…, mysql+pymysql://…."""
    resume: bool = False
    """Go on with the study in --run-dir, or help those who work on it."""
    json: bool = False
    """Print one JSON document."""

    def __post_init__(self) -> None:
        """Refuse what cannot be meant."""
        check_setting(self.trials >= 0, "trials", "≥ 1", self.trials)
        check_setting(self.workers >= 1, "workers", "≥ 1", self.workers)
        check_setting(self.threads >= 1, "threads", "≥ 1", self.threads)
        drawn = bool(self.choice or self.range)
        if self.grid and drawn:
            raise UsageError("--grid tries every combination: use --choice with --range instead")
        if self.grid and self.trials:
            raise UsageError("a grid has as many trials as points: leave out --trials")
        if self.resume and (self.grid or drawn):
            raise UsageError("a study has its space already: leave out --grid, --choice, --range")


def resumed(recipe: Recipe, folder: Path) -> tuple[SearchArgs, FitConfig]:
    """The arguments and settings of a study that goes on; the recipe's where it is not here."""
    settings = recipe.config
    if (folder / "study.json").exists():
        kept = read_info(folder, "study.json", "study")
        if kept["recipe"] == recipe.name:
            settings = config_from_json(recipe, kept["config"])
    return SearchArgs(recipe.name, run_dir=folder), settings


def search(args: SearchArgs, recipe: Recipe, config: Any) -> None:
    """Search, and say what is best."""
    from gradus.core import search as core

    config = recipe.configure(**vars(config))
    if args.resume and args.run_dir:
        found = core.join(
            recipe,
            args.run_dir,
            storage=args.storage,
            trials=args.trials or None,
            config=config,
            workers=args.workers,
        )
    else:
        space = parse_space(config, [*args.grid, *args.choice], args.range)
        found = core.search(
            recipe,
            space,
            args.trials or None,
            config=config,
            sampler="grid" if args.grid else args.sampler,
            pruner=args.pruner,
            workers=args.workers,
            threads=args.threads,
            path=args.run_dir,
            storage=args.storage,
        )
    if args.json:
        show_json(core.stored(found.path))
        return
    _print(found)


def _print(found: "Summary") -> None:
    """The best trials, the test of the best, and how to go on."""
    from gradus.core.report import show

    best, what = found.ranked[0], found.objective.replace("/", " ")
    heading(f"{found.recipe.name}: best {what} {found.show(best.value)} with {best.words}")
    rows = [
        [
            str(t.number),
            found.show(t.value),
            f"{t.best_epoch}/{t.epochs}",
            f"{t.seconds:.1f}",
            t.words,
        ]
        for t in found.ranked[:ROWS]
    ]
    table(["trial", what, "epoch", "time (s)", "settings"], rows, numbers=(0, 1, 2, 3))
    counts = {s: sum(t.state == s for t in found.trials) for s in ("complete", "pruned", "failed")}
    said = ", ".join(f"{count} {state}" for state, count in counts.items() if count)
    say(f"{len(found.trials)} trials: {said}")
    if found.test:
        metric = found.recipe.metric
        say(f"test {metric} of trial {best.number}, read once: {show(metric, found.test[metric])}")
    say("train with the best settings:")
    say(f"  {found.command}")
    say(f"{found.path}/ has figures, trials.csv and study.json; the best run is")
    say(f"  {found.path}/trial-{best.number:03}")
