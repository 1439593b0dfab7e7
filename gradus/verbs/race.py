"""`race`: optimisers on a function of two numbers, as an animation."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from tyro.conf import Positional, arg

from gradus.tables import heading, say, show_json, table


@dataclass(frozen=True)
class RaceArgs:
    """Let optimisers race down a function of two numbers, as a GIF or MP4 and a picture.

    Optimizers:
      sgd momentum nesterov adagrad rmsprop rmsprop-momentum adadelta adam
      nadam adamw conjugate-gradient scaled-conjugate-gradient bfgs lbfgs

    Try:
      gradus race ravine --optimizer sgd momentum adam --steps 100
    """

    landscape: Positional[Literal["bowl", "ravine", "saddle", "rosenbrock", "beale"]] = "rosenbrock"
    """What they walk down."""
    optimizer: Annotated[tuple[str, ...], arg(metavar="NAME ...")] = (
        "sgd",
        "momentum",
        "nesterov",
        "adagrad",
        "rmsprop",
        "adam",
        "bfgs",
    )
    """Who takes part."""
    steps: int = 200
    """Steps that each takes."""
    lr: Annotated[float | None, arg(metavar="FLOAT")] = None
    """One learning rate for all; by default each has its own, chosen for the landscape."""
    out: Annotated[Path, arg(metavar="FILE")] = Path("race.gif")
    """The animation: .gif, or .mp4 with the extra `video`; a .png of its end is put beside it."""
    seconds: float = 8.0
    """How long the race lasts in the animation, in s."""
    fps: int = 20
    """Pictures a second, 15 to 30."""
    json: bool = False
    """Print one JSON document."""


def race(args: RaceArgs) -> None:
    """Race, write the animation and its last picture, and say who arrived when."""
    from gradus.core.plot import save
    from gradus.surface.animation import animate, draw_race
    from gradus.surface.functions import LANDSCAPES
    from gradus.surface.race import arrival, heights
    from gradus.surface.race import race as let_run

    walks = let_run(args.landscape, args.optimizer, args.steps, args.lr)
    film = animate(walks, args.landscape, args.out, args.seconds, args.fps)
    picture = save(draw_race(walks, args.landscape), film.with_suffix(".png"))
    field = LANDSCAPES[args.landscape]
    rows = [
        {
            "optimizer": name,
            "arrived": (step := arrival(walk, field)),
            "evaluations": None if step is None else int(walk.evaluations[step]),
            "end": float(heights(walk, field)[-1]),
        }
        for name, walk in walks.items()
    ]
    if args.json:
        files = {"animation": str(film), "picture": str(picture)}
        show_json({"landscape": args.landscape, "steps": args.steps, "racers": rows, **files})
        return
    heading(f"{field.name}: {args.steps} steps; at the minimum: E less than 0.001 above it")
    shown = [
        [
            str(row["optimizer"]),
            *(
                "–" if row[name] is None else f"{row[name]:,}"
                for name in ("arrived", "evaluations")
            ),
            f"{row['end']:.2g}",
        ]
        for row in rows
    ]
    table(["optimizer", "there after step", "evaluations", "E above, at the end"], shown, (1, 2, 3))
    say(str(film))
    say(str(picture))
