"""Errata of chapter 7 on seq2seq and attention: the printed version beside the right one."""

import numpy as np
import torch
from torch import nn

from gradus.nn.attention import AdditiveAttention, DotAttention, masked_softmax
from gradus.sequence.translation.batches import by_length


def random(*shape, seed=0):
    return torch.randn(*shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


def test_a_list_of_one_cell_repeated_has_the_weights_of_one():
    def count(cells):
        return sum(p.numel() for p in nn.ModuleList(cells).parameters())

    printed = [nn.GRUCell(4, 4)] * 3
    right = [nn.GRUCell(4, 4) for _ in range(3)]
    assert count(printed) == count([nn.GRUCell(4, 4)])
    assert count(right) == 3 * count(printed)
    assert nn.GRU(4, 4, num_layers=3).weight_ih_l0 is not nn.GRU(4, 4, 3).weight_ih_l1


def test_attention_reads_the_states_and_not_what_scores_them():
    torch.manual_seed(0)
    attention = AdditiveAttention(3, 3, 3).double()
    queries, states = random(1, 1, 3), random(1, 4, 3, seed=1)
    right, weights = attention(queries, states)
    printed = weights @ attention.keys(states)
    torch.testing.assert_close(right, weights @ states)
    assert not torch.allclose(printed, right, atol=0.1)
    one = torch.tensor([[True, False, False, False]])  # who looks at one state reads that state
    torch.testing.assert_close(attention(queries, states, one)[0][0], states[:, 0])


def test_the_listings_scores_are_no_dot_products():
    torch.manual_seed(0)
    queries, states = random(1, 1, 3), random(1, 4, 3, seed=1)
    additive = AdditiveAttention(3, 3, 3).double()
    v, k, q = additive.v, additive.keys(states), additive.query(queries)
    listing = masked_softmax((v * torch.tanh(k + q)).sum(2).unsqueeze(1))  # reduce_sum(v · tanh)
    torch.testing.assert_close(additive(queries, states)[1], listing)
    text = DotAttention(3, 3)(queries, states)[1]
    assert not torch.allclose(text, listing, atol=0.05)


def test_an_epoch_is_all_minibatches():
    lengths = np.full(1000, 12), np.full(1000, 14)
    order = by_length(lengths, 64, 0)
    seen = np.concatenate(order.rows(0))
    assert sorted(seen) == list(range(1000))
    assert order.batches > 15
