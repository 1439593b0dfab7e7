"""The autoencoder against one written by hand, its cost against a loop."""

import math

import numpy as np
import pytest
import torch
from torch import nn

from gradus.core.errors import UsageError
from gradus.embed import Autoencoder
from gradus.embed.autoencoder import in_parts, l2_cost
from gradus.nn.mlp import MLP


def test_equals_the_hourglass_written_by_hand():
    torch.manual_seed(0)
    model = Autoencoder((9, 7, 5, 2)).double()
    one, other = model.encoder, model.decoder
    twin = nn.Sequential(
        *(one.hidden_1, one.norm_1, nn.Sigmoid(), one.hidden_2, one.norm_2, nn.Sigmoid()),
        *(one.output, other.hidden_1, other.norm_1, nn.Sigmoid()),
        *(other.hidden_2, other.norm_2, nn.Sigmoid(), other.output, nn.Sigmoid()),
    )
    x = torch.rand(6, 9, dtype=torch.float64)
    for mode in (True, False):
        assert torch.equal(model.train(mode)(x), twin.train(mode)(x))
    assert other.sizes == (2, 5, 7, 9)
    code = model.encode(x)
    assert code.shape == (6, 2)
    assert torch.equal(model.decode(code), model(x))
    rebuilt, same = model(x, return_code=True)
    assert torch.equal(rebuilt, model(x))
    assert torch.equal(same, code)


def test_noise_on_the_inputs_is_for_training_alone():
    torch.manual_seed(0)
    model = Autoencoder((4, 3), norm=0, jitter=0.5)
    x = torch.rand(20_000, 4)
    moved = model.encode(x) - model.eval().encode(x)
    expected = 0.5 * model.encoder.output.weight.norm(dim=1)
    torch.testing.assert_close(moved.std(0), expected, rtol=0.03, atol=0)
    assert moved.mean(0).abs().max() < 0.02


def test_what_is_done_to_the_code_and_the_output():
    torch.manual_seed(0)
    model = Autoencoder((4, 3), norm=0, code=nn.Tanh(), output="linear")
    x = torch.randn(5, 4)
    code = torch.tanh(x @ model.encoder.output.weight.T + model.encoder.output.bias)
    torch.testing.assert_close(model.encode(x), code)
    rebuilt = code @ model.decoder.output.weight.T + model.decoder.output.bias
    torch.testing.assert_close(model(x), rebuilt)
    assert [name for name, _ in model.named_parameters()] == [
        "encoder.output.weight",
        "encoder.output.bias",
        "decoder.output.weight",
        "decoder.output.bias",
    ]


def test_weights_start_as_the_book_has_them():
    torch.manual_seed(0)
    model = Autoencoder((784, 400, 30))
    for layer in (*model.encoder.layers, *model.decoder.layers):
        n_in = layer.in_features
        assert layer.weight.std().item() == pytest.approx(n_in**-0.5, rel=0.1)
        assert not layer.bias.any()


def test_the_cost_is_the_distance():
    draw = np.random.default_rng(0)
    a, b = draw.random((5, 8)), draw.random((5, 8))
    expected = [
        math.sqrt(sum((p - q) ** 2 for p, q in zip(*r, strict=True)))
        for r in zip(a, b, strict=True)
    ]
    np.testing.assert_allclose(l2_cost(torch.tensor(a), torch.tensor(b)), expected)


def test_gradients_are_right_and_finite_where_an_image_is_rebuilt_exactly():
    torch.manual_seed(0)
    model = Autoencoder((5, 4, 2)).double()
    x = torch.rand(6, 5, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda x: l2_cost(model(x), x), (x,))
    same = torch.rand(3, 4, requires_grad=True)
    l2_cost(same, same.detach()).mean().backward()
    assert not same.grad.any()


def test_evaluation_of_an_image_hangs_on_no_other():
    torch.manual_seed(0)
    model = Autoencoder((6, 5, 2))
    for _ in range(5):
        model(torch.rand(20, 6))
    x = torch.rand(7, 6)
    model.eval()
    torch.testing.assert_close(model.encode(x)[:1], model.encode(x[:1]))
    torch.testing.assert_close(in_parts(model, x, 2), model(x))


def test_a_feed_forward_net_with_batch_normalisation():
    model = MLP((4, 5, 3), norm=3)
    assert list(dict(model.named_children())) == ["hidden_1", "output", "norm_1"]
    x = torch.rand(8, 4)
    logits = model.hidden_1(x)
    assert model.norm_1.weight.tolist() == [3] * 5
    normed = 3 * (logits - logits.mean(0)) / (logits.var(0, unbiased=False) + 1e-5).sqrt()
    torch.testing.assert_close(model(x), model.output(torch.relu(normed)))
    assert not any("norm" in name for name, _ in MLP((4, 5, 3)).named_parameters())


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"sizes": (784,)}, r"sizes must be two or more numbers ≥ 1, the last one the code's"),
        ({"sizes": (784, 0)}, r"got \(784, 0\)"),
        ({"sizes": (4, 3, 2), "activation": "sigmod"}, "did you mean sigmoid"),
        ({"sizes": (4, 3, 2), "norm": -1.0}, "norm must be ≥ 0, got -1"),
        ({"sizes": (4, 2), "output": "softplus"}, "activation must be one of"),
    ],
)
def test_networks_that_cannot_be(settings, message):
    with pytest.raises(UsageError, match=message):
        Autoencoder(**settings)
