"""ViZDoom: Doom from the eyes of the player, as games side by side."""

import contextlib
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Int, UInt8
from PIL import Image

from gradus.agents.envs import Observations, Step
from gradus.core.errors import RunError, UsageError
from gradus.core.extras import extra
from gradus.core.recipe import check_setting, nearest

SKIP = 4
"""Doom's frames (35 a second) to each action."""
ATTACK = "attack"
"""The trigger, among the buttons."""
SIZE = 45, 60
"""Height and width of what is seen, in pixels, where nothing else is asked for."""


class DoomGames:
    """Scenarios of ViZDoom, each in a process of Doom's own, without a screen or sound.

    What is seen is grey, made smaller from 120×160 pixels by the mean. An action is one
    button, or another and the trigger together; the scenario's rewards are paid as they are. Its
    own limit cuts an episode off.
    Source: Kempka et al. 2016.

    Args:
        name: the scenario, such as basic.
        count: how many.
        size: height and width of what is seen, in pixels.

    Raises:
        UsageError: vizdoom is not installed, or has no such scenario.
    """

    stacked = False

    def __init__(self, name: str, count: int, size: tuple[int, int] = SIZE) -> None:
        doom = extra("vizdoom", "agents")
        known = sorted(p.stem for p in Path(doom.scenarios_path).glob("*.cfg"))
        if name not in known:
            raise UsageError(f"ViZDoom has no scenario {name!r}{nearest(name, known)}")
        self.name, self.count, self.games = name, count, []
        self.shape = (1, *size)
        # The engine leaves its settings where it starts: not in the folder the user stands in.
        self.place = Path(tempfile.gettempdir(), "gradus-doom")
        self.place.mkdir(exist_ok=True)
        for _ in range(count):
            game = doom.DoomGame()
            game.load_config(str(Path(doom.scenarios_path) / f"{name}.cfg"))
            game.set_screen_resolution(doom.ScreenResolution.RES_160X120)
            game.set_screen_format(doom.ScreenFormat.RGB24)
            game.set_window_visible(False)
            game.set_sound_enabled(False)
            game.set_mode(doom.Mode.PLAYER)
            self.games.append(game)
        found = self.games[0].get_available_buttons()
        buttons = [str(b).rsplit(".", 1)[-1].lower().replace("_", " ") for b in found]
        pressed = [{b} for b in buttons]
        pressed += [{b, ATTACK} for b in buttons if ATTACK in buttons and b != ATTACK]
        self.buttons = [[int(b in those) for b in buttons] for those in pressed]
        self.actions = tuple(" + ".join(b for b in buttons if b in those) for those in pressed)

    def reset(self, seed: int) -> Observations:
        """Begin anew everywhere; the same seed gives the same games."""
        for i, game in enumerate(self.games):
            if game.is_running():
                game.close()
            game.set_seed((seed + i) % 2**31)
            with contextlib.chdir(self.place):
                self._guarded(game.init)
        self.over = np.zeros(self.count, dtype=bool)
        self.screens = [game.get_state().screen_buffer for game in self.games]
        return self._seen()

    def step(self, actions: Int[np.ndarray, "games"]) -> Step:
        """One action in each game."""
        skip = self.over
        reward = np.zeros(self.count, dtype=np.float32)
        terminal, self.over = np.zeros((2, self.count), dtype=bool)
        for i, game in enumerate(self.games):
            if skip[i]:
                self._guarded(game.new_episode)
            else:
                pressed = self.buttons[actions[i]]
                reward[i] = self._guarded(lambda g=game, b=pressed: g.make_action(b, SKIP))
                self.over[i] = game.is_episode_finished()
                limit = game.get_episode_timeout()
                cut = limit > 0 and game.get_episode_time() >= limit
                terminal[i] = self.over[i] and not cut
            if not self.over[i]:
                self.screens[i] = game.get_state().screen_buffer
        return Step(self._seen(), reward, terminal, self.over, skip)

    def pictures(self) -> UInt8[np.ndarray, "120 160 3"]:
        """The first game in colour."""
        return self.screens[0].copy()

    def _seen(self) -> UInt8[np.ndarray, "games 1 height width"]:
        frames, (_, height, width) = [], self.shape
        for screen in self.screens:
            grey = Image.fromarray(screen).convert("L")
            frames.append(np.asarray(grey.resize((width, height), Image.Resampling.BOX)))
        return np.stack(frames)[:, None]

    def _guarded(self, work: Any) -> Any:
        """What ViZDoom gives; its errors become ours."""
        try:
            return work()
        except Exception as error:  # whatever the engine may raise
            raise RunError(
                f"ViZDoom's {self.name} failed: {type(error).__name__}: {error}; what was learnt "
                "up to the last checkpoint is kept, go on with --resume"
            ) from error


def make(game: str, count: int, sticky: float = 0.0, picture: bool = False) -> DoomGames:
    """The games that `ViZDoom/SCENARIO` or `ViZDoom/SCENARIO/SIDE` names; they can always be drawn.

    Args:
        game: the scenario, and pixels of a side if the picture is to be square, such as basic/84.
        count: how many side by side.
        sticky: none here: 0.
        picture: not needed.
    """
    name, _, side = game.partition("/")
    rule = "a scenario, or that and the pixels of a side, such as ViZDoom/basic/84"
    check_setting(not side or (side.isdecimal() and int(side) > 0), "ViZDoom/", rule, game)
    check_setting(sticky == 0, "sticky", "0 for ViZDoom", sticky)
    return DoomGames(name, count, (int(side), int(side)) if side else SIZE)
