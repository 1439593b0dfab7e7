"""The named experiments of chapter 5: data only."""

from dataclasses import dataclass, replace
from typing import Literal

from gradus.core.recipe import Recipe, check_setting
from gradus.data.config import ImageDataConfig

Initialiser = Literal["he", "lecun", "normal", "truncated_normal", "uniform"]
Views = Literal["one", "flip", "shifts", "turns", "flip-shifts"]


@dataclass(frozen=True, kw_only=True)
class ImageConfig(ImageDataConfig):
    """Settings of the convolutional networks that name an image."""

    layers: str
    """The network between input and output, in the language of `gradus.vision.layers`."""
    init: Initialiser = "he"
    """Distribution of the initial weights; biases start at 0."""
    colour: bool = False
    """Read pictures in folders in colour."""
    distort: str = ""
    """Random changes of training images, in the language of `gradus.vision.distort`."""
    size: int = 0
    """Side of the square in the middle that is seen, in pixels; 0: the whole image."""
    whiten: bool = False
    """Bring each image to mean 0 and variance 1."""
    whitened: bool = False
    """The first convolution whitens patches of the training images, and is not trained."""
    identity: bool = False
    """The other convolutions begin as the identity on as many channels as they can."""
    smoothing: float = 0.0
    """Share of the target that is spread over all classes alike, in [0, 1)."""
    weight_decay: float = 0.0
    """Share λ of each weight lost in a step, times the learning rate; not of biases and norms."""
    views: Views = "one"
    """Versions of an image whose answers are averaged when it is judged."""
    keep: Literal["best", "last"] = "best"
    """The epoch to keep: best by accuracy on the validation set, or the last one."""

    def __post_init__(self) -> None:
        """Refuse values that cannot be meant."""
        super().__post_init__()
        check_setting(self.size >= 0, "size", "≥ 0 pixels", self.size)
        check_setting(0 <= self.smoothing < 1, "smoothing", "in [0, 1)", self.smoothing)
        stops = self.keep == "last" and self.patience > 0
        check_setting(not stops, "patience", "0 where --keep last", self.patience)
        check_setting(self.weight_decay >= 0, "weight_decay", "≥ 0", self.weight_decay)


SHARED = {
    "task": "gradus.vision.train:images",
    "load": "gradus.vision.predict:load_images",
    "figures": "gradus.vision.run_figures:IMAGE_RUN",
    "metric": "accuracy",
}
MNIST = "mnist (70,000 images of 28×28), or --data"
CIFAR10 = "cifar10 (60,000 photos of 32×32 in colour), or --data"

DIGITS_CNN = Recipe(
    name="digits-cnn",
    summary="A small convolutional network on the digits that come with scikit-learn.",
    source="chapter 5; data: UCI Optical Recognition of Handwritten Digits",
    data="digits (1,797 images of 8×8, nothing to download)",
    config=ImageConfig(
        data="digits",
        validation=200,
        layers="conv 3x3x32 norm relu, conv 3x3x64 norm relu pool 2, dense 128 relu dropout 0.5",
        epochs=30,
        batch_size=32,
        optimizer="adam",
        lr=0.003,
        schedule="one-cycle",
    ),
    quick={"epochs": 10},
    smoke={"epochs": 2, "layers": "conv 3x3x4 norm relu, conv 3x3x4 norm relu pool 2"},
    **SHARED,
)

MNIST_CNN = Recipe(
    name="mnist-cnn",
    summary="The book's convolutional network for digits: two convolutions, two pools, dropout.",
    source="chapter 5, section 'Closing the Loop on MNIST with Convolutional Networks'",
    data=MNIST,
    config=ImageConfig(
        layers="conv 5x5x32 relu pool 2, conv 5x5x64 relu pool 2, dense 1024 relu dropout 0.5",
        distort="shift 1",
        epochs=10,
        batch_size=100,
        optimizer="adam",
        lr=0.001,
        schedule="one-cycle",
    ),
    quick={"epochs": 1},
    smoke={
        "epochs": 2,
        "data": "digits",
        "validation": 200,
        "layers": "conv 5x5x4 relu pool 2, conv 5x5x4 relu pool 2, dense 16 relu dropout 0.5",
    },
    target="test accuracy ≥ 99.4 % in ≤ 10 minutes on 2 cores (book: 99.4 %)",
    **SHARED,
)

