"""Games side by side: what each kind is, beginnings and ends, and mistakes told in one line."""

import itertools

import numpy as np
import pytest

from gradus.agents import envs
from gradus.agents.envs import AtariGames, GymGames, MinAtarGames, make_games
from gradus.core.errors import RunError, UsageError

KINDS = ["CartPole-v1", "MinAtar/breakout", "ALE/breakout", "Acrobot-v1"]


@pytest.mark.parametrize("name", KINDS)
def test_the_same_seed_gives_the_same_games(name):
    draw = np.random.default_rng(0)
    moves = draw.integers(0, len(make_games(name, 1).actions), (40, 2))
    seen = []
    for _ in range(2):
        games = make_games(name, 2, sticky=0.0 if name == "CartPole-v1" else 0.25)
        assert games.count == 2
        first = games.reset(7)
        assert first.shape == (2, *games.shape)
        steps = [games.step(move) for move in moves]
        seen.append((first, [s.observation.copy() for s in steps], [s.reward for s in steps]))
        assert all(s.reward.dtype == np.float32 and s.end.dtype == bool for s in steps)
    for one, other in zip(*seen, strict=True):
        assert np.array_equal(np.asarray(one), np.asarray(other))


@pytest.mark.parametrize("name", KINDS[:3])
def test_after_an_end_a_step_only_begins_anew(name):
    games, draw = make_games(name, 3), np.random.default_rng(1)
    games.reset(3)
    over, ends = np.zeros(3, dtype=bool), 0
    for _ in range(400):
        step = games.step(draw.integers(0, len(games.actions), 3))
        assert (step.skip[over]).all()
        assert (step.reward[over] == 0).all()
        assert not (step.end & over).any()
        assert (step.end[step.terminal]).all()
        over, ends = step.end, ends + step.end.sum()
    assert ends > 0


def test_cartpole_is_cut_off_after_500_steps_and_not_over():
    games = make_games("CartPole-v1", 1)
    seen = games.reset(0)
    for _ in range(500):  # a rule that balances: push to where the pole falls
        step = games.step((seen[:, 2] + 0.5 * seen[:, 3] > 0).astype(int))
        seen = step.observation
    assert step.end.all()
    assert not step.terminal.any()


def test_a_lost_life_is_terminal_while_the_game_and_its_score_go_on():
    ball = []
    for lives in (False, True):
        games = AtariGames("breakout", 1, lives=lives, threads=1)
        games.reset(0)
        steps = [games.step(np.array([0])) for _ in range(200)]
        lost = [i for i, s in enumerate(steps) if s.terminal.any()]
        ends = [i for i, s in enumerate(steps) if s.end.any()]
        skipped = [i for i, s in enumerate(steps) if s.skip.any()]
        ball.append((len(lost), len(ends)))
        assert skipped[0] == (lost[0] + 1 if lives else skipped[0])
        moved = [
            not np.array_equal(a.observation, b.observation) for a, b in itertools.pairwise(steps)
        ]
        assert any(moved[skipped[0] + 2 : skipped[0] + 8]), "FIRE brings a new ball"
    assert ball[0][0] == ball[0][1] >= 1, "without lives only the game's end is terminal"
    assert ball[1][0] >= 5 * ball[1][1] >= 5, "five lives a game"


def test_atari_sees_four_frames_black_before_the_first():
    games = AtariGames("breakout", 1, threads=1)
    seen = games.reset(0)
    assert games.shape == (4, 84, 84)
    assert games.stacked
    assert games.actions == ("noop", "fire", "right", "left")
    assert not seen[0, :3].any()
    assert seen[0, 3].any()
    after = games.step(np.array([2])).observation
    assert np.array_equal(after[0, 2], seen[0, 3])


def test_minatar_offers_what_means_something():
    games = MinAtarGames("breakout", 2)
    seen = games.reset(0)
    assert games.actions == ("noop", "left", "right")
    assert seen.shape == (2, 4, 10, 10)
    assert seen.dtype == np.uint8
    assert seen[0, 0, 9].sum() == 1, "the paddle"
    assert seen[0, 3].sum() == 30, "three rows of bricks"


def test_a_long_game_of_minatar_is_cut_off(monkeypatch):
    monkeypatch.setattr(envs, "MINATAR_LIMIT", 4)
    games = MinAtarGames("freeway", 1, sticky=0.0)
    games.reset(0)
    steps = [games.step(np.array([0])) for _ in range(6)]
    assert [s.end[0] for s in steps] == [False, False, False, True, False, False]
    assert not any(s.terminal[0] for s in steps)


# Pictures -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", KINDS[:3])
def test_games_can_be_drawn(name):
    games = make_games(name, 1, picture=True)
    games.reset(0)
    before = games.pictures()
    for _ in range(6):
        games.step(np.array([1]))
    after = games.pictures()
    assert before.dtype == after.dtype == np.uint8
    assert before.shape == after.shape
    assert before.shape[2] == 3
    assert (before != after).any()


def test_the_picture_of_atari_is_of_the_same_game():
    games = AtariGames("breakout", 1, sticky=0.25, threads=1, picture=True)
    seen, draw = games.reset(5), np.random.default_rng(0)
    for _ in range(60):
        seen = games.step(draw.integers(0, 4, 1)).observation
    colour = games.pictures()
    assert colour.shape == (210, 160, 3)
    paddle = np.nonzero(seen[0, -1, 75:78].max(0) > 60)[0]
    shown = np.nonzero(colour[189:193].max((0, 2)) > 150)[0]
    inner = [p for p in paddle if 6 <= p <= 77]
    outer = [s for s in shown if 10 <= s <= 149]
    assert np.mean(inner) * 160 / 84 == pytest.approx(np.mean(outer), abs=3)


# Mistakes -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "word"),
    [
        ("CartPole-v7", "did you mean CartPole-v"),
        ("cartpole", "no environment is called"),
        ("ALE/brekout", "did you mean breakout"),
        ("MinAtar/pong", "one of asterix, breakout"),
        ("Pendulum-v1", "Discrete actions are supported"),
        ("Blackjack-v1", "Box is supported"),
    ],
)
def test_what_there_is_not(name, word):
    with pytest.raises(UsageError, match=word):
        make_games(name, 1)


@pytest.mark.parametrize(
    ("given", "word"), [({"count": 0}, "games must be ≥ 1"), ({"sticky": 1.0}, "sticky")]
)
def test_numbers_out_of_range(given, word):
    with pytest.raises(UsageError, match=word):
        make_games("CartPole-v1", **{"count": 1, **given})


def test_a_missing_package_is_named(monkeypatch):
    def missing(name):
        raise ModuleNotFoundError(f"No module named {name!r}", name=name)

    monkeypatch.setattr(envs.importlib, "import_module", missing)
    with pytest.raises(UsageError, match=r'pip install "gradus-dl\[agents\]"'):
        make_games("CartPole-v1", 1)


def test_an_environment_that_raises_is_told_of():
    games = GymGames("CartPole-v1", 1)
    games.reset(0)
    games.env.step = lambda actions: 1 / 0
    with pytest.raises(RunError, match=r"CartPole-v1 failed: ZeroDivisionError.*--resume"):
        games.step(np.array([0]))
