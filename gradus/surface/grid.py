"""Evaluations that are kept in a file while they grow, so that a rerun goes on where one stopped.

The file is an .npz archive with `coordinates`, one row for each point, and the values found so far,
one array for each name (`loss`, `accuracy` …), the points in the same order.
"""

import hashlib
import io
import time
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float
from torch import Tensor

from gradus.core.batches import DataSet
from gradus.core.errors import DataError
from gradus.core.files import save_arrays
from gradus.core.progress import Reporter, current
from gradus.core.task import Task
from gradus.surface.evaluation import Method, Values, chunk_size, losses_at

SAVE_SECONDS = 2.0
"""Least time between two writes of a file that grows."""


def evaluate_points(
    task: Task,
    batches: DataSet,
    coordinates: Float[np.ndarray, "points k"],
    basis: Float[Tensor, "k parameters"],
    *,
    file: Path | None = None,
    method: Method = "auto",
    reporter: Reporter | None = None,
    what: str = "",
) -> Values:
    """Mean loss and metrics at every point, with progress; see `losses_at`.

    Args:
        task: any task.
        batches: the examples to measure on.
        coordinates: c of each point.
        basis: b.
        file: an .npz that holds what is done; one of the same points, model and examples is gone
            on with, and the numbers are those of a run that never stopped. Another is replaced.
        method: see `losses_at`.
        reporter: hears of each point; by default the one in use.
        what: what to tell it this work is.

    Returns:
        name -> values of all points.

    Raises:
        DataError: the file is damaged.
        RunError: the file cannot be written.
    """
    reporter = reporter or current()
    mark = fingerprint(task, batches, coordinates, basis) if file else ""
    values = _load(file, mark, chunk_size(task.model)) if file else {}
    done = _count(values)
    reporter.begin(len(coordinates), done, what)
    saved = time.monotonic()
    try:
        for found in losses_at(task, batches, coordinates, basis, first=done, method=method):
            values = {n: np.concatenate([values.get(n, new[:0]), new]) for n, new in found.items()}
            for loss in found["loss"]:
                reporter.step(float(loss))
            if file and time.monotonic() - saved >= SAVE_SECONDS:
                save_arrays(file, fingerprint=np.array(mark), coordinates=coordinates, **values)
                saved = time.monotonic()
    finally:
        reporter.end()
    if file and done < len(coordinates):
        save_arrays(file, fingerprint=np.array(mark), coordinates=coordinates, **values)
    return values


def fingerprint(task: Task, batches: DataSet, *arrays: Float[np.ndarray, "..."] | Tensor) -> str:
    """A digest of the model's tensors, the examples and further arrays: equal ones, equal work."""
    digest = hashlib.sha256(f"{batches.batch_size} {batches.seed}".encode())
    for value in (*task.model.state_dict().values(), *batches.tensors, *arrays):
        array = value.detach().cpu().numpy() if isinstance(value, Tensor) else value
        digest.update(f"{array.shape} {array.dtype}".encode())
        digest.update(np.ascontiguousarray(array).data)
    return digest.hexdigest()


def load_arrays(file: Path, mark: str) -> dict[str, Any]:
    """The arrays of an .npz archive with this fingerprint; none where there is no such file.

    Raises:
        DataError: the file is not what `save_arrays` wrote.
    """
    if not file.exists():
        return {}
    try:
        with np.load(io.BytesIO(file.read_bytes()), allow_pickle=False) as archive:
            arrays = dict(archive)
        return arrays if str(arrays.pop("fingerprint")) == mark else {}
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
        raise DataError(f"{file} is damaged ({type(error).__name__}): delete it") from error


def _load(file: Path, mark: str, chunk: int) -> Values:
    """The values of the whole chunks that a file holds."""
    arrays = load_arrays(file, mark)
    points = arrays.pop("coordinates", ())
    done = _count(arrays)
    whole = done if done == len(points) else done - done % chunk
    return {name: values[:whole] for name, values in arrays.items()}


def _count(values: Values) -> int:
    return min((len(v) for v in values.values()), default=0)
