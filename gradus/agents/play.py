"""Watching an agent: episodes step by step, and a video of them with what it thinks beside."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from jaxtyping import Float, Shaped, UInt8
from torch import nn

from gradus.agents.acting import choose
from gradus.agents.beyond.maps import with_map
from gradus.agents.beyond.recurrent import followed, with_memory
from gradus.agents.build import network
from gradus.agents.envs import Games, make_games
from gradus.agents.loop import SEEDS
from gradus.agents.pictures import beside
from gradus.agents.recipes import GameConfig
from gradus.core.errors import RunError, UsageError
from gradus.core.extras import extra
from gradus.core.recipe import check_setting
from gradus.core.run import Run

HELD = 1.0
"""How long the first and the last frame of an episode stand, in s."""


class Seen(NamedTuple):
    """A step of an episode that is watched.

    Attributes:
        observation: what was seen.
        scores: of each action: its value, or its probability.
        value: of what was seen: the best action's, or the critic's.
        action: what was done.
        reward: what was paid.
        picture: of the game, where the games can be drawn.
    """

    observation: Shaped[np.ndarray, "*shape"]
    scores: Float[np.ndarray, "actions"]
    value: float
    action: int
    reward: float
    picture: UInt8[np.ndarray, "height width 3"] | None


def load_network(run: Run) -> tuple[nn.Module, GameConfig]:
    """A run's network with its best parameters, on the CPU, and its settings.

    Raises:
        UsageError: the run is not one of an agent that plays games.
    """
    config: Any = run.config
    if not isinstance(config, GameConfig):
        raise UsageError(f"{run.recipe.name} plays no games: see gradus list for agents that do")
    facts = run.info["facts"]
    model = network(config, tuple(facts["shape"]), len(facts["actions"]))
    model.load_state_dict(run.load_weights())
    return with_memory(model.eval()), config


@torch.inference_mode()
def think(
    model: nn.Module, seen: Shaped[np.ndarray, "games *shape"]
) -> tuple[Float[np.ndarray, "games actions"], Float[np.ndarray, "games"]]:
    """Scores of the actions (values, or probabilities), and the value of what is seen."""
    found = model(torch.as_tensor(seen))
    if isinstance(found, tuple):
        return found[0].softmax(1).numpy(), found[1].numpy()
    return found.numpy(), found.max(1).values.numpy()


def watch(
    model: nn.Module, games: Games, seed: int, epsilon: float = 0.0, pictures: bool = False
) -> Iterator[Seen]:
    """An episode, step by step, in one game.

    Args:
        model: observations -> values, or (logits, values).
        games: one of them.
        seed: of its beginning, and of what is random.
        epsilon: share of random actions.
        pictures: draw each step.
    """
    games = followed(games, model)
    draw, seen, over = np.random.default_rng(seed), games.reset(seed), False
    while not over:
        scores, value = think(model, seen)
        action = choose(scores, epsilon, draw)
        picture = with_map(model, seen, games.pictures()) if pictures else None
        step = games.step(action)
        reward, over = float(step.reward[0]), bool(step.end[0])
        yield Seen(seen[0], scores[0], float(value[0]), int(action[0]), reward, picture)
        seen = step.observation


def video(
    run: Run, path: Path, episodes: int = 1, epsilon: float | None = None, limit: int = 5_000
) -> list[tuple[float, int]]:
    """Play and write a video, without a screen.

    Args:
        run: of an agent.
        path: the video's file; its ending names the format, such as .mp4.
        episodes: how many, one after the other, ≥ 1.
        epsilon: share of random actions; None: the recipe's own.
        limit: most frames of an episode.

    Returns:
        (return, length) of each episode, as far as it is shown.

    Raises:
        UsageError: a number or the file's ending is refused, or a package is missing.
        RunError: the codec refuses.
    """
    check_setting(episodes >= 1, "episodes", "≥ 1", episodes)
    check_setting(limit >= 1, "limit", "≥ 1", limit)
    model, config = load_network(run)
    epsilon = config.test_epsilon if epsilon is None else epsilon
    check_setting(0 <= epsilon <= 1, "epsilon", "in [0, 1]", epsilon)
    games = make_games(config.environment, 1, sticky=config.sticky, picture=True)
    rate = 15 if config.environment.startswith("ALE/") else 30
    span: list[float] = []
    found: list[tuple[float, int]] = []
    writer = None
    try:
        for number in range(episodes):
            paid, length = 0.0, 0
            for seen in watch(model, games, SEEDS["test"] + number, epsilon, pictures=True):
                words = (
                    f"episode {number + 1} of {episodes}",
                    f"step {length:,}   return {paid:g}",
                    f"value of this state {seen.value:.3g}",
                )
                frame = _frame(seen, games.actions, words, span, policy=hasattr(model, "policy"))
                writer = writer or _writer(path, (frame.shape[0], frame.shape[1]), rate)
                _write(writer, frame, round(HELD * rate) if length == 0 else 1)
                paid, length = paid + seen.reward, length + 1
                if length >= limit:
                    break
            _write(writer, frame, round(HELD * rate))
            found.append((paid, length))
    except OSError as error:
        why = str(error).splitlines()[0]  # what follows is ffmpeg's own
        raise RunError(f"cannot write the video {path}: {why}") from error
    finally:
        if writer is not None:
            writer.close()
    return found


def _frame(
    seen: Seen, actions: tuple[str, ...], words: tuple[str, ...], span: list[float], policy: bool
) -> UInt8[np.ndarray, "tall wide 3"]:
    """A step as a picture; `span` is what values lay between so far, and grows."""
    assert seen.picture is not None
    span[:] = [min([*span, *seen.scores.tolist()]), max([*span, *seen.scores.tolist()])]
    low, high = (0.0, 1.0) if policy else span
    kind = "probability" if policy else "value Q(s, a)"
    return beside(seen.picture, actions, seen.scores, seen.action, words, kind, (low, high))


def _write(writer: Any, frame: UInt8[np.ndarray, "tall wide 3"], times: int) -> None:
    for _ in range(times):
        writer.send(frame.tobytes())


FORMATS = {".mp4": "libx264", ".webm": "libvpx-vp9", ".gif": "gif", ".mkv": "libx264"}


def _writer(path: Path, size: tuple[int, int], rate: int) -> Any:
    """A generator that takes frames as bytes.

    Raises:
        UsageError: the ending is unknown, the folder cannot be written, or a package is missing.
    """
    imageio_ffmpeg = extra("imageio_ffmpeg", "agents")
    codec = FORMATS.get(path.suffix.lower())
    if codec is None:
        raise UsageError(f"a video ends in {', '.join(FORMATS)}; got {path.name!r}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.open("ab").close()
        imageio_ffmpeg.get_ffmpeg_exe()
    except (OSError, RuntimeError) as error:
        raise UsageError(f"cannot write the video {path}: {error}") from error
    height, width = size
    writer = imageio_ffmpeg.write_frames(
        str(path), (width, height), fps=rate, codec=codec, macro_block_size=2
    )
    writer.send(None)
    return writer
