"""What an answer is measured by, by hand."""

import math

import pytest
import torch
from torch import nn

from gradus.memory.losses import answer_loss, bits_loss, judged, upto_last_answer, wrong_bits


class Says(nn.Module):
    """A network that says what it was given, whatever it sees."""

    def __init__(self, logits, with_state):
        super().__init__()
        self.logits, self.with_state = logits, with_state

    def forward(self, x):
        logits = self.logits[:, : x.shape[1]]
        return (logits, None) if self.with_state else logits


def test_bits_by_hand():
    logits = torch.tensor([[[9.0], [0.0], [math.log(3)]], [[9.0], [9.0], [-math.log(7)]]])
    targets = torch.tensor([[[0.0], [1.0], [1.0]], [[0.0], [0.0], [0.0]]])
    asked = torch.tensor([[0.0, 1.0, 1.0], [0.0, 0.0, 1.0]])
    loss, metrics = bits_loss(Says(logits, True), (torch.zeros(2, 3, 4), targets, asked))
    first = [1.0, math.log2(4 / 3)]  # P = 1/2 and 3/4
    second = [math.log2(8 / 7)]
    assert metrics["bits"]().tolist() == pytest.approx([sum(first), sum(second)], rel=1e-5)
    expected = (sum(first) / 2 + sum(second)) / 2 * math.log(2)
    assert loss.item() == pytest.approx(expected, rel=1e-5)
    assert metrics["wrong"]().tolist() == [1, 0]  # a logit of 0 says 0
    assert metrics["error"]().tolist() == [True, False]


def test_bits_not_asked_for_are_never_wrong():
    said = wrong_bits(torch.ones(1, 2, 3), torch.zeros(1, 2, 3), torch.tensor([[0.0, 1.0]]))
    assert said.tolist() == [[[False] * 3, [True] * 3]]


def test_answers_by_hand():
    answers = torch.tensor([[-1, 1, 2, -1, -1], [-1, 0, -1, 1, -1]])
    questions = torch.tensor([[-1, 0, 0, -1, -1], [-1, 0, -1, 1, -1]])
    logits = torch.zeros(2, 5, 3)
    logits[0, 1, 1] = logits[0, 2, 0] = 5  # one word of the only question is wrong
    logits[1, 1, 0] = logits[1, 3, 1] = 5
    batch = (torch.zeros(2, 5, dtype=torch.long), answers, questions, torch.tensor([8, 1]))
    loss, metrics = answer_loss(Says(logits, False), batch)
    right = -math.log(math.exp(5) / (math.exp(5) + 2))
    wrong = -math.log(1 / (math.exp(5) + 2))
    assert loss.item() == pytest.approx((3 * right + wrong) / 4, rel=1e-5)
    assert metrics["error"]().tolist() == [1.0, 0.0]
    found, there = judged(logits, answers, questions)
    assert found.tolist() == [[True, False], [False, False]]
    assert there.tolist() == [[True, False], [True, True]]


def test_what_comes_after_the_last_answer_is_cut_off():
    answers = torch.tensor([[-1, 1, -1, -1], [-1, -1, 2, -1]])
    cut = upto_last_answer((answers, answers, answers, torch.tensor([1, 2])))
    assert [tuple(t.shape) for t in cut] == [(2, 3), (2, 3), (2, 3), (2,)]


def test_a_story_filled_up_has_the_loss_of_the_story():
    from gradus.memory import DNC
    from gradus.memory.story_reader import StoryReader

    torch.manual_seed(0)
    reader = StoryReader(DNC(5, 5, locations=4, width=3, hidden=6), 5)
    words = torch.tensor([[1, 2, 3, 0]])
    answers = torch.tensor([[-1, -1, -1, 4]])
    questions = torch.tensor([[-1, -1, -1, 0]])
    alone = (words, answers, questions, torch.tensor([1]))
    padded = (
        *(nn.functional.pad(t, (0, 3), value=v) for t, v in zip(alone, (0, -1, -1), strict=False)),
        alone[3],
    )
    assert answer_loss(reader, padded)[0].item() == answer_loss(reader, alone)[0].item()
