"""`figure`: the book's figures, and those of a run."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from tyro.conf import Positional, arg

from gradus import catalog
from gradus.api import open_run
from gradus.core.errors import UsageError
from gradus.core.recipe import nearest
from gradus.tables import say, show_json, table
from gradus.verbs.words import Folder


@dataclass(frozen=True)
class FigureArgs:
    """Redraw figures of the book from real runs, or the figures of one of your runs."""

    what: Positional[Annotated[tuple[str, ...], arg(metavar="[FIGURE | RUN ...]")]] = ()
    """Figures of the book, such as 1-4 2-3, or run folders."""
    all: bool = False
    """Draw every figure of the book that there is."""
    list: bool = False
    """Name the figures instead of drawing."""
    out: Folder = Path("figures")
    """Folder for the book's figures; a run's own go into its folder."""
    json: bool = False
    """Print one JSON document."""


def figure(args: FigureArgs) -> None:
    """Draw figures, and say where they are."""
    figures = catalog.figures()
    if args.list:
        rows = [{"figure": n, "what": (f.__doc__ or "").split("\n")[0]} for n, f in figures.items()]
        if args.json:
            show_json({"figures": rows})
        else:
            table(["figure", "what it shows"], [[r["figure"], r["what"]] for r in rows])
        return
    wanted = list(figures) if args.all else list(args.what)
    if not wanted:
        raise UsageError("which figure? gradus figure 2-3, gradus figure RUN (see: --list, --all)")
    drawn = [path for name in wanted for path in _draw(name, figures, args.out)]
    if args.json:
        show_json({"figures": [str(p) for p in drawn]})
    else:
        for path in drawn:
            say(str(path))


def _draw(name: str, figures: dict[str, Callable[[], Any]], out: Path) -> list[Path]:
    """One figure of the book, or all of a run; the PNG files."""
    from gradus.core.plot import save

    if name in figures:
        return [save(figures[name](), out / f"figure-{name}.png")]
    if Path(name, "run.json").exists():
        run = open_run(name)
        return [run.figure(f) for f in run.figures()]
    raise UsageError(
        f"{name!r} is neither a figure of the book{nearest(name, list(figures))} "
        "nor a run folder (see: gradus figure --list)"
    )
