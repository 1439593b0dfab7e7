"""The losses of neural style against loops, their gradients, and the paper's own form."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.autograd import gradcheck

from gradus.vision.style.losses import (
    Loss,
    Targets,
    Weights,
    content_loss,
    gram,
    style_loss,
    total_variation,
)


def randn(*shape, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(*shape, generator=generator, dtype=torch.float64)


def loop_gram(f):
    """Gᵢⱼ = Σₖ Fᵢₖ Fⱼₖ, divided by M."""
    n, h, w = f.shape
    g = np.zeros((n, n))
    for i, j in np.ndindex(n, n):
        for y, x in np.ndindex(h, w):
            g[i, j] += f[i, y, x] * f[j, y, x]
    return g / (h * w)


def test_gram_equals_the_loop():
    f = randn(2, 3, 4, 5)
    for one, found in zip(f.numpy(), gram(f), strict=True):
        np.testing.assert_allclose(found, loop_gram(one), atol=1e-12)


def test_gram_worked_by_hand():
    """Two maps of two places: [1 2] and [3 -1]."""
    f = torch.tensor([[[[1.0, 2.0]], [[3.0, -1.0]]]])
    assert gram(f).tolist() == [[[2.5, 0.5], [0.5, 5.0]]]


@given(scale=st.floats(-10, 10), repeats=st.integers(1, 3))
def test_gram_knows_nothing_of_places_or_size(scale, repeats):
    f = randn(1, 4, 3, 5)
    moved = f.flatten(2)[..., torch.randperm(15)].reshape(f.shape)
    torch.testing.assert_close(gram(moved), gram(f))
    torch.testing.assert_close(gram(f.repeat(1, 1, repeats, 1)), gram(f))
    torch.testing.assert_close(gram(scale * f), scale**2 * gram(f))
    g = gram(f)[0]
    torch.testing.assert_close(g, g.T)
    assert torch.linalg.eigvalsh(g).min() >= -1e-12


def test_content_loss_equals_the_loop():
    f, p = randn(1, 3, 4, 5), randn(1, 3, 4, 5, seed=1)
    loop = sum(0.5 * (float(f[i]) - float(p[i])) ** 2 for i in np.ndindex(tuple(f.shape)))
    assert content_loss(f, p).item() == pytest.approx(loop, rel=1e-12)


def test_style_loss_is_the_papers():
    """Equation 4 with the paper's own Gram matrices, which are sums: 1/(4N²M²) Σ (G - A)²."""
    f, a = randn(1, 3, 4, 5), randn(1, 3, 4, 5, seed=1)
    n, m = 3, 20
    loop = 0.0
    for i, j in np.ndindex(n, n):
        sums = [loop_gram(x[0].numpy())[i, j] * m for x in (f, a)]
        loop += (sums[0] - sums[1]) ** 2 / (4 * n**2 * m**2)
    assert style_loss(gram(f), gram(a)).item() == pytest.approx(loop, rel=1e-12)


def test_total_variation_equals_the_loop():
    x = randn(1, 2, 3, 4)
    loop = 0.0
    for c, i, j in np.ndindex(2, 3, 4):
        if i:
            loop += float(x[0, c, i, j] - x[0, c, i - 1, j]) ** 2
        if j:
            loop += float(x[0, c, i, j] - x[0, c, i, j - 1]) ** 2
    assert total_variation(x).item() == pytest.approx(loop / 24, rel=1e-12)
    assert total_variation(torch.full((1, 3, 5, 5), 0.3)) == 0
    assert total_variation(torch.rand(1, 3, 1, 1)) == 0


def test_gradients():
    f, p = randn(1, 3, 4, 2).requires_grad_(), randn(1, 3, 4, 2, seed=1)
    assert gradcheck(lambda x: content_loss(x, p), f)
    assert gradcheck(lambda x: style_loss(gram(x), gram(p)), f)
    assert gradcheck(total_variation, f)
    targets = Targets({"a": p}, {"a": gram(p)})
    assert gradcheck(lambda x: targets.loss({"a": x}, x, Weights()).total, f)


def test_the_whole_loss_adds_weighted_relative_parts():
    """α/L Σ ½Σ(F-P)²/½ΣP² + β/L Σ E(G, A)/E(0, A) + w · variation."""
    found = {name: randn(1, 3, 4, 5, seed=i) for i, name in enumerate("abc")}
    wanted = {name: randn(1, 3, 4, 5, seed=10 + i) for i, name in enumerate("abc")}
    image = torch.rand(1, 3, 8, 8, dtype=torch.float64)
    targets = Targets({"a": wanted["a"]}, {k: gram(wanted[k]) for k in "bc"})
    loss = targets.loss(found, image, Weights(content=2.0, style=3.0, variation=4.0))
    content = ((found["a"] - wanted["a"]) ** 2).sum() / (wanted["a"] ** 2).sum()
    style = sum(
        ((gram(found[k]) - gram(wanted[k])) ** 2).sum() / (gram(wanted[k]) ** 2).sum() for k in "bc"
    )
    assert loss.content.item() == pytest.approx(2 * content.item())
    assert loss.style.item() == pytest.approx(3 * style.item() / 2)
    assert loss.variation.item() == pytest.approx(4 * total_variation(image).item())
    assert loss.total.item() == pytest.approx(
        loss.content.item() + loss.style.item() + loss.variation.item()
    )


def test_zeros_cost_one_and_the_wanted_nothing():
    wanted = randn(1, 3, 4, 5)
    targets = Targets({"a": wanted}, {"a": gram(wanted)})
    flat = torch.zeros(1, 3, 2, 2, dtype=torch.float64)
    loss = targets.loss({"a": torch.zeros_like(wanted)}, flat, Weights(1.0, 1.0, 1.0))
    assert (loss.content.item(), loss.style.item()) == pytest.approx((1, 1))
    assert targets.loss({"a": wanted}, flat, Weights()).total == 0


def test_features_that_are_all_zero_divide_by_nothing():
    """A black picture may silence a layer: the loss and its gradient stay finite."""
    f = randn(1, 3, 4, 5).requires_grad_()
    nothing = torch.zeros(1, 3, 4, 5, dtype=torch.float64)
    loss = Targets({"a": nothing}, {"a": gram(nothing)}).loss({"a": f}, f, Weights())
    loss.total.backward()
    assert torch.isfinite(loss.total)
    assert torch.isfinite(f.grad).all()


def test_parts_without_layers_are_zero():
    image = torch.rand(1, 3, 4, 4)
    loss = Targets({}, {}).loss({}, image, Weights(variation=0.0))
    assert isinstance(loss, Loss)
    assert loss.total == 0
