"""Whitening: the patches come out uncorrelated and of variance one, as computed with loops."""

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn.functional import conv2d

from gradus.core.errors import UsageError
from gradus.vision.whitening import EPSILON, whiten_, whitening


def photos(n=40, channels=3, size=9):
    """Smooth images, whose neighbouring pixels are alike."""
    draw = torch.Generator().manual_seed(0)
    noise = torch.rand(n, channels, size + 2, size + 2, generator=draw, dtype=torch.float64)
    return nn.functional.avg_pool2d(noise, 3, 1)


@pytest.mark.parametrize(("channels", "size"), [(3, 2), (1, 3)])
def test_filters_are_the_scaled_eigenvectors_of_all_patches(channels, size):
    x = photos(channels=channels)
    patches = np.array(
        [
            x[n, :, i : i + size, j : j + size].flatten().tolist()
            for n in range(len(x))
            for i in range(x.shape[2] - size + 1)
            for j in range(x.shape[3] - size + 1)
        ]
    )
    variances, directions = np.linalg.eigh(np.cov(patches.T, bias=True))
    filters, bias = whitening(x, size)
    half = channels * size * size
    assert filters.shape == (2 * half, channels, size, size)
    for k in range(half):  # most variance first; an eigenvector has no sign of its own
        expected = directions[:, half - 1 - k] / np.sqrt(variances[half - 1 - k] + EPSILON)
        found = filters[k].flatten().numpy()
        sign = np.sign(found @ expected)
        np.testing.assert_allclose(found, sign * expected, rtol=1e-9, atol=1e-9)
        np.testing.assert_allclose(bias[k], -found @ patches.mean(0), rtol=1e-9, atol=1e-12)
    assert torch.equal(filters[half:], -filters[:half])
    assert torch.equal(bias[half:], -bias[:half])


def test_outputs_are_uncorrelated():
    x = photos(200)
    answers = conv2d(x, *whitening(x, 2)).movedim(1, 0).flatten(1)[:12]
    covariance = torch.cov(answers, correction=0)
    torch.testing.assert_close(answers.mean(1), torch.zeros(12).double(), atol=1e-9, rtol=0)
    off = covariance - torch.diag(covariance.diagonal())
    assert float(off.abs().max()) < 1e-9
    # λ / (λ + ε) of the variances λ: below one, and near it for those well above ε.
    assert float(covariance.diagonal().max()) < 1
    assert float(covariance.diagonal()[0]) > 0.95


def test_the_convolution_is_set_and_its_weights_frozen():
    conv, x = nn.Conv2d(3, 24, 2), photos().float()
    whiten_(conv, x)
    filters, bias = whitening(x, 2)
    assert torch.equal(conv.weight, filters)
    assert torch.equal(conv.bias, bias)
    assert not conv.weight.requires_grad
    assert conv.bias.requires_grad


@pytest.mark.parametrize(
    "layer",
    [
        nn.Linear(3, 24),
        nn.Conv2d(3, 24, 2, bias=False),
        nn.Conv2d(3, 23, 2),
        nn.Conv2d(3, 36, (2, 3)),
    ],
)
def test_layers_that_cannot_whiten(layer):
    with pytest.raises(UsageError, match=r"such as conv 2x2x24, got (Linear|Conv2d)\("):
        whiten_(layer, photos())
