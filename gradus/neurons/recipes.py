"""The named experiments of chapters 1–3: data only."""

from dataclasses import dataclass
from typing import Literal

from gradus.core.recipe import FitConfig, Recipe, check_setting
from gradus.data.config import ImageDataConfig

Activation = Literal["relu", "sigmoid", "tanh", "linear"]
Initialiser = Literal["he", "lecun", "normal", "truncated_normal", "uniform", "zeros"]
Shape = Literal["blobs", "circle", "moons", "spiral"]


@dataclass(frozen=True, kw_only=True)
class ExamConfig(FitConfig):
    """Settings of the exam perceptron."""

    examples: int = 60
    """Students in the data set."""
    flipped: float = 0.0
    """Share of labels turned round, in [0, 0.5]: with any, no line separates the classes."""

    def __post_init__(self) -> None:
        """Refuse values that cannot be meant."""
        super().__post_init__()
        check_setting(self.examples >= 10, "examples", "≥ 10", self.examples)
        check_setting(0 <= self.flipped <= 0.5, "flipped", "in [0, 0.5]", self.flipped)


@dataclass(frozen=True, kw_only=True)
class FastFoodConfig(FitConfig):
    """Settings of the fast-food neuron."""

    meals: int = 100
    """Meals in the training set."""

    def __post_init__(self) -> None:
        """Refuse values that cannot be meant."""
        super().__post_init__()
        check_setting(self.meals >= 3, "meals", "≥ 3, one for each price", self.meals)


@dataclass(frozen=True, kw_only=True)
class NetConfig(FitConfig):
    """Settings of every feed-forward net."""

    hidden: tuple[int, ...] = (256, 256)
    """Neurons in each hidden layer; none makes it a softmax regression."""
    activation: Activation = "relu"
    """What the hidden neurons do to their logit."""
    init: Initialiser = "he"
    """Distribution of the initial weights; biases start at 0."""
    dropout: float = 0.0
    """Probability that a hidden neuron is silenced in training, in [0, 1)."""
    l2: float = 0.0
    """Strength λ of the L2 penalty ½λ‖w‖² added to the loss; biases are exempt."""
    l1: float = 0.0
    """Strength λ of the L1 penalty λ|w|, taken as a proximal step that gives exact zeros."""
    max_norm: float = 0.0
    """Largest length c of a neuron's incoming weight vector (0: any; the book: 3 or 4)."""

    def __post_init__(self) -> None:
        """Refuse values that cannot be meant."""
        super().__post_init__()
        check_setting(all(h >= 1 for h in self.hidden), "hidden", "all ≥ 1", self.hidden)
        check_setting(0 <= self.dropout < 1, "dropout", "in [0, 1)", self.dropout)
        for name in ("l2", "l1", "max_norm"):
            check_setting(getattr(self, name) >= 0, name, "≥ 0", getattr(self, name))


@dataclass(frozen=True, kw_only=True)
class PlanarConfig(NetConfig):
    """Settings of the nets that divide a plane."""

    shape: Shape = "moons"
    """How the two classes lie in the plane."""
    examples: int = 200
    """Points in the training set."""
    noise: float = 0.25
    """Standard deviation of the points around their shape."""

    def __post_init__(self) -> None:
        """Refuse values that cannot be meant."""
        super().__post_init__()
        check_setting(self.examples >= 10, "examples", "≥ 10", self.examples)
        check_setting(self.noise >= 0, "noise", "≥ 0", self.noise)


@dataclass(frozen=True, kw_only=True)
class ImageConfig(NetConfig, ImageDataConfig):
    """Settings of the nets that name an image."""


EXAM_PERCEPTRON = Recipe(
    name="exam-perceptron",
    summary="A perceptron that tells from sleep and study who does well in the exam.",
    source="chapter 1, figure 1-4; Rosenblatt 1958",
    data="generated: hours of sleep and of study",
    config=ExamConfig(epochs=1000, batch_size=1, lr=1.0, checkpoint_seconds=5.0),
    task="gradus.neurons.train:exam",
    load="gradus.neurons.predict:load_exam",
    figures="gradus.neurons.run_figures:EXAM_RUN",
    smoke={"examples": 20},
    metric="error",
    target="0 errors on the training set",
)

FAST_FOOD = Recipe(
    name="fast-food",
    summary="A linear neuron that finds the prices of burgers, fries and sodas.",
    source="chapter 2, figure 2-1: the delta rule",
    data="generated: meals and what they cost",
    config=FastFoodConfig(epochs=200, batch_size=10, lr=0.01),
    task="gradus.neurons.train:fast_food",
    load="gradus.neurons.predict:load_fast_food",
    figures="gradus.neurons.run_figures:NUMBER_RUN",
    smoke={"epochs": 20},
    metric="loss",
    target="every price to 0.001",
)

PLANAR_NET = Recipe(
    name="planar-net",
    summary="A small net that divides a plane, to see under- and overfitting.",
    source="chapter 2, figures 2-10, 2-11 and 2-15",
    data="generated: two classes in the plane",
    config=PlanarConfig(hidden=(20,), activation="tanh", epochs=100, batch_size=10, lr=0.1),
    task="gradus.neurons.train:planar",
    load="gradus.neurons.predict:load_planar",
    figures="gradus.neurons.run_figures:PLANAR_RUN",
    quick={"epochs": 50},
    smoke={"epochs": 3, "examples": 40},
    metric="accuracy",
)

DIGITS_MLP = Recipe(
    name="digits-mlp",
    summary="The feed-forward net on the small digits that come with scikit-learn.",
    source="chapter 3, figure 3-7; data: UCI Optical Recognition of Handwritten Digits",
    data="digits (1,797 images of 8×8, nothing to download)",
    config=ImageConfig(data="digits", validation=200, hidden=(64, 64), epochs=40, batch_size=32),
    task="gradus.neurons.train:images",
    load="gradus.neurons.predict:load_images",
    figures="gradus.neurons.run_figures:IMAGE_RUN",
    quick={"epochs": 20},
    smoke={"epochs": 3, "hidden": (16,)},
    metric="accuracy",
)

MNIST_LOGISTIC = Recipe(
    name="mnist-logistic",
    summary="Softmax regression: one layer from pixels to digits.",
    source="chapter 3, figure 3-4",
    data="mnist (70,000 images of 28×28), or --data",
    config=ImageConfig(hidden=(), init="zeros", epochs=40, lr=0.5, schedule="cosine"),
    task="gradus.neurons.train:images",
    load="gradus.neurons.predict:load_images",
    figures="gradus.neurons.run_figures:IMAGE_RUN",
    quick={"epochs": 10},
    smoke={"epochs": 2, "data": "digits", "validation": 200},
    metric="accuracy",
    target="test accuracy ≥ 92.3 % (book: 91.9 %)",
)

MNIST_MLP = Recipe(
    name="mnist-mlp",
    summary="The feed-forward net 784-256-256-10 with ReLU neurons.",
    source="chapter 3, figure 3-7; He et al. 2015 for the initial weights",
    data="mnist (70,000 images of 28×28), or --data",
    config=ImageConfig(epochs=20, optimizer="adam", lr=0.003, schedule="one-cycle", dropout=0.2),
    task="gradus.neurons.train:images",
    load="gradus.neurons.predict:load_images",
    figures="gradus.neurons.run_figures:IMAGE_RUN",
    quick={"epochs": 5},
    smoke={"epochs": 2, "data": "digits", "validation": 200, "hidden": (16,)},
    metric="accuracy",
    target="test accuracy ≥ 98.4 % in ≤ 20 epochs (book: 98.2 % in 300)",
)
