"""The pixel maze: moves checked by hand, what is drawn, ends and limits, the door to Gymnasium."""

import gymnasium
import numpy as np
import pytest

from gradus.agents.beyond import maze
from gradus.agents.beyond.maze import AGENT, CELL, GOAL, WALL, WALLS, MazeGames, shortest
from gradus.agents.envs import make_games
from gradus.core.errors import UsageError

UP, DOWN, LEFT, RIGHT = range(4)


def at(agent, goal, limit=60):
    """One maze with agent and goal where they are said to be."""
    games = MazeGames(1, limit)
    games.reset(0)
    games.place(np.array([agent]), np.array([goal]))
    return games


@pytest.mark.parametrize(
    ("start", "move", "end"),
    [
        ((0, 0), DOWN, (1, 0)),
        ((0, 0), UP, (0, 0)),  # the edge
        ((0, 0), LEFT, (0, 0)),
        ((0, 2), RIGHT, (0, 2)),  # a wall
        ((0, 2), LEFT, (0, 1)),
        ((2, 2), RIGHT, (2, 3)),
        ((6, 6), DOWN, (6, 6)),
        ((6, 6), RIGHT, (6, 6)),
        ((3, 3), UP, (2, 3)),
        ((3, 3), LEFT, (3, 3)),
    ],
)
def test_moves_by_hand(start, move, end):
    games = at(start, (5, 0))
    step = games.step(np.array([move]))
    assert tuple(games.agent[0]) == end
    assert (step.reward[0], step.terminal[0], step.end[0], step.skip[0]) == (0, False, False, False)


def test_only_the_goal_pays_and_it_ends_the_episode():
    games = at((0, 1), (0, 0))
    step = games.step(np.array([LEFT]))
    assert (step.reward[0], step.terminal[0], step.end[0]) == (1, True, True)
    after = games.step(np.array([LEFT]))
    assert (after.reward[0], after.end[0], after.skip[0]) == (0, False, True)
    assert not games.step(np.array([LEFT])).skip[0]


def test_an_episode_is_cut_off_but_not_terminal():
    games = at((0, 0), (6, 6), limit=3)
    ends = [games.step(np.array([UP])) for _ in range(4)]
    assert [bool(s.end[0]) for s in ends] == [False, False, True, False]
    assert not any(s.terminal[0] for s in ends)
    assert ends[3].skip[0]


def test_what_is_drawn():
    games = at((6, 1), (2, 3))
    frame = games.place(games.agent, games.goal)[0, 0]
    assert frame.shape == (84, 84)
    middle = frame[CELL // 2 :: CELL, CELL // 2 :: CELL]
    assert middle[6, 1] == AGENT
    assert middle[2, 3] == GOAL
    for i, row in enumerate(WALLS):
        for j, sign in enumerate(row):
            if (i, j) not in ((6, 1), (2, 3)):
                assert middle[i, j] == (WALL if sign == "#" else 0)
    assert games.pictures().shape == (336, 336, 3)


def test_agents_begin_on_free_places_off_the_goal_and_all_are_drawn_equally():
    games = MazeGames(4000)
    games.reset(1)
    assert (games.agent != games.goal).any(1).all()
    assert games.free[tuple(games.agent.T)].all()
    numbers = np.bincount(games.agent @ (7, 1), minlength=49)[games.free.ravel()]
    assert numbers.min() > 80, "each of the 33 about 121 times"
    far = MazeGames(500, goals=1, away=10)
    far.reset(0)
    ways = shortest()[0, 0][tuple(far.agent.T)]
    assert (far.goal == 0).all()
    assert sorted(set(ways)) == [10, 11, 12, 13, 14]
    few = MazeGames(200, goals=2)
    few.reset(0)
    assert len({tuple(g) for g in few.goal.tolist()}) == 2


def test_games_side_by_side_are_each_what_one_alone_would_be():
    games, draw = MazeGames(5, limit=9), np.random.default_rng(3)
    games.reset(2)
    for _ in range(60):
        before, goals, over = games.agent.copy(), games.goal.copy(), games.over.copy()
        actions = draw.integers(0, 4, 5)
        step = games.step(actions)
        for i in range(5):
            if over[i]:
                assert step.skip[i]
                continue
            one = at(before[i], goals[i])
            alone = one.step(actions[i : i + 1])
            assert tuple(one.agent[0]) == tuple(games.agent[i])
            assert alone.reward[0] == step.reward[i]
            assert np.array_equal(alone.observation[0], step.observation[i])


def test_shortest_ways():
    far = shortest()
    assert far[0, 0, 0, 2] == 2
    assert far[0, 2, 0, 4] == 6, "around the wall: 2 down, 2 right, 2 up"
    assert np.isinf(far[0, 0, 0, 3])
    finite = far[np.isfinite(far)]
    assert len(finite) == 33**2, "every place is reached from every other"


def test_gymnasium_knows_the_maze_once_it_is_asked_to():
    name = maze.register()
    assert maze.register() == name
    env = gymnasium.make(name, disable_env_checker=True, render_mode="rgb_array").unwrapped
    seen, _ = env.reset(seed=3)
    assert env.observation_space.contains(seen)
    again, _ = env.reset(seed=3)
    assert np.array_equal(seen, again)
    env.games.place(np.array([[0, 1]]), np.array([[0, 0]]))
    seen, reward, terminated, truncated, _ = env.step(LEFT)
    assert (reward, terminated, truncated) == (1.0, True, False)
    assert env.render().shape == (336, 336, 3)


def test_mazes_by_name():
    assert make_games("Maze/4", 2).goals.shape == (4, 2)
    with pytest.raises(UsageError, match=r"goals must be in \[1, 33\], got 34"):
        make_games("Maze/34", 1)
    with pytest.raises(UsageError, match="each goal has a place that far from it, got 99"):
        make_games("Maze/1/99", 1)
    with pytest.raises(
        UsageError, match=r"Maze/ must be a number of goals, or that and a dist.*, got x"
    ):
        make_games("Maze/x", 1)
