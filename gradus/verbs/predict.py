"""`predict`: what a trained model answers about new inputs."""

import contextlib
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from tyro.conf import Positional, arg

from gradus.api import open_run
from gradus.core.errors import UsageError
from gradus.tables import say, shaded, show_json, show_lines
from gradus.verbs.words import RunFolder

SHOWN = 8
"""Numbers of a list that an answer in one line shows."""
STRONGEST = 6
"""Words whose contribution is told by number."""


@dataclass(frozen=True)
class PredictArgs:
    """Answer about new inputs: image files, numbers such as 7,5, words, texts; on stdin too.

    A tagger or parser takes texts: what comes on standard input is one text of any length.
    """

    run: Positional[RunFolder]
    """Run folder."""
    inputs: Positional[Annotated[tuple[str, ...], arg(metavar="[INPUT ...]")]] = ()
    """What to answer about; without any, each line of standard input, or a prompt on a terminal."""
    format: str = ""
    """How answers about texts are written: plain, conll … (else plain)."""
    attention: Path | None = None
    """PNG file for a map of where the network looks at the one input."""
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
    write = formats.get(form)
    prompted = not args.inputs and not args.json and sys.stdin.isatty()
    if prompted and args.attention is None:
        _converse(run.predictor(), write)
        return
    inputs = args.inputs or _read_input(whole=bool(formats))
    if not inputs:
        raise UsageError("nothing to answer about: name an input, or give lines on stdin")
    predictor = run.predictor()
    if args.attention is not None:
        _draw_attention(run, predictor, inputs, args.attention)
    answers = predictor(*inputs)
    if args.json:
        show_json({"run": str(run.path), "answers": answers})
        return
    _say(answers, write)


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


def _converse(predictor: Any, write: Any) -> None:
    """Answer line after line, which can be edited and called back, until Ctrl-D."""
    with contextlib.suppress(ImportError):
        import readline  # noqa: F401  input() takes lines through it once it is imported

    with contextlib.suppress(EOFError):
        while True:
            if line := input("> ").strip():
                try:
                    _say(predictor(line), write)
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


def _say(answers: list[dict[str, Any]], write: Any) -> None:
    """Answers in the recipe's form; else on a line each what was asked and what is said of it."""
    if write:
        show_lines(write(answers))
        return
    for answer in answers:
        given = answer.pop("input")
        say(answer["text"] if "text" in answer else f"{given}: {_words(answer)}")
        if "contributions" in answer:
            _explain(answer)


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


def _explain(answer: dict[str, Any]) -> None:
    """What each word did to the answer, word by word, and the strongest of them by number."""
    found = [(word, number) for word, number in answer["contributions"]]
    shaded(found)
    strongest = sorted(found, key=lambda pair: -abs(pair[1]))[:STRONGEST]
    say(f"  strongest: {', '.join(f'{word} {number:+.2f}' for word, number in strongest)}")
    say(f"  blue or + speaks for positive, orange or - for negative: {answer['method']}")
    if answer["unread"]:
        say(f"  {answer['unread']} words of this long text were not read")
