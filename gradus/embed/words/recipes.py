"""Experiments with vectors of words: data only."""

from dataclasses import dataclass
from math import inf
from typing import Literal

from gradus.core.errors import UsageError
from gradus.core.recipe import FitConfig, Recipe, check_setting

Architecture = Literal["skip-gram", "cbow"]
Objective = Literal["negative-sampling", "nce", "softmax"]
Noise = Literal["unigram", "log-uniform"]


@dataclass(frozen=True, kw_only=True)
class WordsConfig(FitConfig):
    """Settings of word2vec."""

    data: str = "imdb"
    """imdb, text8, ptb, toy (made up), or a text file of your own, packed or not."""
    text: int = 0
    """Words of the text to read (0: all)."""
    min_count: int = 5
    """How often a word must stand in the text to be learned."""
    vocabulary: int = 0
    """How many words are learned, the most frequent ones (0: all)."""
    validation: int = 20_000
    """Words held out to choose the best epoch, at most 5 % of the text; as many for the test."""
    architecture: Architecture = "skip-gram"
    """skip-gram: a word predicts those around it; cbow: these predict the word."""
    objective: Objective = "negative-sampling"
    """How a true word is told from others; softmax needs --engine torch."""
    dimensions: int = 128
    """Numbers in a word's vector."""
    window: int = 5
    """Farthest distance of two words that belong together, in words."""
    dynamic: bool = True
    """Draw each word's window from 1 to --window, so that near words count more."""
    skips: int = 0
    """Words drawn from each window, without repeats (0: all)."""
    sample: float = 1e-3
    """Words more frequent than this share of the text are passed over now and then (0: never)."""
    noise_words: int = 5
    """Noise words K that each true word is told from."""
    noise: Noise = "unigram"
    """Noise by count to --noise-power, or log-uniform by rank."""
    noise_power: float = 0.75
    """Exponent of the counts: 1 as in the text, 0 all words alike."""
    drawn: int = 32
    """Noise words drawn for a group, weighted so as to count as --noise-words (0: so many)."""
    group: int = 8
    """Words of the text that share their noise words and make one step."""
    average: bool = False
    """--lr is for the mean over the pairs of a step, instead of for each pair."""
    book_start: bool = False
    """Begin with the book's large random vectors instead of word2vec's small ones."""
    engine: Literal["compiled", "torch"] = "compiled"
    """compiled: on the CPU, fast; torch: any device, optimizer and objective."""
    threads: int = 0
    """Threads of the compiled engine (0: a core each); only 1 gives the same result twice."""
    tell: int = 0
    """Frequent words whose neighbours are told after each epoch (0: none)."""

    def __post_init__(self) -> None:
        """Refuse values that cannot be meant."""
        super().__post_init__()
        for name in ("min_count", "validation", "dimensions", "window", "noise_words", "group"):
            check_setting(getattr(self, name) >= 1, name, "≥ 1", getattr(self, name))
        for name in ("drawn", "text", "vocabulary", "skips", "threads", "tell"):
            check_setting(getattr(self, name) >= 0, name, "≥ 0", getattr(self, name))
        check_setting(self.window <= 100, "window", "≤ 100", self.window)
        check_setting(0 <= self.sample < inf, "sample", "≥ 0", self.sample)
        check_setting(0 <= self.noise_power <= 2, "noise_power", "in [0, 2]", self.noise_power)
        if self.engine == "compiled":
            _check_compiled(self)


def _check_compiled(config: WordsConfig) -> None:
    """Refuse what the compiled engine cannot do.

    Raises:
        UsageError: naming the setting, and the way out.
    """
    needed = {"optimizer": "sgd", "momentum": 0, "clip_norm": 0, "precision": "float32"}
    needed |= {"device": "cpu", "compile": False}
    for name, value in needed.items():
        if (given := getattr(config, name)) != value:
            raise UsageError(
                f"the compiled engine needs {name}={value}, got {given}: choose --engine torch"
            )
    if config.objective == "softmax":
        raise UsageError("the full softmax has no compiled engine: choose --engine torch")


TOY = {
    "data": "toy",
    "min_count": 1,
    "vocabulary": 0,
    "validation": 500,
    "dimensions": 16,
    "batch_size": 2000,
    "epochs": 2,
    "threads": 1,
}
SOURCE = "chapter 6, The Word2Vec Framework"
TASK = "gradus.embed.words.train:words"
LOAD = "gradus.embed.words.predict:load_words"
FIGURES = "gradus.embed.words.run_figures:RUN"

WORD2VEC = Recipe(
    name="word2vec",
    summary="Skip-gram with negative sampling: vectors of words, from the words around them.",
    source=f"{SOURCE}; Mikolov et al. 2013",
    data="imdb, or your own text",
    config=WordsConfig(epochs=10, batch_size=20_000, lr=0.025, schedule="linear", device="cpu"),
    task=TASK,
    load=LOAD,
    figures=FIGURES,
    quick={"text": 4_000_000, "epochs": 5},
    smoke=TOY,
    metric="similarity",
    target="similarity and analogies at or above gensim's at equal settings",
)

WORD2VEC_CBOW = Recipe(
    name="word2vec-cbow",
    summary="CBOW with negative sampling: the words around predict the word.",
    source=f"{SOURCE}; Mikolov et al. 2013",
    data="imdb, or your own text",
    config=WordsConfig(
        architecture="cbow",
        epochs=10,
        batch_size=20_000,
        lr=0.075,
        schedule="linear",
        device="cpu",
    ),
    task=TASK,
    load=LOAD,
    figures=FIGURES,
    quick={"text": 4_000_000, "epochs": 5},
    smoke=TOY,
    metric="similarity",
    target="similarity and analogies at or above gensim's at equal settings",
)

WORD2VEC_BOOK = Recipe(
    name="word2vec-book",
    summary="The book's skip-gram: noise-contrastive estimation with 64 noise words.",
    source="chapter 6, Implementing the Skip-Gram Architecture",
    data="imdb, or your own text",
    config=WordsConfig(
        objective="nce",
        min_count=1,
        vocabulary=10_000,
        dynamic=False,
        skips=4,
        sample=0.0,
        noise_words=64,
        noise="log-uniform",
        drawn=0,
        group=8,
        average=True,
        book_start=True,
        tell=20,
        epochs=5,
        batch_size=20_000,
        lr=0.1,
        device="cpu",
    ),
    task=TASK,
    load=LOAD,
    figures=FIGURES,
    quick={"text": 2_000_000, "epochs": 3},
    smoke={**TOY, "tell": 2},
    metric="similarity",
)
