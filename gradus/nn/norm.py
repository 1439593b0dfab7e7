"""Batch normalisation that can settle: noise while it helps, none while the last digits count."""

from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional


class SettlingBatchNorm(nn.BatchNorm1d):
    """Batch normalisation of vectors (Ioffe and Szegedy 2015) that holds its mean and variance.

    Each minibatch has another mean and variance, so in training the layer adds noise to what goes
    through it. After `settles` minibatches it takes the running mean and variance in training too,
    as in evaluation, and leaves them as they are: the network then learns what it is judged by.
    Until then, and with `settles` None, it is `torch.nn.BatchNorm1d`, and so are its parameters.

    Attributes:
        settles: minibatches until then, or None for never.
    """

    settles: int | None = None
    num_batches_tracked: Tensor

    def forward(self, input: Float[Tensor, "batch features"]) -> Float[Tensor, "batch features"]:
        """Each feature less its mean, over its standard deviation, times γ, plus β."""
        if self.training and self.settles is not None and self.num_batches_tracked >= self.settles:
            return functional.batch_norm(
                input, self.running_mean, self.running_var, self.weight, self.bias, eps=self.eps
            )
        return super().forward(input)


def settle_after(model: nn.Module, minibatches: int) -> None:
    """Let each `SettlingBatchNorm` of a model hold its numbers after so many minibatches."""
    for module in model.modules():
        if isinstance(module, SettlingBatchNorm):
            module.settles = minibatches
