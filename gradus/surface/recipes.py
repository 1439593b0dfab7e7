"""The named experiments of chapter 4: data only."""

from dataclasses import dataclass
from math import inf
from typing import Literal

from gradus.core.errors import UsageError
from gradus.core.recipe import Recipe, check_setting
from gradus.data.config import ImageDataConfig


@dataclass(frozen=True, kw_only=True)
class DeepConfig(ImageDataConfig):
    """Settings of the deep net that is pre-trained layer by layer."""

    hidden: tuple[int, ...] = (256, 256, 256, 256, 256)
    """Neurons in each hidden layer."""
    activation: Literal["sigmoid", "tanh", "relu"] = "sigmoid"
    """What the hidden neurons do to their logit; pre-training is for sigmoid neurons."""
    init: Literal["normal", "xavier", "he", "lecun"] = "normal"
    """Distribution of the initial weights; biases start at 0."""
    init_std: float = 0.05
    """Standard deviation of the initial weights where init is normal."""
    pretrain_epochs: int = 5
    """Passes over the training set for each hidden layer's autoencoder (0: a random start)."""
    pretrain_lr: float = 0.1
    """Learning rate of the autoencoders."""
    untied: bool = False
    """Give the autoencoders a way back of their own, instead of the transposed weights."""
    corruption: float = 0.0
    """Share of an autoencoder's inputs that are set to 0 and have to be guessed, in [0, 1)."""

    def __post_init__(self) -> None:
        """Refuse values that cannot be meant."""
        super().__post_init__()
        sizes = bool(self.hidden) and min(self.hidden) >= 1
        check_setting(sizes, "hidden", "one or more numbers ≥ 1", self.hidden)
        check_setting(0 < self.init_std < inf, "init_std", "> 0 and finite", self.init_std)
        check_setting(self.pretrain_epochs >= 0, "pretrain_epochs", "≥ 0", self.pretrain_epochs)
        check_setting(0 < self.pretrain_lr < inf, "pretrain_lr", "> 0 and finite", self.pretrain_lr)
        check_setting(0 <= self.corruption < 1, "corruption", "in [0, 1)", self.corruption)
        if self.pretrain_epochs and self.activation != "sigmoid":
            raise UsageError(
                f"pre-training is for sigmoid neurons, got activation={self.activation} with "
                f"pretrain_epochs={self.pretrain_epochs}: set pretrain_epochs to 0, or drop the "
                "activation"
            )


MNIST_DEEP_SIGMOID = Recipe(
    name="mnist-deep-sigmoid",
    summary="A deep net of sigmoid neurons, pre-trained layer by layer as autoencoders.",
    source="chapter 4, first section; Bengio et al. 2007, Hinton and Salakhutdinov 2006",
    data="mnist (70,000 images of 28×28), or --data",
    config=DeepConfig(epochs=20, lr=3.0),
    task="gradus.surface.train:deep_sigmoid",
    load="gradus.surface.predict:load_deep_sigmoid",
    figures="gradus.surface.run_figures:DEEP_RUN",
    quick={"epochs": 5, "pretrain_epochs": 2},
    smoke={
        "epochs": 2,
        "data": "digits",
        "validation": 200,
        "hidden": (16, 12),
        "pretrain_epochs": 2,
    },
    metric="accuracy",
)
