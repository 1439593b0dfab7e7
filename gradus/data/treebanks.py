"""Treebanks by name, and the user's own: where their three files are."""

import os
from difflib import get_close_matches
from pathlib import Path

from gradus.core.download import RemoteFile, RemoteSet, data_folder, locate, status
from gradus.core.errors import UsageError

PARTS = ("train", "dev", "test")

EWT = RemoteSet(
    name="ud-english-ewt",
    files=tuple(
        RemoteFile(
            f"en_ewt-ud-{part}.conllu",
            tuple(
                "https://raw.githubusercontent.com/UniversalDependencies/UD_English-EWT/"
                f"{version}/en_ewt-ud-{part}.conllu"
                for version in ("15d613d8", "r2.16")
            ),
            sha256,
            size,
        )
        for part, sha256, size in (
            (
                "train",
                "3fb78e2b55482c8ee00caa653af436c88c9e5bc9a73ce26e4ae3ddc79d2b7e7b",
                14_203_025,
            ),
            (
                "dev",
                "531a54ff90d6ab12201c5a50c3e78e6ddac4de69abc4bce5d275d3cd29efe2b6",
                1_805_545,
            ),
            (
                "test",
                "e266e515a0a7547657ed3d90d9ba46487d6bd251f27ad4269d4e8a427c8555cd",
                1_804_515,
            ),
        )
    ),
    licence="CC BY-SA 4.0 (Universal Dependencies)",
    source="https://universaldependencies.org/treebanks/en_ewt/",
    about="English of the web as trees: 12,544 + 2,001 + 2,077 sentences",
)


def find_treebank(data: str) -> dict[str, Path]:
    """The files of a treebank's three parts, by its name or by a folder; downloaded if need be.

    Where the published files are not on this machine and `$GRADUS_DATA/<name>` holds them packed
    with gzip, these are taken.

    Args:
        data: `ewt`, or a folder that holds three files `*-train.conllu`, `*-dev.conllu` and
            `*-test.conllu`, packed with gzip (`.gz`) or not.

    Raises:
        UsageError: there is no such folder, or a part is missing or there twice.
        DataError: a file cannot be downloaded.
    """
    if data == "ewt":
        folder = data_folder()
        packed = folder / EWT.name if folder is not None else None
        if packed and packed.is_dir() and not status(EWT)[0].path:
            return _parts_in(packed)
        return dict(zip(PARTS, (locate(f, folder=EWT.name) for f in EWT.files), strict=True))
    path = Path(os.path.expanduser(data))
    if not data or not path.is_dir():
        hint = "did you mean ewt? " if get_close_matches(data, ["ewt", EWT.name]) else ""
        raise UsageError(
            f"data must be ewt or a folder of CoNLL-U files, got {data!r}: {hint}"
            f"no such {'folder' if '/' in data else 'treebank or folder'}"
        )
    return _parts_in(path)


def _parts_in(folder: Path) -> dict[str, Path]:
    """The files of the parts in a folder."""
    found = {}
    for part in PARTS:
        files = sorted(p for end in ("", ".gz") for p in folder.glob(f"*{part}.conllu{end}"))
        if len(files) != 1:
            raise UsageError(
                f"{folder} must hold one file *{part}.conllu or *{part}.conllu.gz, "
                f"found {len(files)}"
            )
        found[part] = files[0]
    return found
