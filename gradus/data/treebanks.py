"""Treebanks: where the files of Universal Dependencies' English Web Treebank are."""

from pathlib import Path

from gradus.core.download import RemoteFile, RemoteSet
from gradus.data.conll import find

REPOSITORY = "https://raw.githubusercontent.com/UniversalDependencies/UD_English-EWT"

UD_EWT = RemoteSet(
    name="ud-english-ewt",
    files=tuple(
        RemoteFile(
            f"en_ewt-ud-{part}.conllu",
            tuple(f"{REPOSITORY}/{at}/en_ewt-ud-{part}.conllu" for at in ("15d613d8", "r2.16")),
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
    licence="CC BY-SA 4.0",
    source="https://universaldependencies.org/treebanks/en_ewt/",
    about="English of weblogs, mails, reviews and newsgroups: 16,622 sentences with their trees",
)


def find_ewt(part: str) -> Path:
    """The file of `train`, `dev` or `test`, packed by gzip or not.

    Raises:
        DataError: it is damaged, or cannot be downloaded.
    """
    return find(UD_EWT, f"en_ewt-ud-{part}.conllu")
