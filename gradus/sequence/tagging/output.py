"""A tagger's answers as lines of text: to read, or in columns."""

from collections.abc import Iterator, Sequence

from rich.text import Text

from gradus.data.answers import Answer

COLOURS = {
    "NN": "blue",
    "PROPN": "blue",
    "NOUN": "blue",
    "PRP": "cyan",
    "PRON": "cyan",
    "VB": "green",
    "MD": "green",
    "VERB": "green",
    "AUX": "green",
    "JJ": "magenta",
    "ADJ": "magenta",
    "RB": "yellow",
    "ADV": "yellow",
    "IN": "red",
    "TO": "red",
    "ADP": "red",
    "DT": "bright_black",
    "DET": "bright_black",
}
"""Beginning of a tag, of the Penn Treebank or of Universal Dependencies -> its colour."""


def plain(answers: Sequence[Answer]) -> Iterator[Text]:
    """A sentence a line, each word with its tag after a slash, coloured by the kind of word."""
    for answer in answers:
        for sentence in answer["sentences"]:
            line = Text()
            for number, token in enumerate(sentence):
                line.append(" " if number else "")
                line.append(token["word"], colour_of(token["tag"]))
                line.append(f"/{token['tag']}", "dim")
            yield line


def conll(answers: Sequence[Answer]) -> Iterator[Text]:
    """Word and tag in a line, an empty line after each sentence, as CoNLL-2000 has it."""
    for answer in answers:
        for sentence in answer["sentences"]:
            for token in sentence:
                yield Text(f"{token['word']} {token['tag']}")
            yield Text()


def colour_of(tag: str) -> str:
    """The colour of a tag's kind of word; "" for stops, numbers and the rest."""
    for length in (5, 4, 3, 2):
        if tag[:length] in COLOURS:
            return COLOURS[tag[:length]]
    return ""


FORMATS = {"plain": plain, "conll": conll}
"""Name -> function that makes lines of answers."""
