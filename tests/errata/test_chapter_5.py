"""What chapter 5 of the book has, beside what is right. The page is docs/errata.md."""

import math

import numpy as np
import pytest
import torch
from scipy import signal
from torch import nn
from torch.nn import functional

from gradus.data.digits import read_digits
from gradus.vision.arithmetic import conv_parameters, output_size
from gradus.vision.convnet import ConvNet
from gradus.vision.pooling import FractionalPool
from gradus.vision.vgg import VGG


@pytest.fixture
def rng():
    return np.random.default_rng(5)


# Wrong


def test_the_size_of_an_output_is_rounded_down():
    def printed(size, extent, stride, padding=0):
        return math.ceil((size - extent + 2 * padding) / stride) + 1

    assert printed(5, 3, 2, 1) == output_size(5, 3, 2, 1) == 3  # figure 5-11: nothing to round
    for size, extent, stride, padding in (
        (24, 3, 2, 0),
        (28, 5, 2, 1),
        (7, 2, 2, 0),
        (224, 7, 2, 3),
    ):
        x = torch.zeros(1, 1, size, size)
        layer = nn.Conv2d(1, 1, extent, stride, padding)
        right = layer(x).shape[-1]
        assert output_size(size, extent, stride, padding) == right
        assert printed(size, extent, stride, padding) == right + 1
        if not padding:
            assert functional.max_pool2d(x, extent, stride).shape[-1] == right


def test_with_same_padding_a_stride_does_divide_and_round_up():
    for size in range(3, 12):
        for stride in (1, 2, 3):
            layer = nn.Conv1d(1, 1, 3, stride, padding=1)
            assert layer(torch.zeros(1, 1, size)).shape[-1] == math.ceil(size / stride)


def test_the_convolution_listings_are_no_python():
    for listing in (
        "in = weight_shape[0] * weight_shape[1] * weight_shape[2]",
        "incoming = weight_shape[0] * weight_shape[1]\n           * weight_shape[2]",
    ):
        with pytest.raises(SyntaxError):
            compile(listing, "listing", "exec")
    compile("incoming = (weight_shape[0] * weight_shape[1]\n * weight_shape[2])", "right", "exec")


def test_a_dropout_probability_of_one_silences_the_whole_layer():
    hidden = torch.rand(4, 1024)
    logits = nn.Linear(1024, 10, bias=False)(functional.dropout(hidden, p=1.0))
    loss = functional.cross_entropy(logits, torch.arange(4))
    assert loss.item() == pytest.approx(math.log(10))  # the answer does not depend on the image
    assert torch.equal(functional.dropout(hidden, p=0.0), hidden)


def test_a_normalised_and_rectified_output_layer_gives_up_examples():
    torch.manual_seed(0)
    z = torch.randn(128, 10, requires_grad=True)
    normalised = nn.BatchNorm1d(10)(z)
    printed = functional.cross_entropy(torch.relu(normalised), torch.zeros(128, dtype=torch.long))
    (gradient,) = torch.autograd.grad(printed, normalised, retain_graph=True)
    silent = (normalised < 0).detach()
    assert 0.45 < silent.float().mean() < 0.55  # half of all logits say nothing
    assert torch.count_nonzero(gradient[silent]) == 0
    right = functional.cross_entropy(z, torch.zeros(128, dtype=torch.long))
    (gradient,) = torch.autograd.grad(right, z)
    assert torch.count_nonzero(gradient) == gradient.numel()


def test_the_training_answer_of_a_normalised_output_hangs_on_the_other_images():
    torch.manual_seed(0)
    output = nn.Sequential(nn.Linear(5, 3), nn.BatchNorm1d(3))
    x, others = torch.randn(1, 5), torch.randn(2, 7, 5)
    one, two = (output(torch.cat([x, more]))[0] for more in others)
    assert not torch.allclose(one, two, atol=0.05)
    plain = output[0]
    assert torch.allclose(plain(torch.cat([x, others[0]]))[0], plain(x)[0], atol=1e-6)


def test_tied_weights_take_the_sum_of_their_updates():
    torch.manual_seed(0)
    x = torch.randn(1, 1, 20, dtype=torch.float64)
    conv = nn.Conv1d(1, 1, 3, bias=False).double()
    conv(x).square().sum().backward()
    tied = conv.weight.detach()[0].expand(18, 3).clone().requires_grad_()  # one filter a place
    patches = x[0, 0].unfold(0, 3, 1)
    (patches * tied).sum(1).square().sum().backward()
    torch.testing.assert_close(tied.grad.sum(0), conv.weight.grad[0, 0])
    torch.testing.assert_close(18 * tied.grad.mean(0), conv.weight.grad[0, 0])  # printed: the mean


def test_vgg_16_holds_61_megabytes_of_an_image_not_90():
    with torch.device("meta"):
        net = VGG(16)
    layers = {n: math.prod(s) for n, s in net.shapes.items() if n != "flatten"}
    kinds = {
        n: size for n, size in layers.items() if n.startswith(("conv", "pool", "dense", "out"))
    }
    numbers = 3 * 224 * 224 + sum(kinds.values())
    assert numbers == 15_237_608
    assert 4 * numbers / 1e6 == pytest.approx(61, abs=0.1)
    rectified = sum(size for n, size in layers.items() if n.startswith("relu"))
    assert 4 * (numbers + rectified) / 1e6 == pytest.approx(115.1, abs=0.1)  # kept beside them
    assert 4 * sum(p.numel() for p in net.parameters()) / 1e6 == pytest.approx(553.4, abs=0.1)


