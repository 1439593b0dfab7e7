"""Sentences as numbers: what a parser looks at of a word, and whole treebanks as tensors."""

import json
import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property

import torch
from jaxtyping import Int
from torch import Tensor

from gradus.sequence.conllu import Row, Sentence
from gradus.sequence.parsing.network import UNKNOWN

DIGIT = re.compile(r"\d")
RUN = re.compile(r"(.)\1+")


def word_of(form: str) -> str:
    """A form in lower case, its digits written as 0."""
    return DIGIT.sub("0", form.lower())


def shape_of(form: str) -> str:
    """Upper case as X, lower as x, digits as 0, the rest as it is; of more than two alike two.

    >>> [shape_of(w) for w in ("London", "AT&T", "2016-11", "e-mail")]
    ['Xxx', 'XX&X', '00-00', 'x-xx']
    """
    kinds = "".join(
        "X" if c.isupper() else "x" if c.isalpha() else "0" if c.isdigit() else c for c in form
    )
    return RUN.sub(r"\1\1", kinds)


LOOKS: dict[str, Callable[[str], str]] = {
    "words": word_of,
    "prefixes": lambda form: word_of(form)[:3],
    "endings": lambda form: word_of(form)[-2:],
    "suffixes": lambda form: word_of(form)[-3:],
    "shapes": shape_of,
}
"""What is looked at of a form, words first."""
TAGS: dict[str, Callable[[Row], str]] = {
    "xpos": lambda row: row.xpos,
    "upos": lambda row: row.upos,
    "both": lambda row: f"{row.upos} {row.xpos}",
}
"""What is taken for a word's tag."""


@dataclass(frozen=True)
class Vocabulary:
    """What has a number; that of a list's first entry is 2, as 0 is for nothing, 1 for unknown.

    Attributes:
        words, prefixes, endings, suffixes, shapes: as `LOOKS`, frequent ones only.
        tags: as `TAGS`; none where tags are not used.
        labels: of arcs, but for the root's; the first has the number 1.
        kind: which tags they are.
    """

    words: list[str]
    prefixes: list[str]
    endings: list[str]
    suffixes: list[str]
    shapes: list[str]
    tags: list[str]
    labels: list[str]
    kind: str

    @property
    def forms(self) -> list[int]:
        """How many numbers there are of each kind that says what a token looks like."""
        return [len(getattr(self, name)) + 2 for name in LOOKS]

    @cached_property
    def numbers(self) -> dict[str, dict[str, int]]:
        """The numbers, of each list."""
        lists = {name: getattr(self, name) for name in (*LOOKS, "tags")}
        return {name: {k: i for i, k in enumerate(known, 2)} for name, known in lists.items()}

    @cached_property
    def label_numbers(self) -> dict[str, int]:
        """The numbers of the labels."""
        return {label: number for number, label in enumerate(self.labels, 1)}

    def tag(self, row: Row) -> str:
        """A word's tag, of the vocabulary's own kind."""
        return TAGS[self.kind](row)

    def token(self, form: str, tag: str = "") -> list[int]:
        """The numbers of a word."""
        looks = [self.numbers[name].get(look(form), UNKNOWN) for name, look in LOOKS.items()]
        return [*looks, self.numbers["tags"].get(tag, UNKNOWN)] if self.tags else looks

    def text(self) -> str:
        """The vocabulary as JSON."""
        return json.dumps(asdict(self), ensure_ascii=False) + "\n"


def read_vocabulary(text: str) -> Vocabulary:
    """The vocabulary of `Vocabulary.text`.

    Raises:
        ValueError, TypeError: it is none.
    """
    return Vocabulary(**json.loads(text))


def learn_vocabulary(sentences: Iterable[Sentence], min_count: int, kind: str) -> Vocabulary:
    """What stands in some sentences at least so often, the most frequent first; all labels, tags.

    Args:
        sentences: of a treebank.
        min_count: how often a word, prefix, … must stand in them to have a number.
        kind: which tags are used: xpos, upos, both, or none.
    """
    counts: dict[str, Counter[str]] = {name: Counter() for name in (*LOOKS, "tags", "labels")}
    for sentence in sentences:
        for row in sentence.words:
            for name, look in LOOKS.items():
                counts[name][look(row.form)] += 1
            if kind != "none":
                counts["tags"][TAGS[kind](row)] += 1
            if row.head != "0":
                counts["labels"][row.deprel] += 1
    lists = {
        name: [k for k, n in count.most_common() if n >= min_count or name in ("tags", "labels")]
        for name, count in counts.items()
    }
    return Vocabulary(**lists, kind=kind)


