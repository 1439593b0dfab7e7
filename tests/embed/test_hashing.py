"""Bits as addresses: against strings of bits, loops over all pairs, and scikit-learn."""

import itertools
import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.neighbors import NearestNeighbors

from gradus.core.errors import UsageError
from gradus.embed.hashing import (
    Bits,
    HashTable,
    ball,
    bit_entropy,
    hamming,
    of_the_class,
    pack,
    precision_at,
)


def some_bits(n, bits, seed=0):
    return torch.from_numpy(np.random.default_rng(seed).integers(0, 2, (n, bits))).float()


def test_training_has_noise_and_evaluation_has_bits():
    torch.manual_seed(0)
    layer, z = Bits(4.0), torch.randn(2000, 3)
    noisy = layer(z)
    assert ((noisy > 0) & (noisy < 1)).all()
    assert not torch.equal(noisy, layer(z))
    noise = torch.logit(noisy.double()) - z
    assert float(noise.std()) == pytest.approx(4, rel=0.05)
    layer.eval()
    assert torch.equal(layer(z), (z > 0).float())
    torch.testing.assert_close(Bits(0.0)(z), torch.sigmoid(z))
    assert "noise=4" in repr(Bits())


@settings(max_examples=20)
@given(bits=st.integers(1, 62), seed=st.integers(0, 2**31))
def test_addresses_and_their_distances_are_those_of_the_strings(bits, seed):
    code = some_bits(5, bits, seed)
    addresses = pack(code)
    words = ["".join(str(int(b)) for b in row) for row in code]
    assert [format(a, f"0{bits}b")[::-1] for a in addresses] == words
    for i, j in itertools.product(range(5), repeat=2):
        apart = sum(a != b for a, b in zip(words[i], words[j], strict=True))
        assert hamming(addresses, int(addresses[j]))[i] == apart


@pytest.mark.parametrize(("bits", "radius"), [(1, 0), (6, 2), (8, 8), (32, 2)])
def test_a_ball_is_all_that_lies_within_its_radius(bits, radius):
    around = ball(5 % 2**bits, radius, bits)
    assert len(set(around.tolist())) == len(around)
    assert len(around) == sum(math.comb(bits, r) for r in range(radius + 1))
    apart = hamming(around, 5 % 2**bits)
    assert apart.max() <= radius
    assert (np.diff(apart) >= 0).all()
    assert (around >= 0).all()
    assert (around < 2**bits).all()


@settings(max_examples=20)
@given(n=st.integers(1, 40), bits=st.integers(1, 9), seed=st.integers(0, 2**31), data=st.data())
def test_the_table_finds_what_a_look_at_every_item_finds(n, bits, seed, data):
    radius = data.draw(st.integers(0, bits))
    code, query = some_bits(n, bits, seed), some_bits(1, bits, seed + 1)[0]
    table = HashTable(code)
    found, distances = table.find(query, radius)
    apart = (code != query).sum(1).numpy()
    assert sorted(found) == np.flatnonzero(apart <= radius).tolist()
    np.testing.assert_array_equal(distances, apart[found])
    assert (np.diff(distances) >= 0).all()
    assert len(table) == len(np.unique(pack(code)))


def test_precision_counts_neighbours_of_the_class():
    draw = np.random.default_rng(0)
    items, queries = draw.normal(size=(60, 4)), draw.normal(size=(23, 4))
    item_labels, labels = draw.integers(0, 3, 60), draw.integers(0, 3, 23)
    near = NearestNeighbors(n_neighbors=7).fit(items).kneighbors(queries, return_distance=False)
    expected = item_labels[near] == labels[:, None]
    given_ = [
        (torch.from_numpy(x), torch.from_numpy(y))
        for x, y in ((queries, labels), (items, item_labels))
    ]
    np.testing.assert_array_equal(of_the_class(7, *given_, rows=5), expected)
    assert precision_at(7, *given_) == pytest.approx(expected.mean())
    share = np.bincount(item_labels) / 60
    assert precision_at(60, *given_) == pytest.approx(share[labels].mean())


def test_bits_that_are_always_the_same_carry_nothing():
    even = torch.tensor([[0.0, 1.0], [1.0, 1.0]])
    assert bit_entropy(even) == pytest.approx(0.5)
    assert bit_entropy(torch.ones(4, 3)) == 0


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: Bits(-1.0), "noise must be ≥ 0"),
        (lambda: pack(torch.zeros(2, 63)), "an address has 1 to 62 bits, got 63"),
        (lambda: pack(torch.full((2, 3), 0.4)), "bits must be 0 or 1"),
        (lambda: ball(0, 5, 4), r"radius must be in \[0, 4\] bits, got 5"),
        (lambda: ball(0, 31, 62), "take a smaller radius"),
        (lambda: HashTable(torch.zeros(2, 3)).find(torch.zeros(4), 1), "codes of 3 bits, got 4"),
        (
            lambda: precision_at(3, *[(torch.rand(2, 2), torch.zeros(2).long())] * 2),
            r"k must be in \[1, 2\], the items, got 3",
        ),
    ],
)
def test_wrong_numbers_are_refused(call, message):
    with pytest.raises(UsageError, match=message):
        call()
