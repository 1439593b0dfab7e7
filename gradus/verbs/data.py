"""`data`: the public data sets and weights."""

from dataclasses import dataclass
from typing import Annotated

from tyro.conf import Positional, arg

from gradus.core.errors import UsageError
from gradus.core.recipe import nearest
from gradus.tables import say, show_json, table


@dataclass(frozen=True)
class DataArgs:
    """Public data sets and weights: where they lie here, where they come from, their terms."""

    name: Positional[Annotated[str, arg(metavar="[NAME]")]] = ""
    """One of them, to see its files and addresses."""
    fetch: bool = False
    """Download what is missing of it, checksums verified."""
    json: bool = False
    """Print one JSON document."""


def data(args: DataArgs) -> None:
    """Print or fetch data sets."""
    from gradus.core.download import locate, status
    from gradus.data.conll import CONLL2000
    from gradus.data.public import SETS
    from gradus.data.texts import TEXTS
    from gradus.data.treebanks import UD_EWT
    from gradus.data.weights import WEIGHTS

    known = {**SETS, **TEXTS, CONLL2000.name: CONLL2000, UD_EWT.name: UD_EWT, **WEIGHTS}
    if args.name and args.name not in known:
        raise UsageError(f"no data set is called {args.name!r}{nearest(args.name, known)}")
    if args.fetch and not args.name:
        raise UsageError("fetch which data set? gradus data NAME --fetch")
    chosen = [known[args.name]] if args.name else list(known.values())
    if args.fetch:
        for file in chosen[0].files:
            locate(file, folder=chosen[0].name)
    states = {s.name: status(s) for s in chosen}
    if args.json:
        show_json({name: [vars(f) for f in files] for name, files in states.items()})
        return
    rows = []
    for remote in chosen:
        files = states[remote.name]
        here = sum(f.path is not None for f in files)
        rows.append([remote.name, remote.about, f"{here} of {len(files)}", remote.licence])
    table(["data set", "what", "files here", "terms"], rows, numbers=(2,))
    if args.name:
        for file, state in zip(chosen[0].files, states[args.name], strict=True):
            say(f"\n{file.name}  {state.path or 'not here'}")
            say(f"  sha256 {file.sha256}")
            for url in file.urls:
                say(f"  {url}")
    else:
        say("digits comes with scikit-learn. $GRADUS_DATA names a folder of raw files used first.")
