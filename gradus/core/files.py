"""Writing files so that a crash leaves the old one or the new one, never half of one."""

import contextlib
import io
import os
from pathlib import Path
from typing import Any

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


def save_arrays(path: Path, **arrays: Any) -> None:
    """Write arrays as an .npz archive, whole or not at all; its folder is made if missing.

    Raises:
        RunError: the folder cannot be made, or the file not be written.
    """
    import numpy as np  # whoever writes other files needs none of it

    buffer = io.BytesIO()
    np.savez_compressed(buffer, **arrays)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise RunError(f"cannot make the folder {path.parent} ({error.strerror})") from error
    write_atomically(path, buffer.getvalue())
