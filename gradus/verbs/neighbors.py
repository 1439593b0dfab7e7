"""`neighbors`, `analogy` and `vectors`: what a run, or a file of word vectors, knows of words."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from tyro.conf import Positional, arg

from gradus.core.errors import DataError, UsageError
from gradus.tables import say, show_json

Source = Annotated[Path, arg(metavar="RUN")]


@dataclass(frozen=True)
class NeighborsArgs:
    """The words nearest to a word, by the cosine of their vectors.

    RUN is a run of word2vec, or a file of vectors: word2vec's text or binary format, GloVe's,
    packed by gzip or not.

    Try:
      gradus neighbors runs/word2vec-1 film funny three
    """

    run: Positional[Source]
    """Run folder, or file of word vectors."""
    words: Positional[Annotated[tuple[str, ...], arg(metavar="WORD ...")]]
    """The words."""
    number: int = 8
    """How many neighbours."""
    json: bool = False
    """Print one JSON document."""


@dataclass(frozen=True)
class AnalogyArgs:
    """What is to C as B is to A: the words nearest to B − A + C.

    RUN is as for `gradus neighbors`.

    Try:
      gradus analogy runs/word2vec-1 man woman king
    """

    run: Positional[Source]
    """Run folder, or file of word vectors."""
    a: Positional[Annotated[str, arg(metavar="A")]]
    """A word."""
    b: Positional[Annotated[str, arg(metavar="B")]]
    """What belongs to it."""
    c: Positional[Annotated[str, arg(metavar="C")]]
    """The word to which something shall belong likewise."""
    number: int = 5
    """How many answers."""
    json: bool = False
    """Print one JSON document."""


@dataclass(frozen=True)
class VectorsArgs:
    """Write the word vectors of a run to a file, or those of a file in another format.

    The end of the name tells the format: .bin is word2vec's binary format, .kv gensim's
    KeyedVectors, all else word2vec's text; .gz behind it packs the file.

    Try:
      gradus vectors runs/word2vec-1 vectors.bin
    """

    run: Positional[Source]
    """Run folder, or file of word vectors."""
    out: Positional[Annotated[Path, arg(metavar="OUT")]]
    """File to write."""
    json: bool = False
    """Print one JSON document."""


def neighbors(args: NeighborsArgs) -> None:
    """Print the neighbours of each word."""
    vectors = open_vectors(args.run)
    if not args.words:
        raise UsageError("which word? gradus neighbors RUN WORD ...")
    found = {word: vectors.neighbours(word, args.number) for word in args.words}
    if args.json:
        show_json(
            {"run": str(args.run), "neighbours": {w: _rows(near) for w, near in found.items()}}
        )
        return
    for word, near in found.items():
        say(f"{word}: {_words(near)}")


def analogy(args: AnalogyArgs) -> None:
    """Print the answers of an analogy."""
    near = open_vectors(args.run).analogy(args.a, args.b, args.c, args.number)
    if args.json:
        show_json({"run": str(args.run), "asked": [args.a, args.b, args.c], "answers": _rows(near)})
        return
    say(f"{args.a} : {args.b} = {args.c} : {_words(near)}")


def vectors(args: VectorsArgs) -> None:
    """Write the file and say what is in it."""
    from gradus.data.vector_files import write_vectors

    found = open_vectors(args.run)
    write_vectors(found, args.out)
    n, d = found.vectors.shape
    if args.json:
        show_json({"run": str(args.run), "file": str(args.out), "words": n, "dimensions": d})
        return
    say(f"{args.out}: {n:,} words of {d} numbers")


def open_vectors(path: Path) -> Any:
    """The word vectors of a run folder or of a file.

    Raises:
        UsageError: it is neither, or there is something wrong with the file.
    """
    from gradus.data.vector_files import read_vectors

    if path.is_dir():
        from gradus.api import open_run
        from gradus.embed.words.predict import load_vectors

        run = open_run(path)
        if not run.recipe.load.startswith("gradus.embed.words."):
            raise UsageError(
                f"{path} is a run of {run.recipe.name}, which has no vectors of words: "
                "take one of word2vec"
            )
        return load_vectors(run)
    try:
        return read_vectors(path)
    except DataError as error:
        raise UsageError(str(error)) from error


def _rows(near: list[Any]) -> list[dict[str, Any]]:
    return [n._asdict() for n in near]


def _words(near: list[Any]) -> str:
    """Words with their cosines."""
    return "  ".join(f"{n.word} ({n.similarity:.2f})" for n in near)
