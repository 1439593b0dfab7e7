"""Neighbours, analogies, and the questions that vectors are judged by.

The rooms: gradus.data.vectors and gradus.embed.words.questions.
"""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import spearmanr

from gradus.core.errors import DataError, UsageError
from gradus.data.vectors import WordVectors
from gradus.embed.words.questions import (
    Questions,
    analogy_hits,
    load_questions,
    read_analogies,
    read_pairs,
    similarity,
    spearman,
    unit,
)

WORDS = ["man", "woman", "king", "queen", "apple"]
VECTORS = np.array([[1, 0, 0.1], [0, 1, 0.1], [1, 0, 2], [0, 1, 2], [-1, -1, 0]], np.float32)


@pytest.fixture
def vectors():
    return WordVectors(WORDS, VECTORS)


def test_neighbours_are_by_cosine_not_by_length(vectors):
    near = vectors.neighbours("king", 4)
    cosine = VECTORS @ VECTORS[2] / np.linalg.norm(VECTORS, axis=1) / np.linalg.norm(VECTORS[2])
    order = [WORDS[i] for i in np.argsort(-cosine) if WORDS[i] != "king"]
    assert [n.word for n in near] == order
    np.testing.assert_allclose([n.similarity for n in near], sorted(cosine)[-2::-1], rtol=1e-5)
    longer = WordVectors(WORDS, VECTORS * np.array([[1], [50], [3], [0.1], [2]], np.float32))
    assert [n.word for n in longer.neighbours("king", 4)] == order


def test_analogies_leave_out_what_was_asked(vectors):
    assert vectors.analogy("man", "woman", "king", 1)[0].word == "queen"
    words = [n.word for n in vectors.analogy("man", "woman", "king", 2)]
    assert not {"man", "woman", "king"} & set(words)
    with pytest.raises(UsageError, match=r"number must be in \[1, 2\], got 3"):
        vectors.analogy("man", "woman", "king", 3)


def test_an_unknown_word_is_told_with_the_closest_spellings(vectors):
    with pytest.raises(UsageError, match=r"'quen' is not among the 5 words .*mean queen"):
        vectors.neighbours("quen")
    with pytest.raises(UsageError, match=r"'zzz' is not among the 5 words of this vocabulary$"):
        vectors["zzz"]
    np.testing.assert_array_equal(vectors["King"], VECTORS[2])
    with pytest.raises(UsageError, match="a vector for each of the 2 words, got 5"):
        WordVectors(["a", "b"], VECTORS)


def test_a_zero_vector_is_near_nothing():
    found = WordVectors(["a", "b", "c"], np.array([[1, 0], [0, 0], [1, 1]], np.float32))
    assert found.neighbours("a", 2)[1] == ("b", 0.0)


@given(st.lists(st.tuples(st.integers(0, 4), st.floats(-3, 3)), min_size=3, max_size=30))
def test_spearman_is_scipys(pairs):
    x, y = np.array(pairs).T
    if np.ptp(x) == 0 or np.ptp(y.astype(np.float32)) == 0:
        return
    expected = spearmanr(x, y.astype(np.float32)).statistic
    found = spearman(torch.tensor(x).float(), torch.tensor(y).float())
    assert float(found) == pytest.approx(expected, abs=1e-6)


def test_similarity_and_analogies_by_hand():
    questions = Questions(
        torch.tensor([[0, 2], [0, 1], [0, 4]]),
        torch.tensor([9.0, 5.0, 1.0]),
        torch.tensor([[0, 1, 2, 3], [0, 1, 2, 4]]),
        1,
        3,
        2,
    )
    vectors = torch.from_numpy(VECTORS)
    assert float(similarity(vectors, questions)) == pytest.approx(1.0)
    assert analogy_hits(vectors, questions).tolist() == [1.0, 0.0]
    np.testing.assert_allclose(unit(vectors).norm(dim=1), 1, rtol=1e-6)
    assert unit(torch.zeros(2, 3)).tolist() == [[0.0] * 3] * 2


def test_questions_with_unknown_words_are_not_asked():
    words = ["paris", "france", "rome", "italy", "cat"]
    found = load_questions(words, "toy")
    assert len(found.analogies) == 2
    assert len(found.pairs) == 10
    assert found.of_pairs == 26 * 25 // 2
    assert found.of_analogies == 90
    none = load_questions(["one", "two"], "toy")
    assert (len(none.pairs), len(none.analogies)) == (0, 0)
    assert analogy_hits(torch.zeros(2, 3), none).tolist() == []


def test_a_damaged_list_of_questions_is_refused(tmp_path):
    path = tmp_path / "questions"
    path.write_text(": capital\na b c d\n: gram1\nA B C D\nE F G\n")
    with pytest.raises(DataError, match="line 5: four words expected, found 3"):
        read_analogies(path)
    path.write_text(": capital\na b c d\n: gram1\nA B C D\n")
    assert read_analogies(path) == ([("a", "b", "c", "d")], [("a", "b", "c", "d")])
    path.write_text("one,two,mean\na,b,much\n")
    with pytest.raises(DataError, match="no list of word pairs"):
        read_pairs(path)


@pytest.mark.data
def test_the_real_questions(real_data, monkeypatch):
    monkeypatch.setenv("GRADUS_DATA", str(real_data))
    found = load_questions(["tiger", "cat", "good", "better", "bad", "worse"], "imdb")
    assert (found.of_pairs, found.of_analogies) == (353, 19_544)
    assert found.pairs.tolist() == [[0, 1], [0, 0]]  # a tiger is like a cat, and like a tiger
    assert found.judged.tolist() == pytest.approx([7.35, 10])
    assert len(found.analogies) == found.syntactic == 2
