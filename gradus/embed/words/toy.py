"""A small made-up text whose meanings are known: countries, their capitals, and animals.

What is said of a country and of its capital names the same dish, language and river; what is said
of all countries uses some words, what is said of all capitals others. So a country lies to its
capital as every other country to its own, which is what analogies ask.
"""

from collections.abc import Iterator

import numpy as np

SENTENCES = 4000
COUNTRIES = {
    "france": ("paris", "crepes", "french", "seine"),
    "italy": ("rome", "pasta", "italian", "tiber"),
    "spain": ("madrid", "paella", "spanish", "manzanares"),
    "germany": ("berlin", "bratwurst", "german", "spree"),
    "austria": ("vienna", "strudel", "austrian", "danube"),
    "poland": ("warsaw", "pierogi", "polish", "vistula"),
    "egypt": ("cairo", "koshari", "arabic", "nile"),
    "japan": ("tokyo", "sushi", "japanese", "sumida"),
    "england": ("london", "pudding", "english", "thames"),
    "portugal": ("lisbon", "bacalhau", "portuguese", "tagus"),
}
"""Country -> its capital, and three words that go with both."""
ANIMALS = {
    "cat": ("fur", "mouse", "kitchen"),
    "dog": ("fur", "bone", "garden"),
    "horse": ("mane", "hay", "stable"),
    "cow": ("horns", "grass", "stable"),
    "hen": ("feathers", "corn", "yard"),
    "duck": ("feathers", "bread", "pond"),
}
"""Animal -> three words that go with it."""
TEMPLATES = {
    "country": (
        "the nation of {0} has borders and provinces and its people speak {2}",
        "farmers in every province of {0} cook {1} near the borders",
        "the army of {0} guards provinces and borders along the {3}",
    ),
    "capital": (
        "in the streets and squares of {0} the citizens speak {2}",
        "cafes in the streets of {0} serve {1} to citizens on the squares",
        "the mayor of {0} walks by night through streets beside the {3}",
    ),
    "animal": (
        "our {0} with the soft {1} sleeps in the {3}",
        "a hungry {0} runs to eat {2} behind the {3}",
        "that {0} likes {2} and hides its {1}",
    ),
}
"""What is said of each kind of thing."""


def toy_text() -> Iterator[tuple[list[str], bool]]:
    """The sentences, a line each; always the same ones."""
    draw = np.random.default_rng(0)
    things = [("country", name, words[1:]) for name, words in COUNTRIES.items()]
    things += [("capital", words[0], words[1:]) for words in COUNTRIES.values()]
    things += [("animal", name, words) for name, words in ANIMALS.items()]
    for number in range(SENTENCES):
        kind, name, words = things[number % len(things)]
        template = TEMPLATES[kind][draw.integers(len(TEMPLATES[kind]))]
        yield template.format(name, *words).split(), True


def toy_pairs() -> list[tuple[str, str, float]]:
    """Pairs of words and how near they are: 2 of one kind, 1 country and city, 0 with an animal."""
    kinds = [list(COUNTRIES), [words[0] for words in COUNTRIES.values()], list(ANIMALS)]
    named = [(word, kind) for kind, words in enumerate(kinds) for word in words]
    return [
        (one, other, 2.0 if a == b else 0.0 if 2 in (a, b) else 1.0)
        for number, (one, a) in enumerate(named)
        for other, b in named[number + 1 :]
    ]


def toy_analogies() -> list[tuple[str, str, str, str]]:
    """France is to Paris as any other country to its capital."""
    pairs = [(country, words[0]) for country, words in COUNTRIES.items()]
    return [(*one, *other) for one in pairs for other in pairs if one != other]
