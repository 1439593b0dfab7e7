"""What chapter 7 of the book has on tagging, beside what is right. The page is docs/errata.md."""

import numpy as np
import pytest

from gradus.data.conll import Tagged
from gradus.sequence.tagging.cache import keys_of
from gradus.sequence.tagging.data import load_text, tags_of
from gradus.sequence.tagging.features import make_lexicon
from gradus.sequence.tagging.windows import make_windows

PAIRS = [("He", "PRP"), ("left", "VBD"), (".", "."), ("She", "PRP"), ("stayed", "VBD"), (".", ".")]
SENTENCES = [Tagged(("He", "left", "."), ("PRP", "VBD", ".")), Tagged(("She",), ("PRP",))]


# Wrong


def test_a_tagger_is_tested_on_text_that_it_has_not_seen():
    """What was learnt by heart is right on the training file, and not on another."""
    text = load_text("toy", 50)
    known = {w: t for s in text.train for w, t in zip(s.words, s.tags, strict=True)}

    def accuracy(sentences):
        pairs = [pair for s in sentences for pair in zip(s.words, s.tags, strict=True)]
        return np.mean([known.get(word) == tag for word, tag in pairs])

    assert accuracy(text.train) > 0.95  # both lists of the listing come from this file
    assert accuracy(text.test()) < 0.7


def test_tags_are_numbered_by_their_own_count_not_by_the_tokens():
    numbers = {}
    for counter, (_, tag) in enumerate(PAIRS * 9 + [("Oh", "UH")]):
        if tag not in numbers:
            numbers[tag] = counter
    assert numbers["UH"] == 54  # the number of the token at which it was first seen
    with pytest.raises(IndexError):
        np.eye(len(numbers))[numbers["UH"]]
    assert tags_of(SENTENCES) == [".", "PRP", "VBD"]


def test_a_window_ends_with_its_sentence():
    words = [word for word, _ in PAIRS]
    printed = [words[i : i + 3] for i in range(len(words) - 2)]
    assert printed[1] == ["left", ".", "She"]  # She is named by the sentence before
    assert len(printed) == len(words) - 2  # and the first two words of the text by none
    lexicon = make_lexicon(words, 0, 0)
    text = [words[:3], words[3:]]
    found = make_windows(text, lexicon.rows, lexicon.edge, 2, 0)
    assert len(found.places) == len(words)
    assert found.rows()[3].tolist() == [lexicon.edge, lexicon.edge, lexicon.rows("She")]


def test_names_are_joined_by_an_underscore():
    model = {"New_York", "in"}
    assert "New" + " " + "York" not in model
    assert keys_of(["in", "New", "York"], model) == ["in", "New_York", "New_York"]


# To be read with care


def test_joining_words_of_one_tag_looks_at_the_answer():
    """Two readings of a text, two preparations of it: the tags must be known before."""

    def printed(pairs, model):
        joined, at = [], 0
        while at < len(pairs):
            word, tag = pairs[at]
            after, its_tag = pairs[at + 1] if at + 1 < len(pairs) else ("", "")
            together = f"{word}_{after}" in model and tag == its_tag
            joined.append(f"{word}_{after}" if together else word)
            at += 2 if together else 1
        return joined

    model = {"Ford_Drives"}
    assert printed([("Ford", "NNP"), ("Drives", "NNP")], model) == ["Ford_Drives"]
    assert printed([("Ford", "NNP"), ("Drives", "VBZ")], model) == ["Ford", "Drives"]
    assert keys_of(["Ford", "Drives"], model) == ["Ford_Drives"] * 2


def test_splitting_words_at_dashes_changes_what_is_counted():
    """One word of the file becomes several, each right or wrong by itself."""
    word, tag = "New-York-based", "JJ"
    pieces = [(piece, tag) for piece in word.replace("-", "_").split("_")]
    assert len(pieces) == 3
    assert keys_of([word], {"based"}) == ["based"]
