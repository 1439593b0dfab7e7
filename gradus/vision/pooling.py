"""Fractional max pooling: windows at pseudo-random distances (book ch. 5, "Max Pooling")."""

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from gradus.core.errors import UsageError

POOLS = {2: functional.fractional_max_pool2d, 3: functional.fractional_max_pool3d}


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
            kernel: extent of a window along each of 2 or 3 axes, ≥ 1.
            outputs: windows along each axis, ≥ 1 and at most size - kernel + 1.

        Raises:
            UsageError: there are not 2 or 3 axes.
        """
        super().__init__()
        if len(kernel) not in POOLS or len(outputs) != len(kernel):
            raise UsageError(
                f"fractional pooling needs kernel and outputs of 2 or 3 axes, "
                f"got {kernel} and {outputs}"
            )
        self.kernel, self.outputs = kernel, outputs

    def forward(
        self, x: Float[Tensor, "batch channels *size"]
    ) -> Float[Tensor, "batch channels *outputs"]:
        """The maximum of each window."""
        shape = (len(x), x.shape[1], len(self.kernel))
        u = torch.rand(shape, device=x.device) if self.training else torch.full(shape, 0.5)
        u = u.to(x)
        return POOLS[len(self.kernel)](x, self.kernel, output_size=self.outputs, _random_samples=u)

    def extra_repr(self) -> str:
        """The sizes, for print."""
        return f"kernel={self.kernel}, outputs={self.outputs}"
