"""`runs`, `evaluate` and `advise`: what became of a training."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from tyro.conf import Positional

from gradus.api import open_run
from gradus.core.errors import UsageError
from gradus.tables import heading, say, show_json, table
from gradus.verbs.words import Folder, RunFolder


@dataclass(frozen=True)
class RunsArgs:
    """The run folders, newest last, with their results."""

    folder: Positional[Folder] = Path("runs")
    """Folder that holds the run folders."""
    recipe: str = ""
    """Only runs of this recipe."""
    json: bool = False
    """Print one JSON document."""


def runs(args: RunsArgs) -> None:
    """Print the table of runs."""
    from gradus.core.report import show
    from gradus.core.run import all_runs

    found = [
        (path, info)
        for path, info in all_runs(args.folder)
        if args.recipe in ("", info.get("recipe"))
    ]
    if args.json:
        show_json({"runs": [{"path": str(p), **info} for p, info in found]})
        return
    if not found:
        say(f"no runs in {args.folder}/ yet; make one with: gradus train digits-mlp --quick")
        return
    rows = []
    for path, info in found:
        results = info.get("results", {})
        test = results.get("test", {})
        name = next((n for n in ("accuracy", "error", "return") if n in test), "loss")
        rows.append(
            [
                path.name,
                info.get("status", "?"),
                f"{name} {show(name, test.get(name))}" if test else "–",
                f"{results.get('best_epoch', '–')}/{results.get('epochs', '–')}",
                f"{results['seconds']:.1f}" if results else "–",
                info.get("created", "")[:16].replace("T", " "),
            ]
        )
    table(["run", "status", "test", "best epoch", "time (s)", "made (UTC)"], rows, (2, 3, 4))


@dataclass(frozen=True)
class EvaluateArgs:
    """Measure a run's best epoch; everything needed is in its folder, but for the data."""

    run: Positional[RunFolder]
    """Run folder."""
    split: Literal["test", "validation", "train"] = "test"
    """Which examples to measure on; of an agent, which seeds of episodes."""
    episodes: int = 0
    """Episodes that an agent plays (0: the recipe's own number)."""
    epsilon: float | None = None
    """Share of random actions of an agent, in [0, 1]; 0: it does what it thinks best."""
    json: bool = False
    """Print one JSON document."""


def evaluate(args: EvaluateArgs) -> None:
    """Print a run's loss and metrics."""
    from gradus.core.report import show

    run = open_run(args.run)
    values = run.evaluate(args.split, episodes=args.episodes, epsilon=args.epsilon)
    details = run.details(args.split)
    if args.json:
        more = {"details": details} if details else {}
        show_json({"run": str(run.path), "recipe": run.recipe.name, args.split: values, **more})
        return
    what = "episodes" if run.recipe.run else "set"
    heading(f"{run.path} ({run.recipe.name}), {args.split} {what}")
    table(["metric", "value"], [[k, show(k, v)] for k, v in values.items()], numbers=(1,))
    if details:
        say()
        numbers = [i for i, v in enumerate(details[0].values()) if not isinstance(v, str)]
        table(list(details[0]), [[_cell(v) for v in row.values()] for row in details], numbers)


def _cell(value: Any) -> str:
    """A value in a table of details: a share in percent, a count with commas."""
    if isinstance(value, float):
        return f"{value:.2%}"
    return f"{value:,}" if isinstance(value, int) else str(value)


@dataclass(frozen=True)
class AdviseArgs:
    """What a run's curves say (underfits, overfits, plateau …) and what to try next."""

    run: Positional[RunFolder]
    """Run folder."""
    json: bool = False
    """Print one JSON document."""


def advise(args: AdviseArgs) -> None:
    """Print the diagnosis of a run."""
    from gradus.core.advise import advise

    run = open_run(args.run)
    if run.recipe.run:
        raise UsageError(
            f"{run.recipe.name} learns by acting: advice is read from losses on examples"
        )
    advice = advise(run.records())
    if args.json:
        show_json({"run": str(run.path), **vars(advice)})
        return
    heading(f"{run.path}: {advice.verdict}")
    for line in advice.evidence:
        say(f"  {line}")
    if advice.next_steps:
        say("What to try next")
        for line in advice.next_steps:
            say(f"  {line}")
