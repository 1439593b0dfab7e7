"""Neighbours that vote, against scikit-learn's, point by point."""

import numpy as np
import pytest
import torch
from sklearn.datasets import load_digits
from sklearn.neighbors import KNeighborsClassifier

from gradus.core.errors import UsageError
from gradus.nn import neighbours
from gradus.nn.neighbours import knn_accuracy, knn_right


@pytest.fixture(scope="module")
def digits():
    data, labels = load_digits(return_X_y=True)
    return data[:300], labels[:300]


@pytest.mark.parametrize("k", [1, 4, 10])
def test_votes_equal_those_of_the_loop(digits, k):
    data, labels = digits[0][:80], digits[1][:80]
    right = 0
    for i in range(80):
        rest = np.arange(80) != i
        near = KNeighborsClassifier(k).fit(data[rest], labels[rest]).predict(data[i : i + 1])
        right += int(near[0] == labels[i])
    assert knn_accuracy(data, labels, k) == pytest.approx(right / 80)


def test_there_must_be_so_many_neighbours():
    with pytest.raises(UsageError, match=r"k must be in \[1, 2\], got 3"):
        knn_accuracy(np.zeros((3, 2)), np.array([0, 1, 0]), 3)


def test_rows_in_parts_are_the_same_votes(digits, monkeypatch):
    data, labels = torch.from_numpy(digits[0]), torch.from_numpy(digits[1])
    at_once = knn_right(data, labels, 3)
    monkeypatch.setattr(neighbours, "ROWS", 7)
    assert torch.equal(knn_right(data, labels, 3), at_once)
    assert at_once.double().mean() == knn_accuracy(*digits, 3)


def test_equal_votes_go_to_the_first_class():
    points = torch.tensor([[0.0], [1.0], [-1.0]])
    assert knn_right(points, torch.tensor([0, 0, 1]), 2).tolist()[0]
    assert not knn_right(points, torch.tensor([1, 0, 1]), 2).tolist()[0]
