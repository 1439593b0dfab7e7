"""The named experiments of chapter 8: data only."""

from dataclasses import dataclass
from typing import Literal

from gradus.core.errors import UsageError
from gradus.core.recipe import FitConfig, Recipe, check_setting

ProblemName = Literal["copy", "repeat-copy", "recall", "ngrams", "sort", "series"]
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
        least = {"recall": 2, "ngrams": 6}.get(self.problem, 1)
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

    def __post_init__(self) -> None:
        """Refuse values that cannot be meant."""
        super().__post_init__()
        for name in ("locations", "width", "reads"):
            check_setting(getattr(self, name) >= 1, name, "≥ 1", getattr(self, name))
        dropped = self.bypass_dropout
        check_setting(0 <= dropped < 1, "bypass_dropout", "in [0, 1)", dropped)
        check_setting(self.recompute >= 0, "recompute", "≥ 0", self.recompute)


NTM_COPY = Recipe(
    name="ntm-copy",
    summary="A Neural Turing Machine learns to copy, and copies what is longer than it ever saw.",
    source="chapter 8, figure 8-5; Graves et al. 2014, section 4.1",
    data="generated: sequences of 1 to 20 random vectors of 8 bits",
    config=NTMConfig(
        problem="copy",
        longer=(60, 100),
        goal=0.005,
        epochs=60,
        batch_size=16,
        optimizer="adam",
        lr=0.003,
        clip_norm=10.0,
    ),
    task="gradus.memory.train:algorithm",
    load="gradus.memory.predict:load_algorithm",
    figures="gradus.memory.run_figures:NTM_RUN",
    quick={"epochs": 8, "longest": 5, "bits": 4, "longer": (10, 20)},
    smoke={
        "epochs": 2,
        "batches": 3,
        "batch_size": 4,
        "longest": 3,
        "locations": 8,
        "longer": (5,),
    },
    metric="bits",
    target="test loss < 0.01 bit a sequence, exact at length 60",
)
