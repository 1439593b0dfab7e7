"""The named experiments of chapter 8: data only."""

from dataclasses import dataclass, replace
from typing import Literal

from gradus.core.errors import UsageError
from gradus.core.recipe import FitConfig, Recipe, check_setting

ProblemName = Literal["copy", "repeat-copy", "recall", "ngrams", "sort", "series"]
LEAST = {"recall": 2, "ngrams": 6}
"""The least length of a problem, where it is not 1."""
ControllerName = Literal["feed-forward", "lstm"]


@dataclass(frozen=True, kw_only=True)
class MemoryConfig(FitConfig):
    """Settings of every network with a memory."""

    locations: int = 128
    """Locations N of the memory."""
    width: int = 20
    """Numbers W in a location."""
    reads: int = 1
    """Read heads R."""
    controller: ControllerName = "feed-forward"
    """Kind of the network that runs the memory."""
    hidden: int = 100
    """Neurons of the controller."""

    def __post_init__(self) -> None:
        """Refuse values that cannot be meant."""
        super().__post_init__()
        for name in ("locations", "width", "reads", "hidden"):
            check_setting(getattr(self, name) >= 1, name, "≥ 1", getattr(self, name))


@dataclass(frozen=True, kw_only=True)
class AlgorithmConfig(MemoryConfig):
    """Settings of the networks that learn an algorithm from sequences without end."""

    problem: ProblemName
    """What is to be learned."""
    bits: int = 8
    """Bits in a vector."""
    shortest: int = 1
    """Least length: vectors, items, sequences or bits, as the problem counts."""
    longest: int = 20
    """Greatest length in training and validation."""
    lessons: int = 0
    """Epochs over which the greatest length grows from shortest to longest (0: no lessons)."""
    longer: tuple[int, ...] = ()
    """Lengths never trained on, at which the finished network is tested too."""
    batches: int = 100
    """Minibatches that are called an epoch."""
    goal: float = 0.0
    """Bits a sequence on validation at which training ends (0: never)."""

    def __post_init__(self) -> None:
        """Refuse values that cannot be meant."""
        super().__post_init__()
        least = LEAST.get(self.problem, 1)
        rule = f"≥ {least} for {self.problem}"
        check_setting(self.shortest >= least, "shortest", rule, self.shortest)
        check_setting(self.longest >= self.shortest, "longest", "≥ shortest", self.longest)
        check_setting(self.lessons >= 0, "lessons", "≥ 0", self.lessons)
        check_setting(self.goal >= 0, "goal", "≥ 0", self.goal)
        check_setting(all(n >= least for n in self.longer), "longer", rule, self.longer)
        check_setting(self.bits >= 1, "bits", "≥ 1", self.bits)
        check_setting(self.batches >= 1, "batches", "≥ 1", self.batches)
        if self.problem == "ngrams" and self.bits != 1:
            raise UsageError(f"ngrams has one bit at a time, got bits={self.bits}: set it to 1")


@dataclass(frozen=True, kw_only=True)
class NTMConfig(AlgorithmConfig):
    """Settings of the Neural Turing Machine."""

    writes: int = 1
    """Write heads."""
    shift: int = 1
    """The farthest that a head moves in a step, in locations."""

    def __post_init__(self) -> None:
        """Refuse values that cannot be meant."""
        super().__post_init__()
        check_setting(self.writes >= 1, "writes", "≥ 1", self.writes)
        check_setting(0 <= self.shift <= self.locations, "shift", "in [0, locations]", self.shift)


@dataclass(frozen=True, kw_only=True)
class DNCConfig(AlgorithmConfig):
    """Settings of the Differentiable Neural Computer that learns an algorithm."""

    deallocate: bool = False
    """Wipe out what is freed (Csordás & Schmidhuber 2019)."""
    compiled: bool = False
    """All steps as one compiled operation (CPU, no de-allocation), or as CUDA graphs (GPU)."""


