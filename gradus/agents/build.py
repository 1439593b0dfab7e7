"""From a config to a network: turns settings into numbers."""

from torch import nn

from gradus.agents.networks import DQN, ActorCritic
from gradus.agents.recipes import ActorCriticConfig, DQNConfig, GameConfig, PolicyGradientConfig


def network(config: GameConfig, shape: tuple[int, ...], actions: int) -> nn.Module:
    """The network of an agent.

    Args:
        config: its settings.
        shape: of an observation.
        actions: how many.
    """
    if isinstance(config, DQNConfig):
        return DQN(shape, actions, config.hidden, config.duelling)
    apart = (isinstance(config, ActorCriticConfig) and config.apart) or (
        isinstance(config, PolicyGradientConfig) and config.baseline
    )
    return ActorCritic(shape, actions, config.hidden, apart)
