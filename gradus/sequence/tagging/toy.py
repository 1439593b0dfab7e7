"""A made-up text with tags, for a start without a download.

Its words are invented, most of them seen once or twice: their endings tell what they are, and where
these do not, the words around do. A word in -s is a noun after "the" and a verb after a noun.

    the small blickers quickly soaned a dref .      DT JJ NNS RB VBD DT NN .
"""

import random

from gradus.data.conll import Tagged

SYLLABLES = ("bli", "cro", "dre", "fla", "gu", "ko", "lem", "mi", "no", "pra", "sho", "ti", "va")
ENDS = ("ck", "f", "n", "m", "rt", "lk", "p", "sh")
PHRASE = (("DT", "JJ", "NN"), ("DT", "NN"), ("DT", "JJ", "NNS"), ("PRP$", "NN"), ("NNP",))
"""What can be spoken of."""
VERBS = {"VBD": "{}ed", "VBZ": "{}s", "MD VB": "will {}"}
CLOSED = {"DT": ("the", "a", "this"), "PRP$": ("her", "his"), "IN": ("with", "near", "for")}


def toy_sentences(n: int, seed: int = 0) -> list[Tagged]:
    """Made-up sentences of 4 to 16 words with the tags of the Penn Treebank, 12 of them.

    Args:
        n: how many, ≥ 1.
        seed: the sentences depend on it and n alone.
    """
    draw = random.Random(seed).choice

    def stem() -> str:
        return draw(SYLLABLES) + draw(SYLLABLES) + draw(ENDS)

    def word(tag: str) -> str:
        if tag in CLOSED:
            return draw(CLOSED[tag])
        shape = {"JJ": "{}ous", "NNS": "{}s", "RB": "{}ly", "NNP": "{}"}.get(tag, "{}")
        made = shape.format(stem())
        return made.capitalize() if tag == "NNP" else made

    def phrase() -> list[tuple[str, str]]:
        return [(word(tag), tag) for tag in draw(PHRASE)]

    def verb() -> list[tuple[str, str]]:
        kind = draw(list(VERBS))
        return list(zip(VERBS[kind].format(stem()).split(), kind.split(), strict=True))

    found = []
    for _ in range(n):
        pairs = phrase() + ([(word("RB"), "RB")] if draw(("", "adverb")) else []) + verb()
        pairs += phrase()
        if draw(("", "more")):
            pairs += [(word("IN"), "IN"), *phrase()]
        pairs.append((".", "."))
        words, tags = zip(*pairs, strict=True)
        found.append(Tagged(words, tags))
    return found
