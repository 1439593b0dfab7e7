"""Codes beside those of PCA, and what they are worth to a classifier with few labels."""

import numpy as np
import pytest
import torch
from sklearn.decomposition import PCA
from sklearn.linear_model import LogisticRegression

from gradus.core.errors import UsageError
from gradus.embed.compare import both, plane
from gradus.embed.few_labels import draw_labelled, few_labels, softmax_regression
from gradus.nn.neighbours import knn_accuracy


def test_pca_is_scikit_learns_on_the_same_images(learned):
    linear, ours, images, labels = both(learned)
    train = learned.task().train.tensors[0].numpy()
    theirs = PCA(8, svd_solver="full").fit(train)
    codes = theirs.transform(images.numpy())
    np.testing.assert_allclose(linear.codes.abs(), np.abs(codes), atol=2e-3)
    rebuilt = theirs.inverse_transform(codes).clip(0, 1)
    np.testing.assert_allclose(linear.rebuilt, rebuilt, atol=2e-3)
    cost = np.linalg.norm(rebuilt - images.numpy(), axis=1).mean()
    assert linear.cost == pytest.approx(cost, rel=1e-3)
    assert ours.cost == pytest.approx(learned.results["test"]["loss"], rel=1e-5)
    for found in (linear, ours):
        assert found.agreement == knn_accuracy(found.codes, labels)
        assert found.codes.shape == (len(images), 8)
    assert learned.results["test"]["knn accuracy"] == pytest.approx(ours.agreement)


def test_codes_to_draw_have_two_numbers():
    assert torch.equal(plane(torch.ones(5, 2)), torch.ones(5, 2))
    assert torch.equal(plane(torch.ones(5, 1)), torch.tensor([[1.0, 0.0]] * 5))
    assert plane(torch.rand(9, 4)).shape == (9, 2)


def test_softmax_regression_is_scikit_learns():
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(80, 3, generator=generator)
    y = (x @ torch.randn(3, 3, generator=generator)).argmax(1)
    decay = 0.01
    ours = softmax_regression(x, y, 3, decay)
    theirs = LogisticRegression(C=1 / (decay * len(x)), tol=1e-8, max_iter=1000).fit(x, y)
    weight = ours.output.weight.detach()
    np.testing.assert_allclose(weight - weight.mean(0), theirs.coef_, atol=0.02)


def test_labelled_examples_are_as_many_of_each_class_and_the_seeds_differ():
    labels = torch.arange(60) % 3
    drawn = draw_labelled(labels, 4, seed=0)
    assert labels[drawn].bincount().tolist() == [4, 4, 4]
    assert len(set(drawn.tolist())) == 12
    assert not torch.equal(drawn, draw_labelled(labels, 4, seed=1))


def test_more_labels_name_more_and_the_table_has_its_shape(learned):
    found = few_labels(learned, (1, 20, 5000), seeds=3)
    assert found.labels == (1, 20)
    assert found.classes == 10
    for values in (found.code, found.pixels):
        assert values.shape == (2, 3)
        mean = values.mean(1)
        assert 0.2 < mean[0] < mean[1] < 1
    assert torch.equal(few_labels(learned, (1, 20), seeds=3).code, found.code)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"seeds": 0}, "seeds must be ≥ 1"),
        ({"labels": (0, 3)}, "labels must be one or more, each ≥ 1"),
        ({"labels": ()}, "labels must be one or more"),
        ({"labels": (9000,)}, r"labels must include a number in \[1, \d+\], got \(9000,\)"),
    ],
)
def test_numbers_that_cannot_be(learned, settings, message):
    with pytest.raises(UsageError, match=message):
        few_labels(learned, **settings)
