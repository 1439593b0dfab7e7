"""Errata of chapter 8: the printed version beside the right one."""

import numpy as np
import pytest
import torch

from gradus.memory.addressing import content_weighting, erase_and_add, rotate
from gradus.memory.allocation import allocation
from gradus.memory.babi import find_babi, lexicon, read_babi
from gradus.memory.dnc import DNC
from gradus.memory.links import follow_links, precedence
from gradus.memory.run_figures import BOOK, PAPER


def random(*shape, seed=0):
    return torch.rand(*shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


# Wrong


def test_the_sums_over_locations_run_over_n_terms():
    memory, key = random(1, 4, 3), random(1, 1, 3, seed=1)
    right = content_weighting(memory, key, torch.ones(1, 1))[0, 0]
    assert right.sum().item() == pytest.approx(1)
    with pytest.raises(IndexError):
        sum(memory[0, i] for i in range(4 + 1))  # i = 0 … N, as printed
    shift = torch.tensor([0.2, 0.6, 0.2])
    with pytest.raises(IndexError):
        [shift[j] for j in range(len(shift) + 1)]  # j = 0 … |s|


def test_the_softmax_divides_by_a_sum_over_all_its_numbers():
    z = np.array([1.0, 2.0, 3.0])
    printed = np.array([np.exp(one) / sum(np.exp(one) for _ in z) for one in z])
    assert printed.tolist() == pytest.approx([1 / 3] * 3)  # whatever z is
    right = np.exp(z) / np.exp(z).sum()
    assert right.sum() == pytest.approx(1)
    assert right[2] > 0.6


def test_pairwise_addition_adds_a_row_and_a_column():
    w = random(5, seed=5)
    duplicates = torch.stack([w] * 5, 1)  # N×N, the vector along the columns
    printed = duplicates + duplicates
    right = w[:, None] + w[None, :]
    assert torch.equal(printed, 2 * w[:, None].expand(5, 5))
    assert (printed - right).abs().max() > 0.3
    assert torch.equal(duplicates + duplicates.T, right)
    links, p = random(5, 5, seed=6), random(5, seed=7) / 5
    w = w / w.sum()
    new, _, _ = follow_links(links[None], w[None], p[None], w[None, None])
    off = 1 - torch.eye(5)
    by_listing = ((1 - 2 * w[:, None]) * links + torch.outer(w, p)) * off
    by_formula = ((1 - w[:, None] - w) * links + torch.outer(w, p)) * off
    torch.testing.assert_close(new[0], by_formula)
    assert (by_listing - new[0]).abs().max() > 0.1


def test_going_back_needs_the_links_of_this_step():
    eye = torch.eye(3)
    links, p = torch.zeros(1, 3, 3), torch.zeros(1, 3)
    for place in (0, 1):  # write to 0, then to 1, where the head stands
        before = links
        links, _, backward = follow_links(links, eye[None, place], p, eye[None, [1]])
        p = precedence(p, eye[None, place])
    assert backward[0, 0].tolist() == [1, 0, 0]  # from 1 back to 0
    printed = before.mT @ eye[1]
    assert printed[0].tolist() == [0, 0, 0]  # L_{t-1} does not know of the last write


@pytest.mark.data
def test_the_stops_that_stay_are_the_full_stop_and_the_question_mark(real_data):
    found = read_babi(find_babi(), range(1, 21), ("test",))
    known = lexicon(s for part in found.values() for told in part.values() for s in told)
    assert [word for word in known if not word.isalpha()] == ["-", ".", "?"]
    assert len(known) == 159
    assert len(set(known) - {"."}) == 158  # with "?" and ":", which is nowhere


# To be read with care


def test_strength_sharpens_and_does_not_attenuate():
    memory, key = random(1, 4, 3), random(1, 1, 3, seed=1)
    tops = [
        content_weighting(memory, key, torch.tensor([[b]], dtype=torch.float64)).max().item()
        for b in (1.0, 10.0)
    ]
    assert tops[1] > tops[0]


def test_precedence_is_a_distribution_only_after_full_writes():
    p = precedence(torch.zeros(1, 3), torch.tensor([[0.25, 0.25, 0.0]]))
    assert p.sum().item() == 0.5


def test_an_ntm_can_write_over_what_is_there():
    memory = random(1, 2, 3)
    one, new = torch.tensor([[1.0, 0.0]]).double(), random(1, 3, seed=1)
    found = erase_and_add(memory, one, torch.ones(1, 3).double(), new)
    torch.testing.assert_close(found[:, 0], new)
    assert torch.equal(found[:, 1], memory[:, 1])


def test_the_outer_product_needs_a_transpose():
    w, p = random(4, 1), random(4, 1, seed=1)
    with pytest.raises(RuntimeError):
        w @ p  # both columns, as printed
    assert (w @ p.T).shape == (4, 4)


# Right


def test_the_allocation_of_the_example():
    found = allocation(torch.tensor([[1.0, 0.7, 0.2, 0.4]]))[0]
    assert found.tolist() == pytest.approx([0, 0.024, 0.8, 0.12], abs=2e-6)


def test_a_full_memory_allocates_nothing():
    assert allocation(torch.ones(1, 6)).tolist() == [[0.0] * 6]


def test_the_interface_vector_has_rw_3w_5r_3_numbers():
    for r, w in ((1, 10), (4, 64)):
        model = DNC(3, 2, locations=8, width=w, reads=r)
        assert model.interface.out_features == r * w + 3 * w + 5 * r + 3


def test_the_loops_make_n_squared_minus_n_nodes():
    assert [n * n - n for n in (5, 256)] == [20, 65_280]


def test_the_report_s_means_and_failures_follow_from_its_rows():
    assert round(100 * np.mean(BOOK), 2) == 15.78
    assert sum(error > 0.05 for error in BOOK) == 8
    assert round(100 * np.mean(PAPER), 1) == 16.7


def test_the_shift_of_the_formula_goes_to_the_right_with_its_last_number():
    w, s = random(5).softmax(0), torch.tensor([0.1, 0.2, 0.7]).double()
    half = (len(s) - 1) // 2
    printed = [sum(w[(i + half - j) % 5] * s[j] for j in range(3)).item() for i in range(5)]
    assert rotate(w[None, None], s[None, None])[0, 0].tolist() == pytest.approx(printed)
