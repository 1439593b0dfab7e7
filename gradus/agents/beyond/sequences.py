"""Experience of games side by side, kept in order, so that stretches of it can be learnt from.

A replay of single transitions loses what came before; auxiliary tasks and recurrent networks need
it. Time goes round in a ring. A step is what was seen, what was done then, what that paid, and
whether the episode ended with it.
"""

import zlib
from typing import Any, NamedTuple

import numpy as np
import torch
from jaxtyping import Bool, Float, Int, Shaped

from gradus.core.errors import UsageError
from gradus.core.recipe import check_setting

FIELDS = ("seen", "action", "reward", "terminal", "end", "skip", "notes")


class Stretch(NamedTuple):
    """Stretches of experience, time first.

    Attributes:
        seen: s_0 … s_T, one more than there are steps.
        action: a_t.
        reward: r_t, what a_t paid.
        terminal: nothing comes after a_t.
        mask: 1 for the steps up to the first end, that is with it; 0 for those behind, which
            belong to another episode.
        stop: the last step that counts, so that its return goes on with the value of what follows.
        notes: what was noted before the first step.
    """

    seen: Shaped[np.ndarray, "time+1 batch *shape"]
    action: Int[np.ndarray, "time batch"]
    reward: Float[np.ndarray, "time batch"]
    terminal: Bool[np.ndarray, "time batch"]
    stop: Bool[np.ndarray, "time batch"]
    mask: Float[np.ndarray, "time batch"]
    notes: Float[np.ndarray, "batch notes"]


