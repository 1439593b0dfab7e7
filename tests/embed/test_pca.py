"""Three ways to the principal components, against each other and against loops."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from gradus.core.errors import UsageError
from gradus.embed.pca import pca, pca_sklearn, pca_svd

WAYS = (pca, pca_svd, pca_sklearn)


def cloud(n=60, d=7, seed=0):
    """Points in double precision, each axis with a variance of its own, away from 0."""
    generator = torch.Generator().manual_seed(seed)
    draw = torch.randn(n, d, generator=generator, dtype=torch.float64)
    turned = torch.linalg.qr(torch.randn(d, d, generator=generator, dtype=torch.float64))[0]
    return draw * torch.arange(1, d + 1) @ turned + 3


@pytest.mark.parametrize("way", WAYS)
def test_axes_are_those_of_numpy(way):
    x = cloud()
    values, vectors = np.linalg.eigh(np.cov(x.numpy().T))
    found = way(x, 4)
    np.testing.assert_allclose(found.variances, values[::-1][:4], rtol=1e-9)
    np.testing.assert_allclose(found.axes.abs(), np.abs(vectors[:, ::-1][:, :4]), atol=1e-9)
    np.testing.assert_allclose(found.mean, x.mean(0))
    np.testing.assert_allclose(found.explained, values[::-1][:4] / values.sum(), rtol=1e-9)


@given(n=st.integers(2, 30), d=st.integers(1, 8), seed=st.integers(0, 2**31), data=st.data())
def test_the_three_ways_agree_up_to_sign(n, d, seed, data):
    m = data.draw(st.integers(1, min(n - 1, d)))
    x = cloud(n, d, seed)
    found = [way(x, m) for way in WAYS]
    for other in found[1:]:
        torch.testing.assert_close(other.axes.abs(), found[0].axes.abs(), atol=1e-6, rtol=0)
        torch.testing.assert_close(other.variances, found[0].variances, atol=1e-7, rtol=1e-7)
        rebuilt = (way.decode(way.encode(x)) for way in (found[0], other))
        torch.testing.assert_close(*rebuilt, atol=1e-6, rtol=0)


def test_codes_are_projections_and_what_is_lost_is_the_variance_left_out():
    x = cloud()
    found = pca(x, 3)
    by_loop = [[float((row - found.mean) @ axis) for axis in found.axes.T] for row in x]
    codes = found.encode(x)
    torch.testing.assert_close(codes, torch.tensor(by_loop, dtype=torch.float64))
    torch.testing.assert_close(codes.var(0), found.variances)
    lost = (found.decode(codes) - x).square().sum() / (len(x) - 1)
    assert float(lost) == pytest.approx(found.total - float(found.variances.sum()))


def test_all_axes_rebuild_everything_and_no_other_plane_rebuilds_better():
    x = cloud()
    whole = pca(x, 7)
    torch.testing.assert_close(whole.decode(whole.encode(x)), x)
    assert float(whole.explained.sum()) == pytest.approx(1)
    best = pca(x, 2)
    least = float((best.decode(best.encode(x)) - x).square().sum())
    for seed in range(20):
        generator = torch.Generator().manual_seed(seed)
        plane = torch.linalg.qr(torch.randn(7, 2, generator=generator, dtype=torch.float64))[0]
        centred = x - x.mean(0)
        assert float((centred @ plane @ plane.T - centred).square().sum()) >= least


def test_small_variances_are_more_exact_by_svd():
    generator = torch.Generator().manual_seed(0)
    draw = torch.randn(50, 3, generator=generator, dtype=torch.float64)
    left = torch.linalg.qr(draw - draw.mean(0))[0]  # columns of mean 0
    turned = torch.linalg.qr(torch.randn(3, 3, generator=generator, dtype=torch.float64))[0]
    x = left * torch.tensor([1.0, 1e-5, 1e-9], dtype=torch.float64) @ turned
    right = pytest.approx(1e-18 / 49, rel=1e-3, abs=0)
    assert float(pca_svd(x, 3).variances[2]) == right
    assert float(pca(x, 3).variances[2]) != right
    assert float(pca(x, 3).variances[2]) >= 0


def test_features_that_never_vary_do_no_harm():
    codes = torch.zeros(300, 400)
    codes[:, :40] = torch.relu(torch.randn(300, 40)) * 10.0 ** -torch.arange(40)
    found = pca(codes, 2)
    assert torch.isfinite(found.axes).all()
    assert found.axes[40:].abs().max() < 1e-6


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(
    ("x", "m", "message"),
    [
        (torch.zeros(1, 3), 1, "two examples or more, got 1"),
        (torch.rand(5, 3), 4, r"m must be in \[1, 3\] for 5 examples of 3 features, got 4"),
        (torch.rand(5, 3), 0, r"m must be in \[1, 3\]"),
        (torch.full((5, 3), torch.nan), 1, "finite"),
        (torch.ones(5, 3), 1, "all are the same"),
    ],
)
def test_what_has_no_axes_is_refused(way, x, m, message):
    with pytest.raises(UsageError, match=message):
        way(x, m)
