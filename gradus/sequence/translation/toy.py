"""A made-up language pair that needs no download: French of a few words, adjectives after nouns."""

import random
from collections.abc import Iterator

from gradus.data.pairs import Pair, Part, part_of

NOUNS = {
    "dog": ("chien", "m"),
    "cat": ("chat", "m"),
    "boy": ("garçon", "m"),
    "girl": ("fille", "f"),
    "car": ("voiture", "f"),
    "table": ("table", "f"),
    "house": ("maison", "f"),
    "ball": ("ballon", "m"),
}
ADJECTIVES = {
    "red": ("rouge", "rouge"),
    "black": ("noir", "noire"),
    "green": ("vert", "verte"),
    "blue": ("bleu", "bleue"),
    "white": ("blanc", "blanche"),
}
VERBS = {"sees": "voit", "likes": "aime", "follows": "suit", "finds": "trouve"}
SEEDS: dict[Part, int] = {"train": 0, "validation": 1, "test": 2}


def toy_pairs(part: Part, pairs: int) -> Iterator[Pair]:
    """Pairs such as ("The red car follows a dog.", "La voiture rouge suit un chien.").

    Args:
        part: each has its own.
        pairs: how many; parts share no source sentence.
    """
    draw = random.Random(SEEDS[part])
    given = 0
    while given < pairs:
        (one, un), (other, autre) = _phrase(draw), _phrase(draw)
        verb = draw.choice(list(VERBS))
        source = f"{one[0].upper()}{one[1:]} {verb} {other}."
        if part_of(source) == part:
            given += 1
            yield source, f"{un[0].upper()}{un[1:]} {VERBS[verb]} {autre}."


def _phrase(draw: random.Random) -> tuple[str, str]:
    """A noun with an article and perhaps an adjective, in both languages."""
    noun, (nom, gender) = draw.choice(list(NOUNS.items()))
    article = draw.choice(("the", "a"))
    le = {"the": ("le", "la"), "a": ("un", "une")}[article][gender == "f"]
    if draw.random() < 0.4:
        return f"{article} {noun}", f"{le} {nom}"
    adjective, forms = draw.choice(list(ADJECTIVES.items()))
    return f"{article} {adjective} {noun}", f"{le} {nom} {forms[gender == 'f']}"
