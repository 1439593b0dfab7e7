"""The settings of neural style."""

from dataclasses import dataclass
from math import inf
from typing import Literal

from gradus.core.recipe import check_setting

Optimiser = Literal["lbfgs", "adam"]
Colours = Literal["style", "luminance", "histogram"]
Start = Literal["content", "noise"]

LARGEST = 4096
"""Pixels that the longer side of a result may have."""
MOST_STEPS = 1_000_000
"""Evaluations at one size."""
SMALLEST = 32
"""Pixels that the longer side of a result must have."""


@dataclass(frozen=True, kw_only=True)
class StyleConfig:
    """How an image with the content of one and the style of another is looked for."""

    size: int = 256
    """Longer side of the result, in pixels; 0: as long as that of the content."""
    steps: int = 150
    """Evaluations of loss and gradient at each size: --size, and its half, quarter, …"""
    content_weight: float = 1.0
    """Weight α of the content."""
    style_weight: float = 100.0
    """Weight β of the style."""
    variation_weight: float = 3.0
    """Weight of the total variation: more makes it smoother."""
    colours: Colours = "style"
    """Whose colours: the style's; the content's, by luminance alone or by matching histograms."""
    start: Start = "content"
    """What the coarsest image starts as."""
    style_scale: float = 1.0
    """Longer side of the style image as a multiple of that of the result: 0.5 paints finer."""
    optimizer: Optimiser = "lbfgs"
    """Optimiser: L-BFGS with a line search, or Adam."""
    lr: float = 0.02
    """Learning rate of Adam, in grey levels of [0, 1]."""
    keep_every: int = 50
    """Evaluations between two intermediate images that are kept."""
    seed: int = 0
    """Seed of the noise that --start noise begins with."""

    def __post_init__(self) -> None:
        """Refuse values that cannot be meant."""
        ok = self.size == 0 or SMALLEST <= self.size <= LARGEST
        check_setting(ok, "size", f"0 or in [{SMALLEST}, {LARGEST}]", self.size)
        for name in ("steps", "keep_every"):
            value = getattr(self, name)
            check_setting(1 <= value <= MOST_STEPS, name, "in [1, 1000000]", value)
        for name in ("content_weight", "style_weight", "variation_weight"):
            value = getattr(self, name)
            check_setting(0 <= value < inf, name, "≥ 0 and finite", value)
        some = self.content_weight > 0 or self.style_weight > 0
        check_setting(some, "content_weight or style_weight", "> 0", "0 and 0")
        check_setting(0 < self.lr < inf, "lr", "> 0 and finite", self.lr)
        check_setting(0.1 <= self.style_scale <= 4, "style_scale", "in [0.1, 4]", self.style_scale)
        check_setting(0 <= self.seed < 2**63, "seed", "in [0, 2⁶³)", self.seed)
