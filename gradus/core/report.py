"""report.md: what a run came to, on one page."""

from typing import Any

from gradus.core.files import write_atomically
from gradus.core.run import Run


def write_report(run: Run) -> None:
    """Write the run's report.md from its run.json and figures."""
    info, results = run.info, run.results
    environment = info["environment"]
    sections = [
        f"# {run.recipe.name}",
        f"{run.recipe.summary} Source: {run.recipe.source}.",
        "## Result",
        _table(
            ["", *results["test"]],
            [
                [split, *(show(name, results[split].get(name)) for name in results["test"])]
                for split in ("train", "validation", "test")
            ],
        ),
        f"Best epoch {results['best_epoch']} of {results['epochs']}, chosen on validation; "
        f"the test set was read once, after training. {results['steps']:,} updates in "
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


def show(name: str, value: float | None) -> str:
    """A metric for people: shares as percentages, the rest with four digits."""
    if value is None:
        return "–"
    return f"{value:.2%}" if name in ("accuracy", "error") else f"{value:.4g}"


def _table(head: list[str], rows: list[list[Any]]) -> str:
    """A Markdown table, numbers to the right."""
    rule = ["---", *["---:"] * (len(head) - 1)]
    return "\n".join("| " + " | ".join(row) + " |" for row in [head, rule, *rows])
