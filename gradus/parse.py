"""From words on the command line to a dataclass: tyro, with each mistake told in one line."""

import contextlib
import io
import re
from collections.abc import Mapping, Sequence
from dataclasses import fields, is_dataclass, make_dataclass
from typing import Annotated, Any, TypeVar, Union

import tyro
from tyro.conf import subcommand

from gradus.core.errors import UsageError
from gradus.core.recipe import nearest

T = TypeVar("T")
MARKERS = (
    tyro.conf.FlagCreatePairsOff,
    tyro.conf.OmitArgPrefixes,
    tyro.conf.OmitSubcommandPrefixes,
)


def parse(kind: type[T], args: Sequence[str], prog: str, default: Any = None) -> T:
    """The dataclass that `args` spell out.

    Args:
        kind: a dataclass; nested ones lend their fields without a prefix.
        args: the words after the verb.
        prog: how the command is called, for messages and help.
        default: an instance to take missing values from.

    Raises:
        UsageError: an option is unknown or its value is refused.
        SystemExit: help was asked for and printed.
    """
    said = io.StringIO()
    known: dict[str, Any] = {} if default is None else {"default": default}
    try:
        with contextlib.redirect_stderr(said):
            parsed, unknown = tyro.cli(
                kind, args=args, prog=prog, return_unknown_args=True, config=MARKERS, **known
            )
    except SystemExit as stop:
        if not stop.code:
            raise
        raise UsageError(_one_line(said.getvalue())) from None
    if unknown:
        word = unknown[0]
        what = "option" if word.startswith("-") else "argument"
        name = word.split("=")[0].lstrip("-")
        close = nearest(name, _options(kind), prefix="--") if what == "option" else ""
        raise UsageError(f"{prog} has no {what} {word!r}{close} (see: {prog} --help)")
    return parsed


def _options(kind: type) -> list[str]:
    """All options of a dataclass and of the ones nested in it, without the dashes before them."""
    names = []
    for f in fields(kind):
        if tyro.conf.Positional in getattr(f.type, "__metadata__", ()):
            continue
        inner = f.type.__origin__ if hasattr(f.type, "__origin__") else f.type
        if is_dataclass(inner) and isinstance(inner, type):
            names += _options(inner)
        else:
            names.append(f.name.replace("_", "-"))
    return names


def _one_line(box: str) -> str:
    """The sentence inside the box that tyro draws around a mistake.

    Where the terminal knows no box characters there is a title and a rule instead.
    """
    inside = [
        line.strip("│| ") for line in box.splitlines() if not line.startswith(("╭", "╰", "+"))
    ]
    if not box.startswith("╭"):
        inside = inside[2:]
    text = " ".join(line for line in inside if line.strip("─- "))
    text = re.split(r"For full helptext|Argument helptext", text)[0]
    text = re.sub(r"^Error parsing (\w+: )?", "", re.sub(r"\s+", " ", text)).strip()
    choice = re.match(r"invalid choice '(.*)' for argument '(.*)'. Expected one of \((.*)\)", text)
    if not choice:
        return text
    word, option, quoted = choice.groups()
    names = re.findall(r"'([^']*)'", quoted)
    close = nearest(word, names) or f"; there are {', '.join(names)}"
    return f"{option} has no choice {word!r}{close}"


def completion_script(shell: str, prog: str, verbs: Mapping[str, Any]) -> str:
    """The shell's script that completes a command with these verbs.

    Args:
        shell: bash, zsh or fish.
        prog: name of the command.
        verbs: verb -> its dataclass of arguments, or a mapping of the verb's own verbs to theirs.
    """
    said = io.StringIO()
    words = ["--tyro-print-completion", shell]
    with contextlib.redirect_stdout(said), contextlib.suppress(SystemExit):
        tyro.cli(_choice(verbs), prog=prog, args=words, config=MARKERS)
    return said.getvalue()


def _choice(verbs: Mapping[str, Any]) -> Any:
    """A dataclass with one field, which is one of the verbs' dataclasses."""
    kinds = [
        Annotated[_choice(kind) if isinstance(kind, Mapping) else kind, subcommand(name)]
        for name, kind in verbs.items()
    ]
    return make_dataclass("Choice", [("verb", Union[tuple(kinds)])])  # noqa: UP007
