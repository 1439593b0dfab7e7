"""`play`: an agent at its game."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from tyro.conf import Positional, arg

from gradus.api import open_run
from gradus.tables import heading, say, show_json
from gradus.verbs.words import RunFolder


@dataclass(frozen=True)
class PlayArgs:
    """Watch an agent: a video of its games, and beside each frame what it thinks.

    The bars are the values Q(s, a) of the actions, or their probabilities; the
    coloured one is done. No screen is needed.

    Try:
      gradus play runs/cartpole-pg-1 --video pole.mp4
    """

    run: Positional[RunFolder]
    """Run folder of an agent that plays games."""
    video: Annotated[Path | None, arg(metavar="FILE")] = None
    """The video (.mp4, .mkv, .webm, .gif); by default play.mp4 in the run folder."""
    episodes: int = 1
    """Episodes, one after the other."""
    epsilon: float | None = None
    """Share of random actions, in [0, 1]; by default the recipe's."""
    limit: int = 5_000
    """Most steps of an episode."""
    json: bool = False
    """Print one JSON document."""


def play(args: PlayArgs) -> None:
    """Play, write the video, and say what was scored."""
    from gradus.agents.play import video
    from gradus.core.signals import raised_signals

    run = open_run(args.run)
    path = args.video or run.path / "play.mp4"
    with raised_signals("the same command"):
        played = video(run, path, args.episodes, args.epsilon, args.limit)
    if args.json:
        episodes = [{"return": paid, "length": length} for paid, length in played]
        show_json({"run": str(run.path), "video": str(path), "episodes": episodes})
        return
    scores = ", ".join(f"{paid:g}" for paid, _ in played)
    heading(f"{run.path} ({run.recipe.name}): return {scores}")
    say(str(path))
