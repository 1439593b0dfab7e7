"""Answers about words from a finished run, from its folder alone."""

from pathlib import Path

from gradus.core.errors import RunError
from gradus.core.run import Run
from gradus.data.answers import Answer, Predictor
from gradus.data.vectors import WordVectors
from gradus.embed.words.corpus import read_vocabulary

NEAREST = 8
"""Neighbours in an answer."""


def load_vectors(run: Run) -> WordVectors:
    """The words and input vectors of a run.

    Raises:
        RunError: a file is damaged or missing.
    """
    path: Path = run.path / "vocabulary.tsv"
    try:
        words, _ = read_vocabulary(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise RunError(f"{path} is damaged or missing: {error}") from error
    return WordVectors(words, run.load_weights()["inputs.weight"].numpy())


def load_words(run: Run) -> Predictor:
    """The words nearest to a word: takes words.

    Each answer has `input` and `neighbours`, the nearest words with the cosine of each.
    """
    vectors = load_vectors(run)

    def predict(*inputs: str) -> list[Answer]:
        return [
            {"input": word, "neighbours": [n._asdict() for n in vectors.neighbours(word, NEAREST)]}
            for word in inputs
        ]

    return predict