@dataclass(frozen=True)
class Treebank:
    """Sentences as numbers, one after the other.

    Attributes:
        kinds: the numbers of each different token; the first is nothing at all.
        tokens: for each word which of these it is.
        starts: where each sentence begins among the words, and where the last one ends.
    """

    kinds: Int[Tensor, "kinds columns"]
    tokens: Int[Tensor, "words"]
    starts: Int[Tensor, "bounds"]

    def __len__(self) -> int:
        """How many sentences there are."""
        return len(self.starts) - 1

    @property
    def lengths(self) -> Int[Tensor, "sentences"]:
        """Words of each sentence."""
        return self.starts.diff()

    def to(self, device: torch.device) -> "Treebank":
        """The same on another device."""
        return Treebank(self.kinds.to(device), self.tokens.to(device), self.starts.to(device))

    def take(self, chosen: Int[Tensor, "some"]) -> "Treebank":
        """Some of the sentences, by number."""
        lengths = self.lengths[chosen]
        tokens = self.tokens[ranges(self.starts[chosen], lengths)]
        starts = torch.cat([lengths.new_zeros(1), lengths.cumsum(0)])
        return Treebank(self.kinds, tokens, starts)


@dataclass(frozen=True)
class Several:
    """Some sentences of a treebank, ready to be looked at.

    Attributes:
        tokens: the numbers of their different tokens, the first nothing at all.
        where: which of these stands in each place: first nothing, then their words in order.
        first: for each sentence the place before its first word.
        lengths: words of each sentence.
    """

    tokens: Int[Tensor, "tokens columns"]
    where: Int[Tensor, "spots"]
    first: Int[Tensor, "sentences"]
    lengths: Int[Tensor, "sentences"]

    def spots(
        self, places: Int[Tensor, "rows some"], sentence: Int[Tensor, "rows"]
    ) -> Int[Tensor, "rows some"]:
        """Where in `where` places are that are numbered in a sentence from 1; 0: nothing."""
        return (places + self.first[sentence].unsqueeze(1)) * (places > 0)

    def windows(self, reach: int) -> Int[Tensor, "spots window"]:
        """For each spot which of `tokens` stand up to `reach` places before, there, and after.

        Beyond its sentence, and around the first spot, there is nothing (0).
        """
        sentence = torch.repeat_interleave(
            torch.arange(len(self.first), device=self.where.device), self.lengths
        )
        words = torch.arange(1, len(self.where), device=self.where.device) - self.first[sentence]
        around = words.unsqueeze(1) + torch.arange(-reach, reach + 1, device=self.where.device)
        inside = (around >= 1) & (around <= self.lengths[sentence].unsqueeze(1))
        found = self.where[self.spots(around * inside, sentence)]
        return torch.cat([torch.zeros_like(found[:1]), found])


def several(bank: Treebank, chosen: Int[Tensor, "sentences"]) -> Several:
    """Some sentences of a treebank, by number."""
    lengths = bank.lengths[chosen]
    found = bank.tokens[ranges(bank.starts[chosen], lengths)]
    kinds, where = found.unique(return_inverse=True)
    nothing = torch.zeros(1, dtype=where.dtype, device=where.device)
    return Several(
        tokens=torch.cat([bank.kinds[:1], bank.kinds[kinds]]),
        where=torch.cat([nothing, where + 1]),
        first=lengths.cumsum(0) - lengths,
        lengths=lengths,
    )


def ranges(starts: Int[Tensor, "n"], lengths: Int[Tensor, "n"]) -> Int[Tensor, "total"]:
    """The whole numbers of some ranges, one range after the other."""
    before = lengths.cumsum(0) - lengths
    return torch.arange(int(lengths.sum()), device=starts.device) + torch.repeat_interleave(
        starts - before, lengths
    )


def encode(
    forms: Sequence[Sequence[str]], tags: Sequence[Sequence[str]], vocabulary: Vocabulary
) -> Treebank:
    """Sentences as numbers.

    Args:
        forms: the words of each.
        tags: their tags; empty where the vocabulary has none, or they are not known yet.
        vocabulary: whose numbers.
    """
    different: dict[tuple[str, str], int] = {}
    numbers = [
        different.setdefault((form, tag), len(different) + 1)
        for words, theirs in zip(forms, tags, strict=True)
        for form, tag in zip(words, theirs or [""] * len(words), strict=True)
    ]
    made = [vocabulary.token(form, tag) for form, tag in different]
    kinds = torch.tensor([[0] * (len(LOOKS) + bool(vocabulary.tags)), *made])
    lengths = torch.tensor([0, *map(len, forms)])
    return Treebank(kinds, torch.tensor(numbers, dtype=torch.int64), lengths.cumsum(0))


def encode_sentences(sentences: Sequence[Sentence], vocabulary: Vocabulary) -> Treebank:
    """Sentences of a treebank with its own tags."""
    forms = [[row.form for row in s.words] for s in sentences]
    kept = vocabulary.tags != []
    tags = [[vocabulary.tag(row) for row in s.words] if kept else [] for s in sentences]
    return encode(forms, tags, vocabulary)
