"""Networks and losses of agents: formulas in loops, hand-made MDPs, gradients, targets."""

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional

from gradus.agents import DQN, ActorCritic
from gradus.agents.actor_critic import Rollout, actor_critic_loss
from gradus.agents.build import network
from gradus.agents.dqn import Batch, dqn_loss, learn, refresh, target_of, targets, to_batch
from gradus.agents.envs import Step
from gradus.agents.loop import Tally, play, told, training_seed
from gradus.agents.networks import body
from gradus.agents.policy_gradient import Episodes, learn_from, reinforce_loss
from gradus.agents.recipes import CARTPOLE_A2C, CARTPOLE_DQN, CARTPOLE_PG
from gradus.agents.replay import Replay
from gradus.core.errors import UsageError

CPU = torch.device("cpu")


def features(seed, *shape):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


# Networks -----------------------------------------------------------------------------------------


def test_the_network_of_atari_has_the_papers_layers():
    model = DQN((4, 84, 84), 4)
    sizes = [tuple(p.shape) for p in model.parameters() if p.ndim > 1]
    assert sizes == [(32, 4, 8, 8), (64, 32, 4, 4), (64, 64, 3, 3), (512, 3136), (4, 512)]
    frames = torch.randint(0, 256, (2, 4, 84, 84), dtype=torch.uint8)
    assert torch.allclose(model(frames), model(frames.float() / 255), atol=1e-5)


def test_heads_are_whole_in_half_precision():
    frames = torch.randint(0, 256, (2, 4, 84, 84), dtype=torch.uint8)
    model = ActorCritic((4, 84, 84), 4, (16,))
    exact = model(frames)
    with torch.autocast("cpu", torch.bfloat16):
        for half, whole in zip(model(frames), exact, strict=True):
            assert half.dtype == torch.float32
            assert torch.allclose(half, whole, atol=0.05)


def test_small_images_and_vectors():
    assert DQN((4, 10, 10), 3, (32,))(torch.ones(2, 4, 10, 10, dtype=torch.uint8)).shape == (2, 3)
    logits, value = ActorCritic((4,), 2, (8, 8), apart=True)(torch.randn(5, 4))
    assert logits.shape == (5, 2)
    assert value.shape == (5,)


def test_starting_weights_are_orthogonal():
    linear = next(m for m in body((16,), (8,)) if isinstance(m, nn.Linear))
    assert torch.allclose(linear.weight @ linear.weight.T, 2 * torch.eye(8), atol=1e-5)


def test_duelling_advantages_have_mean_0():
    model = DQN((3,), 4, (8,), duelling=True)
    x = torch.randn(6, 3)
    inside = model.body(x)
    assert torch.allclose(model(x).mean(1), model.value(inside).squeeze(1), atol=1e-6)


def test_configs_become_networks():
    assert isinstance(network(CARTPOLE_DQN.config, (4,), 2), DQN)
    assert network(CARTPOLE_A2C.config, (4,), 2).critic is not None
    assert network(CARTPOLE_PG.configure(baseline=False), (4,), 2).critic is None


# Policy gradient ----------------------------------------------------------------------------------


def test_the_policy_gradients_loss_in_loops():
    logits, weights = features(0, 6, 3), features(1, 6)
    actions = torch.tensor([0, 1, 2, 2, 1, 0])
    total = 0.0
    for i in range(6):
        shares = np.exp(logits[i].numpy()) / np.exp(logits[i].numpy()).sum()
        total -= float(weights[i]) * np.log(shares[actions[i]]) / 6
    assert float(reinforce_loss(logits, actions, weights)) == pytest.approx(total, abs=1e-9)


def test_its_gradient_is_right():
    actions, weights = torch.tensor([0, 1, 1]), features(3, 3)
    logits = features(2, 3, 2).requires_grad_()
    assert torch.autograd.gradcheck(lambda z: reinforce_loss(z, actions, weights), logits)


def test_what_comes_after_an_episodes_end_is_not_learnt_from():
    seen = np.random.default_rng(0).normal(size=(3, 2, 4)).astype(np.float32)
    going = np.array([[True, True], [True, False], [True, False]])
    moved = []
    for junk in (0.0, 100.0):
        torch.manual_seed(0)
        model = ActorCritic((4,), 2, (8,))
        changed = np.where(going[..., None], seen, junk).astype(np.float32)
        played = Episodes(changed, np.zeros((3, 2), int), going * 1.0, going)
        optimizer = torch.optim.SGD(model.parameters(), 0.1)
        learn_from(model, optimizer, played, gamma=0.9, baseline=True, clip_norm=0.0, device=CPU)
        moved.append(torch.cat([p.detach().flatten() for p in model.parameters()]))
    assert torch.equal(*moved)


