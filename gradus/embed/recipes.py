"""The named experiments of chapter 6 without words: data only."""

from dataclasses import dataclass
from math import inf
from typing import Literal

from gradus.core.errors import UsageError
from gradus.core.recipe import FitConfig, Recipe, check_setting
from gradus.data.config import ImageDataConfig


@dataclass(frozen=True, kw_only=True)
class AutoencoderConfig(ImageDataConfig):
    """Settings of every autoencoder for images."""

    hidden: tuple[int, ...] = (1000, 500, 250)
    """Neurons in each hidden layer from the image to the code; the way back mirrors them."""
    code: int = 2
    """Numbers in the code."""
    norm: float = 3.0
    """Spread γ of a hidden neuron's normalised logits at the start (0: no batch normalisation)."""
    settle: float = 0.0
    """Share of the training, at its end, with the batch normalisation's numbers held, in [0, 1]."""
    jitter: float = 0.0
    """Standard deviation of noise on the pixels in training; the image is rebuilt as it was."""
    snapshots: tuple[int, ...] = ()
    """Epochs after which the parameters are kept, to look at later."""

    def __post_init__(self) -> None:
        """Refuse values that cannot be meant."""
        super().__post_init__()
        check_setting(all(h >= 1 for h in self.hidden), "hidden", "all ≥ 1", self.hidden)
        check_setting(self.code >= 1, "code", "≥ 1", self.code)
        check_setting(0 <= self.norm < inf, "norm", "≥ 0 and finite", self.norm)
        check_setting(0 <= self.jitter < inf, "jitter", "≥ 0 and finite", self.jitter)
        check_setting(0 <= self.settle <= 1, "settle", "in [0, 1]", self.settle)
        check_setting(all(e >= 1 for e in self.snapshots), "snapshots", "all ≥ 1", self.snapshots)


@dataclass(frozen=True, kw_only=True)
class DenoisingConfig(AutoencoderConfig):
    """Settings of the denoising autoencoder."""

    mask: float = 0.5
    """Share of the pixels that are set to 0 and have to be guessed, in [0, 1]."""

    def __post_init__(self) -> None:
        """Refuse values that cannot be meant."""
        super().__post_init__()
        check_setting(0 <= self.mask <= 1, "mask", "in [0, 1]", self.mask)


@dataclass(frozen=True, kw_only=True)
class SparseConfig(AutoencoderConfig):
    """Settings of the sparse autoencoder."""

    target: float = 0.05
    """Share ρ of the time that each unit of the code should be on, in (0, 1)."""
    beta: float = 0.3
    """Weight β of the penalty on other shares, against the cost of an image."""

    def __post_init__(self) -> None:
        """Refuse values that cannot be meant."""
        super().__post_init__()
        check_setting(0 < self.target < 1, "target", "in (0, 1)", self.target)
        check_setting(self.beta >= 0, "beta", "≥ 0", self.beta)


@dataclass(frozen=True, kw_only=True)
class KSparseConfig(AutoencoderConfig):
    """Settings of the k-sparse autoencoder."""

    k: int = 25
    """Units of the code that may be on for an image; the largest ones are."""

    def __post_init__(self) -> None:
        """Refuse values that cannot be meant."""
        super().__post_init__()
        if not 1 <= self.k <= self.code:
            raise UsageError(
                f"k must be in [1, {self.code}], the units of the code, got {self.k}: "
                "set --k or --code"
            )


@dataclass(frozen=True, kw_only=True)
class HashingConfig(AutoencoderConfig):
    """Settings of semantic hashing."""

    noise: float = 4.0
    """Standard deviation of the noise on the code's logits in training."""

    def __post_init__(self) -> None:
        """Refuse values that cannot be meant."""
        super().__post_init__()
        check_setting(self.code <= 62, "code", "≤ 62 bits, to be one address", self.code)
        check_setting(self.noise >= 0, "noise", "≥ 0", self.noise)


@dataclass(frozen=True, kw_only=True)
class CirclesConfig(FitConfig):
    """Settings of the autoencoder for points on circles."""

    circles: int = 2
    """Concentric circles: 1 or 2."""
    examples: int = 2000
    """Points to learn from; validation and test have 1,000 each."""
    spread: float = 0.02
    """Standard deviation of the points around their circle; the outer radius is 1."""
    corruption: float = 0.0
    """Standard deviation of the noise that is added to a point, to be taken off again."""
    hidden: tuple[int, ...] = (128, 128)
    """Neurons in each hidden layer from the point to the code; the way back mirrors them."""
    code: int = 1
    """Numbers in the code."""
    activation: Literal["tanh", "relu", "sigmoid"] = "relu"
    """What the hidden neurons do to their logit."""

    def __post_init__(self) -> None:
        """Refuse values that cannot be meant."""
        super().__post_init__()
        check_setting(self.circles in (1, 2), "circles", "1 or 2", self.circles)
        check_setting(self.examples >= 10, "examples", "≥ 10", self.examples)
        check_setting(self.spread >= 0, "spread", "≥ 0", self.spread)
        check_setting(self.corruption >= 0, "corruption", "≥ 0", self.corruption)
        check_setting(all(h >= 1 for h in self.hidden), "hidden", "all ≥ 1", self.hidden)
        check_setting(self.code >= 1, "code", "≥ 1", self.code)


