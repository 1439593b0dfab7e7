"""Replay and sum tree: the naive versions, borders of episodes, the ring, priorities, memory."""

import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gradus.agents.replay import Replay
from gradus.agents.sum_tree import SumTree
from gradus.core.errors import RunError, UsageError

STACK = 3


class Toy:
    """Games whose frames say what they are: game, episode and step, so that borders can be seen."""

    def __init__(self, games, seed):
        self.draw = np.random.default_rng(seed)
        self.games = games
        self.episode = np.zeros(games, dtype=int)
        self.age = np.zeros(games, dtype=int)
        self.over = np.zeros(games, dtype=bool)
        self.history = [[self.frame(g)] for g in range(games)]

    def frame(self, g):
        return [g + 1, self.episode[g] + 1, self.age[g] + 1]

    def seen(self):
        """Stacks as an environment gives them: 0 before an episode's first frame."""
        rows = [([[0] * 3] * STACK + h)[-STACK:] for h in self.history]
        return np.array(rows, dtype=np.uint8).reshape(self.games, STACK, 3)

    def step(self):
        """Rewards, terminal, end, skip; episodes end by themselves or are cut off."""
        skip, chance = self.over, self.draw.random(self.games)
        for g in range(self.games):
            if skip[g]:
                self.episode[g] += 1
                self.age[g] = 0
                self.history[g] = []
            else:
                self.age[g] += 1
            self.history[g].append(self.frame(g))
        terminal = (chance < 0.15) & ~skip
        self.over = ((chance < 0.3) & ~skip) | terminal
        return self.age * 1.0, terminal, self.over, skip


def fill(replay, toy, steps):
    """What was stored, by what was seen: (observation) -> (reward, terminal, end, after)."""
    known = {}
    for _ in range(steps):
        seen = toy.seen()
        reward, terminal, end, skip = toy.step()
        action = np.arange(toy.games)
        replay.add(seen, action, reward, terminal, end, skip)
        for g in range(toy.games):
            if not skip[g]:
                after = toy.seen()[g]
                known[seen[g].tobytes()] = (reward[g], terminal[g], end[g], after.tobytes())
    return known


@settings(max_examples=25)
@given(st.integers(0, 10_000), st.integers(1, 3), st.integers(5, 60), st.integers(1, 3))
def test_what_is_read_is_what_was_seen(seed, games, steps, n):
    toy = Toy(games, seed)
    replay = Replay(12 * games, games, (STACK, 3), np.uint8, stack=STACK, n=n, gamma=0.5)
    known = fill(replay, toy, steps)
    replay.close(toy.seen())
    try:
        sample = replay.sample(40, np.random.default_rng(seed))
    except RunError:
        return  # nothing but beginnings was stored
    for i in range(40):
        here, total, factor = sample.observation[i].tobytes(), 0.0, 1.0
        for _ in range(n):
            reward, terminal, end, here = known[here]
            total += factor * reward
            factor *= 0.5
            if terminal or end or here not in known:
                break
        assert sample.reward[i] == pytest.approx(total)
        assert sample.discount[i] == pytest.approx(0 if terminal else factor)
        assert sample.after[i].tobytes() == here
        assert sample.action[i] == sample.observation[i][-1][0] - 1
        episodes = {f[1] for f in sample.observation[i].tolist() if f[1]}
        assert len(episodes) == 1, "a stack does not cross the border of an episode"


def test_an_episode_that_is_cut_off_is_valued_and_one_that_is_over_is_not():
    replay = Replay(20, 1, (1,), np.float32, gamma=0.9)
    no, yes = np.array([False]), np.array([True])
    for value, terminal, end, skip in (
        (1.0, no, no, no),
        (2.0, yes, yes, no),
        (3.0, no, no, yes),
        (4.0, no, no, no),
        (5.0, no, yes, no),
        (6.0, no, no, yes),
        (7.0, no, no, no),
        (8.0, no, no, no),
    ):
        seen = np.array([[value]], dtype=np.float32)
        replay.add(seen, np.array([0]), np.array([10 * value]), terminal, end, skip)
    sample = replay.sample(200, np.random.default_rng(0))
    found = {
        float(s[0]): (float(r), float(d), float(a[0]))
        for s, r, d, a in zip(
            sample.observation, sample.reward, sample.discount, sample.after, strict=True
        )
    }
    nine = pytest.approx(0.9)
    assert found == {
        1.0: (10, nine, 2),
        2.0: (20, 0, 3),
        4.0: (40, nine, 5),
        5.0: (50, nine, 6),
        7.0: (70, nine, 8),
    }


def test_an_epochs_end_cuts_episodes_off():
    replay = Replay(20, 1, (2, 1), np.uint8, stack=2, gamma=0.9)
    no = np.array([False])
    for value in (1, 2):
        seen = np.array([[[value - 1], [value]]], dtype=np.uint8)
        replay.add(seen, np.array([0]), np.array([1.0]), no, no, no)
    replay.close(np.array([[[2], [3]]], dtype=np.uint8))
    for value in (11, 12, 13):
        seen = np.array([[[0 if value == 11 else value - 1], [value]]], dtype=np.uint8)
        replay.add(seen, np.array([0]), np.array([1.0]), no, no, no)
    sample = replay.sample(100, np.random.default_rng(0))
    pairs = {(tuple(s.ravel()), tuple(a.ravel())) for s, a in zip(*sample[0:4:3], strict=True)}
    assert pairs == {
        ((0, 1), (1, 2)),
        ((1, 2), (2, 3)),
        ((0, 11), (11, 12)),
        ((11, 12), (12, 13)),
    }
    assert (sample.discount > 0).all()


