"""Compiling inner loops with Numba."""

from functools import cache
from pathlib import Path
from typing import Any

from numba import njit

Stamp = tuple[tuple[str, int], ...]
"""Name and time of the last change of each file of a folder."""


@cache
def folder_stamp(folder: Path) -> Stamp:
    """Which version of a folder's files is compiled."""
    return tuple((p.name, p.stat().st_mtime_ns) for p in sorted(folder.glob("*.py")))


def compiled_loop(function: Any, fastmath: bool | set[str]) -> Any:
    """Compile a function for the processor at hand; threads run such functions side by side.

    What was compiled is kept on disk. By itself Numba takes it as good until the function's own
    file changes; but functions call those of other files of their folder, so any change in the
    folder counts.

    Args:
        function: in the part of Python that Numba compiles.
        fastmath: what LLVM may assume of floating-point numbers; True: everything.
    """
    made = njit(nogil=True, fastmath=fastmath, cache=True, error_model="numpy")(function)
    index = getattr(getattr(made, "_cache", None), "_cache_file", None)
    if index is not None:
        index._source_stamp = folder_stamp(Path(function.__code__.co_filename).parent)
    return made