def test_a_gram_matrix_has_a_row_and_a_column_for_each_filter(rng):
    filters, places = 4, 9
    f = rng.normal(size=(filters, places))
    gram = np.array(
        [
            [sum(f[i, c] * f[j, c] for c in range(places)) for j in range(filters)]
            for i in range(filters)
        ]
    )
    assert gram.shape == (filters, filters)
    np.testing.assert_allclose(gram, f @ f.T, rtol=1e-12)
    with pytest.raises(IndexError):
        sum(f[0, c] * f[0, c] for c in range(places + 1))  # c = 0 … m, as printed


def test_each_layer_of_the_style_error_has_a_factor_of_its_own():
    layers = ((64, 100), (512, 4))  # filters and places, as early and late in a network
    squares = (1.0, 1.0)  # Σ (A - G)² of each
    factors = [1 / (4 * k**2 * m**2) for k, m in layers]
    right = sum(e * factor for e, factor in zip(squares, factors, strict=True)) / 2
    printed = [sum(squares) / 2 * factor for factor in factors]  # outside the sum: of which layer?
    assert printed[0] / right == pytest.approx(0.186, abs=1e-3)
    assert printed[1] / right == pytest.approx(1.814, abs=1e-3)


# To be read with care


def test_what_is_called_convolution_is_cross_correlation(rng):
    image, kernel = rng.normal(size=(7, 7)), rng.normal(size=(3, 3))
    found = functional.conv2d(*(torch.from_numpy(a)[None, None] for a in (image, kernel)))[0, 0]
    np.testing.assert_allclose(found, signal.correlate2d(image, kernel, "valid"), rtol=1e-9)
    turned = signal.convolve2d(image, kernel[::-1, ::-1], "valid")
    np.testing.assert_allclose(found, turned, rtol=1e-9)
    assert not np.allclose(found, signal.convolve2d(image, kernel, "valid"))


def test_a_shift_by_one_pixel_changes_most_pooled_values():
    x = torch.rand(1, 1, 400, 401, generator=torch.Generator().manual_seed(0))
    here, moved = (functional.max_pool2d(x[..., i : i + 400], 2) for i in (0, 1))
    assert (here == moved).float().mean().item() == pytest.approx(1 / 3, abs=0.01)


def test_pooling_has_no_parameters_and_saves_those_of_the_next_dense_layer():
    pooled, whole = (
        ConvNet(f"conv 3x3x8{pool}, conv 3x3x16", (1, 28, 28), 10) for pool in (", pool 2", "")
    )
    assert not list(pooled.pool_1.parameters())
    assert pooled.conv_2.weight.shape == whole.conv_2.weight.shape
    assert 4 * pooled.output.weight.numel() == whole.output.weight.numel()


def test_windows_of_fractional_pooling_are_whole_cells_one_or_two_apart():
    pool = FractionalPool((1, 1), (14, 14)).eval()
    x = torch.arange(20.0).expand(1, 1, 20, 20)
    starts = pool(x)[0, 0, 0]
    assert set(starts.diff().tolist()) == {1.0, 2.0}
    assert starts.diff().mean().item() == pytest.approx(19 / 13)


def test_per_image_whitening_only_standardises():
    images = torch.from_numpy(read_digits().train_images).double().flatten(1)
    standard = (images - images.mean(1, keepdim=True)) / images.std(1, keepdim=True)
    assert standard.mean(1).abs().max() < 1e-9
    assert torch.allclose(standard.var(1), torch.ones(len(images), dtype=torch.float64))
    assert standard[:, [34, 42]].T.corrcoef()[0, 1] > 0.6  # one above the other, still alike
    seen = standard[:, standard.std(0) > 0.1]
    centred = seen - seen.mean(0)
    values, vectors = torch.linalg.eigh(centred.T.cov())
    keep = values > 1e-6
    white = centred @ vectors[:, keep] / values[keep].sqrt()
    torch.testing.assert_close(white.T.cov(), torch.eye(int(keep.sum()), dtype=torch.float64))


# Right


def test_two_pools_of_28_leave_maps_of_7():
    size = 28
    for _ in range(2):
        size = output_size(output_size(size, 5, 1, 2), 2, 2)
    assert size == 7


def test_an_image_of_200_by_200_gives_a_dense_neuron_120_000_weights():
    assert 200 * 200 * 3 == 120_000
    assert nn.Linear(120_000, 1, bias=False).weight.numel() == 120_000


def test_small_filters_stacked_see_as_far_with_fewer_parameters():
    size = 9
    for _ in range(3):
        size = output_size(size, 3)
    assert size == output_size(9, 7)
    assert 3 * conv_parameters(64, 64, (3, 3)) < 0.56 * conv_parameters(64, 64, (7, 7))
