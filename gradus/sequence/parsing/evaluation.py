"""How parses are judged: exactly as the CoNLL 2018 shared task counts, on all words.

Zeman et al. 2018, "CoNLL 2018 Shared Task: Multilingual Parsing from Raw Text to Universal
Dependencies", section 6.1. Here the words are the treebank's own, so precision and recall are one
number: the share of words, punctuation among them, whose head is right (UAS), and whose head and
label are (LAS). Of a label only the universal part counts: `nmod:desc` is `nmod`.
"""

from collections import Counter, defaultdict
from collections.abc import Sequence
from typing import Any

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


def label_rows(gold: Sequence[Tree], found: Sequence[Tree]) -> list[dict[str, Any]]:
    """A row for each label that is there or was given, the most frequent in the treebank first.

    A word is right if its head and its label are.

    Returns:
        `label`, its universal part; `words` (how many have it), `precision` (share of those given
        it that are right), `recall` (share of those that have it that are right), their harmonic
        mean `F1`, and `taken for`, the label it is most often taken for, "" where it never is.
    """
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
    names = sorted(golds | founds, key=lambda name: (-golds[name], name))
    return [
        {
            "label": name,
            "words": golds[name],
            "precision": rights[name] / max(founds[name], 1),
            "recall": rights[name] / max(golds[name], 1),
            "F1": 2 * rights[name] / (golds[name] + founds[name]),
            "taken for": taken[name].most_common(1)[0][0] if taken[name] else "",
        }
        for name in names
    ]