class Sequences:
    """The last steps of games side by side.

    Args:
        capacity: steps of each game that are kept, ≥ 2.
        games: how many.
        shape: of an observation.
        dtype: of an observation.
        notes: numbers kept with each step, such as a network's memory before it.
    """

    def __init__(
        self,
        capacity: int,
        games: int,
        shape: tuple[int, ...],
        dtype: Any = np.uint8,
        notes: int = 0,
    ) -> None:
        check_setting(capacity >= 2, "capacity", "≥ 2 steps", capacity)
        self.capacity, self.games, self.count = capacity, games, 0
        self.seen = np.zeros((capacity, games, *shape), dtype)
        self.action = np.zeros((capacity, games), np.int64)
        self.reward = np.zeros((capacity, games), np.float32)
        self.terminal, self.end, self.skip = np.zeros((3, capacity, games), bool)
        self.notes = np.zeros((capacity, games, notes), np.float32)

    def __len__(self) -> int:
        """Steps of each game that are held."""
        return min(self.count, self.capacity)

    def add(
        self,
        seen: Shaped[np.ndarray, "games *shape"],
        action: Int[np.ndarray, "games"],
        reward: Float[np.ndarray, "games"],
        terminal: Bool[np.ndarray, "games"],
        end: Bool[np.ndarray, "games"],
        skip: Bool[np.ndarray, "games"],
        notes: Float[np.ndarray, "games notes"] | None = None,
    ) -> None:
        """One step of every game: what was seen before it, and what came of it."""
        at = self.count % self.capacity
        values = (seen, action, reward, terminal, end, skip, 0.0 if notes is None else notes)
        for name, value in zip(FIELDS, values, strict=True):
            getattr(self, name)[at] = value
        self.count += 1

    def cut(self) -> None:
        """All games were begun anew: nothing that comes follows on what is held."""
        if self.count:
            self.end[(self.count - 1) % self.capacity] = True
            self.skip[(self.count - 1) % self.capacity] = True

    def stretches(self, number: int, length: int, draw: np.random.Generator) -> Stretch:
        """Stretches from anywhere, none from a step that only begins an episode.

        Args:
            number: how many.
            length: steps of each.
            draw: where they begin.

        Raises:
            UsageError: too few steps are held, or all of them only begin an episode.
        """
        return self.from_starts(*self._starts(number, length, draw), length)

    def _starts(
        self, number: int, length: int, draw: np.random.Generator
    ) -> tuple[Int[np.ndarray, "batch"], Int[np.ndarray, "batch"]]:
        """Numbers of first steps, and games, for `stretches`."""
        oldest, last = self.count - len(self), self.count - length
        if last <= oldest:
            raise UsageError(
                f"a stretch of {length} steps is longer than the {len(self)} that are held: "
                "choose a shorter one, or a larger capacity"
            )
        first = draw.integers(oldest, last, number)
        game = draw.integers(0, self.games, number)
        for _ in range(100):
            bad = self.skip[first % self.capacity, game]
            if not bad.any():
                return first, game
            first[bad] = draw.integers(oldest, last, int(bad.sum()))
            game[bad] = draw.integers(0, self.games, int(bad.sum()))
        raise UsageError("every step that is held only begins an episode: play longer ones")

    def from_starts(
        self, first: Int[np.ndarray, "batch"], game: Int[np.ndarray, "batch"], length: int
    ) -> Stretch:
        """The stretches that begin at these steps of these games."""
        at = (first + np.arange(length + 1)[:, None]) % self.capacity
        steps = at[:-1]
        end = self.end[steps, game]
        gone = (np.cumsum(end, 0) - end > 0) | self.skip[steps, game]
        last = end | np.concatenate([gone[1:], np.ones_like(gone[:1])])
        return Stretch(
            self.seen[at, game],
            self.action[steps, game],
            self.reward[steps, game],
            self.terminal[steps, game],
            last,
            (~gone).astype(np.float32),
            self.notes[at[0], game],
        )

    def skewed(
        self, number: int, length: int, draw: np.random.Generator, paid: float = 0.5
    ) -> tuple[Shaped[np.ndarray, "time batch *shape"], Float[np.ndarray, "batch"]]:
        """Stretches by what follows them: a share `paid` is followed by a reward that is not 0.

        Where one of both kinds is not held, the other takes its place. The frames are of one
        episode; before its first the first stands again.

        Args:
            number: how many.
            length: frames of each.
            draw: which.
            paid: the share, in [0, 1].

        Returns:
            The frames, and the reward that the step after the last frame paid.
        """
        held = np.arange(self.count - len(self) + length - 1, self.count)
        if not len(held):
            raise UsageError(f"frames to be shown, {length}, are more than the {len(self)} held")
        at = held % self.capacity
        plays = ~self.skip[at]
        rewarded = self.reward[at] != 0
        kinds = [np.argwhere(plays & rewarded), np.argwhere(plays & ~rewarded)]
        wanted = draw.random(number) >= paid
        chosen = np.empty((number, 2), dtype=np.int64)
        for kind in (0, 1):
            among = kinds[kind] if len(kinds[kind]) else kinds[1 - kind]
            rows = np.nonzero(wanted == kind)[0]
            chosen[rows] = among[draw.integers(0, len(among), len(rows))]
        last, game = held[chosen[:, 0]], chosen[:, 1]
        times = last - np.arange(length - 1, -1, -1)[:, None]
        for i in range(length - 2, -1, -1):  # back from the last; over an end nothing is fetched
            begins = self.skip[times[i] % self.capacity, game]
            times[i] = np.where(begins, times[i + 1], times[i])
            times[:i] = np.where(begins, times[i], times[:i])
        frames = self.seen[times % self.capacity, game]
        return frames, self.reward[last % self.capacity, game]

    def state(self) -> dict[str, Any]:
        """Everything that is held, packed by zlib."""
        held = {}
        for name in FIELDS:
            values = np.ascontiguousarray(getattr(self, name)[: len(self)])
            packed = bytearray(zlib.compress(values.tobytes(), 1))
            held[name] = torch.frombuffer(packed, dtype=torch.uint8)
        return {"count": self.count, **held}

    def restore(self, state: dict[str, Any]) -> None:
        """The inverse of `state`."""
        self.count = state["count"]
        for name in FIELDS:
            values = getattr(self, name)
            raw = zlib.decompress(state[name].numpy().tobytes())
            part = np.frombuffer(raw, values.dtype)
            values[: len(self)] = part.reshape(len(self), *values.shape[1:])
