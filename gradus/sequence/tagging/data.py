"""The tagged texts by name, and what is kept apart of them."""

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch

from gradus.core.errors import UsageError
from gradus.core.recipe import nearest
from gradus.data.conll import Tagged, read_columns, read_conll2000
from gradus.data.treebanks import find_ewt
from gradus.sequence.conllu import read_conllu
from gradus.sequence.tagging.toy import toy_sentences

NAMES = ("conll2000", "ewt", "toy")
TOY_SEED = 7
"""Which toy sentences: those of the test follow from the next seed."""


@dataclass(frozen=True)
class Text:
    """A tagged text in three parts.

    Attributes:
        train: sentences to learn from.
        validation: sentences to choose by.
        test: opens those of the test.
    """

    train: list[Tagged]
    validation: list[Tagged]
    test: Callable[[], list[Tagged]]


def load_text(data: str, validation: int, sentences: int = 0, tags: str = "xpos") -> Text:
    """A tagged text, by the name of a public one or from the user's own files.

    Args:
        data: `conll2000`, `ewt`, `toy`, or a folder with train.txt and test.txt in columns (packed
            by gzip or not).
        validation: training sentences that are kept apart, at most half of them; always the same.
            `ewt` comes with its own instead.
        sentences: how many to learn from, drawn from all; 0: all.
        tags: of `ewt`: `xpos` or `upos`.

    Raises:
        UsageError: there is no such text, or it is too short.
        DataError: a file is damaged, or cannot be downloaded.
    """
    train, own, test = _read(data, tags)
    if len(train) < 2:
        raise UsageError(f"a text must have two sentences or more to learn from, got {len(train)}")
    order = torch.randperm(len(train), generator=torch.Generator().manual_seed(0)).tolist()
    out = 0 if own else min(validation, len(train) // 2)
    kept = order[out:][: sentences or None]
    return Text([train[i] for i in kept], own or [train[i] for i in order[:out]], test)


def read_ewt(part: str, tags: str) -> list[Tagged]:
    """The words of a part of UD English-EWT with one kind of their tags.

    Args:
        part: `train`, `dev` or `test`.
        tags: `xpos` or `upos`.

    Raises:
        DataError: the file is damaged, or cannot be downloaded.
    """
    return [
        Tagged(tuple(w.form for w in s.words), tuple(getattr(w, tags) for w in s.words))
        for s in read_conllu(find_ewt(part), trees=False)
    ]


def _read(data: str, tags: str) -> tuple[list[Tagged], list[Tagged], Callable[[], list[Tagged]]]:
    """All training sentences, those for validation that a text comes with, what opens the test."""
    if data == "toy":
        return toy_sentences(600, TOY_SEED), [], lambda: toy_sentences(200, TOY_SEED + 1)
    if data == "conll2000":
        return read_conll2000("train"), [], lambda: read_conll2000("test")
    if data == "ewt":
        return read_ewt("train", tags), read_ewt("dev", tags), lambda: read_ewt("test", tags)
    return read_columns(_own(data, "train")), [], lambda: read_columns(_own(data, "test"))


def _own(data: str, part: str) -> Path:
    """One of the user's own files.

    Raises:
        UsageError: there is no such folder or file.
    """
    folder = Path(os.path.expanduser(data))
    if not data or not folder.is_dir():
        near = nearest(data, list(NAMES)) if "/" not in data else ""
        raise UsageError(
            f"data must be {', '.join(NAMES)} or a folder with train.txt and test.txt, "
            f"got {data!r}{near}"
        )
    for ending in ("", ".gz"):
        if (path := folder / f"{part}.txt{ending}").is_file():
            return path
    raise UsageError(f"{folder} must hold {part}.txt: a word and its tag in each line")


def tags_of(sentences: Sequence[Tagged]) -> list[str]:
    """The tags of a text, in alphabetical order."""
    return sorted({tag for sentence in sentences for tag in sentence.tags})
