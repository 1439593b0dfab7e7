"""From a config to the network it describes."""

from gradus.memory.dnc import DNC
from gradus.memory.ntm import NTM
from gradus.memory.recipes import AlgorithmConfig, DNCConfig, NTMConfig, StoryConfig, StoryDNCConfig
from gradus.memory.story_reader import LSTMNet, StoryReader
from gradus.memory.tasks import PROBLEMS


def algorithm_net(config: AlgorithmConfig) -> NTM | DNC:
    """The network that learns an algorithm."""
    problem = PROBLEMS[config.problem]
    inputs, outputs = config.bits + problem.more_inputs, config.bits + problem.more_outputs
    if isinstance(config, NTMConfig):
        return NTM(
            inputs,
            outputs,
            locations=config.locations,
            width=config.width,
            reads=config.reads,
            writes=config.writes,
            hidden=config.hidden,
            controller=config.controller,
            shift=config.shift,
        )
    return DNC(
        inputs,
        outputs,
        locations=config.locations,
        width=config.width,
        reads=config.reads,
        hidden=config.hidden,
        controller=config.controller,
        deallocate=isinstance(config, DNCConfig) and config.deallocate,
        compiled=isinstance(config, DNCConfig) and config.compiled,
    )


def story_net(config: StoryConfig, words: int) -> StoryReader:
    """The network that answers questions on stories of so many different words."""
    if not isinstance(config, StoryDNCConfig):
        return StoryReader(LSTMNet(words, words, config.hidden), words)
    network = DNC(
        words,
        words,
        locations=config.locations,
        width=config.width,
        reads=config.reads,
        hidden=config.hidden,
        masked=config.masked,
        deallocate=config.deallocate,
        sharpened=config.sharpened,
        normalised=config.normalised,
        bypass_dropout=config.bypass_dropout,
        recompute=config.recompute,
        compiled=config.compiled,
    )
    return StoryReader(network, words)
