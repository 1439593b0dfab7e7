"""Tasks without end: what is shown and asked for, by hand and by loops."""

import math

import pytest
import torch

from gradus.memory.tasks import PROBLEMS, examples, optimal_bits, repeat_copy


def drawn(name, length, bits, n=3, seed=0):
    return PROBLEMS[name].draw(torch.Generator().manual_seed(seed), n, length, bits)


@pytest.mark.parametrize(
    ("name", "length", "bits", "time"),
    [
        ("copy", 4, 3, 9),
        ("recall", 5, 6, 5 * 4 + 5 + 3),
        ("ngrams", 30, 1, 29),
        ("sort", 10, 4, 10 + 1 + 8),
        ("series", 4, 6, 4 * 11),
    ],
)
def test_shapes_and_repeatability(name, length, bits, time):
    inputs, targets, asked = drawn(name, length, bits)
    problem = PROBLEMS[name]
    assert inputs.shape == (3, time, bits + problem.more_inputs)
    assert targets.shape == (3, time, bits + problem.more_outputs)
    assert asked.shape == (3, time)
    assert set(asked.unique().tolist()) == {0.0, 1.0}
    for again, first in zip(drawn(name, length, bits), (inputs, targets, asked), strict=True):
        assert torch.equal(again, first)
    assert not torch.equal(drawn(name, length, bits, seed=1)[0], inputs)


def test_a_copy_is_asked_for_after_the_mark():
    inputs, targets, asked = drawn("copy", 2, 3)
    assert torch.equal(inputs[:, :2, :3], targets[:, 3:])
    assert inputs[0, :, 3].tolist() == [0, 0, 1, 0, 0]
    assert (inputs[:, 3:] == 0).all()
    assert asked[0].tolist() == [0, 0, 0, 1, 1]


def test_a_series_is_copies_one_after_the_other():
    inputs, targets, asked = drawn("series", 4, 6)
    for k in range(4):
        here = slice(11 * k, 11 * (k + 1))
        assert torch.equal(inputs[:, here][:, :5, :6], targets[:, here][:, 6:])
        assert inputs[:, here][:, 5, 6].tolist() == [1, 1, 1]
        assert asked[0, here].tolist() == [0] * 6 + [1] * 5


def test_a_sequence_is_said_as_often_as_told():
    generator = torch.Generator().manual_seed(0)
    inputs, targets, asked = repeat_copy(generator, 2, 3, 4, repeats=2)
    assert torch.equal(targets[:, 4:7, :4], inputs[:, :3, :4])
    assert torch.equal(targets[:, 7:10, :4], inputs[:, :3, :4])
    assert targets[0, :, 4].tolist() == [0] * 10 + [1]
    assert asked[0].tolist() == [0] * 4 + [1] * 7


def test_repeats_are_told_with_mean_0_and_variance_1():
    said = []
    for repeats in range(1, 11):
        generator = torch.Generator().manual_seed(0)
        said.append(repeat_copy(generator, 1, 1, 1, repeats=repeats)[0][0, 1, 2])
    told = torch.stack(said)
    assert told.mean().item() == pytest.approx(0, abs=1e-6)
    assert told.var(correction=0).item() == pytest.approx(1, rel=1e-5)


def test_the_item_after_the_query_is_asked_for():
    inputs, targets, asked = drawn("recall", 4, 6, n=8)
    for row in range(8):
        items = [inputs[row, 4 * i + 1 : 4 * i + 4, :6] for i in range(4)]
        query = inputs[row, 17:20, :6]
        place = next(i for i in range(3) if torch.equal(items[i], query))
        assert torch.equal(targets[row, -3:], items[place + 1])
    assert inputs[0, :, 6].nonzero().flatten().tolist() == [0, 4, 8, 12]
    assert inputs[0, :, 7].nonzero().flatten().tolist() == [16, 20]
    assert asked[0].nonzero().flatten().tolist() == [21, 22, 23]


def test_the_highest_priorities_are_asked_for_in_order():
    inputs, targets, asked = drawn("sort", 5, 3)
    for row in range(3):
        ranked = sorted(range(5), key=lambda i: -inputs[row, i, 3].item())[:4]
        assert torch.equal(targets[row, 6:], inputs[row, ranked, :3])
    assert asked[0].tolist() == [0] * 6 + [1] * 4


def test_ngrams_ask_for_the_next_bit():
    inputs, targets, asked = drawn("ngrams", 40, 1)
    assert torch.equal(inputs[:, 1:], targets[:, :-1])
    assert asked[0].tolist() == [0] * 4 + [1] * 35


def test_the_best_predictor_counts():
    inputs, targets, _ = drawn("ngrams", 60, 1, n=2)
    for row in range(2):
        stream = [inputs[row, 0, 0].item(), *targets[row, :, 0].tolist()]
        counts, bits = {}, 0.0
        for t in range(5, 60):
            zeros, ones = counts.setdefault(tuple(stream[t - 5 : t]), [0, 0])
            one = (ones + 0.5) / (zeros + ones + 1)
            bits -= math.log2(one if stream[t] else 1 - one)
            counts[tuple(stream[t - 5 : t])][int(stream[t])] += 1
        assert optimal_bits(inputs, targets)[row].item() == pytest.approx(bits, rel=1e-5)


def test_ngram_probabilities_are_of_the_arcsine_law():
    inputs, targets, _ = drawn("ngrams", 1000, 1, n=8)
    share = optimal_bits(inputs, targets).mean().item() / 995
    assert 0.4 < share < 0.8  # bits a bit: the table's entropy is 0.56 in the mean


def test_short_sequences_are_filled_up_and_not_asked_about():
    inputs, targets, asked = examples(PROBLEMS["copy"], (1, 3), 2, 4, 0)
    assert inputs.shape == (4, 7, 5)
    assert asked.tolist()[:2] == [[0, 0, 1, 0, 0, 0, 0]] * 2
    assert (inputs[:2, 3:] == 0).all()
    assert (targets[:2, 3:] == 0).all()
