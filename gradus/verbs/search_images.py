"""`search-images`: training images like a given picture."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from tyro.conf import Positional, arg

from gradus.api import open_run
from gradus.core.errors import UsageError
from gradus.tables import heading, say, show_json, table
from gradus.verbs.words import Folder, RunFolder


@dataclass(frozen=True)
class SearchImagesArgs:
    """Find training images like a picture, by the codes of an autoencoder.

    Where codes are bits (mnist-hashing) only addresses a few bits away are looked
    at; other codes are compared by their distance. PICTURE-found.png shows them.

    Try:
      gradus train mnist-hashing --quick
      gradus search-images runs/mnist-hashing-1 gradus/data/sample_digit.png
    """

    run: Positional[RunFolder]
    """Run folder of an autoencoder for images."""
    images: Positional[Annotated[tuple[Path, ...], arg(metavar="IMAGE ...")]]
    """Picture files."""
    of: int = 10
    """Images wanted."""
    radius: int = 2
    """Bits in which an address may differ, where codes are bits."""
    out: Folder = Path("figures")
    """Folder for the figures."""
    json: bool = False
    """Print one JSON document."""


def search_images(args: SearchImagesArgs) -> None:
    """Print what was found for each picture, and where its figure is."""
    from gradus.core.errors import DataError
    from gradus.core.plot import save
    from gradus.embed.search import draw_result, search_images

    try:
        results = search_images(open_run(args.run), args.images, args.of, args.radius)
    except DataError as error:
        raise UsageError(str(error)) from error
    drawn = [
        save(draw_result(result, str(args.run)), args.out / f"{path.stem}-found.png")
        for path, result in zip(args.images, results, strict=True)
    ]
    if args.json:
        answers = [result.answer for result in results]
        show_json({"run": str(args.run), "answers": answers, "figures": [str(p) for p in drawn]})
        return
    for result, path in zip(results, drawn, strict=True):
        answer = result.answer
        heading(f"{answer['input']}: {len(answer['found'])} images")
        if "within" in answer:
            say(f"{answer['within']:,} lie within {args.radius} bits of {answer['code']}")
        rows = [[f["label"], f"{f['distance']:.4g}", f"{f['image']:,}"] for f in answer["found"]]
        if rows:
            table(["class", answer["metric"], "image"], rows, numbers=(1, 2))
        say(str(path))
