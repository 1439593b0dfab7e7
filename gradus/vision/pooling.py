"""Fractional max pooling: windows at pseudo-random distances (book ch. 5, "Max Pooling")."""

from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from gradus.core.errors import UsageError


class FractionalPool(nn.Module):
    """Maximum over windows whose distances are not a whole number: now one cell, now the next.

    With α = (size - kernel) / (outputs - 1), window i begins at ⌊α(i + u)⌋ - ⌊αu⌋, the last one at
    size - kernel. In training u is drawn from [0, 1) for each example, channel and axis; in
    evaluation it is 0.5, so that an answer is the same each time.

    Source: Graham 2014, "Fractional Max-Pooling", section 2.1 (pseudorandom, overlapping regions).
    """

    def __init__(self, kernel: tuple[int, ...], outputs: tuple[int, ...]) -> None:
        """Make the layer.

        Args:
            kernel: extent of a window along each of 1 to 3 axes, ≥ 1.
            outputs: windows along each axis, ≥ 1 and at most size - kernel + 1.

        Raises:
            UsageError: there are not 1 to 3 axes.
        """
        super().__init__()
        if not 1 <= len(kernel) == len(outputs) <= 3:
            raise UsageError(
                f"kernel and outputs must have 1 to 3 axes alike, got {kernel} and {outputs}"
            )
        self.kernel, self.outputs = kernel, outputs

    def forward(
        self, x: Float[Tensor, "batch channels *size"]
    ) -> Float[Tensor, "batch channels *outputs"]:
        """The maximum of each window."""
        if len(self.kernel) == 1:  # torch has it for two and three axes
            return self._pool(x[:, :, None], (1, *self.kernel), (1, *self.outputs))[:, :, 0]
        return self._pool(x, self.kernel, self.outputs)

    def _pool(self, x: Tensor, kernel: tuple[int, ...], outputs: tuple[int, ...]) -> Tensor:
        pool = (functional.fractional_max_pool2d, functional.fractional_max_pool3d)[len(kernel) - 2]
        u = x.new_full((*x.shape[:2], len(kernel)), 0.5)
        return pool(x, kernel, outputs, _random_samples=u.uniform_() if self.training else u)

    def extra_repr(self) -> str:
        """The sizes, for print."""
        return f"kernel={self.kernel}, outputs={self.outputs}"