@dataclass(frozen=True, kw_only=True)
class StoryConfig(FitConfig):
    """Settings of every network that answers questions on stories."""

    data: str = "babi"
    """`babi`, `generated`, or the path of a folder or .tar.gz of files like bAbI's."""
    tasks: tuple[int, ...] = tuple(range(1, 21))
    """Numbers of the tasks to learn together."""
    held_out: float = 0.1
    """Share of the training stories kept for validation, in (0, 1)."""
    stories: int = 0
    """Most training stories of each task (0: all)."""
    longest: int = 800
    """Words in a story; longer ones are left out of training and validation, not of the test."""
    hidden: int = 256
    """Neurons of the LSTM."""

    def __post_init__(self) -> None:
        """Refuse values that cannot be meant."""
        super().__post_init__()
        known = bool(self.tasks) and all(1 <= t <= 20 for t in self.tasks)
        check_setting(known, "tasks", "numbers in [1, 20]", self.tasks)
        check_setting(0 < self.held_out < 1, "held_out", "in (0, 1)", self.held_out)
        check_setting(self.stories >= 0, "stories", "≥ 0", self.stories)
        check_setting(self.longest >= 1, "longest", "≥ 1", self.longest)
        check_setting(self.hidden >= 1, "hidden", "≥ 1", self.hidden)


@dataclass(frozen=True, kw_only=True)
class StoryDNCConfig(StoryConfig):
    """Settings of the Differentiable Neural Computer that answers questions on stories."""

    locations: int = 256
    """Locations N of the memory."""
    width: int = 64
    """Numbers W in a location."""
    reads: int = 4
    """Read heads R."""
    masked: bool = False
    """Mask the keys (Csordás & Schmidhuber 2019)."""
    deallocate: bool = False
    """Wipe out what is freed (the same)."""
    sharpened: bool = False
    """Sharpen the forward and backward weightings (the same)."""
    normalised: bool = False
    """Layer normalisation in the controller (Franke et al. 2018)."""
    bypass_dropout: float = 0.0
    """Share of the controller's output dropped on its way past the memory (the same)."""
    recompute: int = 0
    """Steps between two states that are kept for the backward pass (0: keep all)."""
    compiled: bool = False
    """All steps as one compiled operation (CPU, no masks or their like), or CUDA graphs (GPU)."""

    def __post_init__(self) -> None:
        """Refuse values that cannot be meant."""
        super().__post_init__()
        for name in ("locations", "width", "reads"):
            check_setting(getattr(self, name) >= 1, name, "≥ 1", getattr(self, name))
        dropped = self.bypass_dropout
        check_setting(0 <= dropped < 1, "bypass_dropout", "in [0, 1)", dropped)
        check_setting(self.recompute >= 0, "recompute", "≥ 0", self.recompute)


SMALL = {"epochs": 2, "batches": 3, "batch_size": 4, "locations": 8, "hidden": 16}
"""Smoke settings that all algorithms share."""

NTM_COPY = Recipe(
    name="ntm-copy",
    summary="A Neural Turing Machine learns to copy, and copies what is longer than it ever saw.",
    source="chapter 8, figure 8-5; Graves et al. 2014, section 4.1",
    data="generated: sequences of 1 to 20 random vectors of 8 bits",
    config=NTMConfig(
        problem="copy",
        longer=(60, 100),
        goal=0.002,
        epochs=40,
        batch_size=16,
        optimizer="adam",
        lr=0.003,
        beta2=0.98,
        schedule="cosine",
        clip_norm=0.5,
    ),
    task="gradus.memory.train:algorithm",
    load="gradus.memory.predict:load_algorithm",
    figures="gradus.memory.run_figures:EXACT_RUN",
    quick={"epochs": 8, "longest": 5, "bits": 4, "longer": (10, 20)},
    smoke={**SMALL, "longest": 3, "longer": (5,)},
    metric="bits",
    target="test loss < 0.01 bit a sequence, exact at length 60",
)

