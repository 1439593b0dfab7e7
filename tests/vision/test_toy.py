"""The toy image and the worked example: every number."""

import numpy as np
import pytest
import torch
from torch import nn

from gradus.vision.convnet import ConvNet
from gradus.vision.toy import DETECTORS, feature_map, response, toy_image, worked_example


def at(matches):
    """Places (row, column) of the matches' centres in the image."""
    return {(i + 1, j + 1) for i, j in matches.nonzero().tolist()}


def test_the_toy_image_is_an_h():
    image = toy_image()
    assert image.shape == (11, 11)
    expected = np.zeros((11, 11))
    expected[1:10, 2] = expected[1:10, 8] = expected[5, 2:9] = 1
    np.testing.assert_array_equal(image, expected)


def test_vertical_lines_are_found_where_nothing_touches_them():
    matches = feature_map(toy_image(), torch.tensor(DETECTORS["vertical"]))
    assert at(matches) == {(row, column) for row in (2, 3, 7, 8) for column in (2, 8)}


def test_horizontal_lines_are_found_where_nothing_touches_them():
    matches = feature_map(toy_image(), torch.tensor(DETECTORS["horizontal"]))
    assert at(matches) == {(5, 4), (5, 5), (5, 6)}


@pytest.mark.parametrize("name", DETECTORS)
def test_a_match_is_equality_of_all_nine_pixels(name):
    image, detector = toy_image(), torch.tensor(DETECTORS[name])
    for i, j in np.ndindex(9, 9):
        patch = image[i : i + 3, j : j + 3]
        assert response(image, detector)[i, j] == (patch * detector).sum()
        assert feature_map(image, detector)[i, j] == torch.equal(patch, detector.clamp_min(0))


def test_the_worked_example_by_loops_by_torch_and_by_a_convnet():
    example = worked_example()
    padded = np.pad(example.x.numpy(), ((0, 0), (1, 1), (1, 1)))
    expected = np.empty((2, 3, 3))
    for k, i, j in np.ndindex(2, 3, 3):
        total = float(example.bias[k])
        for d, a, b in np.ndindex(3, 3, 3):
            total += padded[d, 2 * i + a, 2 * j + b] * float(example.weight[k, d, a, b])
        expected[k, i, j] = total
    np.testing.assert_array_equal(example.output, expected)
    layer = nn.Conv2d(3, 2, 3, stride=2, padding=1)
    net = ConvNet("conv 3x3x2 stride 2 pad 1", (3, 5, 5), 1)
    for conv in (layer, net.conv_1):
        conv.weight.data, conv.bias.data = example.weight, example.bias
        np.testing.assert_array_equal(conv(example.x).detach(), expected)
    assert net.shapes["conv_1"] == (2, 3, 3)


def test_the_worked_example_by_hand():
    example = worked_example()
    assert example.output.tolist() == [
        [[1, -2, 4], [-4, 7, 2], [3, 0, 5]],
        [[-1, -4, -2], [0, -2, -1], [5, 2, -1]],
    ]
    # Upper left: only the 2×2 corner of each slice meets the filter, the rest is padding.
    first = -1 * 1 + -1 * 0  # slice 1: right column of the filter on 1 and 0
    second = 1 * 1 + -1 * 0  # slice 2: middle column on 1 and 0
    third = 0 * 2 + 0 * 1 + 0 * 0 + -1 * 0  # slice 3: corner of the filter on 0
    assert example.output[0, 0, 0] == first + second + third + 1
    assert example.patch(0, 0)[0].tolist() == [[0, 0, 0], [0, 0, 1], [0, 1, 0]]
    assert example.patch(0, 1)[0].tolist() == [[0, 0, 0], [1, 2, 0], [0, 2, 1]]
