"""Parsing many sentences at once: greedily, or with a beam."""

from collections.abc import Sequence

import numpy as np
import torch
from jaxtyping import Int
from torch import Tensor

from gradus.core.recipe import check_setting
from gradus.sequence.parsing.parser import ActionScores, Parser, tag_scores
from gradus.sequence.parsing.transitions import NUMBER, States, begin, steps_of
from gradus.sequence.parsing.treebank import Several, Treebank, several
from gradus.sequence.search import beam_search

AT_ONCE = 512
"""Hypotheses that are followed together."""

Parsed = tuple[list[int], list[int]]
"""The heads of a sentence's words and the numbers of their labels, 0 for the root."""


def in_groups(bank: Treebank, at_once: int) -> list[Int[Tensor, "sentences"]]:
    """The sentences' numbers in groups of similar length, the longest first."""
    return list(bank.lengths.argsort(descending=True, stable=True).split(at_once))


@torch.inference_mode()
def parse(parser: Parser, bank: Treebank, beam: int = 1, normalise: bool = True) -> list[Parsed]:
    """The tree of each sentence, by greedy or by beam search.

    Args:
        parser: in evaluation mode.
        bank: the sentences, with the tags that are to be looked at.
        beam: how many hypotheses of each are followed, ≥ 1.
        normalise: whether scores become probabilities in each state, as in local training.
    """
    check_setting(beam >= 1, "beam", "≥ 1", beam)
    found: list[Parsed] = [([], [])] * len(bank)
    for group in in_groups(bank, max(1, AT_ONCE // beam)):
        here = several(bank, group)
        states = greedily(parser, here) if beam == 1 else _best(parser, here, beam, normalise)
        for row, number in enumerate(group.tolist()):
            found[number] = states.tree(row)
    return found


def _best(parser: Parser, here: Several, beam: int, normalise: bool) -> States:
    """The last states of some sentences' best hypotheses."""
    lengths = here.lengths.cpu().numpy()
    found = beam_search(
        begin(lengths, parser.arc_labels),
        steps_of(lengths),
        ActionScores(parser, here),
        beam,
        normalise=normalise,
        device=here.where.device,
    )
    return found.best


def greedily(parser: Parser, here: Several) -> States:
    """The last states of some sentences, the longest of which come first.

    In each state the action with the highest score is taken, without looking back.
    """
    scores = ActionScores(parser, here)
    device = here.where.device
    lengths = here.lengths.cpu().numpy()
    states = begin(lengths, parser.arc_labels)
    steps = steps_of(lengths)
    for step in range(int(steps.max(initial=0))):
        going = int((steps > step).sum())
        first = States(states.links[:going], states.sizes[:going], states.labels)
        places, seen = (torch.from_numpy(a).to(device) for a in first.describe())
        found = scores(places, seen, torch.arange(going, device=device))
        first.advance(found.argmax(1).cpu().numpy().astype(NUMBER))
    return states


@torch.inference_mode()
def guess_tags(parser: Parser, bank: Treebank, known: Sequence[str]) -> list[list[str]]:
    """The likeliest tag of each word.

    Args:
        parser: in evaluation mode.
        bank: the sentences; what tags they have is not looked at.
        known: the tags; the first has number 2.
    """
    found: list[list[str]] = [[]] * len(bank)
    for group in in_groups(bank, AT_ONCE):
        here = several(bank, group)
        best = tag_scores(parser, here)[:, 2:].argmax(1).cpu().numpy()
        cuts = np.cumsum(here.lengths.cpu().numpy())[:-1]
        for number, tags in zip(group.tolist(), np.split(best, cuts), strict=True):
            found[number] = [known[tag] for tag in tags]
    return found
