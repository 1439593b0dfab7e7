"""What a parser is taught: the parts of a treebank, and the states on the way to their trees."""

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cache
from itertools import islice
from pathlib import Path

import torch
from jaxtyping import Int
from torch import Tensor

from gradus.core.errors import UsageError
from gradus.data.treebanks import find_ewt
from gradus.sequence.conllu import Sentence, read_conllu
from gradus.sequence.parsing.evaluation import Tree
from gradus.sequence.parsing.oracle import oracle, replay
from gradus.sequence.parsing.recipes import ParserConfig
from gradus.sequence.parsing.toy import toy_sentences
from gradus.sequence.parsing.treebank import (
    Treebank,
    Vocabulary,
    encode_sentences,
    learn_vocabulary,
)
from gradus.sequence.parsing.trees import is_projective, projectivise

TOY = {"train": 100, "dev": 30, "test": 30}
"""Sentences of the treebank that is made up."""
PARTS = ("train", "dev", "test")
"""The parts of a treebank, by number."""
ROOT = "root"
"""The label of the word without a head."""


@dataclass(frozen=True)
class Lessons:
    """The states on the way to some trees, sentence by sentence, and the right action in each.

    Attributes:
        starts: where each sentence's states begin, and where the last one's end.
        places, seen: the words and labels that a state is described by.
        actions: the right action.
        crossed: sentences whose tree was not projective.
        lifted: arcs that were moved to make it so.
    """

    starts: Int[Tensor, "bounds"]
    places: Int[Tensor, "states 18"]
    seen: Int[Tensor, "states 12"]
    actions: Int[Tensor, "states"]
    crossed: int = 0
    lifted: int = 0

    def to(self, device: torch.device) -> "Lessons":
        """The same on another device."""
        return replace(
            self,
            starts=self.starts.to(device),
            places=self.places.to(device),
            seen=self.seen.to(device),
            actions=self.actions.to(device),
        )


@dataclass(frozen=True)
class Part:
    """A part of a treebank: its sentences, the same as numbers, their trees, what is learned."""

    sentences: list[Sentence]
    bank: Treebank
    gold: Sequence[Tree]
    lessons: Lessons


@dataclass(frozen=True)
class Course:
    """A treebank to learn from.

    Attributes:
        vocabulary: of its training part.
        part: training (0), validation (1) or test part (2), read when it is first asked for; with
            what is learned from it on a device.
    """

    vocabulary: Vocabulary
    part: Callable[[int, torch.device], Part]


def make_course(config: ParserConfig) -> Course:
    """The treebank of a config.

    Raises:
        UsageError, DataError: as `read_part`.
    """
    train = read_part(config.data, "train", config.sentences)
    vocabulary = learn_vocabulary(train, config.min_count, config.tags)

    @cache
    def made(number: int) -> Part:
        read = train if number == 0 else read_part(config.data, PARTS[number])
        return make_part(read, vocabulary)

    @cache
    def part(number: int, device: torch.device) -> Part:
        here = made(number)
        return Part(here.sentences, here.bank.to(device), here.gold, here.lessons.to(device))

    return Course(vocabulary, part)


def read_part(data: str, part: str, limit: int = 0) -> list[Sentence]:
    """The sentences of a part of a treebank, at most so many (0: all).

    Raises:
        UsageError: as `find_treebank`; or the file holds no sentence.
        DataError: as `read_conllu`.
    """
    if data == "toy":
        return toy_sentences(TOY[part], seed=PARTS.index(part))[: limit or None]
    path = find_treebank(data, part)
    found = list(islice(read_conllu(path), limit or None))
    if not found:
        raise UsageError(f"{path} holds no sentence")
    return found


def find_treebank(data: str, part: str) -> Path:
    """The file of a part of a treebank, by its name or by a folder.

    Args:
        data: `ewt`, or a folder with files `*train.conllu`, `*dev.conllu` and `*test.conllu`,
            packed with gzip (`.gz`) or not.
        part: train, dev or test.

    Raises:
        UsageError: there is no such folder, or the part is missing in it, or there twice.
        DataError: the file is damaged, or cannot be downloaded.
    """
    if data == "ewt":
        return find_ewt(part)
    folder = Path(os.path.expanduser(data))
    if not data or not folder.is_dir():
        raise UsageError(f"data must be ewt, toy or a folder of CoNLL-U files, got {data!r}")
    files = sorted(p for end in ("", ".gz") for p in folder.glob(f"*{part}.conllu{end}"))
    if len(files) != 1:
        raise UsageError(
            f"{folder} must hold one file *{part}.conllu or *{part}.conllu.gz, found {len(files)}"
        )
    return files[0]


def make_part(sentences: list[Sentence], vocabulary: Vocabulary) -> Part:
    """A part of a treebank with what is learned from it."""
    gold: list[Tree] = [(s.heads, [row.deprel for row in s.words]) for s in sentences]
    return Part(
        sentences, encode_sentences(sentences, vocabulary), gold, make_lessons(gold, vocabulary)
    )


def make_lessons(gold: Sequence[Tree], vocabulary: Vocabulary) -> Lessons:
    """The states on the way to some trees, which are made projective where they are not.

    A label that the vocabulary does not have counts as its first: what stands in other parts than
    the training part and not in that cannot be learned.
    """
    numbers, straight = vocabulary.label_numbers, [_straight(heads) for heads, _ in gold]
    actions = []
    for heads, (_, labels) in zip(straight, gold, strict=True):
        found = oracle(heads, [numbers.get(label, 1) for label in labels], len(numbers))
        assert found is not None, "a projective tree has an oracle"
        actions.append(found)
    moved = [
        sum(a != b for a, b in zip(new, old, strict=True))
        for new, (old, _) in zip(straight, gold, strict=True)
    ]
    seen = replay(actions, [len(heads) for heads in straight], len(numbers))
    return Lessons(
        starts=torch.from_numpy(seen.starts),
        places=torch.from_numpy(seen.places),
        seen=torch.from_numpy(seen.labels),
        actions=torch.from_numpy(seen.actions),
        crossed=sum(n > 0 for n in moved),
        lifted=sum(moved),
    )


def _straight(heads: Sequence[int]) -> Sequence[int]:
    """The heads, projective."""
    return heads if is_projective(heads) else projectivise(heads)
