"""Experiments with dependency parsers: data only."""

from dataclasses import dataclass
from math import inf
from typing import Literal

from gradus.core.recipe import FitConfig, Recipe, check_setting

Tags = Literal["xpos", "upos", "both", "none"]
Activation = Literal["relu", "cube"]
Potentials = Literal["scores", "log-probabilities"]


@dataclass(frozen=True, kw_only=True)
class ParserConfig(FitConfig):
    """Settings of the transition-based parser."""

    data: str = "ewt"
    """ewt, toy (made up), or a folder of *-train.conllu, *-dev.conllu and *-test.conllu."""
    sentences: int = 0
    """Sentences of the training part to learn from, the first ones (0: all)."""
    min_count: int = 2
    """How often a word, prefix or suffix must stand in them to have a vector."""
    tags: Tags = "both"
    """Tags that are looked at: the treebank's own (xpos), the universal ones, both, or none."""
    vector: int = 64
    """Numbers in the vector of what a word looks like."""
    tag_vector: int = 32
    """Numbers in the vector of a tag, and in that of a label."""
    hidden: tuple[int, ...] = (512,)
    """Units of each hidden layer."""
    context: int = 0
    """Words to each side that a word is seen with, by a convolution (0: none, as in the paper)."""
    activation: Activation = "relu"
    """relu, or the paper's cube z³ in the first hidden layer."""
    dropout: float = 0.3
    """Share of hidden units and of a word's numbers that are left out in training, in [0, 1)."""
    forget: float = 0.1
    """How often a word or its tag is made unknown in training, in [0, 1)."""
    self_norm: float = 0.0
    """Weight of (ln Σ exp score)² in local training: it brings scores near log-probabilities."""
    beam: int = 1
    """Hypotheses followed when a sentence is parsed (1: greedy search)."""

    def __post_init__(self) -> None:
        """Refuse values that cannot be meant."""
        super().__post_init__()
        for name in ("min_count", "vector", "tag_vector", "beam"):
            check_setting(getattr(self, name) >= 1, name, "≥ 1", getattr(self, name))
        for name in ("sentences", "context"):
            check_setting(getattr(self, name) >= 0, name, "≥ 0", getattr(self, name))
        good = bool(self.hidden) and min(self.hidden, default=0) >= 1
        check_setting(good, "hidden", "one or more numbers ≥ 1", self.hidden)
        for name in ("dropout", "forget"):
            check_setting(0 <= getattr(self, name) < 1, name, "in [0, 1)", getattr(self, name))
        check_setting(0 <= self.self_norm < inf, "self_norm", "≥ 0 and finite", self.self_norm)


@dataclass(frozen=True, kw_only=True)
class GlobalConfig(ParserConfig):
    """Settings of globally normalised training, which goes on from a local one."""

    self_norm: float = 0.1
    """As in parser-greedy, in the local training that comes first."""
    beam: int = 8
    """Hypotheses followed, in training and when a sentence is parsed."""
    potentials: Potentials = "scores"
    """What is added up along a sequence: the scores themselves, or log-probabilities of actions."""
    start: str = ""
    """Run of parser-greedy to go on from; none: local training comes first, in the same run."""
    local_epochs: int = 10
    """Passes over the training set in that local training."""
    local_batch: int = 32
    """Sentences in a minibatch of it."""
    local_lr: float = 0.002
    """Its learning rate at the highest; it falls in a straight line to 0."""

    def __post_init__(self) -> None:
        """Refuse values that cannot be meant."""
        super().__post_init__()
        for name in ("local_epochs", "local_batch"):
            check_setting(getattr(self, name) >= 1, name, "≥ 1", getattr(self, name))
        check_setting(0 < self.local_lr < inf, "local_lr", "> 0 and finite", self.local_lr)


TOY = {
    "data": "toy",
    "min_count": 1,
    "vector": 8,
    "tag_vector": 4,
    "hidden": (16,),
    "batch_size": 20,
    "epochs": 2,
}
SOURCE = "chapter 7, Dependency Parsing and SyntaxNet"
LOAD = "gradus.sequence.parsing.predict:load_parser"
FIGURES = "gradus.sequence.parsing.run_figures:RUN"
FORMATS = "gradus.sequence.parsing.output:FORMATS"

PARSER_GREEDY = Recipe(
    name="parser-greedy",
    summary="An arc-standard parser with a feed-forward network that takes the likeliest action.",
    source=f"{SOURCE}; Chen and Manning 2014",
    data="UD English-EWT, or your own treebank",
    config=ParserConfig(
        context=2, epochs=12, batch_size=32, optimizer="adam", lr=0.002, schedule="linear"
    ),
    task="gradus.sequence.parsing.train:greedy",
    load=LOAD,
    figures=FIGURES,
    formats=FORMATS,
    quick={"sentences": 2000, "epochs": 8},
    smoke=TOY,
    metric="las",
    target="UAS / LAS ≥ 88 / 85 with the treebank's tags; ≥ 1,000 sentences/s on 2 cores",
)

PARSER_GLOBAL = Recipe(
    name="parser-global",
    summary="The parser trained on whole sequences: one softmax over the beam, early update.",
    source="chapter 7, Beam Search and Global Normalization; Andor et al. 2016",
    data="UD English-EWT, or your own treebank",
    config=GlobalConfig(
        context=2, epochs=4, batch_size=16, optimizer="adam", lr=0.0003, schedule="linear"
    ),
    task="gradus.sequence.parsing.train:globally",
    load=LOAD,
    figures=FIGURES,
    formats=FORMATS,
    quick={"sentences": 1000, "epochs": 1, "local_epochs": 6},
    smoke={**TOY, "epochs": 1, "local_epochs": 1, "beam": 2},
    metric="las",
    target="ahead of local training with the same beam",
)
