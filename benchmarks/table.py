"""Writes the tables of the documentation from what was measured and from the code itself.

    python benchmarks/table.py            (write)
    python benchmarks/table.py --check    (exit 1 if something would change)

From gradus/expected.json come the results in README.md, docs/results.md and the recipes' pages;
from the recipes their settings; from the catalogue the list of the book's figures. A test runs
the check, so run this after bands.py and after changing a recipe or a figure.
"""

import argparse
import sys
from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

from findings import agents, embed, memory, sequence, speed, surface, vision
from findings.common import table

from gradus import catalog
from gradus.core.recipe import MACHINE_SETTINGS, FitConfig, Recipe
from gradus.core.report import show

ROOT = Path(__file__).parents[1]
START, END = "<!-- results: written by benchmarks/table.py -->", "<!-- end of results -->"
BOOK = {
    "mnist-logistic": "91.9% within 100 epochs",
    "mnist-mlp": "98.2% in 300 epochs",
    "mnist-cnn": "99.4%",
    "cifar10-cnn": "92.3%",
    "cifar10-cnn-bn": "96.7%",
    "tagger-book": "over 96% within 100 epochs",
    "mnist-autoencoder": "4.78 on validation in about 200 epochs",
    "cartpole-pg": "mean reward above 100",
}
"""Result that the book's text gives for its own listing."""
IN_README = (
    "mnist-logistic",
    "mnist-mlp",
    "mnist-cnn",
    "mnist-cnn-fast",
    "mnist-cnn-best",
    "cifar10-cnn",
    "cifar10-cnn-bn",
    "cifar10-modern",
    "tagger-book",
    "tagger-best",
    "parser-greedy",
    "cartpole-pg",
    "cartpole-a2c",
)
"""The recipes that the README's table shows; docs/results.md has all of them."""
ALWAYS_SHOWN = ("epochs", "batch_size", "optimizer", "lr")
NOT_SHOWN = MACHINE_SETTINGS | {"seed", "precision", "checkpoint_seconds"}

Measured = Mapping[str, Mapping[str, Any]]
"""A recipe's part of expected.json: "quick" or "full" -> what was measured."""


def main() -> None:
    """Write what differs, or with --check only name it."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--check", action="store_true", help="write nothing")
    check = parser.parse_args().check
    stale = {path: text for path, text in pages().items() if read(path) != text}
    for path, text in stale.items():
        if not check:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        print("out of date:" if check else "wrote", path.relative_to(ROOT))
    sys.exit(check and bool(stale))


def pages() -> dict[Path, str]:
    """Every generated file with the text it should have."""
    generated = ROOT / "docs" / "_generated"
    recipes = [(r, catalog.expected(r.name)) for r in catalog.recipes()]
    readme = ROOT / "README.md"
    return {
        readme: between_markers(read(readme), summary(recipes)),
        ROOT / "docs" / "results.md": results_page(recipes),
        generated / "recipes.md": recipe_list([r for r, _ in recipes]),
        generated / "figures.md": figure_list(),
        generated / "starts.md": surface.starts(),
        generated / "momentum.md": surface.momentum(),
        generated / "second-order.md": surface.second_order(),
        generated / "surface.md": surface.surface(),
        generated / "lr-find.md": surface.rate_rules(),
        generated / "stylize.md": vision.painting(),
        generated / "codes.md": embed.codes(),
        generated / "denoising.md": embed.denoising(),
        generated / "sparse.md": embed.sparse(),
        generated / "hashing.md": embed.hashing(),
        generated / "tagging.md": sequence.tagging(),
        generated / "tagger-global.md": sequence.tag_chains(),
        generated / "parsing.md": sequence.parsing(),
        generated / "softmax.md": sequence.softmax(),
        generated / "memory-stability.md": memory.stability(),
        generated / "babi-gpu.md": memory.stories_on_gpu(),
        generated / "replay.md": agents.replay(),
        generated / "breakout.md": agents.breakout(),
        generated / "unreal.md": agents.unreal(),
        generated / "a3c.md": agents.a3c(),
        generated / "drqn.md": agents.drqn(),
        generated / "doom.md": agents.doom(),
        **{generated / f"{r.name}.md": recipe_page(r, found) for r, found in recipes},
    }


def read(path: Path) -> str:
    """The file's text; empty if it is not there."""
    return path.read_text() if path.exists() else ""


def between_markers(page: str, table: str) -> str:
    """The page with `table` in place of what stands between the two markers."""
    before, _, rest = page.partition(START)
    _, marker, after = rest.partition(END)
    if not marker:
        raise SystemExit(f"README.md must hold the lines {START!r} and {END!r}")
    return f"{before}{START}\n{table}\n{END}{after}"


def summary(recipes: list[tuple[Recipe, Measured]]) -> str:
    """The README's table: a row for each recipe of `IN_README`."""
    head = ["recipe", "learns from", "test", "`--quick`", "time", "in full", "time", "book"]
    rows = [
        [
            f"`{recipe.name}`",
            examples(m, "full"),
            recipe.metric,
            *(cell for kind in ("quick", "full") for cell in (score(m, kind), seconds(m, kind))),
            BOOK.get(recipe.name, "–"),
        ]
        for recipe, m in recipes
        if recipe.name in IN_README
    ]
    return table(head, rows)


