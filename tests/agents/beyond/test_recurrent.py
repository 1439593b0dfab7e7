"""Networks with memory: step by step they say what they say of a stretch; attention by a loop."""

import itertools

import numpy as np
import pytest
import torch

from gradus.agents.beyond.hidden import Flicker, Masked
from gradus.agents.beyond.recipes import CARTPOLE_DRQN
from gradus.agents.beyond.recurrent import (
    AttentiveQ,
    Followed,
    RecurrentActorCritic,
    RecurrentQ,
    Remembering,
    blank,
)
from gradus.agents.envs import make_games
from gradus.agents.loop import play, scorer
from gradus.core.errors import UsageError

IMAGE = (2, 10, 10)


def nets():
    """One of each kind, small."""
    torch.manual_seed(0)
    return {
        "DRQN": RecurrentQ((3,), 2, (8,)),
        "DARQN": AttentiveQ(IMAGE, 3, (8,)),
        "A3C": RecurrentActorCritic((3,), 2, (8,)),
    }


def stretch_for(model):
    """Five steps of four games."""
    shape = IMAGE if isinstance(model, AttentiveQ) else (3,)
    return torch.randn(5, 4, *shape, generator=torch.Generator().manual_seed(1))


def first(said):
    """The logits, where policy and value are said."""
    return said[0] if isinstance(said, tuple) else said


@pytest.mark.parametrize("name", ["DRQN", "DARQN", "A3C"])
def test_step_by_step_is_the_same_as_a_stretch(name):
    model = nets()[name]
    x = stretch_for(model)
    whole, memory = model(x, blank(model.width, 4))
    assert torch.equal(first(model(x)[0]), first(whole)), "no memory is an empty one"
    steps = Remembering(model, 4)
    said = torch.stack([first(steps(step)) for step in x])
    assert torch.allclose(said, first(whole), atol=1e-6)
    for kept, state in zip(steps.memory, memory, strict=True):
        assert torch.allclose(kept, state, atol=1e-6)
    halves = model(x[3:], model(x[:3])[1])[0]
    assert torch.allclose(first(halves), first(whole)[3:], atol=1e-6)


def test_what_is_forgotten_and_what_is_kept():
    model = nets()["DRQN"]
    x, steps = stretch_for(model), Remembering(nets()["DRQN"], 4)
    steps(x[0])
    steps.forget(torch.tensor([False, True, False, False]))
    said = steps(x[1])
    assert torch.allclose(said[1], model(x[1:2])[0][0, 1], atol=1e-6), "as if it began there"
    assert torch.allclose(said[0], model(x[:2])[0][1, 0], atol=1e-6)
    steps.keep(torch.tensor([True, False, False, True]))
    assert torch.allclose(steps(x[2][[0, 3]])[1], model(x[:3])[0][2, 3], atol=1e-6)
    peeking = Remembering(model, 4, peeks=True)
    with torch.no_grad():
        peeking(x[0])
    assert not peeking.memory[0].any()


@torch.no_grad()
def test_attention_against_a_loop():
    model = nets()["DARQN"].double()
    x = stretch_for(model).double()
    empty = tuple(part.double() for part in blank(8, 4))
    values, _, weights = model.attend(x, empty)
    assert weights.shape == (5, 4, 10, 10)
    assert torch.allclose(weights.sum((2, 3)), torch.ones(5, 4, dtype=torch.float64))
    h = c = torch.zeros(8, dtype=torch.float64)
    for t in range(5):
        maps = model.eye(x[t, 2][None])[0]  # game 2
        places = [maps[:, i, j] for i in range(10) for j in range(10)]
        scores = [
            model.weight(torch.tanh(model.of_place(v) + model.of_memory(h)))[0] for v in places
        ]
        total = sum(torch.exp(s) for s in scores)
        read = sum(torch.exp(s) / total * v for s, v in zip(scores, places, strict=True))
        h, c = (part[0] for part in model.lstm(read[None], (h[None], c[None])))
        assert torch.allclose(model.advantage(h), values[t, 2], atol=1e-9)
        assert float(weights[t, 2, 0, 3].detach()) == pytest.approx(
            float((torch.exp(scores[3]) / total).detach())
        )


