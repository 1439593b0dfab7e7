"""`lr-find`: a learning rate for a recipe, by a range test."""

import shlex
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Annotated, Any

from tyro.conf import Positional, arg

from gradus.core.recipe import FitConfig, Recipe
from gradus.tables import heading, say, show_json
from gradus.verbs.words import Name


@dataclass(frozen=True)
class LrFindArgs:
    """Find a learning rate: a short training whose rate rises from minibatch to minibatch.

    Suggested is a third of the rate at which the smoothed loss is lowest. Only
    the training set is read. Every setting of the recipe is an option.

    Try:
      gradus lr-find digits-mlp --optimizer adam
    """

    recipe: Positional[Name]
    """Name of the recipe (gradus list)."""
    low: Annotated[float, arg(name="from")] = 1e-6
    """The first rate."""
    high: Annotated[float, arg(name="to")] = 10.0
    """The last rate; the test ends before it if the loss diverges."""
    steps: int = 100
    """Minibatches, ≥ 20; the rate rises by the same factor at each."""
    seeds: int = 1
    """Trainings to average over, with the seeds --seed, --seed + 1, …."""
    out: Annotated[Path | None, arg(metavar="FILE")] = None
    """The figure; by default figures/lr-find-RECIPE.png (an .svg is put beside it)."""
    quick: bool = False
    """The recipe's classroom version."""
    json: bool = False
    """Print one JSON document."""


def lr_find(args: LrFindArgs, recipe: Recipe, config: Any) -> None:
    """Test the rates, draw the curve, and say which to begin with."""
    from gradus.core.plot import save
    from gradus.surface.figures_rates import draw_range_test, words_of
    from gradus.surface.lr_range import range_test

    test = range_test(
        recipe, config, low=args.low, high=args.high, steps=args.steps, seeds=args.seeds
    )
    command, figure = None, None
    if test.suggestion:
        command = _command(recipe, replace(config, lr=test.suggestion), args.quick)
    if test.tried:
        file = args.out or Path("figures") / f"lr-find-{recipe.name}.png"
        figure = str(save(draw_range_test(test, words_of(recipe.name, config)), file))
    if args.json:
        found = {"suggestion": test.suggestion, "lowest": test.lowest, "diverged": test.diverged}
        curve = {
            "rates": test.rates[: test.tried].tolist(),
            "losses": test.losses[:, : test.tried].tolist(),
            "smoothed": test.smoothed.tolist() if test.tried else [],
        }
        show_json({"recipe": recipe.name, **found, "command": command, "figure": figure, **curve})
        return
    if test.suggestion:
        heading(f"{recipe.name}, {config.optimizer}: begin with --lr {test.suggestion:g}")
        where = f"a third of {test.lowest:.2g}, where the smoothed loss is lowest"
        say(f"{where} ({test.tried} of {args.steps} rates tried)")
        say(f"  {command}")
    else:
        heading(f"{recipe.name}, {config.optimizer}: no rate from {args.low:g} helps")
        say(_why(test.diverged))
    if figure:
        say(figure)


def _why(diverged: bool) -> str:
    """What to change where no rate was found."""
    if diverged:
        return "the loss diverges before it falls beyond its noise: more --seeds, a smaller --from"
    return "the loss does not fall beyond its noise: more --seeds, or a larger --to"


def _command(recipe: Recipe, config: FitConfig, quick: bool) -> str:
    """The training with these settings, as one types it."""
    usual = recipe.configure(quick=quick)
    words = ["gradus", "train", recipe.name, *(["--quick"] if quick else [])]
    for setting in fields(config):
        value = getattr(config, setting.name)
        if value == getattr(usual, setting.name):
            continue
        words.append("--" + setting.name.replace("_", "-"))
        if value is not True:
            words += map(str, value if isinstance(value, tuple) else (value,))
    return shlex.join(words)
