"""Points on circles, the polar map, one threshold."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from gradus.core.errors import UsageError
from gradus.embed.data import RADII, best_threshold, circles, from_polar, to_polar


def test_points_lie_on_their_circle():
    points, labels = circles(500, radii=(0.5, 1.0, 3.0))
    radii = torch.tensor([0.5, 1.0, 3.0])[labels]
    torch.testing.assert_close(points.norm(dim=1), radii)
    assert labels.bincount().tolist() == [167, 167, 166]
    assert points.mean(0).abs().max() < 0.2


def test_noise_is_across_the_circle_and_seeds_differ():
    points, labels = circles(4000, noise=0.05)
    away = points.norm(dim=1) - torch.tensor(RADII)[labels]
    assert float(away.std()) == pytest.approx(0.05, rel=0.1)
    assert torch.equal(circles(50, seed=3)[0], circles(50, seed=3)[0])
    assert not torch.equal(circles(50, seed=3)[0], circles(50, seed=4)[0])


def test_the_polar_map_and_back():
    points = torch.randn(100, 2, dtype=torch.float64)
    polar = to_polar(points)
    torch.testing.assert_close(from_polar(polar), points)
    assert (polar[:, 0] >= 0).all()
    assert (polar[:, 1].abs() <= torch.pi).all()
    by_hand = torch.tensor([[0.0, 2.0], [-3.0, 0.0]], dtype=torch.float64)
    expected = [[2, np.pi / 2], [3, np.pi]]
    np.testing.assert_allclose(to_polar(by_hand), expected)


@given(
    values=st.lists(st.integers(-5, 5), min_size=1, max_size=12),
    data=st.data(),
)
def test_the_best_threshold_is_that_of_trying_all(values, data):
    size = len(values)
    labels = data.draw(st.lists(st.integers(0, 1), min_size=size, max_size=size))
    best = 0.0
    for cut in (*(v - 0.5 for v in values), max(values) + 0.5):
        right = sum((v > cut) == bool(y) for v, y in zip(values, labels, strict=True)) / size
        best = max(best, right, 1 - right)
    assert best_threshold(torch.tensor(values).float(), torch.tensor(labels)) == pytest.approx(best)


def test_the_distance_tells_circles_apart_and_no_axis_does():
    points, labels = circles(1000, noise=0.03)
    assert best_threshold(to_polar(points)[:, 0], labels) == 1
    for angle in torch.linspace(0, 3, 20):
        axis = torch.stack([angle.cos(), angle.sin()])
        assert best_threshold(points @ axis, labels) < 0.75


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"n": 1}, "n must be ≥ 2, one for each circle, got 1"),
        ({"n": 9, "noise": -1.0}, "noise must be ≥ 0, got -1"),
        ({"n": 9, "radii": ()}, "radii must be one or more numbers > 0"),
        ({"n": 9, "radii": (1.0, 0.0)}, "radii must be"),
    ],
)
def test_circles_that_cannot_be(settings, message):
    with pytest.raises(UsageError, match=message):
        circles(**settings)
