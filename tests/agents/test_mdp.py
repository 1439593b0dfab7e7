"""MDPs, returns and exact methods: numbers worked by hand, loops, properties, the mouse's story."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from gradus.agents import figures
from gradus.agents.acting import choose, sample
from gradus.agents.explore import BOOK, exploration
from gradus.agents.mdp import MDP, Moment, episode, maze, three_states
from gradus.agents.returns import advantages, discounted_returns, naive_returns
from gradus.agents.tabular import (
    backup,
    learn,
    policy_iteration,
    policy_values,
    q_learning,
    value_iteration,
)
from gradus.core.errors import RunError, UsageError

REWARDS = hnp.arrays(np.float64, (6, 3), elements=st.floats(-5, 5))
FLAGS = hnp.arrays(np.float64, (6, 3), elements=st.sampled_from([0.0, 1.0]))


# Returns ------------------------------------------------------------------------------------------


def test_returns_by_hand():
    rewards = np.array([1.0, 0.0, 2.0])
    assert naive_returns(rewards).tolist() == [3, 2, 2]
    assert discounted_returns(rewards, 0.5).tolist() == [1.5, 1.0, 2.0]
    assert discounted_returns(rewards, 0.5, after=4.0).tolist() == [2.0, 2.0, 4.0]


@given(REWARDS, FLAGS, st.floats(0, 1))
def test_returns_equal_the_sum_over_what_is_left_of_the_episode(rewards, ends, gamma):
    found = discounted_returns(rewards, gamma, ends=ends)
    for game in range(3):
        for t in range(6):
            total, k = 0.0, t
            while True:
                total += gamma ** (k - t) * rewards[k, game]
                if ends[k, game] or k == 5:
                    break
                k += 1
            assert found[t, game] == pytest.approx(total, abs=1e-9)


@given(REWARDS)
def test_naive_returns_are_those_without_discount(rewards):
    assert np.allclose(naive_returns(rewards), discounted_returns(rewards, 1.0), atol=1e-12)


@given(REWARDS, hnp.arrays(np.float64, (7, 3), elements=st.floats(-5, 5)), FLAGS, FLAGS)
def test_advantages_with_lambda_1_are_returns_minus_values(rewards, values, terminal, cut):
    ends = np.maximum(terminal, cut)
    found = advantages(rewards, values, terminal, ends, 0.9, 1.0)
    for game in range(3):
        for t in range(6):
            total, k = 0.0, t
            while not ends[k, game] and k < 5:
                total += 0.9 ** (k - t) * rewards[k, game]
                k += 1
            total += 0.9 ** (k - t) * rewards[k, game]
            total += 0.9 ** (k - t + 1) * (1 - terminal[k, game]) * values[k + 1, game]
            assert found[t, game] == pytest.approx(total - values[t, game], abs=1e-9)


def test_gamma_outside_its_range_is_refused():
    with pytest.raises(UsageError, match=r"gamma must be in \[0, 1\], got 1.5"):
        discounted_returns(np.ones(2), 1.5)


# MDPs ---------------------------------------------------------------------------------------------


def test_an_mdp_refuses_what_it_cannot_be():
    good = three_states()
    for change, word in (
        ({"transition": good.transition * 0.5}, "sum to 1"),
        ({"reward": good.reward[:1]}, "must have shape"),
        ({"start": np.array([1.0, 1.0, 0.0])}, "start must be"),
        ({"terminal": ("S1",)}, "terminal state S1"),
    ):
        with pytest.raises(UsageError, match=word):
            MDP(**{**vars(good), **change})


def test_an_episode_ends_where_something_is_paid():
    mdp, draw = maze(), np.random.default_rng(0)
    right = episode(mdp, lambda s: 1, draw, 50)
    assert [m.reward for m in right] == [1.0]
    assert mdp.states[right[0].state] == "2,3"
    up = episode(mdp, lambda s: 2, draw, 7)
    assert len(up) == 7, "walking into a wall lasts until it is cut off"
    assert mdp.states[up[-1].after] == "0,3"


@pytest.mark.parametrize("mdp", [maze(), three_states()], ids=["maze", "three-states"])
def test_value_and_policy_iteration_come_to_one_optimum(mdp):
    q = value_iteration(mdp, 0.9)
    same, policy = policy_iteration(mdp, 0.9)
    assert np.allclose(q, same, atol=1e-8)
    assert np.allclose(q, backup(mdp, q.max(1), 0.9), atol=1e-8), "Bellman's equation holds"
    assert np.allclose(policy_values(mdp, policy, 0.9), q.max(1), atol=1e-8)


def test_the_way_to_the_cheese_is_worth_its_discounted_reward():
    mdp = maze()
    q = value_iteration(mdp, 0.9)
    start = mdp.states.index("2,3")
    assert q[start].max() == pytest.approx(100 * 0.9**4)
    assert q[start].tolist() == pytest.approx([-10, 1, 65.61, 0.9 * 65.61])


def test_without_discount_three_states_never_settle():
    with pytest.raises(RunError, match="not settled"):
        value_iteration(three_states(), 1.0, limit=50)


# Q-learning ---------------------------------------------------------------------------------------


def test_a_step_of_q_learning_by_hand():
    q = np.array([[1.0, 2.0], [5.0, 3.0]])
    learn(q, Moment(0, 1, 10.0, 1), 0.5, 0.9, over=False)
    assert q[0, 1] == pytest.approx(2 + 0.5 * (10 + 0.9 * 5 - 2))
    learn(q, Moment(0, 0, 10.0, 1), 0.5, 0.9, over=True)
    assert q[0, 0] == pytest.approx(1 + 0.5 * (10 - 1)), "nothing comes after the end"


def test_q_learning_finds_the_optimum_of_three_states():
    mdp, draw = three_states(), np.random.default_rng(0)
    q, best = np.zeros((3, 2)), value_iteration(three_states(), 0.5)
    for rate in (0.1, 0.02, 0.004):
        act = lambda row: int(draw.integers(2))  # noqa: E731
        q_learning(mdp, q, act=act, draw=draw, rate=rate, gamma=0.5, limit=3_000)
    assert (q.argmax(1) == best.argmax(1)).all()
    assert np.abs(q - best).max() < 0.3


def test_the_greedy_mouse_stays_at_the_water_and_the_exploring_one_finds_the_cheese():
    _, greedy = figures.mouse(0.0, 100, seed=0)
    assert greedy[:3] == [-10, 1, 1]
    assert set(greedy[1:]) == {1.0}
    found = [figures.mouse(0.5, 1000, seed)[1][-1] for seed in range(3)]
    assert found == [100.0] * 3


# Exploration --------------------------------------------------------------------------------------


def test_explorations_by_name():
    assert len(BOOK) == 8
    annealed = exploration("annealed-1.0-0.001")
    assert [annealed.epsilon(x) for x in (-1, 0, 0.5, 1, 7)] == pytest.approx(
        [1, 1, 0.5005, 0.001, 0.001]
    )
    assert exploration("epsilon-0.25").epsilon(0.9) == 0.25
    assert exploration("greedy").epsilon(0.0) == 0
    assert exploration("sample").sampled
    assert all(exploration(name).name == name for name in BOOK)


@pytest.mark.parametrize("name", ["", "gready", "epsilon", "epsilon-1.5", "annealed-1", "sample-1"])
def test_other_names_are_refused(name):
    with pytest.raises(UsageError, match="explore must be greedy, sample"):
        exploration(name)


def test_choices():
    draw = np.random.default_rng(0)
    scores = np.tile([0.0, 3.0, 3.0], (30_000, 1))
    assert set(choose(scores, 0.0, draw)) == {1}, "the first of equals"
    shares = np.bincount(choose(scores, 0.6, draw), minlength=3) / 30_000
    assert shares == pytest.approx([0.2, 0.6, 0.2], abs=0.02)
    drawn = np.bincount(sample(np.log(scores + 1), draw), minlength=3) / 30_000
    assert drawn == pytest.approx([1 / 9, 4 / 9, 4 / 9], abs=0.02)
