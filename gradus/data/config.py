"""The settings of every recipe that learns from a set of images."""

from dataclasses import dataclass

from gradus.core.recipe import FitConfig, check_setting


@dataclass(frozen=True, kw_only=True)
class ImageDataConfig(FitConfig):
    """Which images, and how many of them are kept apart."""

    data: str = "mnist"
    """digits, mnist, fashion-mnist, cifar10, or your own images: see the page Data."""
    validation: int = 5000
    """Training images kept apart to choose the best epoch."""

    def __post_init__(self) -> None:
        """Refuse values that cannot be meant."""
        super().__post_init__()
        check_setting(self.validation >= 1, "validation", "≥ 1", self.validation)