def results_page(recipes: list[tuple[Recipe, Measured]]) -> str:
    """docs/results.md: every measurement with its band, seeds and machine."""
    head = ["recipe", "settings", "learns from", "test", "mean ± sd"]
    head += ["band", "seeds", "time", "book"]
    rows = [
        [
            f"[{r.name}](recipes/{r.name}.md)",
            label,
            examples(m, kind),
            r.metric,
            score(m, kind),
            band(m, kind),
            str(m[kind]["seeds"]) if kind in m else "–",
            seconds(m, kind),
            BOOK.get(r.name, "–") if kind == "full" else "",
        ]
        for r, m in recipes
        for kind, label in (("quick", "`--quick`"), ("full", "full"))
    ]
    machines = sorted({k["machine"] for _, m in recipes for k in m.values()})
    measured_on = "\n".join(f"- {m}" for m in machines) or "- nothing was measured yet"
    return f"""---
hide: [toc]
---

# Results

`benchmarks/bands.py` trains each recipe once a seed through the command line and notes the score
on the test set. `benchmarks/table.py` writes this page from what it noted. A dash means that it
was not measured. The band is the mean ± 3 standard deviations, cut at what the metric can be; a
return has no bounds of its own, so its band may pass what the game can pay.
`gradus train RECIPE --quick` tells whether your run fell into it. The time is the median wall
time of the whole command, start and figures included.

{table(head, rows)}

Measured on:

{measured_on}

The column "book" is what the book's text gives for its own listing. The recipes' pages say where
ours differs from it.

{speed.speed()}"""


def recipe_page(recipe: Recipe, measured: Measured) -> str:
    """The parts of a recipe's page that are not written by hand: facts, settings, results."""
    facts = {
        "data": recipe.data,
        "source": recipe.source,
        "score": f"{recipe.metric} on the test set",
        "target": recipe.target,
    }
    lines = "\n".join(f"- **{name}**: {text}" for name, text in facts.items() if text)
    return (
        "\n\n".join(
            section(name, text)
            for name, text in (
                ("facts", lines),
                ("settings", settings(recipe)),
                ("results", results(recipe, measured)),
            )
        )
        + "\n"
    )


def section(name: str, text: str) -> str:
    """A part that a page can include by its name."""
    return f"--8<-- [start:{name}]\n{text}\n--8<-- [end:{name}]"


def settings(recipe: Recipe) -> str:
    """The settings that make the recipe: its own, and those that are not everyone's default."""
    quick = recipe.configure(quick=True)
    own = {f.name for f in fields(recipe.config)} - {f.name for f in fields(FitConfig)}
    rows = []
    for f in fields(recipe.config):
        value, in_quick = getattr(recipe.config, f.name), getattr(quick, f.name)
        changed = f.name not in own and (value != f.default or in_quick != value)
        if f.name not in NOT_SHOWN and (f.name in own or f.name in ALWAYS_SHOWN or changed):
            option = "--" + f.name.replace("_", "-")
            rows.append([f"`{option}`", shown(value), shown(in_quick) if in_quick != value else ""])
    return table(["setting", "in full", "with `--quick`"], rows)


def results(recipe: Recipe, measured: Measured) -> str:
    """What was measured of one recipe, beside the book's result."""
    if not measured:
        return f"Not measured yet: `python benchmarks/bands.py {recipe.name}` does it."
    head = ["", "learns from", f"test {recipe.metric}", "band", "seeds", "time", "machine"]
    rows = [
        [
            label,
            examples(measured, kind),
            score(measured, kind),
            band(measured, kind),
            str(m["seeds"]),
            seconds(measured, kind),
            m["machine"],
        ]
        for kind, label in (("quick", "`--quick`"), ("full", "full"))
        if (m := measured.get(kind))
    ]
    if recipe.name in BOOK:
        rows.append(["book", "", BOOK[recipe.name], "", "", "", ""])
    return table(head, rows)


def recipe_list(recipes: list[Recipe]) -> str:
    """A table of all recipes."""
    rows = [[f"[`{r.name}`](recipes/{r.name}.md)", r.summary, r.source] for r in recipes]
    return table(["recipe", "what it does", "source"], rows) + "\n"


def figure_list() -> str:
    """A table of the book's figures that can be redrawn."""
    rows = []
    for name, draw in catalog.figures().items():
        what = (draw.__doc__ or "").split("\n")[0]
        file = draw.__module__.replace(".", "/") + ".py"
        rows.append([name, what, f"`gradus figure {name}`", f"`{file}`"])
    return table(["figure", "what it shows", "command", "drawn in"], rows) + "\n"


def score(measured: Measured, kind: str) -> str:
    """The mean with its standard deviation, or a dash."""
    if not (m := measured.get(kind)):
        return "–"
    mean = show(m["metric"], m["mean"])
    return mean if m["seeds"] == 1 else f"{mean} ± {show(m['metric'], m['sd'])}"


def examples(measured: Measured, kind: str) -> str:
    """The number of training examples, or a dash; what learns by acting has none."""
    number = measured.get(kind, {}).get("examples")
    return f"{number:,}" if number else "–"


def band(measured: Measured, kind: str) -> str:
    """The band that a run should fall into, or a dash."""
    if not (m := measured.get(kind)):
        return "–"
    low, high = (show(m["metric"], value) for value in m["band"])
    return f"{low} to {high}"


def seconds(measured: Measured, kind: str) -> str:
    """The time, or a dash where it was not measured or the machine had other work as well."""
    took = measured.get(kind, {}).get("seconds")
    return f"{took:.0f} s" if took else "–"


def shown(value: object) -> str:
    """A setting as one types it."""
    if isinstance(value, tuple):
        return f"`{' '.join(map(str, value))}`" if value else "none"
    return f"`{value}`"


if __name__ == "__main__":
    main()