class Echo:
    """Games that end after 2, 4 and 6 steps and show how long they have lasted."""

    count, actions, shape, stacked = 3, ("a",), (1,), False

    def reset(self, seed):
        self.age = np.zeros(3)
        return self.age[:, None].astype(np.float32)

    def step(self, actions):
        from gradus.agents.envs import Step

        self.age = self.age + 1
        end = self.age == (2, 4, 6)
        no = np.zeros(3, dtype=bool)
        return Step(self.age[:, None].astype(np.float32), no.astype(np.float32), end, end, no)

    def pictures(self):
        return np.zeros((2, 2, 3), np.uint8)


def test_games_that_are_left_keep_their_own_memory():
    class Count(torch.nn.Module):
        """Its memory is the sum of what it saw."""

        width = 1

        def __init__(self):
            super().__init__()
            self.one = torch.nn.Parameter(torch.ones(1))

        def forward(self, x, memory):
            h = memory[0] + x[0]
            seen.append(h[:, 0].tolist())
            return h[None], (h, memory[1])

    seen = []
    model = Remembering(Count(), 3)
    played = play(
        scorer(model, torch.device("cpu")), lambda n: Followed(Echo(), model, leaving=True), 3, 0
    )
    assert [length for _, length in played] == [2, 4, 6]
    assert seen == [[0, 0, 0], [1, 1, 1], [3, 3], [6, 6], [10], [15]]


def test_a_pole_without_velocities():
    hidden, plain = make_games("Masked/CartPole-v1", 3), make_games("CartPole-v1", 3)
    assert isinstance(hidden, Masked)
    assert hidden.shape == (2,)
    assert np.array_equal(hidden.reset(4), plain.reset(4)[:, [0, 2]])
    for _ in range(30):
        one, other = (g.step(np.array([0, 1, 1])) for g in (hidden, plain))
        assert np.array_equal(one.observation, other.observation[:, [0, 2]])
        assert np.array_equal(one.end, other.end)
    with pytest.raises(UsageError, match="Masked/ takes CartPole-v1; got 'Pong'"):
        make_games("Masked/Pong", 1)


def test_frames_go_dark_by_chance_and_the_game_goes_on():
    games, plain = make_games("Flicker/0.5/MinAtar/breakout", 8), make_games("MinAtar/breakout", 8)
    assert isinstance(games, Flicker)
    assert games.dark == 0.5
    seen = [(games.reset(0), plain.reset(0))]
    for _ in range(60):
        action = np.zeros(8, dtype=int)
        seen.append((games.step(action).observation, plain.step(action).observation))
    dark = np.array([[not frame.any() for frame in one] for one, _ in seen])
    assert 0.4 < dark.mean() < 0.6
    for (one, other), off in zip(seen, dark, strict=True):
        assert np.array_equal(one[~off], other[~off])
    games = make_games("Flicker/MinAtar/breakout", 1)
    games.reset(0)
    pictures = []
    for _ in range(20):
        games.step(np.zeros(1, dtype=int))
        pictures.append(games.pictures().any())
    assert set(pictures) == {True, False}
    with pytest.raises(UsageError, match=r"the probability of a dark frame must be in \[0, 1\)"):
        make_games("Flicker/1.5/CartPole-v1", 1)


def test_stacked_frames_that_went_dark_stay_dark():
    class Stack:
        count, actions, shape, stacked = 1, ("a",), (3, 1, 1), True

        def reset(self, seed):
            self.t = 1
            return np.array([[[[0]], [[0]], [[1]]]])

        def step(self, actions):
            from gradus.agents.envs import Step

            self.t += 1
            frames = np.array([[[[max(self.t - 2, 0)]], [[self.t - 1]], [[self.t]]]])
            no = np.zeros(1, dtype=bool)
            return Step(frames, no.astype(np.float32), no, no, no)

        def pictures(self):
            return np.zeros((2, 2, 3), np.uint8)

    games = Flicker(Stack(), 0.5)
    seen = [games.reset(1)[0, :, 0, 0]]
    seen += [games.step(np.zeros(1, dtype=int)).observation[0, :, 0, 0] for _ in range(12)]
    for before, after in itertools.pairwise(seen):
        assert before[1:].tolist() == after[:-1].tolist()
    assert any(s[-1] == 0 for s in seen)


def test_what_drqn_refuses():
    words = r"stretch \+ burn_in must be < the 125 steps of a game that are held when learning"
    with pytest.raises(UsageError, match=words):
        CARTPOLE_DRQN.configure(stretch=100, burn_in=60)
    with pytest.raises(UsageError, match="reward_scale must be > 0"):
        CARTPOLE_DRQN.configure(reward_scale=0.0)
