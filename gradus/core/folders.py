"""The folders of runs: new ones made, what is in them read, all of them listed."""

import contextlib
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from gradus.core.errors import RunError, UsageError
from gradus.core.files import PART

FORMAT = 1
"""Version of the folder's layout; a folder of a newer one is refused."""


def new_folder(path: Path | None, name: str, file: str = "run.json", what: str = "run") -> Path:
    """An empty folder, made if it is not there.

    Args:
        path: where; by default the next free `runs/<name>-<number>`.
        name: what the default is called after.
        file: what is in the folder of a training or comparison that can go on.
        what: what that is, in a word.

    Raises:
        UsageError: the folder already holds something, or cannot be written.
    """
    try:
        if path is None:
            path = _next_folder(Path("runs"), name)
        path.mkdir(parents=True, exist_ok=True)
        found = [p.name for p in path.iterdir() if p.name != ".lock" and p.suffix != PART]
    except OSError as error:
        raise UsageError(f"cannot write into run folder {path}: {error.strerror}") from error
    if file in found:
        raise UsageError(
            f"{path} already holds a {what}: go on with --resume, or choose another --run-dir"
        )
    if found:
        raise UsageError(
            f"{path} is not empty ({', '.join(sorted(found)[:3])}): choose another --run-dir"
        )
    if not os.access(path, os.W_OK):
        raise UsageError(f"cannot write into run folder {path}: Permission denied")
    return path


def _next_folder(parent: Path, name: str) -> Path:
    parent.mkdir(parents=True, exist_ok=True)
    number = 1
    while True:
        path = parent / f"{name}-{number}"
        try:
            path.mkdir()
        except FileExistsError:
            number += 1
        else:
            return path


def read_info(path: Path, file: str = "run.json", what: str = "run") -> dict[str, Any]:
    """The contents of a folder's run.json, or of the `file` that is in one of another kind.

    Raises:
        UsageError: there is no such run, or a newer Gradus wrote it.
        RunError: the file is damaged.
    """
    place = path / file
    if not place.exists():
        raise UsageError(f"{path} is not a {what} folder (no {file} there); see: gradus runs")
    try:
        info = json.loads(place.read_text())
        format_ = int(info["format"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise RunError(f"{place} is damaged: {error}") from error
    if format_ > FORMAT:
        raise UsageError(
            f"{path} was written by a newer Gradus (format {format_}, this one reads up to "
            f"{FORMAT}): pip install --upgrade gradus-dl"
        )
    return info


def all_runs(parent: Path) -> Iterator[tuple[Path, dict[str, Any]]]:
    """Every run folder directly under `parent` with its run.json, oldest first; bad ones left out.

    Yields:
        (folder, contents of run.json).
    """
    found = []
    for file in parent.glob("*/run.json"):
        with contextlib.suppress(OSError, ValueError):
            info = json.loads(file.read_text())
            if isinstance(info, dict):
                found.append((str(info.get("created", "")), file.parent, info))
    for _, path, info in sorted(found, key=lambda f: (f[0], str(f[1]))):
        yield path, info
