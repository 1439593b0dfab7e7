"""Addressing: hand-worked numbers, loops, edges."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from gradus.core.errors import UsageError
from gradus.memory.addressing import (
    content_weighting,
    erase_and_add,
    interpolate,
    inverse_length,
    masked_content_weighting,
    oneplus,
    read,
    rotate,
    sharpen,
)


def t(*values):
    """A batch of what is given."""
    return torch.tensor(values, dtype=torch.float64)


def random(*shape, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(*shape, dtype=torch.float64, generator=generator)


def weightings(n):
    """Distributions over n locations, zeros among them."""
    raw = hnp.arrays(np.float64, n, elements=st.floats(0, 1))
    return raw.filter(lambda w: w.sum() > 0.1).map(lambda w: torch.from_numpy(w / w.sum()))


def test_oneplus_is_at_least_one():
    assert oneplus(t(0.0)).item() == pytest.approx(1 + math.log(2))
    assert oneplus(t(-50.0, 50.0)).tolist() == pytest.approx([1.0, 51.0])


def test_content_weighting_by_hand():
    # cosines of (1, 0) with (2, 0), (0, 3), (1, 1): 1, 0, 1/√2; strength 2
    memory = t([[2.0, 0.0], [0.0, 3.0], [1.0, 1.0]])
    found = content_weighting(memory, t([[1.0, 0.0]]), t([2.0]))[0, 0]
    e = [math.exp(2), 1.0, math.exp(math.sqrt(2))]
    assert found.tolist() == pytest.approx([x / sum(e) for x in e], abs=1e-5)


def test_content_weighting_equals_the_loops():
    memory, keys, strengths = random(2, 5, 3), random(2, 4, 3, seed=1), random(2, 4, seed=2).exp()
    found = content_weighting(memory, keys, strengths)
    for b in range(2):
        for h in range(4):
            scores = []
            for i in range(5):
                m, k = memory[b, i].numpy(), keys[b, h].numpy()
                lengths = math.sqrt(m @ m + 1e-6) * math.sqrt(k @ k + 1e-6)
                scores.append(strengths[b, h].item() * (m @ k) / lengths)
            e = np.exp(scores)
            np.testing.assert_allclose(found[b, h].numpy(), e / e.sum(), rtol=1e-9)


def test_a_stronger_key_is_sharper():
    memory, key = random(1, 6, 4), random(1, 1, 4, seed=1)
    tops = [content_weighting(memory, key, t([b]))[0, 0].max().item() for b in (0.0, 1.0, 10.0)]
    assert tops[0] == pytest.approx(1 / 6)
    assert tops[0] < tops[1] < tops[2]


def test_a_mask_of_ones_changes_nothing_and_a_mask_leaves_out():
    memory, keys, strengths = random(2, 5, 3), random(2, 2, 3, seed=1), random(2, 2, seed=2).exp()
    plain = content_weighting(memory, keys, strengths)
    masked = masked_content_weighting(memory, keys, strengths, torch.ones_like(keys))
    torch.testing.assert_close(masked, plain)
    mask = torch.ones_like(keys)
    mask[..., 2] = 0
    found = masked_content_weighting(memory, keys, strengths, mask)
    part = content_weighting(memory[..., :2], keys[..., :2], strengths)
    torch.testing.assert_close(found, part)


def test_an_all_zero_memory_has_finite_gradients():
    memory = torch.zeros(1, 4, 3, requires_grad=True)
    keys = torch.zeros(1, 1, 3, requires_grad=True)
    found = content_weighting(memory, keys, torch.ones(1, 1))
    assert found.tolist() == [[[0.25] * 4]]
    (found * torch.arange(4)).sum().backward()
    assert torch.isfinite(memory.grad).all()
    assert torch.isfinite(keys.grad).all()


def test_interpolation_by_hand():
    content, before = t([[1.0, 0.0]]), t([[0.0, 1.0]])
    assert interpolate(content, before, t([0.25])).tolist() == [[[0.25, 0.75]]]
    assert torch.equal(interpolate(content, before, t([1.0])), content)
    assert torch.equal(interpolate(content, before, t([0.0])), before)


@pytest.mark.parametrize(
    ("shift", "after"),
    [
        ((0, 0, 1), (0.1, 0.7, 0.2, 0.0, 0.0)),  # to the right
        ((1, 0, 0), (0.2, 0.0, 0.0, 0.1, 0.7)),  # to the left, round the edge
        ((0.2, 0.6, 0.2), (0.48, 0.26, 0.04, 0.02, 0.2)),  # in place, blurred
        ((0, 1, 0), (0.7, 0.2, 0.0, 0.0, 0.1)),
    ],
)
def test_the_shifts_of_figure_8_4(shift, after):
    before = t([[0.7, 0.2, 0.0, 0.0, 0.1]])
    found = rotate(before, t([list(map(float, shift))]))
    assert found[0, 0].tolist() == pytest.approx(after)


@pytest.mark.parametrize(("n", "half"), [(1, 0), (1, 1), (3, 1), (5, 2), (2, 2)])
def test_rotation_equals_the_loops(n, half):
    w, s = random(2, 3, n).softmax(2), random(2, 3, 2 * half + 1, seed=1).softmax(2)
    found = rotate(w, s)
    for i in range(n):
        expected = sum(s[..., half + d] * w[..., (i - d) % n] for d in range(-half, half + 1))
        torch.testing.assert_close(found[..., i], expected)


def test_shifts_that_cannot_be_are_refused():
    with pytest.raises(UsageError, match="odd number of moves, by at most the 2 locations"):
        rotate(torch.ones(1, 1, 2), torch.ones(1, 1, 2))
    with pytest.raises(UsageError, match="got 7"):
        rotate(torch.ones(1, 1, 2), torch.ones(1, 1, 7))


def test_sharpening_by_hand():
    found = sharpen(t([[0.5, 0.3, 0.2]]), t([2.0]))  # squares 0.25, 0.09, 0.04 of sum 0.38
    assert found[0, 0].tolist() == pytest.approx([0.25 / 0.38, 0.09 / 0.38, 0.04 / 0.38])
    same = t([[0.5, 0.3, 0.2]])
    torch.testing.assert_close(sharpen(same, t([1.0])), same)


def test_sharpening_survives_what_powers_do_not():
    even = torch.full((1, 1, 128), 1 / 128, requires_grad=True)
    assert (even.detach() ** 25).sum() == 0  # in float32
    found = sharpen(even, torch.full((1, 1), 25.0))
    assert found.sum().item() == pytest.approx(1)
    found[0, 0, 0].backward()
    assert torch.isfinite(even.grad).all()
    one = torch.zeros(1, 1, 8)
    one[..., 3] = 1
    assert torch.equal(sharpen(one, torch.full((1, 1), 3.0)), one)


def test_erasing_and_adding_by_hand():
    memory = t([[1.0, 2.0], [3.0, 4.0]])
    found = erase_and_add(memory, t([1.0, 0.5]), t([1.0, 0.0]), t([10.0, 20.0]))
    assert found[0].tolist() == [[10.0, 22.0], [6.5, 14.0]]  # 3 (1 - 0.5) + 5, 4 + 10


def test_erasing_and_adding_equals_the_outer_products():
    memory, w = random(2, 4, 3), random(2, 4, seed=1).softmax(1)
    e, v = random(2, 3, seed=2).sigmoid(), random(2, 3, seed=3)
    expected = memory * (1 - torch.einsum("bi,bj->bij", w, e)) + torch.einsum("bi,bj->bij", w, v)
    torch.testing.assert_close(erase_and_add(memory, w, e, v), expected)


def test_reading_by_hand():
    memory = t([[1.0, 2.0], [3.0, 4.0]])
    found = read(memory, t([[0.0, 1.0], [0.5, 0.5]]))
    assert found[0].tolist() == [[3.0, 4.0], [2.0, 3.0]]


def test_inverse_length_by_hand():
    assert inverse_length(t([3.0, 4.0])).item() == pytest.approx(0.2)
    assert inverse_length(torch.zeros(3)).item() == pytest.approx(1000)


@given(weightings(6), weightings(6), st.floats(0, 1), st.floats(1, 50), weightings(3))
def test_weightings_stay_distributions(content, before, gate, gamma, shift):
    gated = interpolate(content[None, None], before[None, None], t([gate]))
    found = sharpen(rotate(gated, shift[None, None]), t([gamma]))
    assert (found >= 0).all()
    assert found.sum().item() == pytest.approx(1, abs=1e-6)


def test_gradients():
    memory, keys = random(1, 4, 3).requires_grad_(), random(1, 2, 3, seed=1).requires_grad_()
    strengths = random(1, 2, seed=2).exp().requires_grad_()
    masks = random(1, 2, 3, seed=3).sigmoid().requires_grad_()
    assert torch.autograd.gradcheck(content_weighting, (memory, keys, strengths))
    assert torch.autograd.gradcheck(masked_content_weighting, (memory, keys, strengths, masks))
    w = random(1, 2, 5, seed=4).softmax(2).requires_grad_()
    s = random(1, 2, 3, seed=5).softmax(2).requires_grad_()
    gamma = (1 + random(1, 2, seed=6).exp()).requires_grad_()
    assert torch.autograd.gradcheck(lambda w, s, g: sharpen(rotate(w, s), g), (w, s, gamma))
    one, e = random(1, 4, seed=7).softmax(1), random(1, 3, seed=8).sigmoid()
    add = random(1, 3, seed=9)
    inputs = tuple(x.requires_grad_() for x in (memory.detach(), one, e, add))
    assert torch.autograd.gradcheck(erase_and_add, inputs)
