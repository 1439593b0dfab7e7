"""`list` and `describe`: the recipes there are, and what each is made of."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from tyro.conf import Positional, arg

from gradus import catalog
from gradus.core.recipe import Recipe
from gradus.tables import heading, say, show_json, table
from gradus.verbs.words import Name


@dataclass(frozen=True)
class ListArgs:
    """The recipes: what each learns, from which data, how well and how fast."""

    json: bool = False
    """Print one JSON document."""


def list_(args: ListArgs) -> None:
    """Print the catalogue."""
    rows = [catalog.row(recipe) for recipe in catalog.recipes()]
    if args.json:
        show_json({"recipes": rows})
        return
    table(
        ["recipe", "what it does", "--quick", "in full"],
        [
            [
                row["name"],
                f"{row['summary']} [{row['data'].split(' (')[0]}]",
                _expectation(row["expected"].get("quick")),
                _expectation(row["expected"].get("full")),
            ]
            for row in rows
        ],
        numbers=(2, 3),
    )
    say("Measured on the test set; `gradus train RECIPE --quick` is the place to start.")


def _expectation(measured: dict[str, Any] | None) -> str:
    if not measured:
        return "–"
    from gradus.core.report import show

    time = f", {measured['seconds']:.0f} s" if measured["seconds"] else ""
    return show(measured["metric"], measured["mean"]) + time


@dataclass(frozen=True)
class DescribeArgs:
    """A recipe's layers with output shapes, parameters and operations."""

    recipe: Positional[Name]
    """Name of the recipe."""
    draw: Annotated[Path | None, arg(metavar="FILE")] = None
    """Also draw the network into this file (.png; an .svg is put beside it)."""
    json: bool = False
    """Print one JSON document."""


def describe(args: DescribeArgs, recipe: Recipe, config: Any) -> None:
    """Print a model's table, and draw it."""
    from gradus.core.describe import describe
    from gradus.core.device import choose
    from gradus.core.practice import build_practice
    from gradus.core.task import build_task

    if recipe.run:
        task: Any = build_practice(recipe, config, choose("cpu"))
    else:
        task = build_task(recipe, config)
    rows = describe(task.model, task.sample)
    if args.draw:
        from gradus.core.drawing import draw_model
        from gradus.core.plot import save

        save(draw_model(task.model, task.sample), args.draw)
    if args.json:
        show_json({"recipe": recipe.name, "layers": [vars(r) for r in rows]})
        return
    heading(f"{recipe.name}: {recipe.summary}")
    say(f"source: {recipe.source}\ndata:   {recipe.data}\n")
    table(
        ["layer", "kind", "output shape", "parameters", "FLOPs an example"],
        [[r.path, r.kind, str(r.output_shape), f"{r.parameters:,}", f"{r.flops:,}"] for r in rows],
        numbers=(2, 3, 4),
    )
    total = sum(p.numel() for p in task.model.parameters())
    say(f"\n{total:,} parameters; change the settings with: gradus train {recipe.name} --help")
