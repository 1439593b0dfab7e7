"""What vectors of sentences are worth: telling praise from blame, finding the sentence after."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float, Int64

AMONG = 50
"""Sentences that the next one is looked for among, itself one of them."""
STRENGTHS = (0.01, 0.1, 1.0, 10.0)
"""Inverse strengths C of the penalty to choose from, by three parts of the training passages."""

Judged = tuple[np.ndarray, np.ndarray, np.ndarray]
"""Vectors of sentences "n d", where each passage begins among them and the last ends, labels."""


def bags(
    sentences: Sequence[np.ndarray], size: int, words: int
) -> Float[np.ndarray, "sentences size"]:
    """How often each of the `size` most frequent words stands in each sentence.

    Args:
        sentences: numbers of words, the most frequent the lowest.
        size: numbers in a bag.
        words: of the vocabulary.
    """
    from gradus.sequence.translation.tokens import SPECIAL

    found = np.zeros((len(sentences), min(size, words)), np.float32)
    for row, sentence in zip(found, sentences, strict=True):
        kept = np.asarray(sentence) - len(SPECIAL)
        np.add.at(row, kept[(kept >= 0) & (kept < len(row))], 1)
    return found


def passage_means(
    vectors: Float[np.ndarray, "n d"], firsts: Int64[np.ndarray, "passages_and_one"]
) -> Float[np.ndarray, "passages d"]:
    """The mean vector of each passage."""
    sums = np.add.reduceat(vectors.astype(np.float64), firsts[:-1], axis=0)
    return sums / np.diff(firsts)[:, None]


def probe_accuracy(learned: Judged, judged: Judged) -> float:
    """The share of passages whose label a logistic regression on their mean vector tells.

    Args:
        learned: what it learns from; the strength of its penalty is chosen within these.
        judged: what it is judged by.
    """
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import GridSearchCV
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    classifier = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000))
    probe = GridSearchCV(classifier, {"logisticregression__C": STRENGTHS}, cv=3)
    probe.fit(passage_means(*learned[:2]), learned[2])
    return float(probe.score(passage_means(*judged[:2]), judged[2]))


def found_among(
    vectors: Float[np.ndarray, "n d"],
    firsts: Int64[np.ndarray, "passages_and_one"],
    among: int = AMONG,
) -> float:
    """The share of sentences to whose vector, by cosine, the sentence after is nearest.

    It is looked for among itself and sentences drawn from all passages, after the mean of all was
    taken from each vector; equal cosines count half.

    Args:
        vectors: of sentences in their order.
        firsts: where passages begin.
        among: how many are looked at.
    """
    apart = vectors - vectors.mean(0)
    unit = apart / np.maximum(np.linalg.norm(apart, axis=1, keepdims=True), 1e-12)
    last = set((firsts[1:] - 1).tolist())
    asked = np.array([i for i in range(len(unit)) if i not in last])
    draw = np.random.default_rng(0)
    others = draw.integers(0, len(unit) - 2, (len(asked), among - 1))
    others += others >= asked[:, None]  # neither the sentence itself
    others += others >= asked[:, None] + 1  # nor the one after it
    right = (unit[asked] * unit[asked + 1]).sum(1)
    wrong = np.einsum("nd,nkd->nk", unit[asked], unit[others]).max(1)
    return float(((right > wrong) + 0.5 * (right == wrong)).mean())
