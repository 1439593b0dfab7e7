"""report.md: what a run came to, on one page."""

from collections.abc import Mapping
from typing import Any

from gradus.core.files import write_atomically
from gradus.core.run import Run

MANY = 6
"""Measures from which on a table has a row for each instead of a column."""


def write_report(run: Run) -> None:
    """Write the run's report.md from its run.json and figures."""
    info, results = run.info, run.results
    environment = info["environment"]
    sections = [
        f"# {run.recipe.name}",
        f"{run.recipe.summary} Source: {run.recipe.source}.",
        "## Result",
        _results(results),
        f"Best epoch {results['best_epoch']} of {results['epochs']}, {_choice(run)} "
        f"{results['steps']:,} updates in "
        f"{results['seconds']:.1f} s on {info['device']}, {environment['processor']}, "
        f"{environment['cores']} cores; seed {info['seed']}.",
        "The training column is the mean over the epoch, while the parameters were still moving.",
        "## Figures",
        *(f"![{name}](figures/{name}.png)" for name in run.figures()),
        "## Settings",
        _table(["setting", "value"], [[k, str(v)] for k, v in info["config"].items()]),
        "## Machine",
        _table(
            ["what", "version"],
            [
                ["python", environment["python"]],
                *([k, v] for k, v in environment["versions"].items()),
                ["platform", environment["platform"]],
                ["git", str(environment["git"])],
            ],
        ),
        "## Go on",
        f"```\ngradus evaluate {run.path}\ngradus advise {run.path}\n"
        f"tensorboard --logdir {run.path}\n```",
    ]
    write_atomically(run.path / "report.md", ("\n\n".join(sections) + "\n").encode())


def _choice(run: Run) -> str:
    """How the best epoch was chosen and what the last line was measured on."""
    if run.recipe.run:
        by = "episodes of validation" if run.results["validation"] else "the episodes of training"
        return (
            f"chosen by {by}; the test episodes, on seeds of their own, were played once, after "
            f"{run.results['examples']:,} steps of training."
        )
    return "chosen on validation; the test set was read once, after training."


def _results(results: Mapping[str, Any]) -> str:
    """What was measured on the three splits; of many measures each has a row."""
    names, splits = list(results["test"]), ("train", "validation", "test")
    cells = [[show(name, results[split].get(name)) for split in splits] for name in names]
    if len(names) > MANY:
        return _table(["", *splits], [[n, *row] for n, row in zip(names, cells, strict=True)])
    return _table(["", *names], [[s, *column] for s, *column in zip(splits, *cells, strict=True)])


def show(name: str, value: float | None) -> str:
    """A metric for people: shares as percentages, the rest with four digits."""
    if value is None:
        return "–"
    share = name.partition(" ")[0].rstrip(",") in ("accuracy", "error")  # "error at 60" too
    return f"{value:.2%}" if share else f"{value:.4g}"


def _table(head: list[str], rows: list[list[Any]]) -> str:
    """A Markdown table, numbers to the right."""
    rule = ["---", *["---:"] * (len(head) - 1)]
    return "\n".join("| " + " | ".join(row) + " |" for row in [head, rule, *rows])
