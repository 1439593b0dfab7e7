"""Chapter 9: agents that learn by acting.

Read in this order: mdp, returns, tabular, explore; then envs, networks, loop; policy_gradient,
actor_critic; replay, sum_tree, dqn; play. The doors are recipes, train, predict, run_figures and
figures.
"""

from typing import TYPE_CHECKING

from gradus.core.lazy import lazy

if TYPE_CHECKING:
    from gradus.agents.envs import make_games
    from gradus.agents.mdp import MDP
    from gradus.agents.networks import DQN, ActorCritic
    from gradus.agents.replay import Replay

__all__ = ["DQN", "MDP", "ActorCritic", "Replay", "make_games"]

__getattr__ = lazy(
    __name__,
    {
        "MDP": "mdp:MDP",
        "DQN": "networks:DQN",
        "ActorCritic": "networks:ActorCritic",
        "Replay": "replay:Replay",
        "make_games": "envs:make_games",
    },
)
