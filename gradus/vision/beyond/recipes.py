"""Experiments of chapter 5 beyond images, on data that are generated: data only."""

from dataclasses import dataclass

from gradus.core.recipe import FitConfig, Recipe, check_setting


@dataclass(frozen=True, kw_only=True)
class GeneratedConfig(FitConfig):
    """Settings of the networks that learn from generated examples."""

    layers: str
    """What stands between input and output, such as "conv 3x3x16 relu, pool 2, dense 64 relu"."""
    examples: int = 4000
    """Examples to learn from; validation and test have 1,000 each."""

    def __post_init__(self) -> None:
        """Refuse values that cannot be meant."""
        super().__post_init__()
        check_setting(self.examples >= 10, "examples", "≥ 10", self.examples)


@dataclass(frozen=True, kw_only=True)
class SignalConfig(GeneratedConfig):
    """Settings of the networks for clips and sounds."""

    noise: float = 0.3
    """Standard deviation of the noise; a digit's brightest pixel is 1, a sound's deviation 1."""

    def __post_init__(self) -> None:
        """Refuse values that cannot be meant."""
        super().__post_init__()
        check_setting(self.noise >= 0, "noise", "≥ 0", self.noise)


@dataclass(frozen=True, kw_only=True)
class TextConfig(GeneratedConfig):
    """Settings of the network for sentences."""

    vector: int = 32
    """Numbers in the vector of a word."""

    def __post_init__(self) -> None:
        """Refuse values that cannot be meant."""
        super().__post_init__()
        check_setting(self.vector >= 1, "vector", "≥ 1", self.vector)


MOVING_DIGITS = Recipe(
    name="moving-digits",
    summary="Convolution in time and space: in which of eight directions a digit moves.",
    source="chapter 5, other problem domains; Karpathy et al. 2014 for video",
    data="generated: clips of scikit-learn's digits in motion",
    config=SignalConfig(
        layers="conv 3x3x3x8 norm relu, pool 1x2x2, conv 3x3x3x16 norm relu, pool 2, "
        "conv 3x3x3x32 norm relu, average all",
        examples=2000,
        epochs=6,
        batch_size=50,
        optimizer="adam",
        lr=0.01,
        schedule="one-cycle",
    ),
    task="gradus.vision.beyond.train:clips",
    load="gradus.vision.beyond.predict:load_clips",
    figures="gradus.vision.beyond.run_figures:CLIP_RUN",
    quick={"epochs": 3},
    smoke={"epochs": 2, "examples": 80, "layers": "conv 3x3x3x4 relu, pool 2, pool all"},
    metric="accuracy",
    target="test accuracy ≥ 95 %",
)

SPOKEN_TONES = Recipe(
    name="spoken-tones",
    summary="Convolution over spectrograms: which vowel or hiss is heard.",
    source="chapter 5, other problem domains; Abdel-Hamid et al. 2012 for speech",
    data="generated: five vowels and two hisses of changing speakers",
    config=SignalConfig(
        layers="conv 5x5x8 stride 4x2 norm relu, pool 2, conv 3x3x16 norm relu, pool 2, "
        "dense 32 relu",
        epochs=10,
        batch_size=50,
        optimizer="adam",
        lr=0.003,
        schedule="one-cycle",
        noise=0.1,
    ),
    task="gradus.vision.beyond.train:tones",
    load="gradus.vision.beyond.predict:load_tones",
    figures="gradus.vision.beyond.run_figures:TONE_RUN",
    quick={"epochs": 5},
    smoke={"epochs": 2, "examples": 70, "layers": "conv 5x5x4 stride 4x2 relu, pool 4"},
    metric="accuracy",
    target="test accuracy ≥ 95 %",
)

TEXT_CNN = Recipe(
    name="text-cnn",
    summary="Convolution over words: whether a sentence is positive, negative or mixed.",
    source="chapter 5, other problem domains; Kim 2014",
    data="generated: sentences whose meaning lies in neighbouring words",
    config=TextConfig(
        layers="conv 3x32 relu, pool all, dropout 0.3",
        epochs=10,
        batch_size=50,
        optimizer="adam",
        lr=0.01,
        schedule="one-cycle",
    ),
    task="gradus.vision.beyond.train:texts",
    load="gradus.vision.beyond.predict:load_texts",
    figures="gradus.vision.beyond.run_figures:TEXT_RUN",
    quick={"epochs": 5},
    smoke={"epochs": 2, "examples": 60},
    metric="accuracy",
    target="test accuracy ≥ 95 %",
)
