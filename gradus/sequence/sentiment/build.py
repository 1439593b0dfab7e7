"""From a config to the network it describes, for reviews."""

from gradus.sequence.sentiment.reader import ReviewReader
from gradus.sequence.sentiment.recipes import ReviewConfig
from gradus.sequence.sentiment.reviews import FIRST


def build(config: ReviewConfig, words: int) -> ReviewReader:
    """The network for a vocabulary of so many words."""
    return ReviewReader(
        FIRST + words,
        config.vector,
        config.hidden,
        drop=config.dropout,
        drop_words=config.word_dropout,
        pool=config.pool,
        normalised=config.normalised,
    )
