"""A text as sentences and words.

The room: gradus.sequence.tokenise.
"""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gradus.sequence.tokenise import tokenise, words_of


@given(st.text(st.sampled_from("aB1 .,!?'’-\n\"(:/@#…é😀\u0301\u200d")) | st.text())
def test_nothing_but_white_space_is_lost(text):
    tokens = [token for sentence in tokenise(text) for token in sentence]
    assert all(text[t.start : t.end] == t.word for t in tokens)
    assert all(token.word and not any(c in " \n\t" for c in token.word) for token in tokens)
    assert [a.end <= b.start for a, b in itertools.pairwise(tokens)].count(False) == 0
    left = "".join(text.split())
    assert "".join("".join(t.word for t in tokens).split()) == left


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("don't can't won’t", "do n't ca n't wo n’t"),
        ("cannot gonna dont", "can not gon na do nt"),
        ("it's I'm we've they'll he'd", "it 's I 'm we 've they 'll he 'd"),
        ("O'Connell's", "O'Connell 's"),
        ("a 15-year-old e-mail from a non-smoker", "a 15 - year - old e-mail from a non-smoker"),
        ("U.S. Mr. Smith, Jr. Inc.", "U.S. Mr. Smith , Jr. Inc."),
        ("$1,000.50 at 5:30pm on 11/28/2000", "$ 1,000.50 at 5:30 pm on 11/28/2000"),
        ("the 1980s, 20th; 50% of 35mm", "the 1980s , 20th ; 50 % of 35 mm"),
        ("see http://a.org/b?c=1. Or a.b@c.com!", "see http://a.org/b?c=1 . Or a.b@c.com !"),
        ("Wow!!! Really?! Well... yes -- no", "Wow !!! Really ?! Well ... yes -- no"),
        ("nice :) and ;-) 👍🏽 👩‍💻 🇫🇷", "nice :) and ;-) 👍🏽 👩‍💻 🇫🇷"),
        ('"Yes," (he) said.', '" Yes , " ( he ) said .'),
        ("AT&T and report.doc", "AT&T and report.doc"),
        ("café naïve cafe\u0301", "café naïve cafe\u0301"),
        ("日本語 です。", "日本語 です 。"),
    ],
)
def test_words(text, words):
    assert [word for sentence in words_of(text) for word in sentence] == words.split(" ")


@pytest.mark.parametrize(
    ("text", "n"),
    [
        ("One. Two! Three? Four", 4),
        ("Mr. Smith met Dr. Jones.", 1),
        ("He lives in the U.S. He is old.", 2),
        ("He lives in the U.S. with Ann.", 1),
        ("Prices rose 5.3 percent. Then they fell.", 2),
        ("Well... he said so. (He did.) Good.", 3),
        ('"Stop!" he cried. "Why?"', 2),
        ("1. Wash it. 2. Dry it.", 2),
        ("A Heading\nThen a text.", 2),
        ("a line that was cut\nfor its width", 1),
        ("one\n\ntwo", 2),
        ("Great :) Thanks!", 1),
        ("Great! :) Thanks!", 2),
    ],
)
def test_sentences(text, n):
    assert len(tokenise(text)) == n, tokenise(text)


@pytest.mark.parametrize("text", ["", " \n\t\n"])
def test_a_text_without_words_has_no_sentence(text):
    assert tokenise(text) == []


def test_long_input_takes_time_in_proportion():
    assert len(tokenise("a" * 50_000)) == 1
    assert len(tokenise("word " * 10_000)[0]) == 10_000
    assert len(tokenise("." * 20_000)) == 1
    assert len(words_of("a.b-" * 5_000)) == 1
    assert sum(map(len, tokenise("x'" * 5_000))) > 1
