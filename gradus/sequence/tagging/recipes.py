"""Experiments with taggers: data only."""

from dataclasses import dataclass
from typing import Literal

from gradus.core.recipe import FitConfig, Recipe, check_setting


@dataclass(frozen=True, kw_only=True)
class TaggerConfig(FitConfig):
    """Settings of the neural n-gram tagger."""

    data: str = "conll2000"
    """conll2000, ewt, toy (made up), or your folder with train.txt and test.txt in columns."""
    tags: Literal["xpos", "upos"] = "xpos"
    """Tags of ewt: the Penn Treebank's (xpos), or the 17 of Universal Dependencies (upos)."""
    sentences: int = 0
    """Sentences to learn from (0: all)."""
    validation: int = 900
    """Training sentences kept apart to choose by, at most half of them; ewt has its own."""
    before: int = 2
    """Words before the one that is tagged: n − 1 of an n-gram."""
    after: int = 0
    """Words after it."""
    dimensions: int = 300
    """Numbers in a word's vector."""
    hidden: tuple[int, ...] = (512, 256)
    """Neurons in each hidden layer."""
    prefixes: int = 3
    """Longest beginning of a word that has a vector, in letters (0: none)."""
    suffixes: int = 4
    """Longest end of a word that has a vector, in letters (0: none)."""
    min_count: int = 1
    """How often a form, beginning or end must stand in the text to have a vector."""
    dropout: float = 0.0
    """Probability that a hidden neuron is silenced in training, in [0, 1)."""
    word_dropout: float = 0.1
    """Probability that a place forgets its word in training and keeps its other features."""
    smoothing: float = 0.0
    """Share of the target that is spread over all tags alike, in [0, 1)."""
    vectors: str = ""
    """File of word vectors to begin with, such as word2vec's .bin (none: all are learned)."""

    def __post_init__(self) -> None:
        """Refuse values that cannot be meant."""
        super().__post_init__()
        for name in ("validation", "dimensions", "min_count"):
            check_setting(getattr(self, name) >= 1, name, "≥ 1", getattr(self, name))
        for name in ("sentences", "before", "after", "prefixes", "suffixes"):
            check_setting(getattr(self, name) >= 0, name, "≥ 0", getattr(self, name))
        for name in ("dropout", "word_dropout", "smoothing"):
            check_setting(0 <= getattr(self, name) < 1, name, "in [0, 1)", getattr(self, name))
        sizes = self.hidden
        check_setting(bool(sizes) and min(sizes) >= 1, "hidden", "one or more numbers ≥ 1", sizes)


SOURCE = "chapter 7, Implementing a Part-of-Speech Tagger"
TASK = "gradus.sequence.tagging.train:tagger"
LOAD = "gradus.sequence.tagging.predict:load_tagger"
FIGURES = "gradus.sequence.tagging.run_figures:RUN"
FORMATS = "gradus.sequence.tagging.output:FORMATS"
TOY = {
    "data": "toy",
    "sentences": 150,
    "validation": 50,
    "dimensions": 16,
    "hidden": (16, 16),
    "batch_size": 100,
    "epochs": 2,
}

TAGGER_BOOK = Recipe(
    name="tagger-book",
    summary="The book's tagger: a word and the two before it name its part of speech.",
    source=SOURCE,
    data="conll2000, or your own text in columns",
    config=TaggerConfig(
        min_count=2,
        epochs=6,
        batch_size=512,
        optimizer="adam",
        lr=0.001,
        schedule="one-cycle",
        checkpoint_seconds=60.0,
    ),
    task=TASK,
    load=LOAD,
    figures=FIGURES,
    formats=FORMATS,
    quick={"epochs": 3, "sentences": 3000, "dimensions": 100},
    smoke=TOY,
    metric="accuracy",
    target="test accuracy ≥ 96 %",
)

TAGGER_BEST = Recipe(
    name="tagger-best",
    summary="A tagger that looks to both sides: above 97 % without vectors from elsewhere.",
    source=f"{SOURCE}; Collobert et al. 2011",
    data="conll2000, or your own text in columns",
    config=TaggerConfig(
        before=2,
        after=2,
        dimensions=128,
        dropout=0.3,
        smoothing=0.05,
        epochs=6,
        batch_size=512,
        optimizer="adam",
        lr=0.002,
        schedule="one-cycle",
        checkpoint_seconds=60.0,
    ),
    task=TASK,
    load=LOAD,
    figures=FIGURES,
    formats=FORMATS,
    quick={"epochs": 3, "sentences": 3000},
    smoke={**TOY, "dropout": 0.1},
    metric="accuracy",
    target="test accuracy ≥ 97 %",
)
