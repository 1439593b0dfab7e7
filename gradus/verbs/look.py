"""`look`: pictures through the eyes of a run's network."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from tyro.conf import Positional, arg

from gradus.api import open_run
from gradus.core.errors import UsageError
from gradus.tables import say, show_json
from gradus.verbs.words import Folder, RunFolder


@dataclass(frozen=True)
class LookArgs:
    """Look inside a convolutional network: its filters, and what pictures do in it.

    Draws:
      filters.png          the first layer's filters
      PICTURE-evidence.png where in the picture is what speaks for its class:
                           Grad-CAM, and the saliency of single pixels
      PICTURE-LAYER.png    the feature maps of a layer

    Try:
      gradus look runs/digits-cnn-1 digit.png
      gradus look runs/digits-cnn-1 digit.png --layer conv_2 --of 8
    """

    run: Positional[RunFolder]
    """Run folder of a recipe that names images."""
    images: Positional[Annotated[tuple[Path, ...], arg(metavar="IMAGE ...")]] = ()
    """Picture files; without any, the filters alone are drawn."""
    layer: Annotated[tuple[str, ...], arg(metavar="LAYER ...")] = ()
    """Layers whose maps to draw, the last also for Grad-CAM; else every activation."""
    of: Annotated[str, arg(metavar="CLASS")] = ""
    """Class whose evidence is asked for; else the likeliest."""
    out: Folder = Path("figures")
    """Folder for the figures."""
    tensorboard: bool = False
    """Also show filters and maps in the run's TensorBoard."""
    json: bool = False
    """Print one JSON document."""


def look(args: LookArgs) -> None:
    """Draw, and say what the pictures are taken for and where the figures are."""
    from gradus.core.errors import DataError
    from gradus.vision.look import look

    try:
        answers, drawn = look(
            open_run(args.run),
            args.images,
            args.out,
            layers=args.layer,
            of=args.of,
            tensorboard=args.tensorboard,
        )
    except DataError as error:
        raise UsageError(str(error)) from error
    if args.json:
        show_json({"run": str(args.run), "answers": answers, "figures": [str(p) for p in drawn]})
        return
    for answer in answers:
        say(f"{answer['input']}: {answer['label']} ({answer['probability']:.1%})")
    for path in drawn:
        say(str(path))
