"""Feed-forward networks of any depth (book figures 1-9 and 3-7)."""

import itertools
from collections.abc import Sequence

from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from gradus.core.errors import UsageError
from gradus.nn.activation import find_activation
from gradus.nn.init import initialise
from gradus.nn.norm import SettlingBatchNorm


class MLP(nn.Module):
    """A feed-forward network: hidden layers y = f(Wx + b), then logits z = Wy + b.

    The parameters are named by their place (book ch. 3, "Navigating Variable Scopes and Sharing
    Variables"): `hidden_1.weight`, `hidden_1.bias`, ..., `output.weight`, `output.bias`, weights
    shaped "outputs inputs". Call one module twice and its parameters are shared; build two and
    each has its own.

    The softmax is left to the loss, and the logits pass through no activation. (The book's listing
    of figure 3-7 puts a ReLU on them, which keeps every logit from being negative.)

    With sizes (784, 10) there is no hidden layer: logistic regression. Sizes (784, 256, 256, 10)
    make figure 3-7.

    Attributes:
        sizes: neurons in each layer, the inputs first.
        output: the last layer.
    """

    output: nn.Linear

    def __init__(
        self,
        sizes: Sequence[int],
        activation: str = "relu",
        dropout: float = 0.0,
        init: str = "he",
        norm: float = 0.0,
        **init_settings: float,
    ) -> None:
        """Make the network.

        Args:
            sizes: neurons in each layer: inputs, hidden layers if any, classes; each ≥ 1.
            activation: f of the hidden layers: relu, sigmoid, tanh or linear.
            dropout: probability that a hidden neuron is silenced in training, in [0, 1): 1 - p in
                the book's symbols (book figure 2-16). The neurons left are scaled by 1/p.
            init: how all weights start, a key of `gradus.nn.init.INITIALISERS`; biases start at 0.
            norm: γ at the start, ≥ 0: hidden logits are normalised over the minibatch, then scaled
                by a learned γ and moved (Ioffe and Szegedy 2015, "Batch Normalization"), in
                `norm_1`, `norm_2`, ...; 0: they are left as they are.
            init_settings: the initialiser's own numbers, such as `std=0.05` for "normal".

        Raises:
            UsageError: a number is out of its range, or a name is unknown.
        """
        super().__init__()
        if len(sizes) < 2 or min(sizes) < 1:
            raise UsageError(f"sizes must be two or more numbers ≥ 1, got {tuple(sizes)}")
        if not 0 <= dropout < 1:
            raise UsageError(f"dropout must be in [0, 1), got {dropout}")
        if activation == "threshold":
            raise UsageError("activation threshold has no slope to learn by; try relu or tanh")
        if not norm >= 0:
            raise UsageError(f"norm must be ≥ 0, got {norm}")
        self.sizes = tuple(sizes)
        self.activation = find_activation(activation)
        self.dropout = dropout
        self._hidden = [f"hidden_{i}" for i in range(1, len(sizes) - 1)]
        for name, (n_in, n_out) in zip(
            [*self._hidden, "output"], itertools.pairwise(sizes), strict=True
        ):
            layer = nn.Linear(n_in, n_out)
            initialise(layer.weight, init, None, **init_settings)
            nn.init.zeros_(layer.bias)
            self.add_module(name, layer)
        self._norms = [f"norm_{i}" for i in range(1, len(sizes) - 1)] if norm else []
        for name, width in zip(self._norms, sizes[1:], strict=False):
            self.add_module(name, SettlingBatchNorm(width))
            nn.init.constant_(getattr(self, name).weight, norm)

    @property
    def layers(self) -> list[nn.Linear]:
        """All layers from the inputs up, `output` the last."""
        return [getattr(self, name) for name in (*self._hidden, "output")]

    def forward(self, x: Float[Tensor, "batch features"]) -> Float[Tensor, "batch classes"]:
        """The logits z of each example's classes; softmax makes them probabilities."""
        for number, name in enumerate(self._hidden):
            x = getattr(self, name)(x)
            if self._norms:
                x = getattr(self, self._norms[number])(x)
            x = self.activation(x)
            if self.dropout:
                x = functional.dropout(x, self.dropout, self.training)
        return self.output(x)


def first_layer(model: nn.Module, shape: tuple[int, ...]) -> dict[str, Tensor]:
    """The first layer's weights as pictures, each stretched over [0, 1]; at most 64 neurons.

    Args:
        model: its first parameter is a weight "neurons features".
        shape: of an input before it was made a vector: "height width" or "height width channels".
    """
    weight = next(model.parameters()).detach().cpu()[:64]
    low, high = weight.amin(1, keepdim=True), weight.amax(1, keepdim=True)
    grey = (weight - low) / (high - low).clamp_min(1e-12)
    images = grey.reshape(-1, *shape)
    return {"first layer": images.movedim(3, 1) if len(shape) == 3 else images.unsqueeze(1)}
