"""Pairs of sentences, line by line: Multi30k, Tatoeba, and the user's own files of any size.

A file is never in memory as a whole; what is packed (gzip, zip) is unpacked on the way.
"""

import gzip
import hashlib
import io
import os
import zipfile
from collections.abc import Iterator
from itertools import zip_longest
from pathlib import Path
from typing import Any, Literal

from gradus.core.download import RemoteFile, RemoteSet, data_folder, locate
from gradus.core.errors import DataError, UsageError
from gradus.core.recipe import nearest

Part = Literal["train", "validation", "test"]
Pair = tuple[str, str]
PARTS: tuple[Part, ...] = ("train", "validation", "test")

MULTI30K = RemoteSet(
    name="multi30k",
    files=tuple(
        RemoteFile(
            f"{name}.gz",
            (
                f"https://raw.githubusercontent.com/multi30k/dataset/master/data/task1/raw/{name}.gz",
            ),
            sha256,
            size,
        )
        for name, sha256, size in (
            (
                "train.en",
                "d79cfa999dd4c51d2cb42499b6796d5a882c3a8a961923c25a898c90f8bbd56f",
                568_929,
            ),
            (
                "train.fr",
                "622e75069e9f4c577425c4f277116ce66e63a2401c0a2312d90073cb12379a3c",
                604_242,
            ),
            (
                "val.en",
                "14f7d25ddd868909a9213e361768460edcacdd6ab9d1e77b92560dc10c10dc28",
                21_650,
            ),
            (
                "val.fr",
                "ca3106f1a72390591d25f6c45cb4cd39dec4cd3f123e099748a3ce5256c160e9",
                23_001,
            ),
            (
                "test_2016_flickr.en",
                "611d361c6334bc7246101d48097c13cf5c4413c5befc793cc629934359d532d9",
                21_077,
            ),
            (
                "test_2016_flickr.fr",
                "6d326e188d259fb1d04ac19eae3af956559b3a0b93d7635e56c90987c40c8b90",
                22_310,
            ),
        )
    ),
    licence="none stated, derived from Flickr30k; for research, cite Elliott et al. 2016 and 2017",
    source="https://github.com/multi30k/dataset",
    about="English captions of photos and their French translations: 29,000, 1,014 and 1,000 pairs",
)
MULTI30K_PARTS: dict[Part, str] = {
    "train": "train",
    "validation": "val",
    "test": "test_2016_flickr",
}
TATOEBA = "tatoeba"
NAMES = (MULTI30K.name, TATOEBA)
"""The sets of pairs known by name."""
TATOEBA_FILE = "tatoeba-fra-eng/fra-eng.zip"
"""Where Tatoeba's pairs lie below `$GRADUS_DATA`; the published file changes often."""
HELD_OUT = 100
"""Of a set without parts of its own, one source sentence in so many is for validation, and as many
for the test."""


def find_pairs(data: str, part: Part) -> list[Path]:
    """The files that hold a part: source and target, or one file with both, a tab between.

    Args:
        data: `multi30k`, `tatoeba`; or your own: SOURCE,TARGET for two files with a line each for
            a sentence, or one file of lines source<TAB>target. Plain, or packed by gzip or zip.
        part: which one; only Multi30k's are in files of their own.

    Raises:
        UsageError: there is no such file, and no set of that name.
        DataError: a file is damaged, or cannot be downloaded.
    """
    if data == MULTI30K.name:
        files = {file.name: file for file in MULTI30K.files}
        stem = MULTI30K_PARTS[part]
        return [locate(files[f"{stem}.{end}.gz"], folder=data) for end in ("en", "fr")]
    if data == TATOEBA:
        path = (data_folder() or Path()) / TATOEBA_FILE
        if not path.is_file():
            raise UsageError(
                "tatoeba is not on this machine: download fra-eng.zip from "
                f"https://www.manythings.org/anki/ to $GRADUS_DATA/{TATOEBA_FILE}"
            )
        return [path]
    paths = [Path(os.path.expanduser(name.strip())) for name in data.split(",")]
    if not data or len(paths) > 2 or not all(path.is_file() for path in paths):
        missing = next((str(p) for p in paths if not p.is_file()), data)
        raise UsageError(
            f"data must be {', '.join(NAMES)}, SOURCE,TARGET or a file of lines with a tab, got "
            f"{data!r}{nearest(data, list(NAMES))}; no file {missing!r}"
        )
    return paths


def read_pairs(data: str, part: Part) -> Iterator[Pair]:
    """The (source, target) pairs of a part, in their order, spaces around them taken off.

    Of a set without parts of its own, what part a pair belongs to depends on its source sentence
    alone, so that no sentence to translate is in two.

    Raises:
        UsageError: as `find_pairs`; or the two files differ in their number of lines, or a line
            of a single file has no tab, or a file is not text.
        DataError: as `find_pairs`; or a file cannot be read.
    """
    paths = find_pairs(data, part)
    pairs = _aligned(*paths) if len(paths) == 2 else _tabbed(paths[0])
    for source, target in pairs:
        if data == MULTI30K.name or part_of(source) == part:
            yield source, target


def part_of(source: str) -> Part:
    """The part that a pair with this source sentence belongs to, by the hash of the sentence."""
    number = int.from_bytes(hashlib.blake2b(source.encode(), digest_size=8).digest()) % HELD_OUT
    return "validation" if number == 0 else "test" if number == 1 else "train"


def _aligned(first: Path, second: Path) -> Iterator[Pair]:
    """The lines of two files side by side."""
    counts = [0, 0]
    for lines in zip_longest(_lines(first), _lines(second)):
        counts = [n + (line is not None) for n, line in zip(counts, lines, strict=True)]
        if counts[0] == counts[1]:
            yield lines[0].strip(), lines[1].strip()
    if counts[0] != counts[1]:
        raise UsageError(
            f"{first} has {counts[0]:,} lines and {second} {counts[1]:,}: line by line they must "
            "be translations of each other"
        )


def _tabbed(path: Path) -> Iterator[Pair]:
    """The first two columns of a file."""
    for number, line in enumerate(_lines(path), 1):
        columns = line.split("\t")
        if len(columns) < 2:
            raise UsageError(
                f"{path}, line {number:,} has no tab: lines must be source<TAB>target, or name "
                "two files as SOURCE,TARGET"
            )
        yield columns[0].strip(), columns[1].strip()


def _lines(path: Path) -> Iterator[str]:
    """The lines of a text file in UTF-8, plain or packed by gzip or zip (the first file in it)."""
    try:
        if zipfile.is_zipfile(path):
            with zipfile.ZipFile(path) as archive:
                names = [n for n in archive.namelist() if not Path(n).name.startswith("_")]
                if not names:
                    raise DataError(f"{path} is an archive without files")
                with archive.open(names[0]) as member:
                    text = io.TextIOWrapper(member, encoding="utf-8", newline="\n")
                    yield from (line.rstrip("\r\n") for line in text)
            return
        with open(path, "rb") as raw:
            packed = raw.read(2) == b"\x1f\x8b"
            raw.seek(0)
            file: Any = gzip.GzipFile(fileobj=raw) if packed else raw
            text = io.TextIOWrapper(file, encoding="utf-8", newline="\n")
            yield from (line.rstrip("\r\n") for line in text)
    except UnicodeDecodeError as error:
        raise UsageError(f"{path} is not text in UTF-8: {error.reason}") from error
    except (OSError, EOFError, zipfile.BadZipFile) as error:
        raise DataError(f"{path} cannot be read: {error}") from error
