"""Experience in order: stretches, what is skewed, what is packed; against plain lists."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gradus.agents.beyond.sequences import Sequences
from gradus.core.errors import UsageError


def filled(steps, capacity, games=2, seed=0, ends=0.2):
    """A replay, and the same steps as a plain list; an observation is its game and its time."""
    draw = np.random.default_rng(seed)
    replay, plain = Sequences(capacity, games, (2,), np.float32, notes=1), []
    skip = np.zeros(games, dtype=bool)
    for t in range(steps):
        seen = np.stack([np.arange(games), np.full(games, t)], 1).astype(np.float32)
        end = (draw.random(games) < ends) & ~skip
        terminal = end & (draw.random(games) < 0.5)
        reward = np.where(skip, 0, draw.integers(-1, 2, games)).astype(np.float32)
        step = (seen, draw.integers(0, 3, games), reward, terminal, end, skip)
        replay.add(*step, notes=seen[:, 1:] * 10)
        plain.append(step)
        skip = end
    return replay, plain


@settings(max_examples=30, deadline=None)
@given(st.integers(8, 60), st.integers(6, 30), st.integers(1, 4), st.integers(0, 99))
def test_stretches_are_what_happened_and_stop_at_the_first_end(steps, capacity, length, seed):
    replay, plain = filled(steps, capacity, seed=seed)
    found = replay.stretches(5, length, np.random.default_rng(seed))
    for b in range(5):
        game, first = (int(n) for n in found.seen[0, b])
        assert found.notes[b, 0] == 10 * first
        assert not plain[first][5][game], "no stretch begins with a step that begins an episode"
        assert first >= steps - min(steps, capacity)
        gone = False
        for t in range(length):
            seen, action, reward, terminal, end, skip = (part[game] for part in plain[first + t])
            assert found.seen[t, b].tolist() == seen.tolist()
            assert (found.action[t, b], found.reward[t, b]) == (action, reward)
            assert found.terminal[t, b] == terminal
            counts = not gone and not skip
            assert found.mask[t, b] == counts
            if counts:
                assert found.stop[t, b] == (end or t == length - 1)
            gone = gone or end
        assert found.seen[length, b].tolist() == [game, first + length]


@settings(max_examples=30, deadline=None)
@given(st.integers(5, 60), st.integers(4, 30), st.integers(1, 4), st.integers(0, 99))
def test_frames_before_a_reward_are_of_its_episode(steps, capacity, length, seed):
    replay, plain = filled(steps, capacity, seed=seed)
    frames, reward = replay.skewed(8, length, np.random.default_rng(seed))
    for b in range(8):
        game, time = (int(n) for n in frames[-1, b])
        assert reward[b] == plain[time][2][game]
        assert not plain[time][5][game]
        for i in range(length - 2, -1, -1):
            if not plain[time - 1][5][game]:  # the step before did not begin this episode
                time -= 1
            assert frames[i, b].tolist() == [game, time]


def test_half_of_what_is_shown_is_followed_by_a_reward():
    replay, draw = Sequences(400, 1, (1,)), np.random.default_rng(0)
    for t in range(400):
        no, paid = np.zeros(1, dtype=bool), np.array([t % 100 == 50], dtype=np.float32)
        replay.add(np.zeros((1, 1)), np.zeros(1, dtype=int), paid, no, no, no)
    _, reward = replay.skewed(2000, 3, draw)
    assert 0.45 < (reward != 0).mean() < 0.55, "of what is held it is one in a hundred"
    replay.reward[:] = 0
    assert not replay.skewed(20, 3, draw)[1].any(), "where no reward is held there is none"


def test_what_is_begun_anew_does_not_go_on_with_what_was_before():
    replay, _ = filled(6, 20, ends=0.0)
    replay.cut()
    for t in range(6, 12):
        no, paid = np.zeros(2, dtype=bool), np.zeros(2, dtype=np.float32)
        replay.add(np.full((2, 2), t), np.zeros(2, dtype=int), paid, no, no, no)
    stretch = replay.from_starts(np.array([3]), np.array([0]), 5)
    assert stretch.mask[:, 0].tolist() == [1, 1, 0, 0, 0]
    assert stretch.stop[1, 0]
    assert not stretch.terminal.any()


def test_what_is_packed_is_unpacked():
    replay, _ = filled(25, 10)
    again = Sequences(10, 2, (2,), np.float32, notes=1)
    again.restore(replay.state())
    one, other = (r.stretches(4, 3, np.random.default_rng(1)) for r in (replay, again))
    for left, right in zip(one, other, strict=True):
        assert np.array_equal(left, right)


def test_a_stretch_longer_than_what_is_held():
    replay, _ = filled(4, 20, ends=0.0)
    with pytest.raises(UsageError, match="a stretch of 9 steps is longer than the 4 that are held"):
        replay.stretches(1, 9, np.random.default_rng(0))
    with pytest.raises(UsageError, match="frames to be shown, 5, are more than the 4 held"):
        replay.skewed(1, 5, np.random.default_rng(0))
    with pytest.raises(UsageError, match="capacity must be ≥ 2 steps, got 1"):
        Sequences(1, 1, (1,))