def test_nothing_to_learn_from_is_said():
    replay = Replay(20, 1, (1,), np.float32)
    with pytest.raises(RunError, match="none to learn from"):
        replay.sample(4, np.random.default_rng(0))


@pytest.mark.parametrize(
    ("settings", "word"),
    [({"capacity": 3}, "replay must be ≥"), ({"stack": 2, "shape": (4, 3)}, "stack must be 4")],
)
def test_refused(settings, word):
    given = {"capacity": 100, "games": 1, "shape": (4, 3), "dtype": np.uint8, "stack": 4}
    with pytest.raises(UsageError, match=word):
        Replay(**{**given, **settings})


def test_a_file_instead_of_memory(tmp_path):
    toys = [Toy(2, 5), Toy(2, 5)]
    memory = Replay(40, 2, (STACK, 3), np.uint8, stack=STACK)
    disk = Replay(40, 2, (STACK, 3), np.uint8, stack=STACK, path=tmp_path / "deep" / "frames")
    for toy, replay in zip(toys, (memory, disk), strict=True):
        fill(replay, toy, 50)
    one, other = (r.sample(16, np.random.default_rng(1)) for r in (memory, disk))
    assert all((a == b).all() for a, b in zip(one, other, strict=True))
    assert (tmp_path / "deep" / "frames").stat().st_size == 20 * 2 * 3
    with pytest.raises(UsageError, match="cannot make the replay's file"):
        Replay(40, 2, (STACK, 3), np.uint8, stack=STACK, path=tmp_path / "deep" / "frames" / "x")


def test_a_replay_goes_on_from_its_state():
    def make():
        return Replay(30, 2, (STACK, 3), np.uint8, stack=STACK, alpha=0.6)

    one, toy = make(), Toy(2, 3)
    fill(one, toy, 40)
    other = make()
    other.restore(one.state())
    for replay in (one, other):
        assert len(replay) == 30
    pairs = zip(*(r.sample(16, np.random.default_rng(1)) for r in (one, other)), strict=True)
    assert all((a == b).all() for a, b in pairs)


def test_a_million_steps_of_atari_take_what_the_recipe_says():
    replay = Replay(100_000, 1, (4, 84, 84), np.uint8, stack=4)
    assert replay.nbytes * 10 <= 7.1e9
    assert replay.frames.shape == (100_000, 1, 84, 84)


def test_sampling_32_stacks_takes_a_millisecond():
    replay = Replay(2_000, 1, (4, 84, 84), np.uint8, stack=4)
    no, seen = np.array([False]), np.zeros((1, 4, 84, 84), np.uint8)
    for _ in range(2_000):
        replay.add(seen, np.array([0]), np.array([0.0]), no, no, no)
    draw, times = np.random.default_rng(0), []
    for _ in range(30):
        started = time.process_time()
        replay.sample(32, draw)
        times.append(time.process_time() - started)
    assert min(times) < 0.001


# Priorities ---------------------------------------------------------------------------------------


@settings(max_examples=25)
@given(
    st.integers(1, 40),
    st.lists(st.tuples(st.integers(0, 1000), st.integers(0, 20)), min_size=1, max_size=60),
)
def test_the_sum_tree_equals_a_list(size, changes):
    tree, plain = SumTree(size), np.zeros(size)
    for place, priority in changes:
        plain[place % size] = priority
        tree.put(np.array([place % size]), np.array([float(priority)]))
    assert tree.total == plain.sum()
    assert (tree.get(np.arange(size)) == plain).all()
    if plain.sum():
        marks = np.arange(plain.sum()) + 0.5
        assert (tree.find(marks) == np.searchsorted(plain.cumsum(), marks, side="right")).all()


def test_a_mark_at_the_very_end_finds_a_place_that_has_something():
    tree = SumTree(5)
    tree.put(np.array([1, 2]), np.array([0.1, 0.2]))
    assert tree.find(np.array([tree.total, tree.total + 1e-9])).tolist() == [2, 2]


def test_steps_are_drawn_by_their_priority_and_weighted_against_it():
    replay = Replay(50, 1, (1,), np.float32, alpha=1.0)
    no = np.array([False])
    for value in range(10):
        seen = np.array([[value]], dtype=np.float32)
        replay.add(seen, np.array([0]), np.array([0.0]), no, no, no)
    places = np.arange(9)
    replay.prioritise(places, np.where(places == 4, 8.0, 1.0))
    sample = replay.sample(8_000, np.random.default_rng(0))
    share = (sample.place == 4).mean()
    assert share == pytest.approx(0.5, abs=0.03)
    weights = dict(zip(sample.place.tolist(), sample.weight.tolist(), strict=True))
    assert weights[4] == pytest.approx(1 / 8, rel=1e-3)
    assert weights[0] == pytest.approx(1)


def test_what_is_new_has_the_highest_priority_and_what_is_overwritten_none():
    toy, replay = Toy(2, 1), Replay(24, 2, (STACK, 3), np.uint8, stack=STACK, n=2, alpha=0.6)
    fill(replay, toy, 40)
    assert replay.tree is not None
    priorities = replay.tree.get(np.arange(24)).reshape(12, 2)
    usable = replay._usable(np.arange(24)).reshape(12, 2)
    assert (priorities[~usable] == 0).mean() > 0.5
    newest = (replay.written - 1) % 12
    assert (priorities[newest] == 0).all(), "its next state is not stored yet"
    ready = (replay.written - 3) % 12
    assert (priorities[ready] == np.where(replay.skip[ready], 0, 1)).all()
