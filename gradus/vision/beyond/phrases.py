"""Sentences whose meaning lies in neighbouring words, for convolution over text (book ch. 5).

Every sentence says that one thing was very … and another was not …. A good thing praised and a bad
one denied make it positive, the reverse negative, and praise of both kinds mixed:

    the soup was very tasty ... the waiter was not rude        positive
    the soup was not tasty ... the waiter was very rude        negative
    the soup was very tasty ... the music was not lovely       mixed

The first two have the same words. Which of them a sentence is, its words alone do not tell, only
which ones stand side by side.
"""

import re
from collections.abc import Callable, Sequence
from typing import TypeVar

import torch
from jaxtyping import Int64
from torch import Tensor

from gradus.core.errors import UsageError
from gradus.vision.beyond.parts import generator_of

CLASSES = ("positive", "negative", "mixed")
LENGTH = 32  # words of a sentence, the places after its end filled with 0

GOOD = ("good", "great", "lovely", "tasty", "friendly", "clean", "fresh", "quick")
BAD = ("bad", "awful", "bland", "rude", "dirty", "stale", "slow", "cold")
THINGS = ("soup", "bread", "fish", "coffee", "cake", "salad", "waiter", "cook", "table", "music")
FILLERS = (
    "we went there on friday",
    "with old friends",
    "after work",
    "not far from home",
    "it was very late",
    "as always",
    "they say",
    "this time",
    "and in the evening",
    "we did not wait",
    "for my birthday",
    "very early in the year",
    "not for the first time",
    "near the station",
)
"""What is said besides; not and very stand here too."""
JOINTS = ("and", "while", "but")

CHOICES = {
    "positive": (("very", GOOD, "not", BAD),),
    "negative": (("not", GOOD, "very", BAD),),
    "mixed": (("very", GOOD, "not", GOOD), ("very", BAD, "not", BAD)),
}
"""What a sentence of a class says of two things."""

T = TypeVar("T")


def vocabulary() -> list[str]:
    """Every word that a sentence may have, in alphabetical order; number 0 is no word."""
    words = {word for phrase in FILLERS for word in phrase.split()}
    return ["", *sorted(words.union(GOOD, BAD, THINGS, JOINTS, ("the", "was", "very", "not")))]


def sentences(n: int, part: str = "train") -> tuple[list[str], Int64[Tensor, "n"]]:
    """Sentences of 11 to 26 words, and the number of each one's class.

    Args:
        n: how many, ≥ 1; the classes take turns.
        part: `train`, `validation` or `test`; the sentences depend on it and n alone.

    Returns:
        sentences in lower case without stops, and indices into `CLASSES`.
    """
    generator = generator_of(part)

    def draw(below: int) -> int:
        return int(torch.randint(below, (), generator=generator))

    labels = torch.arange(n) % len(CLASSES)
    return [_sentence(CLASSES[i], draw) for i in labels.tolist()], labels


def _sentence(kind: str, draw: Callable[[int], int]) -> str:
    """One sentence; `draw(n)` gives a number below n."""
    first, one, second, other = pick(CHOICES[kind], draw)
    statements = [
        f"the {pick(THINGS, draw)} was {how} {pick(words, draw)}"
        for how, words in ((first, one), (second, other))
    ]
    if draw(2):
        statements.reverse()
    before, between, after = (f"{pick(FILLERS, draw)} " * draw(2) for _ in range(3))
    joint = pick(JOINTS, draw)
    return f"{before}{statements[0]} {between}{joint} {statements[1]} {after}".strip()


def pick(options: Sequence[T], draw: Callable[[int], int]) -> T:
    """One of the options, each as likely."""
    return options[draw(len(options))]


def words_of(sentence: str) -> list[str]:
    """The words of a sentence in lower case, without stops."""
    return re.findall(r"[a-z']+", sentence.lower())


def encode(sentence: str, words: Sequence[str]) -> Int64[Tensor, "32"]:
    """The numbers of a sentence's words, filled up with 0.

    Args:
        sentence: up to 32 words; case and stops do not matter.
        words: the vocabulary; a word that is not in it becomes 0.

    Raises:
        UsageError: there are too many words, or none that is known.
    """
    numbers = {word: number for number, word in enumerate(words)}
    found = [numbers.get(word, 0) for word in words_of(sentence)]
    if len(found) > LENGTH:
        raise UsageError(f"a sentence must have at most {LENGTH} words, got {len(found)}")
    if not any(found):
        raise UsageError(f"a sentence must have words that the training had, got {sentence!r}")
    return torch.tensor(found + [0] * (LENGTH - len(found)))


def unknown(sentence: str, words: Sequence[str]) -> list[str]:
    """The words of a sentence that are not in the vocabulary."""
    return [word for word in words_of(sentence) if word not in words]
