"""Saliency and Grad-CAM against loops and numbers worked by hand."""

import numpy as np
import pytest
import torch
from torch import nn

from gradus.core.errors import UsageError
from gradus.vision import ConvNet
from gradus.vision.gradcam import grad_cam, upsample
from gradus.vision.saliency import saliency, smooth_grad

CLASSES = torch.tensor([2, 0])


@pytest.fixture
def net():
    torch.manual_seed(0)
    text = "conv 3x3x4 norm relu pool 2, conv 3x3x5 relu dropout 0.5"
    return ConvNet(text, (3, 8, 8), 3).double()


@pytest.fixture
def x():
    return torch.randn(2, 3, 8, 8, dtype=torch.float64, generator=torch.Generator().manual_seed(1))


def test_saliency_equals_finite_differences(net, x):
    found = saliency(net, x, CLASSES)
    net.eval()
    h = 1e-6
    for n, i, j in ((0, 0, 0), (0, 3, 4), (1, 7, 7), (1, 2, 5)):
        slopes = []
        for channel in range(3):
            ends = []
            for sign in (1, -1):
                moved = x.clone()
                moved[n, channel, i, j] += sign * h
                ends.append(net(moved)[n, CLASSES[n]].item())
            slopes.append(abs(ends[0] - ends[1]) / (2 * h))
        assert found[n, i, j].item() == pytest.approx(max(slopes), rel=1e-6, abs=1e-9)


def test_saliency_of_a_linear_score_is_its_weight():
    net = nn.Sequential(nn.Flatten(), nn.Linear(2 * 2 * 2, 2))
    weight = net[1].weight.detach().reshape(2, 2, 2, 2)
    found = saliency(net, torch.randn(1, 2, 2, 2), torch.tensor([1]))
    torch.testing.assert_close(found[0], weight[1].abs().amax(0))


def test_looking_changes_nothing(net, x):
    net.train()
    before = {k: v.clone() for k, v in net.state_dict().items()}
    with torch.no_grad():
        found = [saliency(net, x, CLASSES), grad_cam(net, x, CLASSES, "conv_2")]
    assert net.training
    assert all(torch.equal(before[k], v) for k, v in net.state_dict().items())
    assert all(p.grad is None for p in net.parameters())
    assert not x.requires_grad
    assert not any(f.requires_grad for f in found)


def test_smooth_grad_is_a_mean_over_noise(net, x):
    plain = saliency(net, x, CLASSES)
    torch.testing.assert_close(smooth_grad(net, x, CLASSES, samples=3, noise=0.0), plain)
    one, two = (smooth_grad(net, x, CLASSES, samples=4, seed=s) for s in (0, 0))
    assert torch.equal(one, two)
    assert not torch.equal(one, smooth_grad(net, x, CLASSES, samples=4, seed=1))
    for wrong in ({"samples": 0}, {"noise": -0.1}):
        with pytest.raises(UsageError, match="samples must be ≥ 1 and noise ≥ 0"):
            smooth_grad(net, x, CLASSES, **wrong)


def worked():
    """One 2×2 picture, two 1×1 filters, one score: everything can be done on paper."""
    net = ConvNet("conv 1x1x2 relu", (1, 2, 2), 1)
    with torch.no_grad():
        net.conv_1.weight.copy_(torch.tensor([1.0, -1.0]).reshape(2, 1, 1, 1))
        net.output.weight.copy_(torch.tensor([[4.0, 0, 0, 0, 2, 2, 2, 2]]))
    return net, torch.tensor([[[[3.0, -1.0], [2.0, -4.0]]]])


def test_grad_cam_worked_by_hand():
    """A¹ = [[3 0][2 0]], A² = [[0 1][0 4]]; α₁ = 4/4 = 1, α₂ = 8/4 = 2; Σ αA = [[3 2][2 8]]."""
    net, x = worked()
    found = grad_cam(net, x, torch.tensor([0]), "relu_1")
    assert found.tolist() == [[[3.0, 2.0], [2.0, 8.0]]]
    net.output.weight.data[0, 4:] = -2  # α₂ = −2: what speaks against the class is cut off
    assert grad_cam(net, x, torch.tensor([0]), "relu_1").tolist() == [[[3.0, 0.0], [2.0, 0.0]]]


def test_grad_cam_equals_the_loop(net, x):
    found = grad_cam(net, x, CLASSES, "relu_1")
    net.eval()
    for n, c in enumerate(CLASSES):
        maps = net.relu_1(net.norm_1(net.conv_1(x[n : n + 1]))).detach().requires_grad_()
        z = maps
        for layer in list(net.children())[3:]:
            z = layer(z)
        z[0, c].backward()
        heat = np.zeros((8, 8))
        for k in range(4):
            alpha = 0.0
            for i, j in np.ndindex(8, 8):
                alpha += maps.grad[0, k, i, j].item() / 64
            heat += alpha * maps[0, k].detach().numpy()
        np.testing.assert_allclose(found[n], np.maximum(heat, 0), atol=1e-12)


def test_grad_cam_of_a_frozen_network_and_of_one_in_place(x):
    torch.manual_seed(0)
    net = nn.Sequential(
        nn.Conv2d(3, 4, 3), nn.ReLU(inplace=True), nn.Flatten(), nn.Linear(4 * 36, 3)
    ).double()
    plain = nn.Sequential(net[0], nn.ReLU(), net[2], net[3])
    expected = grad_cam(plain, x, CLASSES, "0")
    net.requires_grad_(False)
    torch.testing.assert_close(grad_cam(net, x, CLASSES, "0"), expected)


def test_a_layer_without_maps_is_refused(net, x):
    with pytest.raises(UsageError, match=r"'output' has no spatial maps; those with maps: conv_1,"):
        grad_cam(net, x, CLASSES, "output")


def test_enlarged_maps_keep_place_and_level():
    heat = torch.zeros(1, 2, 2)
    heat[0, 0, 1] = 1.0
    large = upsample(heat, (8, 12))
    assert large.shape == (1, 8, 12)
    assert large[0, 0, -1] == 1
    assert large[0, -1, 0] == 0
    torch.testing.assert_close(
        upsample(torch.full((1, 3, 3), 2.0), (7, 5)), torch.full((1, 7, 5), 2.0)
    )