# Actor-critic -------------------------------------------------------------------------------------


def rollout(skip):
    logits = [features(t, 2, 3).requires_grad_() for t in range(3)]
    values = [features(10 + t, 2).requires_grad_() for t in range(3)]
    draw = np.random.default_rng(0)
    terminal = np.array([[False, True], [False, False], [False, False]])
    end = terminal | np.array([[True, False], [False, False], [False, False]])
    return Rollout(
        logits, values, draw.integers(0, 3, (3, 2)), draw.normal(size=(3, 2)), terminal, end,
        np.array(skip), draw.normal(size=2),
    )  # fmt: skip


def test_the_actor_critics_loss_in_loops():
    given = rollout([[False, False], [True, True], [False, False]])
    v = torch.stack(given.values).detach().numpy()
    v = np.concatenate([v, given.last[None]])
    total, count = 0.0, 0
    for g in range(2):
        for t in range(3):
            if given.skip[t, g]:
                continue
            back, factor, k = 0.0, 1.0, t
            while True:
                back += factor * given.reward[k, g]
                factor *= 0.9
                if given.end[k, g] or k == 2:
                    back += 0.0 if given.terminal[k, g] else factor * v[k + 1, g]
                    break
                k += 1
            shares = given.logits[t][g].detach().softmax(0).numpy()
            gain = back - v[t, g]
            total -= gain * np.log(shares[given.action[t, g]])
            total += 0.5 * gain**2 + 0.01 * (shares * np.log(shares)).sum()
            count += 1
    found = actor_critic_loss(given, gamma=0.9, decay=1.0, entropy=0.01, value=0.5)
    assert float(found.detach()) == pytest.approx(total / count, abs=1e-6)
    found.backward()
    assert not given.logits[1].grad.any(), "skipped"
    assert given.logits[0].grad.any()


# DQN ----------------------------------------------------------------------------------------------


class Table(nn.Module):
    """Q as a table of states 0, 1, …, for MDPs worked by hand."""

    def __init__(self, values):
        super().__init__()
        self.values = nn.Parameter(torch.tensor(values, dtype=torch.float64))

    def forward(self, x):
        return self.values[x.long().squeeze(1)]


def one(state, action, reward, after, discount):
    column = [torch.tensor([[float(state)]]), torch.tensor([action])]
    numbers = [torch.tensor([x], dtype=torch.float64) for x in (reward, discount, 1.0)]
    return Batch(*column, numbers[0], torch.tensor([[float(after)]]), *numbers[1:])


def test_targets_by_hand_plain_and_double_and_terminal():
    model, frozen = Table([[0.0, 0.0], [1.0, 5.0]]), Table([[0.0, 0.0], [4.0, 2.0]])
    assert float(targets(model, frozen, one(0, 0, 1.0, 1, 0.9), False)) == 1 + 0.9 * 4
    assert float(targets(model, frozen, one(0, 0, 1.0, 1, 0.9), True)) == 1 + 0.9 * 2
    for double in (False, True):
        assert float(targets(model, frozen, one(0, 0, 1.0, 1, 0.0), double)) == 1


def test_the_loss_is_hubers_and_weighted():
    model = Table([[0.25, 0.0], [-3.0, 0.0]])
    batch = Batch(
        torch.tensor([[0.0], [1.0]]), torch.tensor([0, 0]), *[torch.zeros(2)] * 3,
        torch.tensor([1.0, 0.5], dtype=torch.float64),
    )  # fmt: skip
    loss, errors = dqn_loss(model, batch, torch.zeros(2, dtype=torch.float64))
    assert errors.tolist() == [-0.25, 3.0]
    assert float(loss.detach()) == pytest.approx((0.5 * 0.25**2 + 0.5 * (3 - 0.5)) / 2)
    loss.backward()
    assert model.values.grad[1, 0] == -0.25, "a large error pulls no harder: ½ weight, mean of 2"


def chain_replay(n):
    """A corridor of four states: right pays 1 at its end, left pays 0.2; both end it."""
    replay = Replay(4_000, 1, (1,), np.float32, n=n, gamma=0.9)
    draw, state = np.random.default_rng(0), 0
    begin, yes, no = np.zeros(1, int), np.array([True]), np.array([False])
    for _ in range(1_500):
        action = int(draw.integers(2))
        over = action == 0 or state == 3
        paid = 0.2 if action == 0 else float(state == 3)
        seen = np.array([[state]], dtype=np.float32)
        end = yes if over else no
        replay.add(seen, np.array([action]), np.array([paid]), end, end, no)
        if over:
            replay.add(np.zeros((1, 1), np.float32), begin, np.zeros(1), no, no, yes)
        state = 0 if over else state + 1
    return replay


