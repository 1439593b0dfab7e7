import numpy as np
import pytest
import torch

from gradus.core.errors import UsageError
from gradus.data.config import ImageDataConfig
from gradus.data.digits import read_digits
from gradus.data.tensors import image_parts, pixels


def test_pixels_are_grey_levels_as_vectors_between_0_and_1():
    images = torch.tensor([[[0, 255], [51, 102]]], dtype=torch.uint8)
    torch.testing.assert_close(pixels(images), torch.tensor([[0.0, 1.0, 0.2, 0.4]]))
    assert pixels(torch.zeros(2, 3, 4, 3, dtype=torch.uint8)).shape == (2, 36)


def test_the_parts_hold_every_example_once():
    parts, digits = image_parts("digits", 100), read_digits()
    assert parts.facts == {"classes": list("0123456789"), "shape": [8, 8]}
    n = len(digits.train_labels)
    assert [len(t) for t in (*parts.train, *parts.validation)] == [n - 100, n - 100, 100, 100]
    together = torch.cat([parts.train[0], parts.validation[0]]).mul(255).round().to(torch.uint8)
    labels = torch.cat([parts.train[1], parts.validation[1]])
    ours = sorted((y, bytes(x.numpy())) for y, x in zip(labels.tolist(), together, strict=True))
    theirs = sorted(
        (int(y), x.tobytes()) for y, x in zip(digits.train_labels, digits.train_images, strict=True)
    )
    assert ours == theirs
    inputs, classes = parts.test()
    np.testing.assert_allclose(inputs.numpy() * 255, digits.test_images.reshape(len(classes), -1))
    assert classes.tolist() == digits.test_labels.tolist()


def test_the_parts_can_be_prepared_in_another_way():
    parts = image_parts("digits", 10, prepare=lambda images: images.unsqueeze(1))
    assert parts.train[0].shape[1:] == parts.test()[0].shape[1:] == (1, 8, 8)


def test_the_cut_depends_on_nothing_but_its_size():
    one, other = (image_parts("digits", 50) for _ in range(2))
    assert all(map(torch.equal, one.train, other.train))
    assert all(map(torch.equal, one.validation, other.validation))


def test_an_impossible_cut_is_refused():
    with pytest.raises(UsageError, match="the validation set must take between 1 and 1,43"):
        image_parts("digits", 5000)
    with pytest.raises(UsageError, match="validation must be ≥ 1, got 0"):
        ImageDataConfig(validation=0)
