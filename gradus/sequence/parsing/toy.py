"""A treebank that is made up: short sentences of a small grammar, for tests and demonstrations."""

import random

from gradus.sequence.conllu import Row, Sentence

NOUNS = ("dog", "cat", "child", "taxi", "house", "soldier", "family", "river")
VERBS = {"saw": "VBD", "took": "VBD", "likes": "VBZ", "houses": "VBZ", "washed": "VBD"}
ADJECTIVES = ("old", "red", "complex", "single")
PREPOSITIONS = ("in", "near", "with")
Word = tuple[str, str, str, int, str]
"""Form, tag, universal tag, the head's distance (0: the root), label."""


def toy_sentences(n: int, seed: int = 0) -> list[Sentence]:
    """So many sentences, "the old dog saw a cat near the house."; all trees are projective.

    Args:
        n: how many.
        seed: they depend on it alone.
    """
    draw = random.Random(seed)
    return [_sentence(draw, number) for number in range(1, n + 1)]


def _sentence(draw: random.Random, number: int) -> Sentence:
    """Subject, verb, object, perhaps a place, full stop."""
    subject, verb, thing = _phrase(draw), draw.choice(sorted(VERBS)), _phrase(draw)
    words = [*subject, (verb, VERBS[verb], "VERB", 0, "root"), *thing]
    at = len(subject)
    words[at - 1] = (*words[at - 1][:3], 1, "nsubj")
    words[-1] = (*words[-1][:3], at + 1 - len(words), "obj")
    if draw.random() < 0.5:
        place = [(draw.choice(PREPOSITIONS), "IN", "ADP", 0, "case"), *_phrase(draw)]
        place[0] = (*place[0][:3], len(place) - 1, "case")
        words += place
        words[-1] = (*words[-1][:3], at + 1 - len(words), "obl")
    words.append((".", ".", "PUNCT", at - len(words), "punct"))
    rows = tuple(
        Row(
            str(i),
            form,
            form,
            universal,
            tag,
            head=str(i + distance if distance else 0),
            deprel=label,
            misc="SpaceAfter=No" if i == len(words) - 1 else "_",
        )
        for i, (form, tag, universal, distance, label) in enumerate(words, 1)
    )
    return Sentence(rows, (f"# sent_id = toy-{number}",))


def _phrase(draw: random.Random) -> list[Word]:
    """An article, perhaps an adjective, a noun; the noun's own head is still to be said."""
    described = draw.random() < 0.4
    words: list[Word] = [(draw.choice(("the", "a")), "DT", "DET", 1 + described, "det")]
    if described:
        words.append((draw.choice(ADJECTIVES), "JJ", "ADJ", 1, "amod"))
    return [*words, (draw.choice(NOUNS), "NN", "NOUN", 0, "")]
