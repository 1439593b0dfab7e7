"""Experiments with encoder and decoder: data only."""

from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

from gradus.core.errors import UsageError
from gradus.core.recipe import FitConfig, Recipe, check_setting


@dataclass(frozen=True, kw_only=True)
class Seq2SeqConfig(FitConfig):
    """Settings of the network and of its decoding."""

    embedding: int = 256
    """Numbers in the vector of a token."""
    hidden: int = 256
    """Numbers in a state of encoder and decoder."""
    layers: int = 1
    """Recurrent layers of the encoder, and of the decoder."""
    cell: Literal["gru", "lstm"] = "gru"
    """Kind of recurrent layer."""
    bidirectional: bool = True
    """The encoder reads from both ends, each direction with half of --hidden."""
    score: Literal["none", "additive", "dot", "scaled", "general"] = "general"
    """How attention compares (additive is Bahdanau's); none: no attention."""
    place: Literal["before", "after", "between"] = "after"
    """Where attention looks from: before each step, after it, or between two layers."""
    dropout: float = 0.0
    """Share of numbers silenced in training, in [0, 1)."""
    beam: int = 5
    """Beginnings that a beam search follows."""
    length_power: float = 1.0
    """Power of the length that a beam search divides scores by."""

    def __post_init__(self) -> None:
        """Refuse values that cannot be meant."""
        super().__post_init__()
        for name in ("embedding", "hidden", "layers", "beam"):
            check_setting(getattr(self, name) >= 1, name, "≥ 1", getattr(self, name))
        check_setting(0 <= self.dropout < 1, "dropout", "in [0, 1)", self.dropout)
        check_setting(self.length_power >= 0, "length_power", "≥ 0", self.length_power)
        even = not self.bidirectional or self.hidden % 2 == 0
        check_setting(even, "hidden", "even where the encoder is bidirectional", self.hidden)


@dataclass(frozen=True, kw_only=True)
class TranslationConfig(Seq2SeqConfig):
    """Settings of a translator."""

    data: str = "multi30k"
    """multi30k, tatoeba, toy (made up), SOURCE,TARGET or a file of lines with a tab."""
    pairs: int = 0
    """Pairs to learn from (0: all)."""
    tokens: Literal["word", "char", "subword"] = "subword"
    """What sentences are cut into."""
    vocabulary: int = 4000
    """Different tokens of a vocabulary, at most (0: all; not with subword)."""
    shared: bool = True
    """One vocabulary, and one vector for a token, for both languages."""
    tied: bool = True
    """The output layer's weights are the vectors of the target's tokens."""
    longest: tuple[int, ...] = (100, 100)
    """Tokens kept of source and of target where there are no buckets; the rest is cut, and told."""
    smoothing: float = 0.0
    """Share of the target's probability that goes to all tokens alike, in [0, 1)."""
    average: float = 0.0
    """Answer with a running mean of the parameters that forgets at 1 − this a step (0: off)."""
    samples: int = 0
    """Words drawn for the sampled softmax in training (0: the whole vocabulary)."""
    buckets: tuple[int, ...] = ()
    """Source and target lengths of the book's buckets, in rising order; none: by like length."""
    batches: int = 200
    """Batches drawn from the buckets that are called an epoch."""
    reverse: bool = False
    """Read the source from its end."""

    @property
    def kept(self) -> tuple[int, int]:
        """Tokens that are kept of source and of target: those of the last bucket, if any."""
        source, target = self.buckets[-2:] or self.longest
        return source, target

    def __post_init__(self) -> None:
        """Refuse values that cannot be meant."""
        super().__post_init__()
        for name in ("pairs", "samples"):
            check_setting(getattr(self, name) >= 0, name, "≥ 0", getattr(self, name))
        least = 5 if self.tokens == "subword" or self.vocabulary else 0
        check_setting(self.vocabulary >= least, "vocabulary", f"≥ {least}", self.vocabulary)
        check_setting(self.batches >= 1, "batches", "≥ 1", self.batches)
        check_setting(0 <= self.smoothing < 1, "smoothing", "in [0, 1)", self.smoothing)
        check_setting(0 <= self.average < 1, "average", "in [0, 1)", self.average)
        fits = len(self.longest) == 2 and min(self.longest) >= 2
        check_setting(fits, "longest", "two lengths ≥ 2, of source and target", self.longest)
        check_buckets(self.buckets)
        if self.samples and self.smoothing:
            raise UsageError(
                f"smoothing needs the whole vocabulary, got smoothing={self.smoothing} with "
                f"samples={self.samples}: set one of them to 0"
            )
        if self.samples and self.shared:
            raise UsageError(
                "the sampled softmax needs the target's words in order of frequency, got "
                f"shared=True with samples={self.samples}: set one of them to 0 (--no-shared)"
            )


