"""`runs`, `evaluate`, `predict` and `advise`: what became of a training."""

import contextlib
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

from tyro.conf import Positional, arg

from gradus.api import open_run
from gradus.core.errors import UsageError
from gradus.tables import heading, say, show_json, table
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
    values = run.evaluate(args.split)
    if args.json:
        show_json({"run": str(run.path), "recipe": run.recipe.name, args.split: values})
        return
    heading(f"{run.path} ({run.recipe.name}), {args.split} set")
    table(["metric", "value"], [[k, show(k, v)] for k, v in values.items()], numbers=(1,))


@dataclass(frozen=True)
class PredictArgs:
    """Answer about new inputs: image files, numbers such as 7,5, words; one a line on stdin too."""

    run: Positional[RunFolder]
    """Run folder."""
    inputs: Positional[Annotated[tuple[str, ...], arg(metavar="[INPUT ...]")]] = ()
    """What to answer about; without any, each line of standard input, or a prompt on a terminal."""
    attention: Path | None = None
    """PNG file for a map of where the network looks at the one input."""
    json: bool = False
    """Print one JSON document."""


def predict(args: PredictArgs) -> None:
    """Print an answer for each input."""
    run = open_run(args.run)
    prompted = not args.inputs and not args.json and sys.stdin.isatty()
    if prompted and args.attention is None:
        _converse(run.predictor())
        return
    inputs = args.inputs or tuple(line.strip() for line in sys.stdin if line.strip())
    if not inputs:
        raise UsageError("nothing to answer about: name an input, or give lines on stdin")
    predictor = run.predictor()
    if args.attention is not None:
        _draw_attention(run, predictor, inputs, args.attention)
    answers = predictor(*inputs)
    if args.json:
        show_json({"run": str(run.path), "answers": answers})
        return
    for answer in answers:
        _say(answer)


def _converse(predictor: Any) -> None:
    """Answer line after line, which can be edited and called back, until Ctrl-D."""
    with contextlib.suppress(ImportError):
        import readline  # noqa: F401  input() takes lines through it once it is imported

    with contextlib.suppress(EOFError):
        while True:
            if line := input("> ").strip():
                try:
                    _say(predictor(line)[0])
                except UsageError as error:
                    say(str(error))


def _draw_attention(run: Any, predictor: Any, inputs: tuple[str, ...], path: Path) -> None:
    """Draw where the network looks at an input.

    Raises:
        UsageError: the recipe has no such map, or there are several inputs.
    """
    from gradus.core.plot import save

    if not hasattr(predictor, "draw"):
        raise UsageError(f"{run.recipe.name} has no attention to draw: leave --attention out")
    if len(inputs) > 1:
        raise UsageError(f"--attention draws one input, got {len(inputs)}")
    save(predictor.draw(inputs[0]), path)


def _say(answer: dict[str, Any]) -> None:
    """An answer on a line: what was asked and what is said of it, or the answer's text alone."""
    given = answer.pop("input")
    say(answer["text"] if "text" in answer else f"{given}: {_words(answer)}")


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