MNIST = "mnist (70,000 images of 28×28), or --data"
SMOKE = {"epochs": 2, "data": "digits", "validation": 200}
IMAGE_AUTOENCODER = {
    "task": "gradus.embed.train:images",
    "load": "gradus.embed.predict:load_images",
    "data": MNIST,
}

CIRCLES_AUTOENCODER = Recipe(
    name="circles-autoencoder",
    summary="One number that tells two concentric circles apart, which no straight axis does.",
    source="chapter 6, figure 6-3",
    data="generated: points on two concentric circles",
    config=CirclesConfig(
        epochs=300, batch_size=50, optimizer="adam", lr=0.01, schedule="one-cycle"
    ),
    task="gradus.embed.train:points",
    load="gradus.embed.predict:load_points",
    figures="gradus.embed.run_figures:CIRCLES_RUN",
    quick={"epochs": 100},
    smoke={"epochs": 2, "hidden": (8,), "examples": 100},
    metric="knn accuracy",
    target="a 1-D code separates the circles ≥ 99 % (PCA cannot)",
)

MNIST_AUTOENCODER = Recipe(
    name="mnist-autoencoder",
    summary="The book's hourglass 784-1000-500-250-2: digits as points of a plane.",
    source="chapter 6, 'Implementing an Autoencoder in TensorFlow'; Hinton and Salakhutdinov 2006",
    config=AutoencoderConfig(
        epochs=60,
        optimizer="adam",
        lr=0.01,
        schedule="one-cycle",
        warmup=0.1,
        settle=0.65,
        jitter=0.1,
        snapshots=(5, 30),
    ),
    figures="gradus.embed.run_figures:AUTOENCODER_RUN",
    quick={"epochs": 2, "snapshots": (1,)},
    smoke={**SMOKE, "hidden": (16, 8), "snapshots": (1,)},
    target="validation cost ≤ 4.78 with 2 numbers in ≤ 60 epochs (book: 4.78 in about 200)",
    **IMAGE_AUTOENCODER,
)

MNIST_DENOISING = Recipe(
    name="mnist-denoising",
    summary="An autoencoder that fills in pixels which were blacked out.",
    source="chapter 6, 'Denoising to Force Robust Representations'; Vincent et al. 2008",
    config=DenoisingConfig(
        hidden=(1000, 500), code=100, epochs=20, optimizer="adam", lr=0.001, schedule="one-cycle"
    ),
    figures="gradus.embed.run_figures:DENOISING_RUN",
    quick={"epochs": 2},
    smoke={**SMOKE, "hidden": (16,), "code": 8},
    target="half of the pixels masked: lower cost than the plain autoencoder's",
    **IMAGE_AUTOENCODER,
)

MNIST_SPARSE = Recipe(
    name="mnist-sparse",
    summary="An autoencoder whose units are rarely on, by a penalty on how often they are.",
    source="chapter 6, 'Sparsity in Autoencoders'; Lee et al. 2008, Ng 2011 for the penalty",
    config=SparseConfig(
        hidden=(), code=400, epochs=20, optimizer="adam", lr=0.002, schedule="one-cycle"
    ),
    figures="gradus.embed.run_figures:SPARSE_RUN",
    quick={"epochs": 4},
    smoke={**SMOKE, "code": 12},
    target="the share of active units within a fifth of the target",
    **IMAGE_AUTOENCODER,
)

MNIST_KSPARSE = Recipe(
    name="mnist-ksparse",
    summary="An autoencoder that keeps the 25 largest of 1,000 units and drops the others.",
    source="chapter 6, 'Sparsity in Autoencoders'; Makhzani and Frey 2013",
    config=KSparseConfig(
        hidden=(), code=1000, k=25, epochs=20, optimizer="adam", lr=0.003, schedule="one-cycle"
    ),
    figures="gradus.embed.run_figures:SPARSE_RUN",
    quick={"epochs": 3},
    smoke={**SMOKE, "code": 12, "k": 3},
    target="at most k units of the code are on for every image",
    **IMAGE_AUTOENCODER,
)

MNIST_HASHING = Recipe(
    name="mnist-hashing",
    summary="Codes of 32 bits under which like images are found: semantic hashing.",
    source="Salakhutdinov and Hinton 2009, 'Semantic Hashing'; chapter 6, first section, names it",
    config=HashingConfig(
        hidden=(1000, 500), code=32, epochs=20, optimizer="adam", lr=0.003, schedule="one-cycle"
    ),
    figures="gradus.embed.run_figures:HASHING_RUN",
    quick={"epochs": 2},
    smoke={**SMOKE, "hidden": (16,), "code": 8},
    metric="knn accuracy",
    target="precision at 100 near that of the same code before it is rounded",
    **IMAGE_AUTOENCODER,
)