NTM_REPEAT_COPY = Recipe(
    name="ntm-repeat-copy",
    summary="A Neural Turing Machine learns to say a sequence as often as it is told.",
    source="chapter 8; Graves et al. 2014, section 4.2",
    data="generated: sequences of 1 to 10 vectors of 8 bits, 1 to 10 times",
    config=NTMConfig(
        problem="repeat-copy",
        longest=10,
        longer=(20,),
        controller="lstm",
        goal=0.01,
        epochs=150,
        batch_size=16,
        optimizer="adam",
        lr=0.003,
        clip_norm=10.0,
    ),
    task="gradus.memory.train:algorithm",
    load="gradus.memory.predict:load_algorithm",
    figures="gradus.memory.run_figures:EXACT_RUN",
    quick={"epochs": 6, "longest": 3, "bits": 3, "longer": (), "goal": 0.0},
    smoke={**SMALL, "longest": 2, "longer": (3,)},
    metric="bits",
    target="test loss < 1 bit a sequence",
)

NTM_RECALL = replace(
    NTM_REPEAT_COPY,
    name="ntm-recall",
    summary="A Neural Turing Machine learns a list by heart and says what comes after an item.",
    source="chapter 8; Graves et al. 2014, section 4.3",
    data="generated: lists of 2 to 6 items of 3 vectors of 6 bits",
    config=NTM_REPEAT_COPY.configure(
        problem="recall", bits=6, shortest=2, longest=6, longer=(10, 15)
    ),
    quick={**NTM_REPEAT_COPY.quick, "longest": 2},
)

NTM_NGRAMS = Recipe(
    name="ntm-ngrams",
    summary="A Neural Turing Machine learns to count contexts, to foretell a stream of bits.",
    source="chapter 8; Graves et al. 2014, section 4.4",
    data="generated: 200 bits of a random table of probabilities after 5 bits",
    config=NTMConfig(
        problem="ngrams",
        bits=1,
        shortest=200,
        longest=200,
        controller="lstm",
        epochs=60,
        batch_size=16,
        optimizer="adam",
        lr=0.001,
        clip_norm=10.0,
    ),
    task="gradus.memory.train:algorithm",
    load="gradus.memory.predict:load_algorithm",
    figures="gradus.memory.run_figures:PREDICTION_RUN",
    quick={"epochs": 4, "batches": 30, "shortest": 50, "longest": 50},
    smoke={**SMALL, "shortest": 8, "longest": 8},
    metric="bits",
    target="within 5 bits a sequence of the best possible predictor",
)

NTM_SORT = Recipe(
    name="ntm-sort",
    summary="A Neural Turing Machine learns to sort vectors by a priority that comes with each.",
    source="chapter 8; Graves et al. 2014, section 4.5",
    data="generated: 20 vectors of 8 bits with priorities; the first 16 in order are asked for",
    config=NTMConfig(
        problem="sort",
        shortest=20,
        longest=20,
        reads=4,
        writes=4,
        controller="feed-forward",
        hidden=256,
        epochs=150,
        batch_size=16,
        optimizer="adam",
        lr=0.001,
        clip_norm=10.0,
    ),
    task="gradus.memory.train:algorithm",
    load="gradus.memory.predict:load_algorithm",
    figures="gradus.memory.run_figures:EXACT_RUN",
    quick={"epochs": 6, "shortest": 3, "longest": 3, "bits": 3, "reads": 1, "writes": 1},
    smoke={**SMALL, "shortest": 3, "longest": 3, "reads": 2, "writes": 2},
    metric="bits",
    target="test loss < 5 bits a sequence",
)

DNC_COPY = Recipe(
    name="dnc-copy",
    summary="A Differentiable Neural Computer learns to copy.",
    source="chapter 8, figure 8-8 (a); Graves et al. 2016",
    data="generated: sequences of 1 to 10 random vectors of 8 bits",
    config=DNCConfig(
        problem="copy",
        longest=10,
        longer=(15,),
        locations=16,
        width=16,
        goal=0.005,
        epochs=60,
        batch_size=16,
        optimizer="adam",
        lr=0.003,
        clip_norm=10.0,
    ),
    task="gradus.memory.train:algorithm",
    load="gradus.memory.predict:load_algorithm",
    figures="gradus.memory.run_figures:EXACT_RUN",
    quick={"epochs": 8, "longest": 4, "bits": 4, "longer": (), "goal": 0.0},
    smoke={**SMALL, "longest": 3, "width": 6, "longer": (5,)},
    metric="bits",
    target="test loss < 0.01 bit a sequence",
)

