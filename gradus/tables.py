"""What the command line prints: tables of at most 80 columns, or one JSON document."""

import json
import os
import sys
from collections.abc import Iterable, Sequence
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text


def say(text: str = "") -> None:
    """One line on standard output, however long: what reads it may be a program."""
    _console().print(text, soft_wrap=True)


def show_lines(lines: Iterable[Text]) -> None:
    """Lines on standard output, in their colours where someone looks at a terminal."""
    if not _pretty():
        for line in lines:
            sys.stdout.write(f"{line.plain}\n")
        return
    console = _console()
    for line in lines:
        console.print(line, soft_wrap=True)


def heading(text: str) -> None:
    """A line that stands out."""
    _console().print(text, style="bold", soft_wrap=True)


def show_json(value: Any) -> None:
    """`value` as the one JSON document on standard output."""
    sys.stdout.write(json.dumps(value, indent=2, ensure_ascii=False, default=str) + "\n")


def table(head: Sequence[str], rows: Sequence[Sequence[str]], numbers: Sequence[int] = ()) -> None:
    """A table on standard output.

    Args:
        head: names of the columns, units included.
        rows: the cells.
        numbers: columns whose cells go to the right.
    """
    plain = not _pretty()
    shown = Table(
        box=None if plain else box.SIMPLE_HEAD, pad_edge=False, header_style="bold", expand=False
    )
    for number, name in enumerate(head):
        right = number in numbers
        shown.add_column(name, justify="right" if right else "left", no_wrap=right or number == 0)
    for row in rows:
        shown.add_row(*row)
    _console().print(shown)


def _console() -> Console:
    colours: Any = "auto" if _pretty() else None
    return Console(color_system=colours, markup=False, highlight=False)


def _pretty() -> bool:
    """Whether someone looks at a terminal and has not asked for plain text."""
    return sys.stdout.isatty() and not os.environ.get("NO_COLOR")
