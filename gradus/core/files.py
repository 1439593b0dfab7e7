"""Writing files so that a crash leaves the old one or the new one, never half of one."""

import contextlib
import os
from pathlib import Path

from gradus.core.errors import RunError

PART = ".part"
"""Ending of a file that is not whole yet; one that stays behind belongs to a killed process."""


def write_atomically(path: Path, data: bytes) -> None:
    """Make `path` hold exactly `data`, or leave it as it was.

    Raises:
        RunError: the bytes could not be written, for instance because the disk is full.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}{PART}")
    try:
        with open(temporary, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
    except OSError as error:
        with contextlib.suppress(OSError):
            temporary.unlink()
        raise RunError(
            f"cannot write {path} ({error.strerror}); what was there before is untouched: "
            "make room and go on with --resume"
        ) from error
