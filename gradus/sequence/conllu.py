"""CoNLL-U: treebanks read and written sentence by sentence, nothing of them lost.

A sentence is its comments and its rows, each of ten fields kept as they stand: words, multi-word
tokens (`1-2`) and empty nodes (`1.1`). So what was read is written byte for byte. What breaks the
format is refused in one line that names file, line and reason.

Source: https://universaldependencies.org/format.html.
"""

import gzip
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

from gradus.core.errors import DataError

FIELDS = 10
"""Columns of a row."""
NONE = "_"
"""What stands in a field that is empty."""
ROW = re.compile(r"(?P<word>[1-9]\d*)|(?P<first>[1-9]\d*)-(?P<last>[1-9]\d*)|\d+\.[1-9]\d*")
"""The ids: a word, a multi-word token over some words, an empty node."""


class Row(NamedTuple):
    """One line of a sentence: its ten fields, as text."""

    id: str
    form: str
    lemma: str = NONE
    upos: str = NONE
    xpos: str = NONE
    feats: str = NONE
    head: str = NONE
    deprel: str = NONE
    deps: str = NONE
    misc: str = NONE

    @property
    def is_word(self) -> bool:
        """Whether it is a word of the tree: neither a multi-word token nor an empty node."""
        return self.id.isdigit()

    @property
    def space_after(self) -> bool:
        """Whether a space follows in the text."""
        return "SpaceAfter=No" not in self.misc.split("|")


@dataclass(frozen=True)
class Sentence:
    """A sentence of a treebank.

    Attributes:
        rows: its lines in order.
        comments: the lines before them, each with its `#`.
    """

    rows: tuple[Row, ...]
    comments: tuple[str, ...] = ()

    @cached_property
    def words(self) -> list[Row]:
        """The words of the tree, numbered from 1."""
        return [row for row in self.rows if row.is_word]

    @cached_property
    def heads(self) -> list[int]:
        """The number of each word's head, 0 for the root's.

        Raises:
            ValueError: a word has none (`_`): the sentence is not parsed.
        """
        return [int(row.head) for row in self.words]

    @cached_property
    def text(self) -> str:
        """The sentence as it was written: the comment `# text`, else put together from its rows."""
        for comment in self.comments:
            if comment.startswith("# text = "):
                return comment.removeprefix("# text = ")
        return "".join(row.form + " " * row.space_after for row in surface(self.rows)).rstrip(" ")

    def with_tree(self, heads: Sequence[int], labels: Sequence[str]) -> "Sentence":
        """The same sentence with another tree.

        Enhanced dependencies (`deps`) belong to the old tree and are left out, and so are empty
        nodes, which have no other place.

        Args:
            heads: for each word the number of its head, 0 for the root's.
            labels: for each word the label of the arc to it.
        """
        tree = iter(zip(heads, labels, strict=True))
        rows = []
        for row in self.rows:
            if row.is_word:
                head, label = next(tree)
                row = row._replace(head=str(head), deprel=label, deps=NONE)
            if "." not in row.id:
                rows.append(row)
        return replace(self, rows=tuple(rows))


def surface(rows: Iterable[Row]) -> Iterator[Row]:
    """The tokens as they stand in the text: a multi-word token in place of its words."""
    covered = 0
    for row in rows:
        if "-" in row.id:
            covered = int(row.id.split("-")[1])
            yield row
        elif row.is_word and int(row.id) > covered:
            yield row


def sentence_of(
    forms: Sequence[str], tags: Sequence[str] = (), spaces: Sequence[bool] = ()
) -> Sentence:
    """A sentence of words alone.

    Args:
        forms: its words.
        tags: for each word its tag in the treebank's own tagset (`xpos`); none: unknown.
        spaces: for each word whether a space follows; none: everywhere.
    """
    return Sentence(
        tuple(
            Row(
                str(number),
                form,
                xpos=tags[number - 1] if tags else NONE,
                misc=NONE if not spaces or spaces[number - 1] else "SpaceAfter=No",
            )
            for number, form in enumerate(forms, 1)
        )
    )


def write_sentence(sentence: Sentence) -> str:
    """A sentence in CoNLL-U, with the empty line after it."""
    lines = [*sentence.comments, *map("\t".join, sentence.rows)]
    return "\n".join(lines) + "\n\n"


def read_conllu(path: Path | str, *, trees: bool = True) -> Iterator[Sentence]:
    """The sentences of a file, packed with gzip or not, one after another.

    Args:
        path: the file.
        trees: whether every sentence must have a tree; False takes words without heads (`_`).

    Raises:
        DataError: the file cannot be read, or breaks the format: "FILE:LINE: reason".
    """
    opened = gzip.open if str(path).endswith(".gz") else open
    try:
        with opened(path, "rb") as file:
            yield from parse_conllu(file, str(path), trees=trees)
    except (OSError, EOFError) as error:
        raise DataError(f"{path} cannot be read: {error}") from error


