"""Where the words and arcs of a drawn tree stand, in pixels: nothing overlaps.

Words stand side by side with as much room as the labels of the arcs between them need. Arcs leave a
word at points of their own, the short ones outside, and a longer arc runs above those below it.
"""

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

LETTER, SMALL = 8.6, 6.6
"""Width of a letter of a word, and of a tag or label."""
GAP = 18.0
"""Least room between two words."""
STEP = 9.0
"""Room between two arcs that end at one word."""
LEVEL = 30.0
"""Height of an arc above the next lower one."""
MARGIN = 20.0
"""Room around the drawing."""


class Arc(NamedTuple):
    """An arc: where it leaves the head and enters the word, how high it runs, its label."""

    head: float
    word: float
    level: int
    label: str


@dataclass(frozen=True)
class Layout:
    """A drawn tree.

    Attributes:
        centres: the middle of each word.
        arcs: from a head to a word, all but the root's.
        roots: where the arrow onto a root stands, and its label.
        width: of the whole drawing.
        levels: of the highest arc.
    """

    centres: list[float]
    arcs: list[Arc]
    roots: list[tuple[float, str]]
    width: float
    levels: int

    def height_of(self, level: int) -> float:
        """How far above the words an arc runs; a root's arrow begins at level `levels` + 1."""
        return LEVEL * level


def lay_out(
    forms: Sequence[str], tags: Sequence[str], heads: Sequence[int], labels: Sequence[str]
) -> Layout:
    """Where everything stands.

    Args:
        forms: the words.
        tags: what stands below each.
        heads: for each word the number of its head, counted from 1; 0 for a root.
        labels: for each word the label of the arc to it.
    """
    spans = sorted(
        ((*sorted((head, word)), word) for word, head in enumerate(heads, 1) if head),
        key=lambda span: (span[1] - span[0], span),
    )
    levels: dict[int, int] = {}
    for low, high, word in spans:
        below = [levels[w] for a, b, w in spans if w in levels and a < high and low < b]
        levels[word] = 1 + max(below, default=0)
    ends = _ends(heads)
    centres = _centres(forms, tags, heads, labels, ends)
    at = {
        (word, other): centre + STEP * (place - (len(several) - 1) / 2)
        for word, (centre, several) in enumerate(zip(centres, ends, strict=True), 1)
        for place, other in enumerate(several)
    }
    arcs = [
        Arc(at[head, word], at[word, head], levels[word], labels[word - 1])
        for word, head in enumerate(heads, 1)
        if head
    ]
    roots = [(at[w, 0], labels[w - 1]) for w, head in enumerate(heads, 1) if not head]
    half = max(_width(forms[-1], LETTER), _width(tags[-1], SMALL), *(_room(x) for _, x in roots))
    width = max(centres[-1] + half / 2, *(x + _room(label) / 2 for x, label in roots)) + MARGIN
    return Layout(centres, arcs, roots, width, max(levels.values(), default=0))


def _ends(heads: Sequence[int]) -> list[list[int]]:
    """For each word the other ends of its arcs as they stand from left to right.

    Those to the left come first, the nearest word outermost, so that no arc crosses another's end;
    0, the root's arrow, is between the two sides.
    """
    found: list[list[int]] = [[] for _ in heads]
    for word, head in enumerate(heads, 1):
        found[word - 1].append(head)
        if head:
            found[head - 1].append(word)
    for word, others in enumerate(found, 1):
        left = sorted((o for o in others if 0 < o < word), reverse=True)
        right = sorted((o for o in others if o > word), reverse=True)
        others[:] = [*left, *([0] if 0 in others else []), *right]
    return found


def _centres(
    forms: Sequence[str],
    tags: Sequence[str],
    heads: Sequence[int],
    labels: Sequence[str],
    ends: Sequence[Sequence[int]],
) -> list[float]:
    """The middle of each word: as near as its width and the labels of the arcs allow."""
    widths = [
        max(_width(form, LETTER), _width(tag, SMALL), STEP * len(others))
        for form, tag, others in zip(forms, tags, ends, strict=True)
    ]
    centres: list[float] = []
    for word, width in enumerate(widths, 1):
        least = [MARGIN + width / 2]
        if centres:
            least.append(centres[-1] + widths[word - 2] / 2 + GAP + width / 2)
        for other in range(1, word):
            arc = word if heads[word - 1] == other else other if heads[other - 1] == word else 0
            if arc:
                spread = STEP * (len(ends[word - 1]) + len(ends[other - 1]) - 2) / 2
                least.append(centres[other - 1] + _room(labels[arc - 1]) + spread)
        centres.append(max(least))
    return centres


def _room(label: str) -> float:
    """What a label needs, with some air."""
    return _width(label, SMALL) + 14


def _width(text: str, letter: float) -> float:
    """The width of a text; East Asian letters and most emoji are as wide as two letters."""
    wide = sum(unicodedata.east_asian_width(c) in "WF" for c in text)
    return letter * (len(text) + wide)