def check_buckets(buckets: tuple[int, ...]) -> None:
    """Refuse numbers that are not pairs of lengths, each above the one before.

    Raises:
        UsageError: saying what they must be.
    """
    pairs = list(zip(buckets[::2], buckets[1::2], strict=False))
    rising = all(a[0] < b[0] and a[1] < b[1] for a, b in pairwise(pairs))
    if len(buckets) % 2 or (buckets and min(buckets) < 2) or not rising:
        raise UsageError(
            "buckets must be source and target lengths ≥ 2, each pair above the one before, such "
            f"as 5 10 10 15; got {' '.join(map(str, buckets))}"
        )


@dataclass(frozen=True, kw_only=True)
class ReversalConfig(Seq2SeqConfig):
    """Settings of the reversal task."""

    symbols: int = 40
    """Different symbols."""
    shortest: int = 4
    """Symbols of the shortest sequence."""
    longest: int = 12
    """Symbols of the longest sequence."""
    batches: int = 100
    """Batches that are called an epoch."""

    def __post_init__(self) -> None:
        """Refuse values that cannot be meant."""
        super().__post_init__()
        for name in ("symbols", "shortest", "batches"):
            check_setting(getattr(self, name) >= 1, name, "≥ 1", getattr(self, name))
        least = self.shortest
        check_setting(self.longest >= least, "longest", f"≥ shortest ({least})", self.longest)


@dataclass(frozen=True, kw_only=True)
class SkipThoughtConfig(FitConfig):
    """Settings of skip-thought vectors."""

    data: str = "imdb"
    """imdb, toy (made up), or a text file of your own, a passage a line."""
    passages: int = 10_000
    """Passages that are read, at most (0: all); a twentieth each for validation and test."""
    vocabulary: int = 20_000
    """Different words, at most (0: all)."""
    longest: int = 30
    """Words of a sentence that are kept."""
    embedding: int = 128
    """Numbers in the vector of a word."""
    hidden: int = 256
    """Numbers in the vector of a sentence."""
    pool: Literal["last", "mean", "max"] = "mean"
    """What of the encoder's states is the vector: the last, their mean, or the largest values."""
    samples: int = 512
    """Words drawn for the sampled softmax in training (0: the whole vocabulary)."""
    contrast: float = 3.0
    """Weight of telling the sentence after from others by its vector (0: skip-thought alone)."""

    def __post_init__(self) -> None:
        """Refuse values that cannot be meant."""
        super().__post_init__()
        for name in ("passages", "vocabulary", "samples", "contrast"):
            check_setting(getattr(self, name) >= 0, name, "≥ 0", getattr(self, name))
        for name in ("longest", "embedding"):
            check_setting(getattr(self, name) >= 1, name, "≥ 1", getattr(self, name))
        good = self.hidden >= 2 and self.hidden % 2 == 0
        check_setting(good, "hidden", "even and ≥ 2", self.hidden)


SOURCE = "chapter 7, Dissecting a Neural Translation Network"
TASK = "gradus.sequence.translation.train:translation"
LOAD = "gradus.sequence.translation.predict:load_translator"
FIGURES = "gradus.sequence.translation.run_figures:TRANSLATOR"

TOY = {
    "data": "toy",
    "pairs": 300,
    "embedding": 16,
    "hidden": 16,
    "epochs": 2,
    "batch_size": 50,
    "beam": 2,
    "device": "cpu",
}

