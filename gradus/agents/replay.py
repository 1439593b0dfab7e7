"""Experience replay: each frame is stored once, as it came; stacks are built when they are read.

A row holds one step of every game: the frame that was seen, what was done, what was paid. Rows are
used in a ring. The frame that an action led to is that of the next row; the last one of an episode
has a row of its own, from which nothing is learnt (`skip`).
"""

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int, Shaped

from gradus.agents.sum_tree import SumTree
from gradus.core.errors import RunError, UsageError
from gradus.core.recipe import check_setting

AGES = 255
"""Steps since the beginning of an episode are counted up to here."""


class Sample(NamedTuple):
    """Transitions (s, a, R, s'), drawn at random.

    Attributes:
        observation: s, stacked.
        action: a.
        reward: R = r_t + γ r_{t+1} + … + γ^{m−1} r_{t+m−1}, over the m ≤ n steps that there were.
        after: s', the observation m steps later, stacked.
        discount: γ^m where s' is to be valued, 0 where nothing came after.
        weight: what the draw was too likely by, inverted and at most 1.
        place: where it stands, for `Replay.prioritise`.
    """

    observation: Shaped[np.ndarray, "batch *shape"]
    action: Int[np.ndarray, "batch"]
    reward: Float[np.ndarray, "batch"]
    after: Shaped[np.ndarray, "batch *shape"]
    discount: Float[np.ndarray, "batch"]
    weight: Float[np.ndarray, "batch"]
    place: Int[np.ndarray, "batch"]


