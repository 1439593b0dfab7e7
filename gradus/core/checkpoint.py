"""Checkpoints that survive a crash: atomic, checked, safe to load, with all random state.

A checkpoint is one file, `step-<steps>-<digest>.pt`, where the digest is the start of the SHA-256
of its bytes. It comes into being by a rename, so it is whole or not there, and its name tells
whether it is still what was written.
"""

import hashlib
import io
import random
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch

from gradus.core.errors import RunError
from gradus.core.files import write_atomically

KEEP = 5
NAME = re.compile(r"step-(\d+)-([0-9a-f]{16})\.pt")

State = dict[str, Any]


def save(folder: Path, state: State) -> Path:
    """Write `state` as the newest checkpoint and drop all but the latest five.

    Args:
        folder: the run's `checkpoints` folder; made if missing.
        state: tensors and plain values; `state["step"]` numbers it.
    """
    folder.mkdir(parents=True, exist_ok=True)
    buffer = io.BytesIO()
    torch.save(state, buffer)
    data = buffer.getvalue()
    path = folder / f"step-{state['step']:09d}-{_digest(data)}.pt"
    write_atomically(path, data)
    others = [p for p in _newest_first(folder) if p != path]
    kept = [p for p in others if _step(p) < state["step"]][: KEEP - 1]
    for other in others:
        if other not in kept:
            other.unlink(missing_ok=True)
    return path


def newest(folder: Path) -> Path | None:
    """The file of the newest checkpoint, whole or not; None where there is none."""
    return next(iter(_newest_first(folder)), None)


def load_latest(folder: Path, note: Callable[[str], None]) -> State | None:
    """The newest checkpoint that is whole.

    Args:
        folder: the run's `checkpoints` folder.
        note: is told, in one line, of each damaged checkpoint that was passed over.

    Returns:
        The state, or None where no checkpoint was ever written.

    Raises:
        RunError: there are checkpoints, but every one is damaged. Nothing is changed on disk.
    """
    paths = _newest_first(folder)
    for path in paths:
        try:
            state = load(path)
        except RunError as error:
            note(f"{error}; falling back to the one before")
            continue
        return state
    if paths:
        raise RunError(
            f"every checkpoint in {folder} is damaged ({len(paths)} tried): "
            "restore one from a backup, or train into a new folder"
        )
    return None


def load(path: Path) -> State:
    """One checkpoint, tensors on the CPU; code that a file may carry is never run.

    Raises:
        RunError: the file cannot be read or is not what was written.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise RunError(f"cannot read checkpoint {path}: {error.strerror}") from error
    if _digest(data) != _expected(path):
        raise RunError(f"checkpoint {path.name} is damaged (checksum differs)")
    try:
        return torch.load(io.BytesIO(data), map_location="cpu", weights_only=True)
    except Exception as error:  # whatever torch says of bytes it refuses
        raise RunError(f"checkpoint {path.name} is damaged ({type(error).__name__})") from error


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()[:16]


def _step(path: Path) -> int:
    match = NAME.fullmatch(path.name)
    return int(match[1]) if match else -1


def _expected(path: Path) -> str:
    match = NAME.fullmatch(path.name)
    return match[2] if match else ""


def _newest_first(folder: Path) -> list[Path]:
    return sorted((p for p in folder.glob("step-*.pt") if NAME.fullmatch(p.name)), reverse=True)


def random_state() -> State:
    """The state of Python's, NumPy's and torch's random numbers, as plain values and tensors."""
    version, inner, gauss = random.getstate()
    numpy_state: Any = np.random.get_state()  # noqa: NPY002
    algorithm, keys, position, has_gauss, cached = numpy_state
    state: State = {
        "python": [version, list(inner), gauss],
        "numpy": [algorithm, torch.from_numpy(keys.astype("int64")), position, has_gauss, cached],
        "torch": torch.get_rng_state(),
    }
    if torch.cuda.is_available():
        state["cuda"] = torch.cuda.get_rng_state()
    return state


def set_random_state(state: State) -> None:
    """Undo what was drawn since `random_state()` gave `state`."""
    version, inner, gauss = state["python"]
    random.setstate((version, tuple(inner), gauss))
    algorithm, keys, position, has_gauss, cached = state["numpy"]
    np.random.set_state(  # noqa: NPY002
        (algorithm, keys.numpy().astype("uint32"), position, has_gauss, cached)
    )
    torch.set_rng_state(state["torch"])
    if "cuda" in state and torch.cuda.is_available():
        torch.cuda.set_rng_state(state["cuda"])


def seed_everything(seed: int) -> None:
    """Start Python's, NumPy's and torch's random numbers from `seed`."""
    random.seed(seed)
    np.random.seed(seed % 2**32)  # noqa: NPY002
    torch.manual_seed(seed)
