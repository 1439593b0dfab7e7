"""Errata of chapter 9's last sections: what is printed beside what is right."""

import numpy as np
import pytest

from gradus.agents.beyond.unreal import reward_class
from gradus.agents.mdp import three_states
from gradus.agents.tabular import backup, policy_values, value_iteration


def test_the_advantage_is_of_the_policy_that_acts():
    mdp, gamma = three_states(), 0.9
    policy = value_iteration(mdp, gamma).argmin(1)  # the worst policy acts
    values = policy_values(mdp, policy, gamma)
    here = np.arange(len(policy))
    right = backup(mdp, values, gamma) - values[:, None]
    assert right[here, policy] == pytest.approx(0, abs=1e-9)
    printed = value_iteration(mdp, gamma) - values[:, None]
    assert (printed > 0.1).all(), "printed: whatever is done seems better than usual"


def test_reward_prediction_names_one_of_three_classes():
    printed = np.array([0.0, 0.1, 25.0, -3.0])
    assert reward_class(printed).tolist() == [0, 1, 1, 2], "the value itself is not asked for"
