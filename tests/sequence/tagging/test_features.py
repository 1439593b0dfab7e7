"""What a word shows, the rows that stand for it, and the windows of a text.

The rooms: gradus.sequence.tagging.features, gradus.sequence.tagging.windows,
gradus.sequence.tagging.toy.
"""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from gradus.core.errors import RunError
from gradus.sequence.tagging.features import (
    EDGE,
    LEXICAL,
    UNKNOWN,
    features,
    make_lexicon,
    read_lexicon,
    shape_of,
)
from gradus.sequence.tagging.toy import toy_sentences
from gradus.sequence.tagging.windows import Reader, make_windows

words = st.text("abA1-é", min_size=1, max_size=5)
texts = st.lists(st.lists(words, max_size=5), max_size=4)


@pytest.mark.parametrize(
    ("word", "shape"),
    [("iPhone", "xXxx"), ("USA", "XX"), ("1990s", "ddx"), ("--", "--"), ("café", "xx")],
)
def test_shapes(word, shape):
    assert shape_of(word) == shape


def test_short_words_have_no_long_ends():
    assert features("it", 3, 3)[3:] == ["^1:i", "^2:it", "", "$1:t", "$2:it", ""]
    assert features("1,5", 0, 0) == ["word:#,#", "lower:#,#", "shape:d,d"]


def test_the_first_columns_know_the_word_and_no_other_does():
    kinds = [name.split(":")[0] for name in features("Some", 2, 2)]
    assert kinds[:LEXICAL] == ["word", "lower"]
    assert not {"word", "lower"} & set(kinds[LEXICAL:])


@given(st.lists(words, min_size=1), st.integers(1, 3), st.integers(0, 2), st.integers(0, 2))
def test_a_lexicon_has_what_stands_often_enough_and_survives_its_file(text, least, pre, suf):
    lexicon = make_lexicon(text, pre, suf, least)
    counts = {}
    for word in text:
        for feature in filter(None, features(word, pre, suf)):
            counts[feature] = counts.get(feature, 0) + 1
    assert set(lexicon.names[2:]) == {f for f, n in counts.items() if n >= least}
    again = read_lexicon(lexicon.text(), "features.txt")
    assert all(again.rows(word) == lexicon.rows(word) for word in [*text, "zz"])
    assert len(lexicon.rows("zz")) == len(lexicon.edge) == lexicon.columns
    assert not lexicon.knows("zz")


def test_a_damaged_lexicon_is_named():
    with pytest.raises(RunError, match=r"features\.txt is damaged"):
        read_lexicon("word:a\n", "features.txt")


@given(texts, st.integers(0, 3), st.integers(0, 3))
def test_windows_are_those_of_a_loop_and_stay_inside_their_sentence(text, before, after):
    lexicon = make_lexicon([w for s in text for w in s] or ["a"], 1, 1)
    found = Reader(lexicon, before, after).windows(text).rows()
    expected = []
    for sentence in text:
        rows = [lexicon.rows(word) for word in sentence]
        for i in range(len(sentence)):
            places = range(i - before, i + after + 1)
            expected.append([rows[j] if 0 <= j < len(sentence) else lexicon.edge for j in places])
    shape = (len(expected), before + 1 + after, lexicon.columns)
    assert found.shape == shape
    torch.testing.assert_close(
        found, torch.tensor(expected, dtype=torch.int32).reshape(shape), rtol=0, atol=0
    )


def test_the_edge_is_no_word():
    lexicon = make_lexicon(["a"], 0, 0)
    assert lexicon.edge == [EDGE, UNKNOWN, UNKNOWN]
    assert EDGE not in lexicon.rows("a")
    windows = make_windows([["a"]], lexicon.rows, lexicon.edge, 1, 0)
    assert windows.rows().tolist() == [[lexicon.edge, lexicon.rows("a")]]


def test_with_keys_the_last_column_says_which_vector():
    lexicon = make_lexicon(["New", "York"], 0, 0)
    reader = Reader(lexicon, 0, 0, ["", "York", "New_York"])
    last = reader.windows([["New", "York"], ["York", "zz"]]).rows()[:, 0, -1]
    assert last.tolist() == [2, 2, 1, 0]


def test_toy_sentences_are_the_same_each_time_and_need_their_context():
    made = toy_sentences(300, 1)
    assert made == toy_sentences(300, 1) != toy_sentences(300, 2)
    assert {len(s.words) == len(s.tags) for s in made} == {True}
    assert min(len(s.words) for s in made) >= 4
    assert max(len(s.words) for s in made) <= 16
    kinds = {t for s in made for w, t in zip(*s, strict=True) if w.endswith("s") and w[0].islower()}
    assert {"NNS", "VBZ"} <= kinds
