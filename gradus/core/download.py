"""Files of public data sets: found on this machine, or downloaded, and always checked by SHA-256.

Two environment variables steer it. ``GRADUS_DATA`` names a folder of raw files that is looked into
first; ``GRADUS_CACHE`` names the folder that downloads go to (default: the user's cache folder).
"""

import hashlib
import os
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from gradus.core.errors import DataError, UsageError

ROUNDS = 2  # how often the list of mirrors is gone through
PAUSE = 1.0  # seconds between two rounds
TIMEOUT = (10, 30)  # seconds to connect, seconds without a byte


@dataclass(frozen=True)
class RemoteFile:
    """One published file; ``sha256`` is what makes it the right one, wherever it comes from."""

    name: str
    """File name; with a folder before it where the set keeps the file in one."""
    urls: tuple[str, ...]
    """Addresses (http or https) of the file itself, tried in this order."""
    sha256: str
    """SHA-256 of the file's bytes, 64 lower-case hexadecimal digits."""
    size: int | None = None
    """Bytes, where known: lets a truncated file be told from a wrong one."""


@dataclass(frozen=True)
class RemoteSet:
    """A public data set: its files, and where it comes from."""

    name: str
    """Name of the set and of its folder below the cache and ``GRADUS_DATA``."""
    files: tuple[RemoteFile, ...]
    """The files as published."""
    licence: str
    """Terms of use, as far as known."""
    source: str
    """Address of the people who made it, or the paper to cite."""
    about: str
    """What it is, in one line."""


@dataclass(frozen=True)
class FileStatus:
    """What is known about one file of a set on this machine."""

    name: str
    """File name."""
    path: Path | None
    """Where it was found; None when it would have to be downloaded."""
    size: int | None
    """Bytes on disk; None when not found."""
    ok: bool
    """Whether the file is there and its SHA-256 is right."""


def locate(remote: RemoteFile, *, folder: str) -> Path:
    """Finds a file on this machine or downloads it; either way its SHA-256 is checked.

    Looked for in this order: ``$GRADUS_DATA/<folder>/<name>``, ``$GRADUS_DATA/<name>``, the cache.

    Args:
        remote: The file wanted.
        folder: Name of its data set, the folder below ``GRADUS_DATA`` and below the cache.

    Returns:
        Path of a file that holds exactly the published bytes.

    Raises:
        UsageError: ``GRADUS_DATA`` names a folder that does not exist.
        DataError: The file found is truncated or wrong, the cache folder cannot be written, or
            no mirror could be reached.
    """
    path = _find(remote, folder)
    if path is None:
        return _download(remote, folder)
    fault = _fault(path, remote)
    if fault:
        raise DataError(f"{path}: {fault}; put the right file there or delete it to download it")
    return path


def status(remote_set: RemoteSet) -> list[FileStatus]:
    """Says for each file of a set whether it is on this machine and right; downloads nothing.

    Args:
        remote_set: The set asked about.

    Returns:
        One entry per file, in the order of the set.

    Raises:
        UsageError: ``GRADUS_DATA`` names a folder that does not exist.
    """
    found = [(remote, _find(remote, remote_set.name)) for remote in remote_set.files]
    return [
        FileStatus(remote.name, path, path.stat().st_size, ok=_fault(path, remote) is None)
        if path
        else FileStatus(remote.name, None, None, ok=False)
        for remote, path in found
    ]


def data_folder() -> Path | None:
    """The user's folder of raw files, if one is named."""
    name = os.environ.get("GRADUS_DATA")
    if not name:
        return None
    folder = Path(os.path.expanduser(name))
    if not folder.is_dir():
        raise UsageError(f"GRADUS_DATA must name a folder, got {name!r}: no such folder")
    return folder


def cache_folder() -> Path:
    """The folder that downloads go to, and what is made of them."""
    if name := os.environ.get("GRADUS_CACHE"):
        return Path(os.path.expanduser(name))
    import pooch

    return Path(pooch.os_cache("gradus"))


def _places(remote: RemoteFile, folder: str) -> Iterator[Path]:
    """Where the file may lie, most wanted first."""
    if data := data_folder():
        yield data / folder / remote.name
        yield data / remote.name
    yield cache_folder() / folder / remote.name


def _find(remote: RemoteFile, folder: str) -> Path | None:
    """The first place that holds the file."""
    return next((path for path in _places(remote, folder) if os.path.isfile(path)), None)


def _fault(path: Path, remote: RemoteFile) -> str | None:
    """What is wrong with a file, as half a sentence; None when its bytes are the published ones."""
    try:
        with path.open("rb") as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()
            size = file.tell()
    except OSError as error:
        return f"cannot be read ({error.strerror})"
    if remote.size is not None and size < remote.size:
        return f"truncated, expected {remote.size} bytes, found {size}"
    if found != remote.sha256:
        return f"wrong content, expected SHA-256 {remote.sha256}, found {found}"
    return None


def _download(remote: RemoteFile, folder: str) -> Path:
    """Gets the file from the first mirror that gives the right bytes."""
    target = cache_folder() / folder / remote.name
    faults: dict[str, str] = {}
    for turn in range(ROUNDS):
        time.sleep(PAUSE if turn else 0)
        for url in remote.urls:
            fault = _fetch(url, remote, target)
            if fault is None:
                return target
            faults[url] = fault
    mirrors = "; ".join(f"{url} ({fault})" for url, fault in faults.items())
    raise DataError(
        f"{remote.name} could not be downloaded: {mirrors}. Put a copy with SHA-256 "
        f"{remote.sha256} into {next(_places(remote, folder)).parent}"
    )


def _fetch(url: str, remote: RemoteFile, target: Path) -> str | None:
    """Downloads to a temporary file and renames it when its bytes are right, else says why not."""
    import pooch
    import requests

    # The published bytes, not unpacked on the way: a server may offer to send .gz as an encoding.
    get = pooch.HTTPDownloader(
        progressbar=sys.stderr.isatty(),
        chunk_size=1 << 16,
        timeout=TIMEOUT,
        headers={"Accept-Encoding": "identity"},
    )
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=target.parent, prefix=".download-") as scratch:
            part = Path(scratch) / target.name
            get(url, str(part), None)
            fault = _fault(part, remote)
            if fault is None:
                part.replace(target)
            return fault
    except requests.HTTPError as error:
        return f"HTTP {getattr(error.response, 'status_code', 'error')}"
    except requests.ConnectionError:
        return "no connection"
    except requests.RequestException as error:
        return f"broken off, {type(error).__name__}"
    except OSError as error:
        raise DataError(
            f"{target.parent}: cannot write to the cache folder ({error.strerror or error}); "
            "name another one with GRADUS_CACHE"
        ) from error