class Replay:
    """The last steps of games side by side.

    Args:
        capacity: steps kept, over all games.
        games: how many.
        shape: of one observation as the agent sees it; with `stack` its first dimension is that.
        dtype: of a frame, such as uint8.
        stack: frames of an observation; 0: an observation is one frame, whatever its shape.
        n: steps over which rewards are added before s' is valued.
        gamma: discount γ of a step.
        alpha: exponent of the priorities; 0: all steps are equally likely.
        path: a file to keep the frames in instead of memory.

    Raises:
        UsageError: a number is outside its range, or the file cannot be made.
    """

    def __init__(
        self,
        capacity: int,
        games: int,
        shape: tuple[int, ...],
        dtype: Any,
        *,
        stack: int = 0,
        n: int = 1,
        gamma: float = 0.99,
        alpha: float = 0.0,
        path: Path | None = None,
    ) -> None:
        self.rows, self.games, self.stack = capacity // games, games, max(stack, 1)
        self.n, self.gamma = n, gamma
        least = self.stack + n + 2
        check_setting(
            self.rows >= least, "replay", f"≥ {least} steps a game, {least * games} here", capacity
        )
        frame = shape[1:] if stack else shape
        check_setting(not stack or shape[0] == stack, "stack", f"{shape[0]}, as observed", stack)
        self.stacked = bool(stack)
        self.frames = _array((self.rows, games, *frame), np.dtype(dtype), path)
        size = (self.rows, games)
        self.actions = np.zeros(size, dtype=np.uint8)
        self.rewards = np.zeros(size, dtype=np.float32)
        self.terminal = np.zeros(size, dtype=bool)
        self.ends = np.zeros(size, dtype=bool)
        self.skip = np.zeros(size, dtype=bool)
        self.ages = np.zeros(size, dtype=np.uint8)
        self.written = 0
        self.alpha, self.highest = alpha, 1.0
        self.tree = SumTree(self.rows * games) if alpha else None

    def __len__(self) -> int:
        return min(self.written, self.rows) * self.games

    @property
    def nbytes(self) -> int:
        """Memory or disk that it takes when it is full, in bytes."""
        arrays = (self.frames, self.actions, self.rewards, self.terminal, self.ends, self.skip)
        tree = self.tree.sums.nbytes if self.tree else 0
        return sum(a.nbytes for a in arrays) + self.ages.nbytes + tree

    def add(
        self,
        observation: Shaped[np.ndarray, "games *shape"],
        action: Int[np.ndarray, "games"],
        reward: Float[np.ndarray, "games"],
        terminal: Bool[np.ndarray, "games"],
        end: Bool[np.ndarray, "games"],
        skip: Bool[np.ndarray, "games"],
    ) -> None:
        """Store a step of every game.

        Args:
            observation: what was seen before it; of a stack the newest frame is stored.
            action: what was done.
            reward: what was paid.
            terminal: nothing came after: s' counts 0.
            end: the episode was over with it, by itself or cut off.
            skip: nothing is to be learnt from it.
        """
        row = self.written % self.rows
        self.frames[row] = observation[:, -1] if self.stacked else observation
        self.actions[row], self.rewards[row], self.terminal[row] = action, reward, terminal
        self.ends[row], self.skip[row] = end, skip
        self.ages[row] = self._ages(row)
        self.written += 1
        if self.tree:
            self._place(row)

    def _ages(self, row: int) -> Int[np.ndarray, "games"]:
        """Steps since the episode began: a row after the one that an ended episode closes is 0."""
        if self.written == 0:
            return np.zeros(self.games, dtype=int)
        before, older = (row - 1) % self.rows, (row - 2) % self.rows
        grown = np.minimum(self.ages[before].astype(int) + 1, AGES)
        return np.where(self.ends[older], 0, grown) if self.written > 1 else grown

    def close(self, observation: Shaped[np.ndarray, "games *shape"]) -> None:
        """Cut all episodes off here: the games are begun anew, this is the last that is seen."""
        if self.written == 0:
            return
        self.ends[(self.written - 1) % self.rows] = True
        nothing = np.zeros(self.games, dtype=bool)
        zero = np.zeros(self.games)
        self.add(observation, zero.astype(int), zero, nothing, nothing, ~nothing)

    # Sampling -------------------------------------------------------------------------------------

    def sample(self, batch: int, draw: np.random.Generator, beta: float = 1.0) -> Sample:
        """Transitions drawn with replacement.

        Args:
            batch: how many.
            draw: where chance comes from.
            beta: how much of the bias of priorities is undone, in [0, 1].

        Raises:
            RunError: nothing that can be learnt from is stored yet.
        """
        places = np.empty(0, dtype=np.int64)
        for _ in range(1000):
            drawn = self._draw(batch - len(places), draw)
            places = np.concatenate([places, drawn[self._usable(drawn)]])
            if len(places) == batch:
                return self._read(places, beta)
        raise RunError(f"replay has {len(self)} steps and none to learn from: add more first")

    def _draw(self, count: int, draw: np.random.Generator) -> Int[np.ndarray, "count"]:
        if self.tree is None or self.tree.total <= 0:
            return draw.integers(0, max(len(self), 1), count)
        return self.tree.find(draw.random(count) * self.tree.total)

    def _usable(self, places: Int[np.ndarray, "k"]) -> Bool[np.ndarray, "k"]:
        """Whether the steps that follow are there, and the frames that went before."""
        rows, games = np.divmod(places, self.games)
        old = (rows - self.written) % self.rows if self.written >= self.rows else rows
        newest = min(self.written, self.rows) - 1
        before = np.minimum(self.ages[rows, games], self.stack - 1)
        whole = (old - before >= 0) & (old + self.n <= newest)
        return whole & ~self.skip[rows, games]

    def _read(self, places: Int[np.ndarray, "batch"], beta: float) -> Sample:
        rows, games = np.divmod(places, self.games)
        reward = np.zeros(len(places), dtype=np.float32)
        discount = np.ones(len(places), dtype=np.float32)
        going = np.ones(len(places), dtype=bool)
        ahead = rows.copy()
        for _ in range(self.n):
            reward += np.where(going, discount * self.rewards[ahead, games], 0)
            discount = np.where(going, discount * np.float32(self.gamma), discount)
            over, cut = self.terminal[ahead, games], self.ends[ahead, games]
            discount[going & over] = 0
            ahead = np.where(going, (ahead + 1) % self.rows, ahead)
            going = going & ~over & ~cut
        # One array for both: of two, the allocator gives the pages back to the system each time.
        both = self._stacks(np.concatenate([rows, ahead]), np.concatenate([games, games]))
        return Sample(
            both[: len(rows)],
            self.actions[rows, games].astype(np.int64),
            reward,
            both[len(rows) :],
            discount,
            self._weights(places, beta),
            places,
        )

    def _stacks(
        self, rows: Int[np.ndarray, "batch"], games: Int[np.ndarray, "batch"]
    ) -> Shaped[np.ndarray, "batch *shape"]:
        """What was seen at these rows; black before an episode's beginning."""
        if not self.stacked:
            return self.frames[rows, games]
        back = np.arange(self.stack - 1, -1, -1)
        found = self.frames[(rows[:, None] - back) % self.rows, games[:, None]]
        found[back > self.ages[rows, games][:, None]] = 0
        return found

    # Priorities -----------------------------------------------------------------------------------

    def _place(self, row: int) -> None:
        """The row that can now be learnt from gets the highest priority so far, the oldest none."""
        assert self.tree is not None
        here = np.arange(self.games)
        ready = (row - self.n) % self.rows
        if self.written > self.n:
            value = np.where(self.skip[ready], 0.0, self.highest)
            self.tree.put(ready * self.games + here, value)
        for back in range(self.n):
            self.tree.put((row - back) % self.rows * self.games + here, np.zeros(self.games))
        for ahead in range(1, self.stack):
            self.tree.put((row + ahead) % self.rows * self.games + here, np.zeros(self.games))

    def prioritise(
        self, places: Int[np.ndarray, "batch"], errors: Float[np.ndarray, "batch"]
    ) -> None:
        """p_i = (|δ_i| + 10⁻⁶)^α for what was learnt from."""
        if self.tree is None:
            return
        priorities = (np.abs(errors) + 1e-6) ** self.alpha
        self.highest = max(self.highest, float(priorities.max()))
        self.tree.put(places, priorities)

    def _weights(self, places: Int[np.ndarray, "batch"], beta: float) -> Float[np.ndarray, "batch"]:
        """w_i = (N · P(i))^−β, over the largest of the batch. Source: Schaul et al. 2016, 3.4."""
        if self.tree is None or self.tree.total <= 0:
            return np.ones(len(places), dtype=np.float32)
        likely = np.maximum(self.tree.get(places), 1e-12) / self.tree.total
        weights = (len(self) * likely) ** -beta
        return (weights / weights.max()).astype(np.float32)

    # Going on -------------------------------------------------------------------------------------

    def state(self) -> dict[str, Any]:
        """Everything that is stored, for a checkpoint."""
        import torch

        filled = min(self.written, self.rows)
        arrays = {name: torch.from_numpy(getattr(self, name)[:filled].copy()) for name in STORED}
        tree = torch.from_numpy(self.tree.sums.copy()) if self.tree else None
        return {**arrays, "written": self.written, "highest": self.highest, "tree": tree}

    def restore(self, state: dict[str, Any]) -> None:
        """Put back what `state` gave."""
        self.written, self.highest = state["written"], state["highest"]
        filled = min(self.written, self.rows)
        for name in STORED:
            getattr(self, name)[:filled] = state[name].numpy()
        if self.tree:
            self.tree.sums[:] = state["tree"].numpy()


STORED = ("frames", "actions", "rewards", "terminal", "ends", "skip", "ages")


def _array(shape: tuple[int, ...], dtype: np.dtype, path: Path | None) -> np.ndarray:
    """An empty array in memory, whose pages are taken when they are written, or in a file."""
    if path is None:
        return np.zeros(shape, dtype=dtype)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        return np.memmap(path, dtype=dtype, mode="w+", shape=shape)
    except OSError as error:
        raise UsageError(f"cannot make the replay's file {path}: {error.strerror}") from error
