"""`runs`, `evaluate`, `predict` and `advise`: what became of a training."""

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

from tyro.conf import Positional, arg

from gradus.api import open_run
from gradus.core.errors import UsageError
from gradus.tables import heading, say, show_json, show_lines, table
from gradus.verbs.words import Folder, RunFolder

SHOWN = 8
"""Numbers of a list that an answer in one line shows."""


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
        name = next((n for n in ("accuracy", "error", "loss") if n in test), "loss")
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
    """Which examples to measure on."""
    json: bool = False
    """Print one JSON document."""


def evaluate(args: EvaluateArgs) -> None:
    """Print a run's loss and metrics."""
    from gradus.core.report import show

    run = open_run(args.run)
    values, details = run.evaluate(args.split), run.details(args.split)
    if args.json:
        more = {"details": details} if details else {}
        show_json({"run": str(run.path), "recipe": run.recipe.name, args.split: values, **more})
        return
    heading(f"{run.path} ({run.recipe.name}), {args.split} set")
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
class PredictArgs:
    """Answer about new inputs: image files, numbers such as 7,5, words; one a line on stdin too.

    A tagger takes texts: a text of any length on stdin is one.
    """

    run: Positional[RunFolder]
    """Run folder."""
    inputs: Positional[Annotated[tuple[str, ...], arg(metavar="[INPUT ...]")]] = ()
    """What to answer about; without any, each line of standard input is one."""
    format: str = ""
    """How answers about texts are written: plain, conll … (else plain)."""
    json: bool = False
    """Print one JSON document."""


def predict(args: PredictArgs) -> None:
    """Print an answer for each input."""
    run = open_run(args.run)
    formats = run.formats()
    form = args.format or next(iter(formats), "")
    if form and form not in formats:
        told = f"one of {', '.join(formats)}" if formats else f"left out for {run.recipe.name}"
        raise UsageError(f"format must be {told}, got {form!r}")
    inputs = args.inputs or _read_input(whole=bool(formats))
    if not inputs:
        raise UsageError("nothing to answer about: name an input, or give lines on stdin")
    answers = run.predict(*inputs)
    if args.json:
        show_json({"run": str(run.path), "answers": answers})
        return
    if form:
        show_lines(formats[form](answers))
        return
    for answer in answers:
        given = answer.pop("input")
        say(f"{given}: {_words(answer)}")


def _read_input(whole: bool) -> tuple[str, ...]:
    """What stands on standard input: one text, or a line each, without empty ones.

    Raises:
        UsageError: it is not UTF-8.
    """
    try:
        text = sys.stdin.read()
    except UnicodeDecodeError as error:
        raise UsageError(
            f"standard input is not text in UTF-8 (byte {error.start:,}); convert it first "
            "(iconv -t UTF-8)"
        ) from error
    if whole:
        return (text,) if text.strip() else ()
    return tuple(line.strip() for line in text.splitlines() if line.strip())


def _words(answer: dict[str, Any]) -> str:
    """An answer in one line."""
    if "top" in answer:
        return "  ".join(f"{t['label']} ({t['probability']:.1%})" for t in answer["top"])
    if "neighbours" in answer:
        return "  ".join(f"{n['word']} ({n['similarity']:.2f})" for n in answer["neighbours"])
    return "  ".join(f"{name} {_shown(value)}" for name, value in answer.items())


def _shown(value: Any) -> str:
    """A value of an answer in few letters; of a long list the beginning."""
    if isinstance(value, float):
        return f"{value:.4g}"
    if isinstance(value, list):
        more = f", … ({len(value)} numbers)" if len(value) > SHOWN else ""
        return f"[{', '.join(map(_shown, value[:SHOWN]))}{more}]"
    return str(value)


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
