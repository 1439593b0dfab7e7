"""From a config to the parser it describes."""

from gradus.sequence.parsing.parser import Parser
from gradus.sequence.parsing.recipes import ParserConfig
from gradus.sequence.parsing.treebank import Vocabulary


def build(config: ParserConfig, vocabulary: Vocabulary) -> Parser:
    """The parser of a config, for a vocabulary."""
    return Parser(
        vocabulary.forms,
        len(vocabulary.tags) + 2 if vocabulary.tags else 0,
        len(vocabulary.labels),
        vector=config.vector,
        tag_vector=config.tag_vector,
        hidden=config.hidden,
        activation=config.activation,
        dropout=config.dropout,
        forget=config.forget,
        context=config.context,
    )
