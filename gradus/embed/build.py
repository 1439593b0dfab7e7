"""From a config of chapter 6 to the network it describes: config in, plain numbers out."""

from torch import nn

from gradus.embed.autoencoder import Autoencoder
from gradus.embed.hashing import Bits
from gradus.embed.recipes import (
    AutoencoderConfig,
    CirclesConfig,
    HashingConfig,
    KSparseConfig,
    SparseConfig,
)
from gradus.embed.sparse import KLargest


def autoencoder(config: AutoencoderConfig, features: int) -> Autoencoder:
    """The autoencoder of a config, for inputs of so many features in [0, 1]."""
    sizes = (features, *config.hidden, config.code)
    return Autoencoder(sizes, norm=config.norm, code=code_of(config), jitter=config.jitter)


def code_of(config: AutoencoderConfig) -> nn.Module | None:
    """What is done to the code's logits; None: nothing."""
    match config:
        case SparseConfig():
            return nn.Sigmoid()
        case KSparseConfig():
            return KLargest(config.k)
        case HashingConfig():
            return Bits(config.noise)
    return None


def circle_net(config: CirclesConfig) -> Autoencoder:
    """The autoencoder for points of a plane."""
    sizes = (2, *config.hidden, config.code)
    return Autoencoder(sizes, config.activation, norm=0, output="linear")
