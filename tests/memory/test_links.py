"""Temporal links: hand-worked numbers, loops, properties, gradients."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from gradus.memory.links import follow_links, precedence, sharpen_links


def by_loops(links, w, p):
    """The link matrix element by element."""
    n = len(w)
    found = np.zeros((n, n))
    for i in range(n):
        for j in range(n):
            if i != j:
                found[i, j] = (1 - w[i] - w[j]) * links[i, j] + w[i] * p[j]
    return found


def random(*shape, seed=0):
    return torch.rand(*shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


def sub_stochastic(batch, n, seed):
    """Weightings that sum to at most 1."""
    w = random(batch, n, seed=seed)
    return w / w.sum(1, keepdim=True) * random(batch, 1, seed=seed + 1)


def written(steps, n, seed, batch=2):
    """Links and precedence after some writes."""
    links = torch.zeros(batch, n, n, dtype=torch.float64)
    p = torch.zeros(batch, n, dtype=torch.float64)
    reads = sub_stochastic(batch, n, seed)[:, None]
    for step in range(steps):
        w = sub_stochastic(batch, n, seed + 10 * step)
        links, _, _ = follow_links(links, w, p, reads)
        p = precedence(p, w)
    return links, p


def test_precedence_by_hand():
    before, w = torch.tensor([[0.5, 0.5]]), torch.tensor([[0.25, 0.0]])
    assert precedence(before, w)[0].tolist() == [0.625, 0.375]  # 0.75 · 0.5 + 0.25, 0.75 · 0.5


def test_sharp_writes_are_followed_in_their_order():
    n = 4
    links, p = torch.zeros(1, n, n), torch.zeros(1, n)
    reads = torch.eye(n)[None, [3]]
    for place in (2, 0, 3, 1):
        w = torch.eye(n)[None, place]
        links, forward, backward = follow_links(links, w, p, reads)
        p = precedence(p, w)
    assert links[0].nonzero().tolist() == [[0, 2], [1, 3], [3, 0]]
    assert forward[0, 0].tolist() == [0, 1, 0, 0]  # after location 3 came 1
    assert backward[0, 0].tolist() == [1, 0, 0, 0]  # before it 0


@given(st.integers(1, 6), st.integers(1, 4), st.integers(0, 1000))
def test_links_equal_the_loops_and_keep_their_bounds(n, steps, seed):
    links, p = written(steps, n, seed)
    w, reads = sub_stochastic(2, n, seed + 5), sub_stochastic(2, n, seed + 7)[:, None]
    new, forward, backward = follow_links(links, w, p, reads)
    for b in range(2):
        expected = by_loops(links[b].numpy(), w[b].numpy(), p[b].numpy())
        np.testing.assert_allclose(new[b].numpy(), expected, atol=1e-12)
    torch.testing.assert_close(forward[:, 0], torch.einsum("bij,bj->bi", new, reads[:, 0]))
    torch.testing.assert_close(backward[:, 0], torch.einsum("bij,bi->bj", new, reads[:, 0]))
    assert (new >= 0).all()
    assert (new <= 1).all()
    assert (new.diagonal(dim1=1, dim2=2) == 0).all()
    assert (new.sum(1) <= 1 + 1e-9).all()
    assert (new.sum(2) <= 1 + 1e-9).all()
    assert precedence(p, w).sum(1).max() <= 1 + 1e-9


def test_gradients_are_those_of_the_formula():
    links, p = written(3, 4, 0)
    w, reads = sub_stochastic(2, 4, 90), random(2, 3, 4, seed=91)
    inputs = tuple(x.clone().requires_grad_() for x in (links, w, p, reads))
    assert torch.autograd.gradcheck(follow_links, inputs)

    def plainly(links, w, p, reads):
        new = (1 - w[:, :, None] - w[:, None]) * links + w[:, :, None] * p[:, None]
        new = new * (1 - torch.eye(4, dtype=torch.float64))
        return new, reads @ new.mT, reads @ new

    def gradients(function):
        found = function(*inputs)
        total = sum((x * random(*x.shape, seed=i)).sum() for i, x in enumerate(found))
        return torch.autograd.grad(total, inputs)

    for ours, theirs in zip(gradients(follow_links), gradients(plainly), strict=True):
        torch.testing.assert_close(ours, theirs)


def test_sharpened_links_keep_their_sum_and_zeros_stay():
    w = torch.tensor([[[0.4, 0.2, 0.0], [0.0, 0.0, 0.0]]])
    found = sharpen_links(w, torch.tensor([[2.0, 2.0]]))[0]
    assert found[0].tolist() == pytest.approx([0.6 * 0.8, 0.6 * 0.2, 0.0])
    assert found[1].tolist() == [0, 0, 0]
    torch.testing.assert_close(sharpen_links(w, torch.ones(1, 2)), w)
