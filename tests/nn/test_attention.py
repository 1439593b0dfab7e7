"""Attention: hand-worked numbers, loops, masks, gradients, mistakes."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn import functional

from gradus.core.errors import UsageError
from gradus.nn.attention import AdditiveAttention, DotAttention, masked_softmax, read

BATCH, QUERIES, POSITIONS, SIZE = 2, 3, 4, 5


def random(*shape, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(*shape, dtype=torch.float64, generator=generator)


def mask(*rows):
    return torch.tensor(rows, dtype=torch.bool)


SOME = mask([1, 1, 0, 1], [0, 1, 1, 0])


def make(kind):
    torch.manual_seed(0)
    if kind == "additive":
        return AdditiveAttention(SIZE, 6, 7).double()
    memory_size = 6 if kind == "general" else SIZE
    return DotAttention(SIZE, memory_size, kind).double()


def inputs(kind):
    width = 6 if kind in ("additive", "general") else SIZE
    return random(BATCH, QUERIES, SIZE), random(BATCH, POSITIONS, width, seed=1)


def score(layer, kind, q, m):
    """The score of one query and one position, in NumPy."""
    if kind == "additive":
        w, b, u = (p.detach().numpy() for p in (*layer.query.parameters(), layer.key.weight))
        return float(layer.v.detach().numpy() @ np.tanh(w @ q + b + u @ m))
    if kind == "general":
        return float(q @ (layer.key.weight.detach().numpy() @ m))
    return float(q @ m) / (math.sqrt(len(q)) if kind == "scaled" else 1)


KINDS = pytest.mark.parametrize("kind", ["additive", "dot", "scaled", "general"])


@KINDS
@pytest.mark.parametrize("seen", [None, SOME])
def test_attention_equals_the_loops(kind, seen):
    layer = make(kind)
    queries, memory = inputs(kind)
    contexts, weights = layer(queries, memory, seen)
    for b in range(BATCH):
        looked_at = [i for i in range(POSITIONS) if seen is None or seen[b, i]]
        for j in range(QUERIES):
            q = queries[b, j].numpy()
            e = {i: math.exp(score(layer, kind, q, memory[b, i].numpy())) for i in looked_at}
            expected = np.array([e.get(i, 0) / sum(e.values()) for i in range(POSITIONS)])
            np.testing.assert_allclose(weights[b, j].detach(), expected, rtol=1e-9, atol=1e-15)
            context = sum(w * m for w, m in zip(expected, memory[b].numpy(), strict=True))
            np.testing.assert_allclose(contexts[b, j].detach(), context, rtol=1e-9)


def test_scaled_attention_equals_torchs():
    queries, memory = inputs("scaled")
    found, _ = make("scaled")(queries, memory, SOME)
    expected = functional.scaled_dot_product_attention(
        queries, memory, memory, attn_mask=SOME[:, None]
    )
    torch.testing.assert_close(found, expected)


def test_weights_by_hand():
    # scores ln 1, ln 2, ln 5: shares 1/8, 2/8, 5/8; without the last, 1/3 and 2/3
    scores = torch.tensor([[[1.0, 2.0, 5.0]]], dtype=torch.float64).log()
    assert masked_softmax(scores)[0, 0].tolist() == pytest.approx([1 / 8, 2 / 8, 5 / 8])
    seen = masked_softmax(scores, mask([1, 1, 0]))[0, 0]
    assert seen.tolist() == pytest.approx([1 / 3, 2 / 3, 0])
    memory = torch.tensor([[[3.0], [6.0], [9.0]]], dtype=torch.float64)
    assert read(seen[None, None], memory).item() == pytest.approx(5)


@KINDS
def test_keys_made_before_are_the_same(kind):
    layer = make(kind)
    queries, memory = inputs(kind)
    found = layer(queries, memory, SOME, layer.keys(memory))
    torch.testing.assert_close(found, layer(queries, memory, SOME), rtol=0, atol=0)


@KINDS
def test_all_masked_gives_zeros_and_finite_gradients(kind):
    layer = make(kind)
    queries, memory = (x.requires_grad_() for x in inputs(kind))
    contexts, weights = layer(queries, memory, mask([0, 0, 0, 0], [0, 1, 1, 0]))
    assert contexts[0].count_nonzero() == 0
    assert weights[0].count_nonzero() == 0
    assert weights[1].sum(-1).tolist() == pytest.approx([1] * QUERIES)
    contexts.square().sum().backward()
    for x in (queries, memory, *layer.parameters()):
        assert x.grad.isfinite().all()
    assert queries.grad[0].count_nonzero() == 0


@KINDS
def test_what_is_masked_does_not_matter(kind):
    layer = make(kind)
    queries, memory = inputs(kind)
    other = torch.where(SOME.unsqueeze(-1), memory, torch.full_like(memory, 1e6))
    torch.testing.assert_close(layer(queries, other, SOME), layer(queries, memory, SOME))


@KINDS
def test_gradients(kind):
    layer = make(kind)
    queries, memory = (x.requires_grad_() for x in inputs(kind))
    torch.autograd.gradcheck(lambda q, m: layer(q, m, SOME)[0], (queries, memory), fast_mode=True)
    names = [name for name, _ in layer.named_parameters()]
    if names:

        def of_parameters(*values):
            named = dict(zip(names, values, strict=True))
            return torch.func.functional_call(layer, named, (queries, memory, SOME))[0]

        values = tuple(p.detach().clone().requires_grad_() for p in layer.parameters())
        torch.autograd.gradcheck(of_parameters, values, fast_mode=True)


@settings(max_examples=20, deadline=None)
@given(
    st.lists(st.floats(-(2.0**100), 2.0**100, width=32), min_size=1, max_size=6),
    st.integers(0, 63),
)
def test_weights_are_a_distribution_over_what_is_seen(scores, bits):
    seen = [bool(bits >> i & 1) for i in range(len(scores))]
    weights = masked_softmax(torch.tensor([[scores]]), mask(seen))[0, 0]
    assert weights.sum().item() == pytest.approx(1.0 if any(seen) else 0.0)
    assert all(w == 0 for w, s in zip(weights.tolist(), seen, strict=True) if not s)


def test_half_precision_stays_finite():
    scores = torch.full((1, 1, 3), -60_000.0, dtype=torch.float16)
    assert masked_softmax(scores, mask([1, 0, 1]))[0, 0].tolist() == [0.5, 0, 0.5]


def test_mistakes():
    with pytest.raises(
        UsageError, match=r"score must be one of dot, scaled, general, got 'cosine'"
    ):
        DotAttention(4, 4, "cosine")
    with pytest.raises(UsageError, match=r"score dot needs queries as wide .* choose general"):
        DotAttention(4, 6)
    with pytest.raises(UsageError, match=r"size must be ≥ 1, got 0"):
        AdditiveAttention(4, 4, 0)
