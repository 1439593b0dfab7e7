"""`compare`: optimisers side by side on one recipe."""

import math
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from tyro.conf import Positional, arg

from gradus.core.errors import UsageError
from gradus.core.recipe import FitConfig, Recipe
from gradus.surface.plan import USUAL, stored_plan
from gradus.tables import heading, say, show_json, table
from gradus.verbs.words import Name

if TYPE_CHECKING:
    from gradus.surface.standings import Comparison, Contestant

OWN = "own"


@dataclass(frozen=True)
class CompareArgs:
    """Compare optimisers on a recipe: same seeds, starts and minibatches for all.

    How:
      Each gets a learning rate from a small grid, the best on the validation
      set with the first seed in a quarter of the epochs. Then it is trained
      with every seed. The test set is read once, for the winner. The folder
      holds a figure (loss and validation by step and by second), compare.json
      and the runs.

    Optimizers:
      sgd momentum nesterov adagrad rmsprop rmsprop-momentum adadelta adam
      nadam adamw; and four that search along a line, without a grid:
      conjugate-gradient scaled-conjugate-gradient bfgs lbfgs. These are made
      for the whole training set as one minibatch (--batch-size), and work
      without dropout only.

    Try:
      gradus compare digits-mlp --optimizer sgd momentum adam --epochs 20
    """

    recipe: Positional[Name]
    """Name of the recipe (gradus list)."""
    optimizer: Annotated[tuple[str, ...], arg(metavar="NAME ...")] = USUAL
    """Who is compared."""
    seeds: int = 3
    """Trainings of each, with the seeds --seed, --seed + 1, …."""
    lr: Annotated[tuple[str, ...], arg(metavar="NAME=RATE ...")] = ()
    """Learning rates that are given, as sgd=0.1 adam=0.001; own: the recipe's, for all."""
    level: float = 0.0
    """Time how soon validation comes to this value; 0: to one that half of them reach."""
    run_dir: Annotated[Path | None, arg(metavar="FOLDER")] = None
    """Folder; by default the next free runs/compare-RECIPE-NUMBER."""
    resume: bool = False
    """Go on with the comparison in --run-dir, with its own settings."""
    quick: bool = False
    """The recipe's classroom version."""
    json: bool = False
    """Print one JSON document."""


def resumed(recipe: Recipe, folder: Path) -> tuple[CompareArgs, FitConfig]:
    """The arguments and settings of a comparison that goes on."""
    plan = stored_plan(recipe, folder)
    rates = tuple(f"{name}={lr!r}" for name, lr in plan.rates.items())
    given = CompareArgs(recipe.name, plan.optimizers, plan.seeds, rates, plan.level or 0.0)
    return given, plan.config


def compare(args: CompareArgs, recipe: Recipe, config: Any) -> None:
    """Compare, and print the table."""
    from gradus.surface.comparison import compare as compare_optimisers

    comparison = compare_optimisers(
        recipe,
        args.optimizer,
        config=recipe.configure(**vars(config)),
        seeds=args.seeds,
        lr=_rates(args.lr),
        level=args.level or None,
        path=args.run_dir,
        resume=args.resume,
    )
    if args.json:
        show_json(comparison.to_json())
    else:
        _print(comparison)


def _rates(words: tuple[str, ...]) -> dict[str, float] | Literal["own"]:
    """The learning rates that `--lr` spells out."""
    if words == (OWN,):
        return "own"
    rates = {}
    for word in words:
        name, equals, number = word.partition("=")
        try:
            rates[name] = float(number)
        except ValueError:
            rates[name] = math.nan
        if not equals or math.isnan(rates[name]):
            raise UsageError(f"lr must be NAME=RATE, such as sgd=0.1, or {OWN}; got {word!r}")
    return rates


def _print(comparison: "Comparison") -> None:
    """The table, the grids, and where the rest is."""
    from gradus.core.report import show
    from gradus.surface.figures_comparison import watched

    metric = comparison.watch.rpartition("/")[2]
    winner, trainings = comparison.winner, len(comparison.winner.trainings)
    assert winner.mean is not None
    heading(
        f"{comparison.recipe.name}: {winner.name} is best, {watched(comparison)} "
        f"{show(metric, winner.mean)} ± {show(metric, winner.sd)} ({trainings} "
        f"seed{'s' if trainings > 1 else ''})"
    )
    head = ["optimizer", "lr", f"{metric} ± sd", "steps", "seconds", "in all (s)"]
    rows = [_row(comparison, c, metric) for c in comparison.contestants]
    table(head, rows, numbers=(1, 2, 3, 4, 5))
    level = show(metric, comparison.level)
    say(f"steps, seconds: until {watched(comparison)} {level}, looked at after each epoch;")
    chosen = "" if comparison.asked else "; half of the optimizers do with every seed"
    say(f"mean of the seeds that come to it{chosen}")
    _print_rates(comparison, metric)
    for name, values in comparison.test.items():
        if name == comparison.recipe.metric:
            mean = show(name, sum(values) / len(values))
            say(f"test {name} of {winner.name}, read once: {mean}")
    for c in comparison.contestants:
        for t in c.trainings:
            if t.failed:
                say(f"{c.name}, seed {t.seed} failed: {t.failed}")
    say(f"{comparison.path}/comparison.png shows loss and validation by step and second")


def _row(comparison: "Comparison", c: "Contestant", metric: str) -> list[str]:
    """An optimiser's line of the table."""
    from gradus.core.report import show

    if c.mean is None:
        return [c.name, f"{c.lr:g}", "failed", "–", "–", "–"]
    soon = c.to_level(comparison.level)
    steps, seconds = "–", "–"
    if soon["seeds"]:
        some = "" if soon["seeds"] == len(c.trainings) else f" ({soon['seeds']}/{len(c.trainings)})"
        steps, seconds = f"{soon['steps']:,.0f}{some}", f"{soon['seconds']:.3g}"
    whole = sum(t.seconds[-1] for t in c.whole) / len(c.whole)
    mean = f"{show(metric, c.mean)} ± {show(metric, c.sd)}"
    return [c.name, f"{c.lr:g}", mean, steps, seconds, f"{whole:.3g}"]


def _print_rates(comparison: "Comparison", metric: str) -> None:
    """The grids, each choice marked."""
    from gradus.core.report import show

    grids = [c for c in comparison.contestants if c.tried]
    if not grids:
        return
    epochs = comparison.trial_epochs
    say(
        f"\nrates tried with seed {comparison.config.seed} for {epochs} "
        f"epoch{'s' if epochs > 1 else ''}, the one chosen in brackets:"
    )
    rows = []
    for c in grids:
        cells = []
        for lr, outcome in sorted(c.tried.items()):
            value = "failed" if outcome is None else show(metric, outcome[0])
            cells.append(f"[{lr:g}:{value}]" if lr == c.lr else f"{lr:g}:{value}")
        rows.append([c.name, "  ".join(cells)])
    table(["optimizer", f"rate: {metric}"], rows)
    for c in grids:
        if c.at_end:
            say(f"warning: the best rate of {c.name} is the last of its grid; give one with --lr")
    say()
