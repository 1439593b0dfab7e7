"""Keeping the content's colours."""

import numpy as np
import pytest
import torch

from gradus.vision.style.colours import (
    luminance,
    match_histogram,
    match_luminance,
    with_luminance,
)

YIQ = np.array([[0.299, 0.587, 0.114], [0.596, -0.274, -0.322], [0.211, -0.523, 0.312]])


def image(seed, height=6, width=7, low=0.3, high=0.7):
    generator = torch.Generator().manual_seed(seed)
    unit = torch.rand(1, 3, height, width, generator=generator, dtype=torch.float64)
    return low + (high - low) * unit


def test_luminance_is_the_weighted_sum():
    x = image(0)
    loop = sum(w * x[:, c] for c, w in enumerate((0.299, 0.587, 0.114)))
    torch.testing.assert_close(luminance(x)[:, 0], loop, rtol=0, atol=1e-15)
    assert luminance(torch.ones(1, 3, 1, 1)).item() == pytest.approx(1)


def test_another_luminance_leaves_the_colours():
    x, y = image(0), luminance(image(1))
    found = with_luminance(x, y)
    before, after = (np.einsum("ij,bjhw->bihw", YIQ, i.numpy()) for i in (x, found))
    np.testing.assert_allclose(after[:, 0], y[:, 0], atol=1e-12)
    np.testing.assert_allclose(after[:, 1:], before[:, 1:], atol=1e-3)  # YIQ as printed: 3 digits
    torch.testing.assert_close(with_luminance(x, luminance(x)), x)
    white = with_luminance(image(0, low=0.9, high=1.0), torch.ones(1, 1, 6, 7).double())
    assert white.max() <= 1


def test_luminance_is_brought_to_mean_and_spread():
    style, content = luminance(image(0, low=0.0, high=1.0)), luminance(image(1, 5, 9))
    found = match_luminance(style, content)
    assert found.mean().item() == pytest.approx(content.mean().item())
    assert found.std(correction=0).item() == pytest.approx(content.std(correction=0).item())
    assert np.corrcoef(found.flatten(), style.flatten())[0, 1] == pytest.approx(1)
    even = match_luminance(torch.full((1, 1, 4, 4), 0.2), torch.rand(1, 1, 4, 4))
    assert torch.isfinite(even).all()
    assert even.std().item() == pytest.approx(0, abs=1e-6)


def test_colours_get_mean_and_covariance_of_the_content():
    style, content = image(0), image(1, 9, 5, low=0.4, high=0.6)
    found = match_histogram(style, content)
    for moment in (lambda i: i[0].flatten(1).mean(1), lambda i: i[0].flatten(1).cov(correction=0)):
        torch.testing.assert_close(moment(found), moment(content), rtol=1e-9, atol=1e-12)
    torch.testing.assert_close(match_histogram(style, style), style)


def test_a_grey_style_stays_finite():
    grey = image(0).mean(1, keepdim=True).expand(-1, 3, -1, -1)
    found = match_histogram(grey, image(1))
    assert torch.isfinite(found).all()
    torch.testing.assert_close(
        found[0].flatten(1).mean(1), image(1)[0].flatten(1).mean(1), rtol=0, atol=1e-6
    )
    assert torch.isfinite(match_histogram(torch.zeros(1, 3, 4, 4), torch.rand(1, 3, 4, 4))).all()