MNIST_CNN_FAST = Recipe(
    name="mnist-cnn-fast",
    summary="A small network that learns MNIST in seconds.",
    source="chapter 5; Szegedy et al. 2015 for smoothing, Smith and Topin 2018 for the one cycle",
    data=MNIST,
    config=ImageConfig(
        layers="conv 5x5x24 stride 2 nobias relu, conv 5x5x48 stride 2 nobias norm relu, "
        "dense 128 nobias norm relu",
        distort="shift 1",
        smoothing=0.1,
        epochs=8,
        batch_size=128,
        optimizer="adam",
        lr=0.01,
        schedule="one-cycle",
        warmup=0.1,
    ),
    quick={
        "epochs": 2,
        "layers": "conv 5x5x16 stride 2 nobias relu, conv 5x5x32 stride 2 nobias norm relu, "
        "dense 128 nobias norm relu",
    },
    smoke={
        "epochs": 2,
        "data": "digits",
        "validation": 200,
        "layers": "conv 3x3x4 stride 2 nobias relu, dense 16 nobias norm relu",
    },
    target="test accuracy ≥ 99.4 % in ≤ 2 minutes on 2 cores; --quick: ≥ 99 % in ≤ 12 s",
    **SHARED,
)

MNIST_CNN_BEST = Recipe(
    name="mnist-cnn-best",
    summary="Six convolutions, bent and turned digits, five looks at each.",
    source="chapter 5; Simard et al. 2003 for the bends",
    data=MNIST,
    config=ImageConfig(
        layers="conv 3x3x32 nobias norm relu, conv 3x3x32 nobias pool 2 norm relu, "
        "conv 3x3x64 nobias norm relu, conv 3x3x64 nobias pool 2 norm relu, "
        "conv 3x3x128 nobias norm relu, conv 3x3x128 nobias norm relu, pool all",
        distort="shift 2, warp 12 0.1 0.7",
        smoothing=0.1,
        views="turns",
        keep="last",
        epochs=40,
        batch_size=128,
        optimizer="adam",
        lr=0.01,
        schedule="one-cycle",
        warmup=0.1,
    ),
    quick={
        "epochs": 1,
        "layers": "conv 3x3x16 nobias pool 2 norm relu, conv 3x3x32 nobias norm relu, "
        "conv 3x3x32 nobias pool 2 norm relu, conv 3x3x64 nobias norm relu, pool all",
    },
    smoke={
        "epochs": 2,
        "data": "digits",
        "validation": 200,
        "layers": "conv 3x3x4 nobias norm relu, pool all",
    },
    target="test accuracy ≥ 99.7 % (book: state of the art is 99.7 to 99.8 %)",
    **SHARED,
)

CIFAR10_CNN = Recipe(
    name="cifar10-cnn",
    summary="The book's convolutional network for photos, without batch normalisation.",
    source="chapter 5, section 'Building a Convolutional Network for CIFAR-10', figure 5-17",
    data=CIFAR10,
    config=ImageConfig(
        data="cifar10",
        colour=True,
        layers="conv 5x5x64 relu pool 2, conv 5x5x64 relu pool 2, dense 384 relu, dense 192 relu",
        distort="crop 24, flip, brightness 0.25, contrast 0.2 1.8",
        size=24,
        whiten=True,
        epochs=20,
        batch_size=128,
        lr=0.05,
    ),
    quick={"epochs": 1},
    smoke={
        "epochs": 2,
        "data": "digits",
        "validation": 200,
        "layers": "conv 5x5x4 relu pool 2, dense 16 relu",
        "distort": "crop 6, brightness 0.25, contrast 0.2 1.8",
        "size": 6,
    },
    **SHARED,
)