DNC_SERIES_COPY = Recipe(
    name="dnc-series-copy",
    summary="Four sequences of five vectors through ten locations: memory is freed and used again.",
    source="chapter 8, Visualizing the DNC in Action, figures 8-8 and 8-9",
    data="generated: series of 1 to 4 sequences of 5 random vectors of 6 bits",
    config=DNCConfig(
        problem="series",
        bits=6,
        longest=4,
        longer=(10,),
        locations=10,
        width=10,
        hidden=100,
        goal=0.005,
        epochs=80,
        batch_size=16,
        optimizer="adam",
        lr=0.006,
        schedule="cosine",
        clip_norm=0.3,
    ),
    task="gradus.memory.train:algorithm",
    load="gradus.memory.predict:load_algorithm",
    figures="gradus.memory.run_figures:EXACT_RUN",
    quick={"epochs": 8, "longest": 2, "bits": 3, "longer": (), "goal": 0.0},
    smoke={**SMALL, "longest": 2, "width": 6, "longer": (3,)},
    metric="wrong",
    target="no bit wrong",
)

TOLD = {"data": "generated", "tasks": (1,), "stories": 400}
"""Settings of a try on stories that are told here."""
TINY = {"epochs": 2, "data": "generated", "tasks": (1, 8), "stories": 12, "hidden": 16}

BABI_DNC = Recipe(
    name="babi-dnc",
    summary="The paper's Differentiable Neural Computer answers questions on bAbI's stories.",
    source="chapter 8, Teaching a DNC to Read and Comprehend; Graves et al. 2016",
    data="bAbI en-10k, 20 tasks together",
    config=StoryDNCConfig(
        epochs=30,
        batch_size=16,
        optimizer="rmsprop",
        lr=0.0001,
        clip_norm=10.0,
    ),
    task="gradus.memory.train:stories",
    load="gradus.memory.predict:load_stories",
    figures="gradus.memory.run_figures:STORY_DNC_RUN",
    quick={
        **TOLD,
        "epochs": 10,
        "locations": 16,
        "width": 16,
        "reads": 1,
        "hidden": 64,
        "optimizer": "adam",
        "lr": 0.003,
    },
    smoke={**TINY, "locations": 8, "width": 8, "reads": 2, "batch_size": 8},
    metric="error, mean of tasks",
    target="mean error ≤ 15.78 %, the book's",
)

BABI_DNC_STABLE = replace(
    BABI_DNC,
    name="babi-dnc-stable",
    summary="A DNC with masked keys, de-allocation, sharp links and a normalised controller.",
    source="chapter 8; Csordás & Schmidhuber 2019; Franke et al. 2018",
    config=BABI_DNC.configure(
        optimizer="adam",
        lr=0.0003,
        masked=True,
        deallocate=True,
        sharpened=True,
        normalised=True,
        bypass_dropout=0.1,
    ),
    target="mean error ≤ 6 %",
)

BABI_LSTM = Recipe(
    name="babi-lstm",
    summary="The same questions to an LSTM without a memory: what there is to beat.",
    source="chapter 8; Graves et al. 2016, the LSTM of extended data table 1",
    data="bAbI en-10k, 20 tasks together",
    config=StoryConfig(
        hidden=512,
        epochs=30,
        batch_size=32,
        optimizer="adam",
        lr=0.001,
        clip_norm=10.0,
    ),
    task="gradus.memory.train:stories",
    load="gradus.memory.predict:load_stories",
    figures="gradus.memory.run_figures:STORY_RUN",
    quick={**TOLD, "epochs": 10, "hidden": 64, "lr": 0.003},
    smoke={**TINY, "batch_size": 8},
    metric="error, mean of tasks",
    target="what a memory must beat",
)
