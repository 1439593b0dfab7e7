"""Decoding: beam 1 is greedy, a beam finds what greedy misses, every path of a tiny search."""

import itertools
import math

import pytest
import torch
from torch import nn

from gradus.core.errors import UsageError
from gradus.sequence.translation.decode import (
    attention_of,
    beam_search,
    greedy,
    in_batches,
    longest_answer,
)
from gradus.sequence.translation.seq2seq import Memory, Seq2Seq
from gradus.sequence.translation.tokens import EOS, GO

A, B, C = 4, 5, 6


class Chain(nn.Module):
    """A decoder whose next token depends on the last one alone, by a table of probabilities."""

    attention = None

    def __init__(self, table):
        super().__init__()
        self.bias = nn.Parameter(torch.zeros(7))
        self.table = torch.full((7, 7), 1e-9)
        for before, after in table.items():
            for token, p in after.items():
                self.table[before, token] = p

    def encode(self, source, lengths):
        return Memory(source.unsqueeze(2).float(), None, None), (torch.zeros(1, len(source), 1),)

    def decode(self, given, memory, state):
        return self.table[given].log(), None, state

    def output(self, said):
        return said


TEMPTING = {  # A looks better at first, but B C is more probable
    GO: {A: 0.6, B: 0.4},
    A: {A: 0.3, B: 0.3, C: 0.3, EOS: 0.1},
    B: {C: 1.0},
    C: {EOS: 1.0},
}
SOURCE, LENGTHS = torch.tensor([[4, 4], [4, 0]]), torch.tensor([2, 1])


def test_a_beam_finds_what_greedy_misses():
    model = Chain(TEMPTING)
    for answer in beam_search(model, SOURCE, LENGTHS, 2, 0.0):
        assert answer.tokens == [B, C]
        assert answer.score == pytest.approx(math.log(0.4), abs=1e-4)
        assert answer.ended
    assert greedy(model, SOURCE, LENGTHS)[0].tokens[0] == A


def test_a_wide_beam_equals_trying_all_paths():
    model = Chain(TEMPTING)
    p = model.table
    scores = {}
    for n in range(5):
        for path in itertools.product((A, B, C), repeat=n):
            steps = itertools.pairwise((GO, *path, EOS))
            scores[path] = sum(math.log(p[a, b]) for a, b in steps) / (n + 1)
    best = max(scores, key=scores.get)
    found = beam_search(model, SOURCE[:1], LENGTHS[:1], 200, 1.0)[0]
    assert tuple(found.tokens) == best
    assert found.score == pytest.approx(scores[best], abs=1e-4)


def test_a_decoder_that_never_ends_is_stopped():
    model = Chain({GO: {A: 1.0}, A: {A: 1.0}})
    for answer in (greedy(model, SOURCE, LENGTHS)[1], beam_search(model, SOURCE, LENGTHS, 2)[1]):
        assert answer.tokens == [A] * int(longest_answer(LENGTHS[1]))
        assert not answer.ended


def test_an_answer_may_be_empty():
    model = Chain({GO: {EOS: 1.0}})
    for answer in greedy(model, SOURCE, LENGTHS) + beam_search(model, SOURCE, LENGTHS, 3):
        assert answer.tokens == []
        assert answer.score == pytest.approx(0, abs=1e-5)
    assert in_batches(model, [[], [4]])[0].tokens == []


@pytest.mark.parametrize(
    ("score", "place"), [("none", "after"), ("additive", "before"), ("scaled", "between")]
)
@pytest.mark.parametrize("cell", ["gru", "lstm"])
def test_beam_one_is_greedy_and_batches_change_nothing(score, place, cell):
    torch.manual_seed(1)
    model = Seq2Seq(9, 9, 4, 6, cell=cell, score=score, place=place).eval()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.mul_(3)
    sentences = [[4, 5, 6], [7], [8, 4, 4, 5, 6, 7], [5, 5]]
    one = in_batches(model, sentences)
    assert len({tuple(a.tokens) for a in one}) > 1
    lengths = torch.tensor([len(s) for s in sentences])
    source = nn.utils.rnn.pad_sequence(list(map(torch.tensor, sentences)), batch_first=True)
    for power in (0.0, 1.0):
        again = beam_search(model, source, lengths, 1, power)
        assert [a.tokens for a in again] == [a.tokens for a in one]
    for width in (1, 3):
        alone = in_batches(model, sentences, width, at_once=1)
        together = in_batches(model, sentences, width)
        assert [a.tokens for a in alone] == [a.tokens for a in together]
        assert [a.score for a in alone] == pytest.approx([a.score for a in together], abs=1e-5)


def test_the_attention_of_a_sentence():
    model = Seq2Seq(9, 9, 4, 6).eval()
    weights = attention_of(model, torch.tensor([4, 5, 6]), [7, 8])
    assert weights.shape == (3, 3)
    assert weights.sum(1).tolist() == pytest.approx([1, 1, 1])
    with pytest.raises(UsageError, match="trained without attention"):
        attention_of(Seq2Seq(9, 9, 4, 6, score="none").eval(), torch.tensor([4]), [7])


def test_mistakes():
    with pytest.raises(UsageError, match=r"width must be ≥ 1 and power ≥ 0, got 0 and 1\.0"):
        beam_search(Chain(TEMPTING), SOURCE, LENGTHS, 0)
