"""What chapter 6 of the book has on codes, beside what is right. The page is docs/errata.md."""

import math

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn.functional import mse_loss

from gradus.data.digits import read_digits
from gradus.data.tensors import pixels
from gradus.embed import Autoencoder
from gradus.embed.autoencoder import l2_cost
from gradus.embed.data import circles
from gradus.embed.distances import class_distances, class_means
from gradus.embed.pca import pca
from gradus.embed.sparse import KLargest, kl_penalty
from gradus.nn.corrupt import corrupt


@pytest.fixture(scope="module")
def digits():
    data = read_digits()
    return pixels(torch.from_numpy(data.train_images)), torch.from_numpy(data.train_labels)


def trained(digits, steps=60):
    """An autoencoder that has seen some minibatches."""
    torch.manual_seed(0)
    model = Autoencoder((64, 32, 2))
    optimizer = torch.optim.Adam(model.parameters(), 0.01)
    for _ in range(steps):
        x = digits[0][torch.randint(len(digits[0]), (50,))]
        optimizer.zero_grad()
        l2_cost(model(x), x).mean().backward()
        optimizer.step()
    return model


# Wrong


def test_codes_in_training_mode_hang_on_the_other_images(digits):
    model, (images, labels) = trained(digits), digits
    one, with_zeros = images[:1], images[labels == 0][:200]
    with_ones = images[labels == 1][:200]

    def code(others):
        return model.encode(torch.cat([one, others]))[0].detach()

    model.train()  # as printed
    spread = model.encode(images).std(0).detach()
    assert ((code(with_zeros) - code(with_ones)).abs() > 0.1 * spread).any()
    model.eval()
    torch.testing.assert_close(code(with_zeros), code(with_ones))


def test_eigenvectors_of_data_that_are_not_centred_are_no_axes_of_variance(digits):
    x = digits[0].double()
    _, printed = np.linalg.eigh((x.T @ x).numpy())
    first = torch.from_numpy(printed[:, -1].copy())
    mean = x.mean(0) / x.mean(0).norm()
    assert float((first @ mean).abs()) > 0.99  # it points to where the data lie
    right = pca(x, 1)
    along_printed, along_right = (float((x @ axis).var()) for axis in (first, right.axes[:, 0]))
    assert along_right > 3 * along_printed


def test_a_target_of_zero_silences_the_code():
    def printed(code):  # KL of a mean of 0 from the observed one
        return -(1 - code.mean(0)).log().sum()

    code = torch.rand(50, 4, dtype=torch.float64)
    near = torch.full_like(code, 1e-9)
    assert float(kl_penalty(code, 1e-12)) == pytest.approx(float(printed(code)), rel=1e-6)
    assert printed(near) < 1e-7 < printed(0.01 * code)  # nothing is better than a dead code
    assert kl_penalty(near, 0.05) > kl_penalty(torch.full_like(code, 0.05), 0.05) == 0
    observed = torch.tensor(0.05)  # and the other way round it has no end
    assert math.isinf(float(observed * (observed / 0).log()))


# The second edition's listings


def test_without_a_backward_pass_nothing_is_learned(digits):
    images = digits[0]
    torch.manual_seed(0)
    model = Autoencoder((64, 32, 2))
    before = [p.detach().clone() for p in model.parameters()]

    def train(backward, parameters):
        optimizer = torch.optim.Adam(parameters, lr=0.001)
        for x in images.split(32):
            optimizer.zero_grad()
            loss = mse_loss(model(x), x)
            if backward:
                loss.backward()
            optimizer.step()

    train(backward=False, parameters=model.decoder.parameters())  # as printed
    assert all(torch.equal(p, q) for p, q in zip(model.parameters(), before, strict=True))
    train(backward=True, parameters=model.decoder.parameters())
    encoder = list(model.encoder.parameters())
    assert all(torch.equal(p, q) for p, q in zip(encoder, before, strict=False))
    train(backward=True, parameters=model.parameters())
    assert not any(torch.equal(p, q) for p, q in zip(model.parameters(), before, strict=True))


def test_twice_a_random_share_masks_no_pixel():
    torch.manual_seed(0)
    x = torch.full((200, 100), 0.6)
    printed = x * (2.0 * torch.rand_like(x))
    assert float((printed == 0).float().mean()) < 1e-3
    assert printed.max() > 1.1  # brighter than any pixel can be
    masked = corrupt(x, 0.5)
    assert float((masked == 0).float().mean()) == pytest.approx(0.5, abs=0.01)
    assert masked.max() == x.max()


def test_a_mean_of_squares_is_not_the_distance_that_the_text_quotes():
    torch.manual_seed(0)
    x, rebuilt = torch.rand(20, 784), torch.rand(20, 784)
    distance, printed = float(l2_cost(rebuilt, x).mean()), float(mse_loss(rebuilt, x))
    assert distance == pytest.approx(math.sqrt(784 * printed), rel=0.01)
    assert distance > 50 * printed


# To be read with care


def test_images_are_nearer_to_their_class_mean_than_to_each_other(digits):
    images, labels = digits[0].double(), digits[1]
    pairs = class_distances(images, labels, 10).diagonal()
    means = class_means(images, labels, 10)
    guess = torch.stack(
        [l2_cost(means[labels[labels == c]], images[labels == c]).mean() for c in range(10)]
    )
    ratio = pairs / guess
    assert ((ratio > 1.38) & (ratio < 1.46)).all()  # √2


def test_half_of_the_pixels_are_masked_on_average_and_not_in_each_image():
    masked = (corrupt(torch.ones(4000, 784), 0.5) == 0).float().sum(1)
    assert float(masked.mean()) == pytest.approx(392, abs=1)
    assert float(masked.std()) == pytest.approx(math.sqrt(784) / 2, rel=0.05)  # 14 pixels
    assert len(set(masked.tolist())) > 30


def test_the_root_of_a_sum_of_squares_has_no_slope_at_zero():
    x = torch.rand(2, 5)
    printed, ours = x.clone().requires_grad_(), x.clone().requires_grad_()
    (printed - x).square().sum(1).sqrt().mean().backward()
    l2_cost(ours, x).mean().backward()
    assert torch.isnan(printed.grad).all()
    assert not ours.grad.any()


def test_a_normalised_output_layer_starts_far_from_images(digits):
    images = digits[0]
    torch.manual_seed(0)
    plain = Autoencoder((64, 32, 2))
    dark = images.std(0) == 0  # pixels that are 0 in every image
    assert int(dark.sum()) >= 2
    logits = plain.decoder(plain.encode(images))
    normalised = nn.BatchNorm1d(64)(logits)
    spread = torch.sigmoid(normalised).std(0).detach()
    assert (spread[dark] > 0.15).all()  # it answers differently where all images are alike
    assert (torch.sigmoid(logits).std(0).detach()[dark] < 0.1).all()


# Looked at, and right


def test_integers_from_0_to_below_2_keep_each_pixel_with_probability_one_half():
    torch.manual_seed(0)
    matrix = torch.randint(0, 2, (500, 784))
    assert set(matrix.flatten().tolist()) == {0, 1}
    assert float(matrix.float().mean()) == pytest.approx(0.5, abs=0.01)


def test_circles_have_the_same_variance_in_all_directions():
    points, _ = circles(20_000)
    found = pca(points.double(), 2)
    assert float(found.explained[0]) == pytest.approx(0.5, abs=0.01)


def test_all_but_the_k_largest_are_zero():
    kept = KLargest(2)(torch.tensor([[3.0, -1.0, 5.0, 2.0]]))
    assert kept.tolist() == [[3, 0, 5, 0]]
