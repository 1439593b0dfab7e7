"""Errata of chapter 9: the printed version beside the right one."""

import numpy as np
import pytest
import torch

from gradus.agents.explore import exploration
from gradus.agents.policy_gradient import reinforce_loss
from gradus.agents.replay import Replay
from gradus.agents.returns import discounted_returns, naive_returns

REWARDS = np.array([1.0, 2.0, 3.0])


# Formulas


def test_likelihood_is_made_large():
    shares = torch.tensor([0.1, 0.5, 0.9])
    printed = shares.log().argmin()  # arg min of Σ log p
    right = (-shares.log()).argmin()
    assert shares[printed] == pytest.approx(0.1)
    assert shares[right] == pytest.approx(0.9)


def test_the_discount_counts_from_here():
    gamma, t = 0.5, 1
    printed = sum(gamma**t * r for r in REWARDS[t + 1 :])  # γ^t r_{t+k+1}
    right = sum(gamma**k * r for k, r in enumerate(REWARDS[t:]))
    assert printed == 1.5
    assert right == 3.5
    assert discounted_returns(REWARDS, gamma)[t] == right
    listing = [0.0] * 3  # the book's own listing agrees with the right one
    listing[-1] = REWARDS[-1]
    for i in (1, 0):
        listing[i] = REWARDS[i] + listing[i + 1] * gamma
    assert discounted_returns(REWARDS, gamma).tolist() == listing


def test_the_value_of_an_action_discounts_by_the_steps_since_then():
    gamma, now = 0.5, 2
    rewards = np.ones(5)
    printed = sum(gamma**i * rewards[i] for i in range(now, 5))  # γ^i, i from t
    right = sum(gamma ** (i - now) * rewards[i] for i in range(now, 5))
    assert printed == pytest.approx(right * gamma**now)
    assert discounted_returns(rewards, gamma)[now] == right


def test_the_objective_is_squared():
    errors = np.array([-100.0, 0.0])  # Q far below its target; Q right
    assert errors.argmin() == 0, "a difference alone is least where Q is hopelessly low"
    assert (errors**2).argmin() == 1


# Listings


def test_naive_returns_are_summed_backwards():
    printed = np.zeros(3)
    for _ in range(3, 0):  # never entered; its body would read a name that is not there
        raise AssertionError
    assert printed.tolist() == [0, 0, 0]
    assert naive_returns(REWARDS).tolist() == [6, 5, 3]


def test_annealing_lowers_epsilon():
    start, end = 1.0, 0.01
    listing = [start * (1 - share) + end * share for share in (0.0, 0.5, 1.0)]
    assert listing == sorted(listing, reverse=True), "the text says: low first, then rising"
    ours = exploration("annealed-1.0-0.01")
    assert [ours.epsilon(share) for share in (0.0, 0.5, 1.0)] == pytest.approx(listing)


def test_the_policy_gradient_needs_actions_of_the_policy():
    logits = torch.tensor([[0.0, 0.2]], dtype=torch.float64, requires_grad=True)
    shares = logits.detach().softmax(1)[0]
    paid = torch.tensor([1.0, 2.0], dtype=torch.float64)  # of either action

    def gradient(taken):
        """Of the expected loss, actions being taken with these probabilities."""
        total = torch.zeros(2, dtype=torch.float64)
        for action in (0, 1):
            loss = reinforce_loss(logits, torch.tensor([action]), paid[action : action + 1])
            total += taken[action] * torch.autograd.grad(loss, logits)[0][0]
        return total

    expected = (logits.softmax(1)[0] * paid).sum()
    right = -torch.autograd.grad(expected, logits)[0][0]
    assert torch.allclose(gradient(shares), right)
    epsilon = 0.1
    greedy = torch.full((2,), epsilon / 2, dtype=torch.float64)
    greedy[logits.detach().argmax()] += 1 - epsilon
    assert not torch.allclose(gradient(greedy), right, atol=0.05)


def test_the_terminal_flag_is_a_flag():
    returns = discounted_returns(np.ones(4), 0.5)  # what the listing hands over as `terminal`
    gamma, ahead = 0.5, 10.0
    printed = (1 - returns) * gamma * ahead + 1
    over = np.array([0.0, 0.0, 0.0, 1.0])
    right = (1 - over) * gamma * ahead + 1
    assert right.tolist() == [6, 6, 6, 1]
    assert printed[0] < 0, "what is worth more than 1 from here on turns the future's sign"
    assert printed[:3] != pytest.approx(right[:3])
    replay = Replay(20, 1, (1,), np.float32, gamma=gamma)
    for i in range(5):
        end = np.array([i == 3])
        seen = np.array([[i]], dtype=np.float32)
        replay.add(seen, np.array([0]), np.ones(1), end, end, np.array([i == 4]))
    sample = replay.sample(60, np.random.default_rng(0))
    targets = sample.reward + sample.discount * ahead
    assert {int(s[0]): float(t) for s, t in zip(sample.observation, targets, strict=True)} == {
        0: 6,
        1: 6,
        2: 6,
        3: 1,
    }


def test_the_last_hundred_are_taken_from_the_end():
    rewards = list(range(250))
    assert rewards[:-100] == list(range(150)), "printed: all but the last hundred"
    assert rewards[-100:] == list(range(150, 250))
    assert rewards[:60][:-100] == [], "and before the hundredth nothing at all"


def test_solved_means_a_high_mean():
    mean, level = 60.0, 50.0
    printed = not mean > level  # `if mean > 50: solved = False`
    right = mean > level
    assert (printed, right) == (False, True)


def test_a_check_every_ten_episodes():
    printed = [i for i in range(30) if i % 10]
    right = [i for i in range(30) if i % 10 == 0]
    assert len(printed) == 27
    assert right == [0, 10, 20]


def test_training_happens_within_an_episode():
    lengths = [13, 8, 21, 6, 10]  # steps of episodes; the listing looks only when one is over
    ends = np.cumsum(lengths)
    printed = sum(end % 4 == 0 for end in ends)
    right = ends[-1] // 4
    assert (printed, right) == (1, 14)


def test_sixteen_steps_are_four_batches():
    train_every, target_every = 4, 16  # in steps; the text counts batches
    assert target_every // train_every == 4
