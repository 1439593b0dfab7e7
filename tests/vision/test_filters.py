"""The first layer's filters as pictures, and how far they are from noise."""

import numpy as np
import pytest
import torch
from torch import nn

from gradus.core.errors import UsageError
from gradus.vision import ConvNet
from gradus.vision.filters import (
    MOST,
    as_pictures,
    draw_filters,
    filter_pictures,
    first_filters,
    smoother_than_noise,
    smoothness,
)
from tests.figures import assert_readable


def edges(n, channels=3, size=5):
    """Filters that change slowly from one side to the other."""
    ramp = torch.linspace(-1, 1, size)
    return torch.stack([(ramp[:, None] + k * ramp).expand(channels, -1, -1) for k in range(n)])


def test_the_first_convolution_is_found_wherever_it_is():
    net = nn.Sequential(nn.Identity(), nn.Sequential(nn.Conv2d(3, 4, 5), nn.Conv2d(4, 2, 3)))
    found = first_filters(net)
    torch.testing.assert_close(found, net[1][0].weight)
    found.zero_()
    assert net[1][0].weight.abs().sum() > 0, "a copy"
    assert not found.requires_grad
    with pytest.raises(UsageError, match="no two-dimensional convolution"):
        first_filters(nn.Linear(2, 2))


def test_pictures_put_zero_in_the_middle():
    filters = torch.tensor([0.5, -2.0, 0.0, 1.0]).reshape(1, 1, 2, 2)
    torch.testing.assert_close(as_pictures(filters).flatten(), torch.tensor([0.625, 0, 0.5, 0.75]))
    assert as_pictures(torch.zeros(2, 3, 2, 2)).unique().tolist() == [0.5]
    assert as_pictures(torch.randn(2, 3, 5, 5)).shape == (2, 3, 5, 5)
    assert as_pictures(torch.randn(2, 4, 5, 5)).shape == (2, 1, 5, 5)


def test_smoothness_equals_the_loop():
    filters = torch.randn(3, 2, 4, 5, dtype=torch.float64)
    for f, found in zip(filters.numpy(), smoothness(filters), strict=True):
        pairs = [
            (f[c, i, j], f[c, a, b])
            for c, i, j in np.ndindex(f.shape)
            for a, b in ((i - 1, j), (i, j - 1))
            if a >= 0 and b >= 0
        ]
        one, other = np.array(pairs).T
        assert float(found) == pytest.approx(
            (one * other).sum() / np.sqrt((one**2).sum() * (other**2).sum()), abs=1e-12
        )


def test_smoothness_of_what_changes_slowly_alternates_or_has_no_neighbours():
    board = torch.ones(5, 5)
    board[::2, 1::2] = board[1::2, ::2] = -1
    assert smoothness(torch.ones(1, 1, 5, 5)) == pytest.approx(1)
    assert smoothness(board[None, None]) == pytest.approx(-1)
    assert smoothness(torch.randn(2, 3, 1, 1)).tolist() == [0, 0]


def test_noise_is_not_smoother_than_noise():
    noise = torch.randn(1000, 3, 5, 5, generator=torch.Generator().manual_seed(3))
    assert smoother_than_noise(noise) < 25  # 10 are expected
    assert smoother_than_noise(edges(6)) == 6


@pytest.mark.parametrize("shape", [(64, 3, 5, 5), (32, 1, 5, 5), (6, 4, 3, 3), (100, 3, 2, 2)])
def test_the_figure_is_readable(shape):
    fig = draw_filters(torch.randn(shape), "a run")
    assert_readable(fig)
    assert f" of {shape[0]} first-layer filters" in fig.texts[0].get_text().replace("\n", " ")
    assert fig.texts[1].get_text().endswith("a run")
    assert len(fig.axes[0].get_images()) == min(shape[0], MOST)


def test_the_title_counts_the_smooth_ones():
    both = torch.cat(
        [edges(5), torch.randn(3, 3, 5, 5, generator=torch.Generator().manual_seed(1))]
    )
    assert draw_filters(both).texts[0].get_text().startswith("5 of 8 ")
    assert draw_filters(torch.randn(8, 3, 1, 1)).texts[0].get_text() == "8 filters of 1×1 weights"


def test_grey_filters_have_their_white_at_zero():
    filters = torch.randn(8, 1, 5, 5)
    image = draw_filters(filters).axes[0].get_images()[0]
    reach = float(filters.abs().max())
    assert (image.norm.vmin, image.norm.vmax) == pytest.approx((-reach, reach))


def test_pictures_for_tensorboard():
    net = ConvNet("conv 5x5x70 relu", (3, 8, 8), 2)
    (batch,) = filter_pictures(net).values()
    assert batch.shape == (64, 3, 5, 5)
    assert batch.min() >= 0
    assert batch.max() <= 1
