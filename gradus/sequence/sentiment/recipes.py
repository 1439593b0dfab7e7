"""Experiments with reviews of films: data only."""

from dataclasses import dataclass, replace
from typing import Literal

from gradus.core.recipe import FitConfig, Recipe, check_setting

Keep = Literal["first", "last", "ends"]
Pool = Literal["last", "mean", "max", "mean-max"]


@dataclass(frozen=True, kw_only=True)
class ReviewConfig(FitConfig):
    """Settings of the networks that judge reviews."""

    data: str = "imdb"
    """imdb, toy (made up), or an archive of reviews in the layout of IMDB's."""
    vocabulary: int = 30_000
    """Words that have a vector, the most frequent ones; the others share one."""
    longest: int = 500
    """Words that are read of a review."""
    keep: Keep = "first"
    """Which words of a longer one: the first, the last, or half of them from each of its ends."""
    examples: int = 0
    """Reviews to learn from, at most (0: all that are not held out)."""
    tests: int = 0
    """Reviews to test on, at most (0: all 25,000)."""
    validation: int = 2500
    """Reviews held out to choose the best epoch, half of them of each class."""
    vector: int = 128
    """Numbers in a word's vector."""
    hidden: int = 512
    """Numbers in the memory of the LSTM."""
    dropout: float = 0.5
    """Probability of leaving out a number of a word's vector, or of the review's vector."""
    word_dropout: float = 0.0
    """Probability that a word is read as an unknown one in training."""
    pool: Pool = "last"
    """What is judged: the last output of the LSTM, the mean or largest over time, or both."""
    normalised: bool = True
    """Batch-normalise the output layer."""

    def __post_init__(self) -> None:
        """Refuse values that cannot be meant."""
        super().__post_init__()
        check_setting(self.validation >= 2, "validation", "≥ 2", self.validation)
        for name in ("vocabulary", "longest", "vector", "hidden"):
            check_setting(getattr(self, name) >= 1, name, "≥ 1", getattr(self, name))
        for name in ("examples", "tests"):
            check_setting(getattr(self, name) >= 0, name, "≥ 0", getattr(self, name))
        for name in ("dropout", "word_dropout"):
            check_setting(0 <= getattr(self, name) < 1, name, "in [0, 1)", getattr(self, name))


IMDB_LSTM = Recipe(
    name="imdb-lstm",
    summary="An LSTM reads a review of a film and says whether it is good or bad.",
    source="chapter 7, Implementing a Sentiment Analysis Model",
    data="imdb: 50,000 labelled reviews",
    config=ReviewConfig(
        vocabulary=10_000,
        keep="ends",
        hidden=256,
        word_dropout=0.3,
        pool="mean-max",
        epochs=6,
        batch_size=64,
        optimizer="adam",
        lr=0.003,
        schedule="one-cycle",
        clip_norm=1.0,
    ),
    task="gradus.sequence.sentiment.train:reviews",
    load="gradus.sequence.sentiment.predict:load_reviews",
    figures="gradus.sequence.sentiment.run_figures:RUN",
    quick={
        "examples": 5000,
        "tests": 2000,
        "validation": 1000,
        "hidden": 32,
        "vector": 32,
        "longest": 150,
        "word_dropout": 0.1,
        "epochs": 4,
        "lr": 0.01,
    },
    smoke={
        "data": "toy",
        "validation": 20,
        "vector": 8,
        "hidden": 8,
        "longest": 25,
        "word_dropout": 0.0,
        "batch_size": 20,
        "epochs": 2,
        "lr": 0.02,
    },
    metric="accuracy",
    target="test accuracy ≥ 88 % in 60 min on two cores; the book has about 86 %",
)

IMDB_LSTM_SMALL = replace(
    IMDB_LSTM,
    name="imdb-lstm-small",
    summary="The same with a small LSTM that reads less of a review, in minutes.",
    config=IMDB_LSTM.configure(longest=400, vector=64, hidden=128, lr=0.004),
    target="test accuracy ≥ 86 % in 15 min on two cores",
)
