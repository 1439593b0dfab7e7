"""`stylize`: the content of one picture in the style of another."""

import shlex
from collections.abc import Iterator
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from tyro.conf import Positional, arg

from gradus.core.errors import UsageError
from gradus.tables import heading, say, show_json
from gradus.vision.style.config import StyleConfig

if TYPE_CHECKING:
    from gradus.vision.style.networks import StyleNetwork

File = Annotated[Path, arg(metavar="FILE")]
Layers = Annotated[tuple[str, ...], arg(metavar="LAYER ...")]


@dataclass(frozen=True)
class StylizeArgs:
    """Paint the content of one picture in the style of another (neural style).

    How:
      The pixels of an image are changed, small sizes first, until a network's
      layers answer to it as to CONTENT place by place, and in how their
      feature maps go together as to STYLE. The best image so far stands in
      --out after seconds; the folder OUT-steps keeps those in between. Ctrl-C
      stops it, --resume goes on.

    Network:
      VGG-19 with its published weights, found in GRADUS_DATA, downloaded
      (575 MB) or given by --weights. Or one trained here: any run of a
      network for colour photos, by --network. Layers are called relu4_2, the
      second ReLU of the fourth block (a block ends with a pool), or by their
      name in `gradus describe`.

    Try:
      gradus train cifar10-vgg --run-dir runs/photos
      gradus stylize photo.jpg painting.jpg --out mine.png --network runs/photos
    """

    content: Positional[Annotated[Path, arg(metavar="CONTENT")]]
    """Picture whose content is kept, such as a photo."""
    style: Positional[Annotated[Path, arg(metavar="STYLE")]]
    """Picture whose style is taken, such as a painting."""
    out: File
    """The result, .png, .jpg or .tif."""
    weights: Annotated[Path | None, arg(metavar="FILE")] = None
    """VGG-19's weights in torchvision's layout, .pth or .safetensors."""
    network: Annotated[Path | None, arg(metavar="RUN")] = None
    """Run folder whose network judges instead of VGG-19."""
    content_layers: Layers = ()
    """Layers compared place by place (VGG-19: relu4_2)."""
    style_layers: Layers = ()
    """Layers whose Gram matrices are compared (VGG-19: relu1_1 relu2_1 … relu5_1)."""
    settings: StyleConfig = field(default_factory=StyleConfig)
    """Sizes, steps, weights, colours."""
    device: str = "auto"
    """Where to compute: auto, cpu, cuda, cuda:1, mps …"""
    resume: bool = False
    """Go on with what was stopped; the same settings, but --steps may be more."""
    json: bool = False
    """Print one JSON document."""

    def __post_init__(self) -> None:
        """Refuse two networks."""
        if self.weights and self.network:
            raise UsageError("--weights is of VGG-19 and --network of a run: drop one of the two")


def stylize(args: StylizeArgs) -> None:
    """Paint, and say what came of it."""
    from gradus.vision.style.files import paint

    painting = paint(
        args.content,
        args.style,
        args.out,
        _network(args),
        args.settings,
        resume=args.resume,
        go_on=shlex.join(["gradus", "stylize", *_words(args), "--resume"]),
    )
    height, width = painting.size
    if args.json:
        show_json({**vars(painting), "fall": painting.fall})
        return
    heading(
        f"{painting.path}: {width}×{height} pixels, the loss fell by {painting.fall:.1%}, from "
        f"{painting.before['total']:.3g} to {painting.after['total']:.3g} "
        f"({painting.seconds:.1f} s)"
    )
    if painting.frames:
        say(f"{len(painting.frames)} intermediate images in {painting.frames[0].parent}")


def _network(args: StylizeArgs) -> "StyleNetwork":
    from gradus.api import open_run
    from gradus.core.device import choose
    from gradus.core.errors import DataError
    from gradus.vision.style.networks import run_network, vgg_network

    device = choose(args.device)
    try:
        if args.network is None:
            found = vgg_network(args.weights, args.content_layers, args.style_layers)
        else:
            found = run_network(open_run(args.network), args.content_layers, args.style_layers)
    except DataError as error:
        raise UsageError(str(error)) from error
    found.model.to(device)
    return found


def _words(args: StylizeArgs) -> Iterator[str]:
    """What the user typed, but for --resume and what is as usual."""
    yield from (str(args.content), str(args.style))
    usual = {"settings", "content", "style", "resume"}
    for owner in (args, args.settings):
        for f in fields(owner):
            value: Any = getattr(owner, f.name)
            if f.name in usual or value == f.default:
                continue
            yield f"--{f.name.replace('_', '-')}"
            if value is not True:
                yield from map(str, value if isinstance(value, tuple) else (value,))