def parse_conllu(lines: Iterable[bytes], name: str, *, trees: bool = True) -> Iterator[Sentence]:
    """The sentences of an open file; an empty line ends each, the last may lack it.

    Args:
        lines: with the line's end or without; a carriage return before it is dropped.
        name: what the file is called in errors.
        trees: as `read_conllu`.

    Raises:
        DataError: "NAME:LINE: reason".
    """
    block: list[tuple[int, str]] = []
    for number, raw in enumerate(lines, 1):
        try:
            line = raw.decode("utf-8").rstrip("\r\n")
        except UnicodeDecodeError as error:
            byte = error.object[error.start]
            raise DataError(f"{name}:{number}: byte 0x{byte:02x} is not UTF-8") from error
        if line:
            block.append((number, line))
        elif block:
            yield _sentence(block, name, trees)
            block = []
    if block:
        yield _sentence(block, name, trees)


def _sentence(block: list[tuple[int, str]], name: str, trees: bool) -> Sentence:
    """The sentence in some lines, given with their numbers.

    Raises:
        DataError: "NAME:LINE: reason".
    """
    comments: list[str] = []
    rows: list[Row] = []
    at = block[0]
    try:
        for at in block:
            if at[1].startswith("#") and not rows:
                comments.append(at[1])
            else:
                rows.append(_row(at[1], rows))
        made = Sentence(tuple(rows), tuple(comments))
        _check_words(made)
        if trees:
            for at, row in zip(block[len(comments) :], rows, strict=True):  # noqa: B007
                if row.is_word:
                    _check_head(row, made)
            _check_circles(made)
    except ValueError as error:
        raise DataError(f"{name}:{at[0]}: {error}") from None
    return made


def _row(line: str, before: list[Row]) -> Row:
    """One line's fields, its id checked against the rows before it.

    Raises:
        ValueError: what is wrong.
    """
    fields = line.split("\t")
    if len(fields) != FIELDS:
        raise ValueError(f"a row must have {FIELDS} columns between tabs, got {len(fields)}")
    if not all(fields):
        raise ValueError(f"column {fields.index('') + 1} is empty: write _ for nothing")
    row, found = Row(*fields), ROW.fullmatch(fields[0])
    if found is None:
        raise ValueError(f"id must be a number, a range 1-2 or an empty node 1.1, got {row.id!r}")
    last = next((int(r.id) for r in reversed(before) if r.is_word), 0)
    if found["word"] and int(row.id) != last + 1:
        raise ValueError(
            f"words must be numbered in order: {last + 1} must come here, got {row.id}"
        )
    if found["first"] and not last + 1 == int(found["first"]) < int(found["last"]):
        raise ValueError(f"a multi-word token here must begin at {last + 1}, got {row.id}")
    if "." in row.id and int(row.id.split(".")[0]) != last:
        raise ValueError(f"an empty node here must be {last}.1 or so, got {row.id}")
    return row


def _check_words(sentence: Sentence) -> None:
    """Refuse a sentence without words, and a multi-word token that goes on behind its end.

    Raises:
        ValueError: what is wrong.
    """
    if not sentence.words:
        raise ValueError("a sentence must have a word")
    ends = [int(row.id.split("-")[1]) for row in sentence.rows if "-" in row.id]
    if ends and ends[-1] > len(sentence.words):
        raise ValueError(f"a multi-word token ends at {ends[-1]} of {len(sentence.words)} words")


def _check_head(row: Row, sentence: Sentence) -> None:
    """Refuse a head that is none of the sentence's words, and a second root.

    Raises:
        ValueError: what is wrong.
    """
    words = sentence.words
    if not row.head.isdecimal() or int(row.head) > len(words):
        raise ValueError(f"head must be a number from 0 to {len(words)}, got {row.head}")
    if int(row.head) == 0:
        root = next(w.id for w in words if w.head.isdecimal() and int(w.head) == 0)
        if root != row.id:
            raise ValueError(f"a sentence must have one root: word {row.id} is one beside {root}")


def _check_circles(sentence: Sentence) -> None:
    """Refuse heads that lead back to where they began; without a root they must.

    Raises:
        ValueError: what is wrong.
    """
    if (word := cycle([0, *sentence.heads])) is not None:
        raise ValueError(f"the heads from word {word} on lead back to it: this is no tree")


def cycle(heads: Sequence[int]) -> int | None:
    """A word whose heads lead back to itself, if there is one.

    Args:
        heads: for each word from 1 on the number of its head; number 0, the root, counts for none.
    """
    known = [0] * len(heads)
    for word in range(1, len(heads)):
        at = word
        while at and not known[at]:
            known[at] = word
            at = heads[at]
        if at and known[at] == word:
            return at
    return None
