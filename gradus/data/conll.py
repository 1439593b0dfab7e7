"""Texts whose words are tagged, in columns: CoNLL-2000, and the user's own files of that form.

A line is a word and its tag, with spaces or a tab between them and whatever further columns there
are; an empty line ends a sentence.
"""

import gzip
import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from gradus.core.download import RemoteFile, RemoteSet, data_folder, locate, status
from gradus.core.errors import DataError, UsageError

CONLL2000 = RemoteSet(
    name="conll2000",
    files=tuple(
        RemoteFile(
            f"{part}.txt",
            (
                "https://raw.githubusercontent.com/teropa/nlp/master/resources/corpora/conll2000/"
                f"{part}.txt",
            ),
            sha256,
            size,
        )
        for part, sha256, size in (
            (
                "train",
                "82033cd7a72b209923a98007793e8f9de3abc1c8b79d646c50648eb949b87cea",
                2_842_164,
            ),
            (
                "test",
                "73b7b1e565fa75a1e22fe52ecdf41b6624d6f59dacb591d44252bf4d692b1628",
                639_396,
            ),
        )
    ),
    licence="none stated; from the Wall Street Journal, not for redistribution",
    source="https://www.clips.uantwerpen.be/conll2000/chunking/",
    about="259,000 words of the Wall Street Journal with 44 parts of speech, and chunks",
)


class Tagged(NamedTuple):
    """A sentence and the tag of each of its words."""

    words: tuple[str, ...]
    tags: tuple[str, ...]


def find(remote: RemoteSet, name: str) -> Path:
    """A file of a set: the published one, downloaded if it has to be.

    Where that is not on this machine and `$GRADUS_DATA/<set>` holds it packed by gzip, this is
    taken.

    Raises:
        DataError: the file is damaged, or cannot be downloaded.
    """
    file = next(file for file in remote.files if file.name == name)
    folder = data_folder()
    if folder is not None and not next(f.path for f in status(remote) if f.name == name):
        packed = folder / remote.name / f"{name}.gz"
        if packed.is_file():
            return packed
    return locate(file, folder=remote.name)


def read_conll2000(part: str) -> list[Tagged]:
    """The sentences of CoNLL-2000: 8,936 of `train`, 2,012 of `test`.

    Raises:
        DataError: the file is damaged, or cannot be downloaded.
    """
    return read_columns(find(CONLL2000, f"{part}.txt"))


def read_columns(path: str | Path) -> list[Tagged]:
    """The sentences of a file in columns, plain or packed by gzip.

    Raises:
        UsageError: there is no such file.
        DataError: it cannot be read, is not UTF-8, a line has no tag, or there is no sentence; file
            and line are named.
    """
    path = Path(os.path.expanduser(path))
    if not path.is_file():
        raise UsageError(f"{path}: no such file of tagged words")
    try:
        data = path.read_bytes()
        data = gzip.decompress(data) if data[:2] == b"\x1f\x8b" else data
    except (OSError, EOFError) as error:
        raise DataError(f"{path} cannot be read: {error}") from error
    sentences = list(_sentences(data, path))
    if not sentences:
        raise DataError(f"{path} holds no tagged word")
    return sentences


def _sentences(data: bytes, path: Path) -> Iterator[Tagged]:
    """The sentences of a file's bytes."""
    words: list[str] = []
    tags: list[str] = []
    for number, raw in enumerate(data.split(b"\n"), 1):
        try:
            line = raw.decode().strip()
        except UnicodeDecodeError as error:
            raise DataError(f"{path}:{number}: this line is not UTF-8 ({error.reason})") from error
        if line:
            columns = line.split("\t") if "\t" in line else line.split(" ")
            columns = [column for column in columns if column]
            if len(columns) < 2:
                raise DataError(f"{path}:{number}: a line must be a word and its tag, got {line!r}")
            words.append(columns[0])
            tags.append(columns[1])
        elif words:
            yield Tagged(tuple(words), tuple(tags))
            words, tags = [], []
    if words:
        yield Tagged(tuple(words), tuple(tags))


def to_columns(sentences: Iterable[Tagged]) -> str:
    """Sentences as `read_columns` takes them: word and tag in a line, an empty line after each.

    Raises:
        UsageError: a word or tag is empty or has white space in it, which columns cannot hold.
    """
    lines = []
    for sentence in sentences:
        for word, tag in zip(sentence.words, sentence.tags, strict=True):
            if word.split() != [word] or tag.split() != [tag]:
                raise UsageError(f"a word must have no white space to be a column, got {word!r}")
            lines.append(f"{word} {tag}\n")
        lines.append("\n")
    return "".join(lines)
