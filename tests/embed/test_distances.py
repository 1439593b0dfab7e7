"""Distances within and between classes, against loops over all pairs."""

import numpy as np
import torch

from gradus.embed import distances
from gradus.embed.distances import class_distances, class_means, distances_from


def test_means_over_all_pairs(monkeypatch):
    monkeypatch.setattr(distances, "ROWS", 4)
    draw = np.random.default_rng(0)
    images, labels = draw.random((13, 5)), np.arange(13) % 3
    expected = np.zeros((3, 3))
    for a in range(3):
        for b in range(3):
            pairs = [
                np.linalg.norm(images[i] - images[j])
                for i in np.flatnonzero(labels == a)
                for j in np.flatnonzero(labels == b)
                if i != j
            ]
            expected[a, b] = np.mean(pairs)
    x, y = torch.from_numpy(images), torch.from_numpy(labels)
    np.testing.assert_allclose(class_distances(x, y, 3), expected, rtol=1e-9)
    far = distances_from(x[0], x[1:], y[1:], 3)
    for c in range(3):
        rows = [i for i in range(1, 13) if labels[i] == c]
        assert np.isclose(far[c], np.mean(np.linalg.norm(images[rows] - images[0], axis=1)))
        np.testing.assert_allclose(class_means(x, y, 3)[c], images[labels == c].mean(0))


def test_a_class_without_a_pair_has_no_distance():
    found = class_distances(torch.rand(3, 2), torch.tensor([0, 0, 1]), 3)
    assert torch.isnan(found).tolist() == [
        [False, False, True],
        [False, True, True],
        [True, True, True],
    ]
