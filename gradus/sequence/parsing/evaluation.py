"""How parses are judged: exactly as the CoNLL 2018 shared task counts, on all words.

Zeman et al. 2018, "CoNLL 2018 Shared Task: Multilingual Parsing from Raw Text to Universal
Dependencies", section 6.1. Here the words are the treebank's own, so precision and recall are one
number: the share of words, punctuation among them, whose head is right (UAS), and whose head and
label are (LAS). Of a label only the universal part counts: `nmod:desc` is `nmod`.
"""

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from jaxtyping import Bool
from torch import Tensor, tensor

Tree = tuple[Sequence[int], Sequence[str]]
"""The heads of a sentence's words and their labels."""


def universal(label: str) -> str:
    """A label without its subtype."""
    return label.split(":")[0]


def attached(gold: Sequence[Tree], found: Sequence[Tree]) -> Bool[Tensor, "words"]:
    """For each word whether its head is right; the mean is the UAS."""
    pairs = zip(gold, found, strict=True)
    return tensor([g == f for a, b in pairs for g, f in zip(a[0], b[0], strict=True)])


def labelled(gold: Sequence[Tree], found: Sequence[Tree]) -> Bool[Tensor, "words"]:
    """For each word whether its label is right, whatever its head."""
    pairs = zip(gold, found, strict=True)
    return tensor(
        [universal(g) == universal(f) for a, b in pairs for g, f in zip(a[1], b[1], strict=True)]
    )


@dataclass(frozen=True)
class LabelScore:
    """How well one label's words are parsed: a word counts if head and label are right.

    Attributes:
        label: its universal part.
        gold: words that have it in the treebank.
        found: words that were given it.
        right: those of both whose head is right, too.
        often: the label it was most often taken for, with how often; "" if never.
    """

    label: str
    gold: int
    found: int
    right: int
    often: tuple[str, int]

    @property
    def precision(self) -> float:
        """Of the words given this label, the share that is right; 0 if there are none."""
        return self.right / self.found if self.found else 0.0

    @property
    def recall(self) -> float:
        """Of the words with this label, the share that was found; 0 if there are none."""
        return self.right / self.gold if self.gold else 0.0

    @property
    def f1(self) -> float:
        """The harmonic mean of precision and recall."""
        return 2 * self.right / (self.gold + self.found) if self.gold + self.found else 0.0


def label_scores(gold: Sequence[Tree], found: Sequence[Tree]) -> list[LabelScore]:
    """A row for each label, the most frequent in the treebank first."""
    golds: Counter[str] = Counter()
    founds: Counter[str] = Counter()
    rights: Counter[str] = Counter()
    taken: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for (heads, labels), (their_heads, their_labels) in zip(gold, found, strict=True):
        rows = zip(heads, labels, their_heads, their_labels, strict=True)
        for head, label, their_head, their_label in rows:
            g, f = universal(label), universal(their_label)
            golds[g] += 1
            founds[f] += 1
            rights[g] += head == their_head and g == f
            if g != f:
                taken[g][f] += 1
    return [
        LabelScore(
            label,
            golds[label],
            founds[label],
            rights[label],
            taken[label].most_common(1)[0] if taken[label] else ("", 0),
        )
        for label, _ in (golds + Counter(dict.fromkeys(founds, 0))).most_common()
    ]
