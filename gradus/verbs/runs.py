"""`runs`, `evaluate`, `predict` and `advise`: what became of a training."""

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

from tyro.conf import Positional, arg

from gradus.api import open_run
from gradus.core.errors import UsageError
from gradus.tables import heading, say, shaded, show_json, table
from gradus.verbs.words import Folder, RunFolder

SHOWN = 8
"""Numbers of a list that an answer in one line shows."""
STRONGEST = 6
"""Words whose contribution is told by number."""


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
    """Answer about new inputs: image files, numbers such as 7,5, words, texts; on stdin too."""

    run: Positional[RunFolder]
    """Run folder."""
    inputs: Positional[Annotated[tuple[str, ...], arg(metavar="[INPUT ...]")]] = ()
    """What to answer about; without any, each line of standard input is one."""
    json: bool = False
    """Print one JSON document."""


def predict(args: PredictArgs) -> None:
    """Print an answer for each input."""
    run = open_run(args.run)
    inputs = args.inputs or tuple(line.strip() for line in sys.stdin if line.strip())
    if not inputs:
        raise UsageError("nothing to answer about: name an input, or give lines on stdin")
    answers = run.predict(*inputs)
    if args.json:
        show_json({"run": str(run.path), "answers": answers})
        return
    for answer in answers:
        given = answer.pop("input")
        say(f"{given}: {_words(answer)}")
        if "contributions" in answer:
            _explain(answer)


def _explain(answer: dict[str, Any]) -> None:
    """What each word did to the answer, word by word, and the strongest of them by number."""
    found = [(word, number) for word, number in answer["contributions"]]
    shaded(found)
    strongest = sorted(found, key=lambda pair: -abs(pair[1]))[:STRONGEST]
    say(f"  strongest: {', '.join(f'{word} {number:+.2f}' for word, number in strongest)}")
    say(f"  blue or + speaks for positive, orange or - for negative: {answer['method']}")
    if answer["unread"]:
        say(f"  {answer['unread']} words of this long text were not read")


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