TRANSLATE_BOOK = Recipe(
    name="translate-book",
    summary="The book's translator: words, buckets, reversed source, sampled softmax, attention.",
    source=SOURCE,
    data="multi30k, tatoeba, or your own pairs of lines",
    config=TranslationConfig(
        tokens="word",
        vocabulary=40_000,
        shared=False,
        tied=False,
        buckets=(5, 10, 10, 15, 20, 25, 40, 50),
        reverse=True,
        samples=512,
        bidirectional=False,
        score="additive",
        place="before",
        epochs=30,
        batch_size=64,
        optimizer="sgd",
        lr=0.5,
        schedule="no-better",
        clip_norm=5.0,
    ),
    task=TASK,
    load=LOAD,
    figures="gradus.sequence.translation.run_figures:BOOK",
    quick={
        "data": "toy",
        "pairs": 2000,
        "buckets": (6, 8, 8, 10),
        "embedding": 64,
        "hidden": 64,
        "batches": 50,
    },
    smoke={**TOY, "buckets": (6, 8, 8, 10), "batches": 3, "samples": 8},
    metric="bleu",
)

TRANSLATE_BEST = Recipe(
    name="translate-best",
    summary="English to French in parts of words: one fused pass, smoothing, averaged weights.",
    source="chapter 7; Bahdanau 2015, Luong 2015, Sennrich 2016, Wu 2016",
    data="multi30k, tatoeba, or your own pairs of lines",
    config=TranslationConfig(
        embedding=256,
        hidden=320,
        score="scaled",
        place="between",
        dropout=0.4,
        smoothing=0.1,
        average=0.998,
        epochs=28,
        batch_size=64,
        optimizer="adam",
        lr=0.0015,
        schedule="cosine",
        warmup=0.05,
        clip_norm=1.0,
    ),
    task=TASK,
    load=LOAD,
    figures=FIGURES,
    quick={
        "data": "toy",
        "pairs": 2000,
        "embedding": 64,
        "hidden": 64,
        "epochs": 20,
        "dropout": 0.3,
        "lr": 0.005,
    },
    smoke={**TOY, "vocabulary": 120},
    metric="bleu",
    target="≥ 55 BLEU on Multi30k's test_2016 within 90 min on two cores",
)

REVERSE_ATTENTION = Recipe(
    name="reverse-attention",
    summary="Say a sequence backwards: the right place to look at is known for every step.",
    source="chapter 7, Augmenting Recurrent Networks with Attention",
    data="generated: sequences of symbols",
    config=ReversalConfig(
        embedding=32,
        hidden=64,
        score="additive",
        place="before",
        dropout=0.1,
        epochs=20,
        batch_size=64,
        optimizer="adam",
        lr=0.003,
        schedule="cosine",
        clip_norm=1.0,
    ),
    task="gradus.sequence.translation.reversal:reversal",
    load="gradus.sequence.translation.reversal:load_reversal",
    figures="gradus.sequence.translation.run_figures:REVERSAL",
    quick={"epochs": 10},
    smoke={"embedding": 8, "hidden": 16, "epochs": 2, "batches": 3, "longest": 6, "beam": 2},
    metric="attention right",
    target="≥ 95 % of the attention on the right place",
)

SKIP_THOUGHT = Recipe(
    name="skip-thought",
    summary="Vectors of sentences: one encoder, decoders for the sentences before and after.",
    source="chapter 7, Solving seq2seq Tasks; Kiros et al. 2015",
    data="imdb, or your own text",
    config=SkipThoughtConfig(
        epochs=3, batch_size=64, optimizer="adam", lr=0.002, schedule="cosine", clip_norm=5.0
    ),
    task="gradus.sequence.translation.skip_thought:skip_thought",
    load="gradus.sequence.translation.skip_thought:load_thoughts",
    figures="gradus.sequence.translation.run_figures:THOUGHTS",
    quick={
        "data": "toy",
        "hidden": 64,
        "embedding": 32,
        "epochs": 10,
        "lr": 0.005,
        "samples": 0,
    },
    smoke={
        "data": "toy",
        "passages": 80,
        "hidden": 16,
        "embedding": 8,
        "epochs": 2,
        "samples": 10,
        "device": "cpu",
    },
    metric="next found",
    target="ahead of bags of words of the same size, in finding and in a linear probe",
)
