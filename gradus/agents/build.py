"""From a config to a network: turns settings into numbers."""

from torch import nn

from gradus.agents.beyond import recurrent
from gradus.agents.beyond.recipes import A3CConfig, DRQNConfig, UnrealConfig
from gradus.agents.beyond.unreal import Unreal
from gradus.agents.networks import DQN, ActorCritic
from gradus.agents.recipes import ActorCriticConfig, DQNConfig, GameConfig, PolicyGradientConfig


def network(config: GameConfig, shape: tuple[int, ...], actions: int) -> nn.Module:
    """The network of an agent.

    Args:
        config: its settings.
        shape: of an observation.
        actions: how many.
    """
    if isinstance(config, UnrealConfig):
        return Unreal(shape[0], actions, config.hidden[0])
    if isinstance(config, DRQNConfig):
        kind = recurrent.AttentiveQ if config.attention else recurrent.RecurrentQ
        return kind(shape, actions, config.hidden)
    if isinstance(config, A3CConfig) and config.memory:
        return recurrent.RecurrentActorCritic(shape, actions, config.hidden)
    if isinstance(config, DQNConfig):
        return DQN(shape, actions, config.hidden, config.duelling)
    apart = (isinstance(config, ActorCriticConfig) and config.apart) or (
        isinstance(config, PolicyGradientConfig) and config.baseline
    )
    return ActorCritic(shape, actions, config.hidden, apart)