@pytest.mark.parametrize(("double", "n"), [(False, 1), (True, 1)])
def test_q_of_a_corridor_is_learnt(double, n):
    model = Table([[0.0, 0.0]] * 4)
    frozen, optimizer = target_of(model), torch.optim.SGD(model.parameters(), 2.0)
    replay, draw = chain_replay(n), np.random.default_rng(1)
    for step in range(400):
        batch = to_batch(replay.sample(32, draw), CPU)
        learn(model, frozen, optimizer, batch, double=double, clip_norm=0.0)
        if step % 10 == 0:
            refresh(frozen, model)
    wanted = [[0.2, 0.9**3], [0.2, 0.9**2], [0.2, 0.9], [0.2, 1.0]]
    assert np.allclose(model.values.detach().numpy(), wanted, atol=0.02)


def test_half_precision_finds_nearly_the_same_gradient():
    torch.manual_seed(0)
    model = DQN((4, 84, 84), 4, (64,))
    frozen = target_of(model)
    seen = torch.randint(0, 256, (2, 8, 4, 84, 84), dtype=torch.uint8)
    zeros = torch.zeros(8)
    batch = Batch(seen[0], zeros.long(), zeros + 1, seen[1], zeros + 0.9, zeros + 1)
    gradients = []
    for half in (False, True):
        optimizer = torch.optim.SGD(model.parameters(), 0.0)
        with torch.autocast("cpu", torch.bfloat16, enabled=half):
            assert model(seen[0]).dtype == torch.float32
            learn(model, frozen, optimizer, batch, double=True, clip_norm=0.0)
        gradients.append(torch.cat([p.grad.flatten() for p in model.parameters()]))
    assert torch.nn.functional.cosine_similarity(*gradients, dim=0) > 0.995
    assert not torch.equal(*gradients)


def test_the_target_network_stays_until_it_is_refreshed():
    model = DQN((3,), 2, (4,))
    frozen = target_of(model)
    x = torch.randn(2, 3)
    with torch.no_grad():
        model.advantage.bias += 1
    assert torch.allclose(frozen(x) + 1, model(x))
    refresh(frozen, model)
    assert torch.equal(frozen(x), model(x))
    assert not any(p.requires_grad for p in frozen.parameters())


# What loops share ---------------------------------------------------------------------------------


class Counting:
    """A game that is over after as many steps as the seed says; pays 1 a step."""

    actions, shape, stacked = ("a", "b"), (1,), False

    def __init__(self, count):
        self.count = count

    def reset(self, seed):
        self.left = 1 + (seed + np.arange(self.count)) % 5
        return np.zeros((self.count, 1), dtype=np.float32)

    def step(self, actions):
        assert actions.shape == (self.count,)
        self.left = self.left - 1
        end, no = self.left == 0, np.zeros(self.count, dtype=bool)
        seen = np.zeros((self.count, 1), dtype=np.float32)
        return Step(seen, np.ones(self.count, np.float32), end, end, no)


def test_whole_episodes_are_played_whatever_their_number(monkeypatch):
    monkeypatch.setattr("gradus.agents.loop.SIDE_BY_SIDE", 4)
    scores = lambda seen: np.zeros((len(seen), 2))  # noqa: E731
    played = play(scores, Counting, 10, seed=0)
    assert played == [(float(n), n) for n in [1, 2, 3, 4, 5, 1, 2, 3, 4, 5]]
    found = told(played)
    returns = [p[0] for p in played]
    assert found["return"] == 3
    assert found["standard error"] == pytest.approx(np.std(returns, ddof=1) / np.sqrt(10))
    for given, word in (({"episodes": 0}, "episodes must be"), ({"epsilon": 2.0}, "epsilon must")):
        with pytest.raises(UsageError, match=word):
            play(scores, Counting, **{"episodes": 1, "seed": 0, **given})


def test_scores_are_told_of_whole_episodes():
    tally = Tally(2)
    ends = [(False, True), (False, False), (True, False), (False, False), (False, True)]
    for i, end in enumerate(ends):
        begun = i > 0 and np.array(ends[i - 1])
        tally.add(np.where(begun, 0, [1.0, 2.0]), np.array(end))
    assert list(tally.finished) == [(2.0, 1), (3.0, 3), (6.0, 3)]
    assert tally.episodes == 3


def test_games_of_training_begin_below_those_of_tests():
    seeds = {training_seed(s, e) for s in range(20) for e in range(20)}
    assert len(seeds) == 400
    assert max(seeds) < 1_000_000_000


def test_huber_is_torchs():
    assert float(functional.smooth_l1_loss(torch.tensor(3.0), torch.tensor(0.0))) == 2.5
