"""Generated sentences: what they say, what their words alone tell, how they become numbers."""

import re
from collections import Counter

import pytest
import torch

from gradus.core.errors import UsageError
from gradus.vision.beyond.phrases import (
    BAD,
    CLASSES,
    GOOD,
    LENGTH,
    encode,
    sentences,
    unknown,
    vocabulary,
    words_of,
)
from gradus.vision.beyond.text_cnn import TextCNN

STATEMENT = re.compile(r"was (very|not) (" + "|".join((*GOOD, *BAD)) + r")\b")


def meaning(sentence):
    """What a reader makes of a sentence."""
    (one, first), (other, second) = STATEMENT.findall(sentence)
    praise = {(one == "very") == (first in GOOD), (other == "very") == (second in GOOD)}
    if {one, other} != {"very", "not"}:
        return None
    return "mixed" if len(praise) == 2 else "positive" if praise == {True} else "negative"


def test_sentences_mean_what_their_label_says():
    written, labels = sentences(600)
    assert [meaning(s) for s in written] == [CLASSES[i] for i in labels.tolist()]
    assert labels.bincount().tolist() == [200] * 3
    assert {len(words_of(s)) for s in written} <= set(range(11, 27))


def test_the_words_of_positive_and_negative_sentences_are_the_same():
    written, labels = sentences(3000)

    def counts(label):
        chosen = [s for s, i in zip(written, labels.tolist(), strict=True) if i == label]
        return Counter(word for s in chosen for word in words_of(s))

    positive, negative = counts(0), counts(1)
    assert positive.keys() == negative.keys()
    for word in positive:
        n, m = positive[word], negative[word]
        assert abs(n - m) < 5 * (n + m) ** 0.5, word


def test_sentences_depend_on_number_and_part_alone():
    assert sentences(30)[0] == sentences(30)[0]
    assert sentences(30)[0] != sentences(30, "validation")[0]


def test_the_vocabulary_has_every_word_once():
    words = vocabulary()
    assert words[0] == ""
    assert len(set(words)) == len(words)
    assert {w for s in sentences(1000)[0] for w in words_of(s)} == set(words[1:])


def test_words_become_numbers_whatever_their_case_and_stops():
    words = ["", "not", "rude", "very"]
    assert encode("Very RUDE, not: very!", words).tolist() == [3, 2, 1, 3] + [0] * (LENGTH - 4)
    assert encode("the waiter's very rude", words).tolist()[:5] == [0, 0, 3, 2, 0]
    assert unknown("the waiter's very rude", words) == ["the", "waiter's"]


def test_sentences_without_known_words_and_long_ones_are_refused():
    with pytest.raises(UsageError, match="words that the training had, got 'bonjour'"):
        encode("bonjour", vocabulary())
    with pytest.raises(UsageError, match="words that the training had, got '!'"):
        encode("!", vocabulary())
    with pytest.raises(UsageError, match="a sentence must have at most 32 words, got 33"):
        encode("very " * 33, vocabulary())


def test_a_filter_over_words_finds_its_phrase_wherever_it_stands():
    net = TextCNN(4, 3, 6, "conv 2x1 pad valid relu, pool all", 1).eval()
    with torch.no_grad():
        net.embedding.weight[1:] = torch.eye(3)
        net.network.conv_1.weight[:] = torch.tensor([[[1.0, 0], [0, 1], [0, 0]]])  # 1, then 2
        net.network.output.weight[:] = 1
        numbers = torch.tensor([[1, 2, 0, 0, 0, 0], [3, 3, 3, 1, 2, 0], [2, 1, 0, 0, 0, 0]])
        assert net(numbers).squeeze(1).tolist() == [2, 2, 1]


def test_no_word_is_a_zero_vector_and_stays_so():
    torch.manual_seed(0)
    net = TextCNN(5, 4, 6, "conv 3x8 relu, pool all", 2)
    net(torch.tensor([[1, 2, 0, 0, 0, 0]])).sum().backward()
    assert not net.embedding.weight[0].any()
    assert not net.embedding.weight.grad[0].any()
    assert net.embedding.weight[1:].std().item() == pytest.approx(1, abs=0.4)
