"""The filters of the first convolution as pictures, and how far they are from noise (figure 5-18).

Only the first layer's filters can be looked at: they weigh pixels. Those of later layers weigh
feature maps.
"""

import torch
from jaxtyping import Float
from matplotlib.figure import Figure
from torch import Tensor, nn

from gradus.core import plot
from gradus.core.charts import image_grid
from gradus.core.errors import UsageError

MOST = 64
"""Filters that are drawn."""
NOISE_DRAWS = 2000
"""Random filters that the learned ones are compared with."""


def first_filters(model: nn.Module) -> Float[Tensor, "filters channels height width"]:
    """The weights W of a network's first two-dimensional convolution, a copy on the CPU.

    Raises:
        UsageError: there is none.
    """
    for module in model.modules():
        if isinstance(module, nn.Conv2d):
            return module.weight.detach().float().cpu().clone()
    raise UsageError("this network has no two-dimensional convolution, so no filters to show")


def as_pictures(
    filters: Float[Tensor, "filters channels height width"],
) -> Float[Tensor, "filters shown height width"]:
    """Filters as pictures in [0, 1]: middle grey is 0, each filter fills the range on its own.

    Three channels are shown as red, green and blue, any other number by their mean.
    """
    shown = filters if filters.shape[1] == 3 else filters.mean(1, keepdim=True)
    reach = shown.abs().amax((1, 2, 3), keepdim=True).clamp_min(1e-12)
    return 0.5 + 0.5 * shown / reach


def filter_pictures(model: nn.Module) -> dict[str, Tensor]:
    """The first filters for TensorBoard: `Task.pictures`; at most `MOST`."""
    return {"first filters": as_pictures(first_filters(model)[:MOST])}


def smoothness(
    filters: Float[Tensor, "filters channels height width"],
) -> Float[Tensor, "filters"]:
    """How alike neighbouring weights of each filter are: Σ w·w' over neighbours / their norms.

    A cosine in [−1, 1], of a filter with itself shifted by one row and by one column: near 1 where
    weights change slowly, near 0 for noise, below it where they alternate. Filters of one pixel,
    which have no neighbours, get 0.
    """
    pairs = [
        (filters[..., 1:, :], filters[..., :-1, :]),
        (filters[..., :, 1:], filters[..., :, :-1]),
    ]
    one = torch.cat([a.flatten(1) for a, _ in pairs], 1)
    other = torch.cat([b.flatten(1) for _, b in pairs], 1)
    return torch.cosine_similarity(one, other, dim=1)


def smoother_than_noise(
    filters: Float[Tensor, "filters channels height width"], level: float = 0.99, seed: int = 0
) -> int:
    """How many filters are smoother than the share `level` of white noise of the same shape."""
    generator = torch.Generator().manual_seed(seed)
    noise = torch.randn(NOISE_DRAWS, *filters.shape[1:], generator=generator)
    return int((smoothness(filters) > smoothness(noise).quantile(level)).sum())


@plot.style()
def draw_filters(
    filters: Float[Tensor, "filters channels height width"], setting: str = ""
) -> Figure:
    """A grid of filters: in colour where they see colours, else in a diverging map around 0.

    Args:
        filters: the weights; the `MOST` longest are drawn, in their own order.
        setting: which run, for the subtitle.

    Returns:
        The grid; the title says how many filters are smoother than noise.
    """
    strongest = filters.flatten(1).norm(dim=1).argsort(descending=True)[:MOST].sort().values
    colour = filters.shape[1] == 3
    if colour:
        images = as_pictures(filters[strongest]).permute(0, 2, 3, 1).numpy()
        scale = "Grey is 0, each filter scaled to its own largest weight"
    else:
        images = filters[strongest].mean(1).numpy()
        scale = "Red: light here speaks for the filter, blue: against it"
        scale += "; means over channels" if filters.shape[1] > 1 else ""
    fig = image_grid(images, columns=min(16, max(8, len(images) // 4)), signed=not colour)
    n, size = len(filters), "×".join(map(str, filters.shape[2:]))
    finding = f"{n} filters of {size} weights"
    if filters.shape[2:].numel() > 1:
        smooth = smoother_than_noise(filters)
        finding = f"{smooth} of {n} first-layer filters are smoother than 99 % of random ones"
    part = f"the {len(images)} longest of {n}; " if len(images) < n else ""
    plot.title(fig, finding, f"{part}{scale}{'; ' if setting else ''}{setting}")
    return fig
