"""Experiments with attention beyond text: data only."""

from dataclasses import dataclass
from typing import Literal

from gradus.core.recipe import FitConfig, Recipe, check_setting


@dataclass(frozen=True, kw_only=True)
class AttendingConfig(FitConfig):
    """Settings of the networks that describe what they look at."""

    over: Literal["regions", "frames"] = "regions"
    """regions: pictures of several digits; frames: sounds of several notes."""
    examples: int = 8000
    """Scenes or tunes to learn from."""
    held_out: int = 1000
    """Scenes or tunes of the validation set, and of the test set."""
    size: int = 64
    """Numbers in a region's vector, in a word's, and in the state."""

    def __post_init__(self) -> None:
        """Refuse values that cannot be meant."""
        super().__post_init__()
        check_setting(self.examples >= 10, "examples", "≥ 10", self.examples)
        check_setting(self.held_out >= 10, "held_out", "≥ 10", self.held_out)
        check_setting(self.size >= 1, "size", "≥ 1", self.size)


REGION_ATTENTION = Recipe(
    name="region-attention",
    summary="Names the digits of a picture, or the notes of a tune, and looks at each as it does.",
    source="chapter 7, Augmenting Recurrent Networks with Attention; Xu et al. 2015",
    data="generated: scenes of scikit-learn's digits, or tunes of seven notes",
    config=AttendingConfig(
        epochs=20,
        batch_size=50,
        optimizer="adam",
        lr=0.003,
        schedule="one-cycle",
        clip_norm=1.0,
    ),
    task="gradus.sequence.attending.train:describing",
    load="gradus.sequence.attending.predict:load_describer",
    figures="gradus.sequence.attending.run_figures:RUN",
    quick={"examples": 4000, "epochs": 10},
    smoke={"examples": 60, "held_out": 20, "epochs": 2, "batch_size": 20, "size": 8},
    metric="accuracy, attention",
    target="attention on the right region for ≥ 90 % of the things named",
)
