"""Answers about reviews from a finished run, from its folder alone."""

from pathlib import Path
from typing import Any

import torch

from gradus.core.errors import RunError
from gradus.core.run import Run
from gradus.data.answers import Answer, Predictor, answer
from gradus.data.texts import review_words
from gradus.sequence.sentiment.batches import cut
from gradus.sequence.sentiment.build import build
from gradus.sequence.sentiment.contributions import METHOD, contributions
from gradus.sequence.sentiment.reader import ReviewReader
from gradus.sequence.sentiment.reviews import CLASSES, UNKNOWN, encode, numbered


def load_reader(run: Run) -> tuple[ReviewReader, list[str]]:
    """The network of a run, in evaluation mode, and its vocabulary.

    Raises:
        RunError: the vocabulary is missing, or is not the one that the weights are of.
    """
    path: Path = run.path / "vocabulary.txt"
    try:
        words = path.read_text(encoding="utf-8").split("\n")[:-1]
    except (OSError, ValueError) as error:
        raise RunError(f"{path} is damaged or missing: {error}") from error
    known = run.info["facts"]["known"]
    if len(words) != known:
        raise RunError(f"{path} must hold the {known:,} words of this run, found {len(words):,}")
    config: Any = run.config
    model = build(config, known)
    model.load_state_dict(run.load_weights())
    return model.eval(), words


def load_reviews(run: Run) -> Predictor:
    """Whether a review is good or bad, and why: takes texts.

    Each answer has `input`, `label`, `probability`, `top`; `contributions`, each word that was read
    with what it does to the answer, above 0 for positive; `method`, how that was found; `unknown`,
    the words that are not in the vocabulary; and `unread`, how many words lay beyond the longest
    review of the training.
    """
    model, words = load_reader(run)
    numbers, config = numbered(words), run.config

    def predict(*inputs: str) -> list[Answer]:
        return [{"input": text, **judge(model, text, numbers, config)} for text in inputs]

    return predict


def judge(model: ReviewReader, text: str, numbers: dict[str, int], config: Any) -> Answer:
    """The answer about one review.

    Raises:
        UsageError: the text has no words.
    """
    said = review_words(text)
    found = encode(said, numbers)
    places = cut(torch.arange(len(said)), config.longest, config.keep)
    with torch.no_grad():
        probability = model(found[places][None]).softmax(1)[0]
    effects = contributions(model, found[places]).tolist()
    return {
        **answer(probability, CLASSES),
        "contributions": [[said[i], e] for i, e in zip(places.tolist(), effects, strict=True)],
        "method": METHOD,
        "unknown": [word for word, n in zip(said, found.tolist(), strict=True) if n == UNKNOWN],
        "unread": len(said) - len(places),
    }
