"""Greedy parsing, many sentences at once: in each state the action with the highest score."""

from collections.abc import Sequence

import numpy as np
import torch
from jaxtyping import Int
from torch import Tensor

from gradus.sequence.parsing.parser import WINDOW, Parser, allowed
from gradus.sequence.parsing.transitions import NUMBER, States, begin, steps_of
from gradus.sequence.parsing.treebank import Several, Treebank, several

AT_ONCE = 256
"""Sentences that are parsed together."""

Parsed = tuple[list[int], list[int]]
"""The heads of a sentence's words and the numbers of their labels, 0 for the root."""


def in_groups(bank: Treebank, at_once: int = AT_ONCE) -> list[Int[Tensor, "sentences"]]:
    """The sentences' numbers in groups of similar length, the longest first."""
    return list(bank.lengths.argsort(descending=True, stable=True).split(at_once))


@torch.inference_mode()
def parse_greedily(parser: Parser, bank: Treebank) -> list[Parsed]:
    """The tree of each sentence, action by action, without looking back."""
    found: list[Parsed] = [([], [])] * len(bank)
    for group in in_groups(bank):
        here = several(bank, group)
        states = greedily(parser, here)
        for row, number in enumerate(group.tolist()):
            found[number] = states.tree(row)
    return found


def greedily(parser: Parser, here: Several) -> States:
    """The last states of some sentences, the longest of which come first."""
    tables = parser.actions.tables(here.tokens)
    lengths = here.lengths.cpu().numpy()
    states = begin(lengths, parser.arc_labels)
    steps = steps_of(lengths)
    for step in range(int(steps.max(initial=0))):
        going = int((steps > step).sum())
        first = States(states.links[:going], states.sizes[:going], states.labels)
        places, seen = (torch.from_numpy(a).to(here.where.device) for a in first.describe())
        where = here.find(places, torch.arange(going, device=here.where.device))
        scores = parser.actions.score(tables, len(here.tokens), where, seen)
        first.advance(allowed(scores, where).argmax(1).cpu().numpy().astype(NUMBER))
    return states


def windows(here: Several) -> Int[Tensor, "words window"]:
    """For each word which tokens stand around it, itself in the middle; 0 beyond the sentence."""
    device = here.where.device
    sentence = torch.repeat_interleave(torch.arange(len(here.first), device=device), here.lengths)
    words = torch.arange(1, len(here.where), device=device) - here.first[sentence]
    around = words.unsqueeze(1) + torch.arange(-WINDOW, WINDOW + 1, device=device)
    inside = (around >= 1) & (around <= here.lengths[sentence].unsqueeze(1))
    return here.find(around * inside, sentence)


def tag_scores(parser: Parser, here: Several) -> Tensor:
    """The scores of each word's tags."""
    assert parser.tagger is not None
    forms = here.tokens[:, : len(parser.tagger.forms)]
    return parser.tagger.score(parser.tagger.tables(forms), len(forms), windows(here))


@torch.inference_mode()
def guess_tags(parser: Parser, bank: Treebank, known: Sequence[str]) -> list[list[str]]:
    """The likeliest tag of each word.

    Args:
        parser: in evaluation mode.
        bank: the sentences; what tags they have is not looked at.
        known: the tags; the first has number 2.
    """
    found: list[list[str]] = [[]] * len(bank)
    for group in in_groups(bank):
        here = several(bank, group)
        best = tag_scores(parser, here)[:, 2:].argmax(1).cpu().numpy()
        cuts = np.cumsum(here.lengths.cpu().numpy())[:-1]
        for number, tags in zip(group.tolist(), np.split(best, cuts), strict=True):
            found[number] = [known[tag] for tag in tags]
    return found
