"""From a config to the net it describes: config in, plain numbers out."""

from gradus.nn.mlp import MLP
from gradus.surface.recipes import DeepConfig


def deep_net(config: DeepConfig, features: int, classes: int) -> MLP:
    """The deep net of a config, for inputs of `features` numbers and so many classes."""
    numbers = {"std": config.init_std} if config.init == "normal" else {}
    sizes = (features, *config.hidden, classes)
    return MLP(sizes, config.activation, init=config.init, **numbers)
