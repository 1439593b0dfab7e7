"""What a classifier shows its network, and how it averages."""

import pytest
import torch
from scipy import ndimage
from torch import nn

from gradus.core.errors import UsageError
from gradus.vision.augment import per_image_whitening
from gradus.vision.classifier import VIEWS, Classifier


class Corner(nn.Module):
    """Answers with the upper left pixel of each image and notes what it saw."""

    def forward(self, x):
        self.saw = x
        return x[:, :, 0, 0]


def photos(size=6):
    return torch.rand(4, 2, size, size, generator=torch.Generator().manual_seed(0))


def test_it_is_the_network_unless_told_otherwise():
    x, net = photos(), Corner()
    assert torch.equal(Classifier(net).eval()(x), x[:, :, 0, 0])
    assert net.saw is x


@pytest.mark.parametrize(("size", "first"), [(2, 2), (3, 1), (6, 0)])
def test_the_middle(size, first):
    x, net = photos(), Corner()
    Classifier(net, size=size)(x)
    assert torch.equal(net.saw, x[:, :, first : first + size, first : first + size])


def test_a_crop_of_the_right_size_passes_and_is_whitened():
    x, net = photos(3), Corner()
    Classifier(net, size=3, whiten=True)(x)
    assert torch.equal(net.saw, per_image_whitening(x))


def by_hand(name, image, i, j):
    """The pixels that come to stand at (i, j) in each version of an image, by its definition."""
    size = len(image)

    def at(row, column):
        return image[min(max(row, 0), size - 1)][min(max(column, 0), size - 1)]

    moves = {
        "one": [(0, 0)],
        "flip": [(0, 0)],
        "shifts": [(0, 0), (-1, 0), (1, 0), (0, -1), (0, 1)],
        "flip-shifts": [(0, 0), (-1, -1), (1, 1)],
    }[name]
    sides = (j, size - 1 - j) if "flip" in name else (j,)
    return [at(i - down, column - right) for down, right in moves for column in sides]


@pytest.mark.parametrize("name", sorted(set(VIEWS) - {"turns"}))
def test_views_are_averaged_in_evaluation_only(name):
    x, net = photos(), Corner()
    model = Classifier(net, views=name)
    assert torch.equal(model.train()(x), x[:, :, 0, 0])
    for n in range(4):
        for channel in range(2):
            answers = by_hand(name, x[n, channel].tolist(), 0, 0)
            assert len(answers) == len(VIEWS[name](x))
            expected = sum(answers) / len(answers)
            assert float(model.eval()(x)[n, channel]) == pytest.approx(expected, rel=1e-6)


def test_views_that_are_turned():
    x = photos()
    expected = [
        ndimage.rotate(x, degrees, (3, 2), reshape=False, order=1, mode="grid-constant")
        for degrees in (0, -12, -6, 6, 12)
    ]
    for look, turned in zip(VIEWS["turns"](x), expected, strict=True):
        torch.testing.assert_close(look, torch.from_numpy(turned), rtol=1e-5, atol=1e-5)


def test_gradients_reach_every_view():
    x = photos().requires_grad_()
    Classifier(Corner(), views="flip").eval()(x).sum().backward()
    assert float(x.grad[0, 0, 0, 0]) == float(x.grad[0, 0, 0, -1]) == 0.5


def test_unknown_views():
    names = "one, flip, shifts, turns, flip-shifts"
    with pytest.raises(UsageError, match=f"views must be one of {names}, got"):
        Classifier(Corner(), views="mirror")


def test_it_prints_its_settings():
    assert "size=24, whiten=True, views=flip" in repr(Classifier(nn.Identity(), 24, True, "flip"))
