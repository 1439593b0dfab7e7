"""Small trees and parsers for the tests of parsing."""

import random

import torch
from hypothesis import strategies as st

from gradus.sequence.parsing.course import make_course
from gradus.sequence.parsing.parser import Parser
from gradus.sequence.parsing.recipes import PARSER_GREEDY

LABELS = 3


@st.composite
def trees(draw, projective=True, most=9):
    """The heads of a random tree."""
    n = draw(st.integers(1, most))
    rng = random.Random(draw(st.integers(0, 2**32)))
    if projective:
        heads = [0] * n
        grow(heads, 1, n, 0, rng)
        return heads
    order = rng.sample(range(1, n + 1), n)
    heads = [0] * n
    for i, word in enumerate(order[1:], 1):
        heads[word - 1] = order[rng.randrange(i)]
    return heads


def grow(heads, first, last, head, rng):
    """Hang the words from first to last on a head: one of them, and the rest below that one."""
    if first > last:
        return
    top = rng.randint(first, last)
    heads[top - 1] = head
    for low, high in ((first, top - 1), (top + 1, last)):
        while low <= high:
            cut = rng.randint(low, high)
            grow(heads, low, cut, top, rng)
            low = cut + 1


def toy_parser(seed=0, **settings):
    """A course on the made-up treebank and an untrained parser for it, in evaluation mode."""
    from gradus.sequence.parsing.build import build

    given = {**PARSER_GREEDY.smoke, "dropout": 0.0, "forget": 0.0, **settings}
    course = make_course(PARSER_GREEDY.configure(**given))
    torch.manual_seed(seed)
    return course, build(PARSER_GREEDY.configure(**given), course.vocabulary).eval()


def tiny_parser(seed=0):
    """A parser of few numbers with LABELS labels, in float64; and the numbers of its words."""
    torch.manual_seed(seed)
    parser = Parser((7,), 5, LABELS, vector=3, tag_vector=2, hidden=(4,))
    for parameter in parser.parameters():
        torch.nn.init.normal_(parameter, std=0.7)
    return parser.double().eval()