CIFAR10_CNN_BN = replace(
    CIFAR10_CNN,
    name="cifar10-cnn-bn",
    summary="The book's convolutional network for photos, with batch normalisation.",
    config=CIFAR10_CNN.configure(
        layers="conv 5x5x64 norm relu pool 2, conv 5x5x64 norm relu pool 2, "
        "dense 384 norm relu, dense 192 norm relu",
        lr=10 * CIFAR10_CNN.config.lr,
    ),
    smoke={**CIFAR10_CNN.smoke, "layers": "conv 5x5x4 norm relu pool 2, dense 16 norm relu"},
)

CIFAR10_VGG = Recipe(
    name="cifar10-vgg",
    summary="A small VGG with batch normalisation: two 3×3 convolutions, then a pool, three times.",
    source="chapter 5, figure 5-14; Simonyan and Zisserman 2014",
    data=CIFAR10,
    config=ImageConfig(
        data="cifar10",
        colour=True,
        validation=2000,
        layers="conv 3x3x32 norm relu, conv 3x3x64 norm relu, pool 2, "
        "conv 3x3x96 norm relu, conv 3x3x96 norm relu, pool 2, "
        "conv 3x3x128 norm relu, conv 3x3x128 norm relu, average all",
        distort="flip, shift 4 reflect",
        whiten=True,
        epochs=12,
        optimizer="adamw",
        lr=0.004,
        schedule="one-cycle",
        warmup=0.3,
    ),
    quick={
        "epochs": 1,
        "layers": "conv 3x3x16 norm relu pool 2, conv 3x3x32 norm relu pool 2, "
        "conv 3x3x64 norm relu, average all",
    },
    smoke={
        "epochs": 2,
        "data": "digits",
        "validation": 200,
        "layers": "conv 3x3x4 norm relu, pool 2, conv 3x3x4 norm relu, average all",
        "distort": "flip, shift 1 reflect",
    },
    **SHARED,
)

CIFAR10_MODERN = Recipe(
    name="cifar10-modern",
    summary="A whitened first convolution and what else makes training on photos short.",
    source="Jordan 2024, '94% on CIFAR-10 in 3.29 Seconds on a Single GPU'",
    data=CIFAR10,
    config=ImageConfig(
        data="cifar10",
        colour=True,
        validation=2000,
        layers="conv 2x2x24 pad valid gelu, "
        "conv 3x3x64 nobias pool 2 norm gelu conv 3x3x64 nobias norm gelu, "
        "conv 3x3x256 nobias pool 2 norm gelu conv 3x3x256 nobias norm gelu, "
        "conv 3x3x256 nobias pool 2 norm gelu conv 3x3x256 nobias norm gelu, pool all",
        whitened=True,
        identity=True,
        distort="flip, shift 2 reflect",
        smoothing=0.2,
        weight_decay=0.01,
        views="flip",
        epochs=12,
        batch_size=256,
        optimizer="nesterov",
        momentum=0.85,
        lr=0.5,
        schedule="one-cycle",
        warmup=0.2,
    ),
    quick={
        "epochs": 1,
        "layers": "conv 2x2x24 pad valid gelu, "
        "conv 3x3x24 nobias pool 2 norm gelu conv 3x3x24 nobias norm gelu, "
        "conv 3x3x64 nobias pool 2 norm gelu conv 3x3x64 nobias norm gelu, pool all",
    },
    smoke={
        "epochs": 2,
        "data": "digits",
        "validation": 200,
        "layers": "conv 2x2x8 pad valid gelu, conv 3x3x8 nobias pool 2 norm gelu, pool all",
        "distort": "flip, shift 1 reflect",
    },
    target="test accuracy ≥ 93 % in ≤ 30 minutes on 2 cores with all 50,000 photos",
    **SHARED,
)
