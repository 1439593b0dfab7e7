"""From a config to the net it describes: config in, plain numbers out."""

from gradus.neurons.recipes import NetConfig
from gradus.nn.mlp import MLP


def net(config: NetConfig, features: int, classes: int) -> MLP:
    """The feed-forward net of a config, for inputs of `features` numbers and so many classes."""
    sizes = (features, *config.hidden, classes)
    return MLP(sizes, config.activation, config.dropout, config.init)
