"""The autoencoder: a network that squeezes its input through a code (book figures 6-4, 6-5).

Symbols: x input, h code, x̂ what is rebuilt of x.
"""

from collections.abc import Callable, Sequence

import torch
from jaxtyping import Float
from torch import Tensor, nn

from gradus.core.errors import UsageError
from gradus.nn.activation import find_activation
from gradus.nn.mlp import MLP


class Autoencoder(nn.Module):
    """h = c(encoder(x)), x̂ = f(decoder(h)): an hourglass of two feed-forward networks.

    The layers between are those of `gradus.nn.mlp.MLP`, their logits normalised over the minibatch
    if asked for. The code is linear unless `code` does something to it.

    Attributes:
        encoder: from the input to the code's logits.
        code: what is done to these logits.
        decoder: from the code to the logits of what is rebuilt, the sizes in reverse.
        output: f, what is done to those.
    """

    def __init__(
        self,
        sizes: Sequence[int],
        activation: str = "sigmoid",
        norm: float = 1.0,
        code: nn.Module | None = None,
        output: str = "sigmoid",
        jitter: float = 0.0,
    ) -> None:
        """Make the network. Weights start normal with standard deviation √(1/n_in), biases at 0.

        Args:
            sizes: neurons in each layer from the input to the code, such as (784, 1000, 500, 250,
                2); each ≥ 1.
            activation: f of the hidden layers: sigmoid, tanh, relu or linear.
            norm: spread γ of the hidden layers' normalised logits at the start; 0: no batch
                normalisation.
            code: applied to the code's logits, such as `nn.Sigmoid()`; None leaves them.
            output: f of the last layer: sigmoid for values in [0, 1], linear for any.
            jitter: standard deviation of noise on the inputs in training, ≥ 0.

        Raises:
            UsageError: a number is out of its range, or a name is unknown.
        """
        super().__init__()
        if len(sizes) < 2 or min(sizes) < 1:
            raise UsageError(
                f"sizes must be two or more numbers ≥ 1, the last one the code's, got "
                f"{tuple(sizes)}"
            )
        self.encoder = MLP(sizes, activation, init="lecun", norm=norm)
        self.code = code or nn.Identity()
        self.decoder = MLP(tuple(sizes)[::-1], activation, init="lecun", norm=norm)
        self.output = find_activation(output)
        self.jitter = jitter

    def encode(self, x: Float[Tensor, "batch features"]) -> Float[Tensor, "batch code"]:
        """The code h of each input."""
        if self.training and self.jitter:
            x = x + self.jitter * torch.randn_like(x)
        return self.code(self.encoder(x))

    def decode(self, code: Float[Tensor, "batch code"]) -> Float[Tensor, "batch features"]:
        """What the code is a code of: x̂."""
        return self.output(self.decoder(code))

    def forward(
        self, x: Float[Tensor, "batch features"], return_code: bool = False
    ) -> (
        Float[Tensor, "batch features"]
        | tuple[Float[Tensor, "batch features"], Float[Tensor, "batch code"]]
    ):
        """x̂: the input, rebuilt from its code; with `return_code` the pair (x̂, h)."""
        code = self.encode(x)
        rebuilt = self.decode(code)
        return (rebuilt, code) if return_code else rebuilt


def l2_cost(
    rebuilt: Float[Tensor, "batch features"], x: Float[Tensor, "batch features"]
) -> Float[Tensor, "batch"]:
    """‖x̂ − x‖ = √Σ_i (x̂_i − x_i)² of each example (book ch. 6, "Implementing an Autoencoder").

    Where x̂ = x exactly its gradient is taken as 0.
    """
    return torch.linalg.vector_norm(rebuilt - x, dim=1)


@torch.no_grad()
def in_parts(
    function: Callable[[Tensor], Tensor], x: Float[Tensor, "n features"], size: int = 5000
) -> Tensor:
    """A function of many examples, `size` of them at a time, without gradients."""
    return torch.cat([function(part) for part in x.split(size)])
