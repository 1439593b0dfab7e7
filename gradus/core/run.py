"""The run folder: everything that a training leaves behind, and all that is needed to go on.

- `run.json`: recipe, config, versions, device, seed, git revision, results, facts
- `metrics.jsonl`: one line an epoch, only what is reproducible
- `timing.jsonl`: one line an epoch, seconds
- `weights.safetensors`: the best epoch's parameters
- `checkpoints/`: the latest five, to resume from
- `snapshots/`: parameters of earlier epochs, where the recipe keeps some
- `tensorboard/`, `figures/`, `report.md`

Folders are made, found and read by `gradus.core.folders`; `gradus.core.machine` tells what a run
was made with.
"""

import contextlib
import fcntl
import hashlib
import json
import os
import shlex
import time
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TextIO

from gradus.core.errors import RunError, UsageError
from gradus.core.files import PART, write_atomically
from gradus.core.folders import FORMAT, all_runs, new_folder, read_info
from gradus.core.machine import environment, processor
from gradus.core.recipe import FitConfig, Recipe, config_from_json, config_to_json, resolve

__all__ = [
    "FORMAT",
    "Record",
    "Run",
    "all_runs",
    "create",
    "environment",
    "new_folder",
    "processor",
    "read_info",
]
LOCK_POLL = 0.2
"""Time between two tries for a folder that another process holds, in s."""

Record = dict[str, Any]


class Run:
    """One run folder, with the recipe it belongs to.

    Attributes:
        path: the folder.
        recipe: what was trained.
        info: the contents of run.json.
    """

    def __init__(self, path: Path, recipe: Recipe, info: dict[str, Any]) -> None:
        self.path = path
        self.recipe = recipe
        self.info = info
        self._task: Any = None

    def __repr__(self) -> str:
        return f"Run({str(self.path)!r}, recipe={self.recipe.name!r}, status={self.status!r})"

    @property
    def config(self) -> FitConfig:
        """The settings of this run."""
        return config_from_json(self.recipe, self.info["config"])

    @property
    def status(self) -> str:
        """One of `running`, `interrupted`, `failed`, `complete`."""
        return self.info["status"]

    @property
    def checkpoints(self) -> Path:
        """The folder of the checkpoints."""
        return self.path / "checkpoints"

    @property
    def results(self) -> dict[str, Any]:
        """What the run came to: `validation`, `test`, `seconds`, `best_epoch`."""
        return self.info.get("results", {})

    def records(self, name: str = "metrics") -> list[Record]:
        """The whole lines of metrics.jsonl (or timing.jsonl), one per epoch."""
        path = self.path / f"{name}.jsonl"
        if not path.exists():
            return []
        lines = path.read_text().splitlines(keepends=True)
        return [json.loads(line) for line in lines if line.endswith("\n")]

    def append(self, name: str, record: Mapping[str, Any]) -> None:
        """Add one line to metrics.jsonl or timing.jsonl."""
        path = self.path / f"{name}.jsonl"
        try:
            with open(path, "a") as file:
                file.write(json.dumps(record) + "\n")
        except OSError as error:
            raise RunError(
                f"cannot write {path} ({error.strerror}); make room and go on with --resume"
            ) from error

    def sync(self) -> None:
        """Have what was appended reach the disk: a checkpoint may rely on it."""
        for name in ("metrics", "timing"):
            path = self.path / f"{name}.jsonl"
            if path.exists():
                with open(path, "rb") as file:
                    os.fsync(file.fileno())

    def rewind(self, epochs: int, *, write: bool = True) -> list[Record]:
        """The records of the first `epochs`; with `write` the later ones are dropped on disk.

        Raises:
            RunError: metrics.jsonl holds fewer; nothing was changed.
        """
        records = self.records()[:epochs]
        if len(records) < epochs:
            raise RunError(
                f"{self.path}/metrics.jsonl holds {len(records)} epochs, the checkpoint "
                f"{epochs}: restore the file from a backup, or train into a new folder"
            )
        if write:
            self.truncate(epochs)
        return records

    def truncate(self, epochs: int) -> None:
        """Keep only the first `epochs` lines of metrics.jsonl and timing.jsonl."""
        for name in ("metrics", "timing"):
            path = self.path / f"{name}.jsonl"
            if path.exists():
                lines = path.read_text().splitlines(keepends=True)[:epochs]
                write_atomically(path, "".join(lines).encode())

    def update(self, **changes: Any) -> None:
        """Lay `changes` over run.json."""
        self.info = {**self.info, **changes}
        text = json.dumps(self.info, indent=2, ensure_ascii=False) + "\n"
        write_atomically(self.path / "run.json", text.encode())

    def save_weights(self, state: Mapping[str, Any]) -> None:
        """Write the best parameters, and their checksum into run.json."""
        data = _packed(state)
        write_atomically(self.path / "weights.safetensors", data)
        self.update(weights_sha256=hashlib.sha256(data).hexdigest())

    def weights_are_whole(self) -> bool:
        """Whether weights.safetensors is there and is what was written."""
        path = self.path / "weights.safetensors"
        if not path.exists():
            return False
        return hashlib.sha256(path.read_bytes()).hexdigest() == self.info.get("weights_sha256")

    def load_weights(self) -> dict[str, Any]:
        """The best parameters so far, by name, on the CPU.

        Raises:
            RunError: they are damaged, or there are none yet.
        """
        from safetensors import SafetensorError
        from safetensors.torch import load

        from gradus.core.checkpoint import load_latest

        path = self.path / "weights.safetensors"
        if path.exists():
            try:
                if self.weights_are_whole():
                    return load(path.read_bytes())
            except SafetensorError:  # not safetensors, though run.json vouches for it
                pass
            raise RunError(f"{path} is damaged; write it anew with: {self.resume_command()}")
        state = load_latest(self.checkpoints, note=lambda _: None)
        if state is None or state["best"] is None:
            raise RunError(f"{self.path} holds no weights yet; go on with: {self.resume_command()}")
        return state["best"]["model"]

    def save_snapshot(self, epoch: int, state: Mapping[str, Any]) -> None:
        """Keep the parameters after an epoch in `snapshots`."""
        path = self._snapshot(epoch)
        path.parent.mkdir(exist_ok=True)
        write_atomically(path, _packed(state))

    def snapshots(self) -> list[int]:
        """The epochs whose parameters were kept, first to last."""
        files = (self.path / "snapshots").glob("epoch-*.safetensors")
        return sorted(int(file.stem.removeprefix("epoch-")) for file in files)

    def load_snapshot(self, epoch: int) -> dict[str, Any]:
        """The parameters kept after an epoch, by name, on the CPU.

        Raises:
            UsageError: none were kept after this one.
            RunError: they are damaged.
        """
        from safetensors import SafetensorError
        from safetensors.torch import load

        path = self._snapshot(epoch)
        if not path.exists():
            kept = ", ".join(map(str, self.snapshots())) or "none"
            raise UsageError(f"{self.path} has no snapshot of epoch {epoch}; kept: {kept}")
        try:
            return load(path.read_bytes())
        except SafetensorError as error:
            raise RunError(f"{path} is damaged: {error}") from error

    def _snapshot(self, epoch: int) -> Path:
        return self.path / "snapshots" / f"epoch-{epoch:04d}.safetensors"

    def resume_command(self) -> str:
        """What the user types to go on with this run."""
        return f"gradus train {self.recipe.name} --run-dir {shlex.quote(str(self.path))} --resume"

    def task(self) -> Any:
        """The run's task, with the best parameters in its model; built once, then kept."""
        from gradus.core.task import build_task

        if self._task is None:
            self._task = build_task(self.recipe, self.config)
            self._task.model.load_state_dict(self.load_weights())
        return self._task

    def practice(self) -> Any:
        """The same for a recipe that learns by acting: its practice, best parameters in its model.

        Raises:
            UsageError: the recipe learns from examples.
        """
        import torch

        from gradus.core.practice import Practice, build_practice

        if not isinstance(self._task, Practice):
            built = build_practice(self.recipe, self.config, torch.device("cpu"))
            built.model.load_state_dict(self.load_weights())
            self._task = built
        return self._task

    def remember(self, task: Any) -> None:
        """Keep a task that already has the best parameters, so that none has to be built."""
        task.model.to("cpu")
        self._task = task

    def evaluate(
        self, split: str = "test", *, episodes: int = 0, epsilon: float | None = None
    ) -> dict[str, float]:
        """Mean loss and metrics of the best parameters on `test`, `validation` or `train`.

        Args:
            split: which examples; of a recipe that learns by acting, which seeds of episodes.
            episodes: how many of them (0: the recipe's own number).
            epsilon: share of random actions, in [0, 1]; None: the recipe's own.
        """
        from gradus.core.task import measure

        _check_split(split)
        if self.recipe.run:
            return self.practice().test(split, episodes, epsilon)
        if episodes or epsilon is not None:
            raise UsageError(
                f"{self.recipe.name} learns from examples: it has no episodes and no epsilon"
            )
        return measure(self.task(), self._examples(split))

    def details(self, split: str = "test") -> list[dict[str, Any]]:
        """The rows of the recipe's own table of a split, such as one for each class; often none."""
        _check_split(split)
        task = None if self.recipe.run else self.task()
        if task is None or task.details is None:
            return []
        return task.details(task.model.eval(), self._examples(split))

    def _examples(self, split: str) -> Any:
        """The examples of `test`, `validation` or `train`."""
        task = self.task()
        return task.test() if split == "test" else getattr(task, split)

    def predictor(self) -> Any:
        """A function that answers about new inputs, from the run folder alone."""
        return resolve(self.recipe.load)(self)

    def predict(self, *inputs: Any) -> list[dict[str, Any]]:
        """The answers about `inputs`: files or values, whatever the recipe takes."""
        return self.predictor()(*inputs)

    def formats(self) -> dict[str, Any]:
        """The forms that answers can be written in: name -> function of the answers; often none."""
        return dict(resolve(self.recipe.formats)) if self.recipe.formats else {}

    def figures(self) -> dict[str, Any]:
        """The figures that can be drawn of this run: name -> function of the run."""
        return dict(resolve(self.recipe.figures))

    def figure(self, name: str) -> Path:
        """Draw one of the run's figures into its `figures` folder; the path of the PNG."""
        from gradus.core.plot import save
        from gradus.core.recipe import nearest

        known = self.figures()
        if name not in known:
            raise UsageError(f"{self.recipe.name} has no figure {name!r}{nearest(name, known)}")
        if not self.results:
            raise RunError(
                f"{self.path} is {self.status}, its figures need a complete run; "
                f"go on with: {self.resume_command()}"
            )
        return save(known[name](self), self.path / "figures" / f"{name}.png")

    @contextlib.contextmanager
    def lock(self, patience: float = 0.0) -> Iterator[None]:
        """Hold the folder for writing; the lock goes with the process, however it ends.

        Args:
            patience: how long, in s, another training may take to end before this one gives up.

        Raises:
            UsageError: another process is training into this folder.
        """
        deadline = time.monotonic() + patience
        with _open_lock(self.path / ".lock") as file:
            while not _lock(file):
                if time.monotonic() >= deadline:
                    file.seek(0)
                    raise UsageError(
                        f"another training (process {file.read().strip()}) is writing into "
                        f"{self.path}: wait for it, or choose another --run-dir"
                    )
                time.sleep(LOCK_POLL)
            file.truncate(0)
            file.write(str(os.getpid()))
            file.flush()
            for left in self.path.rglob(f".*{PART}"):  # by a process that was killed
                left.unlink(missing_ok=True)
            yield


def _check_split(split: str) -> None:
    """Refuse the name of a split that there is not."""
    if split not in ("test", "validation", "train"):
        raise UsageError(f"split must be test, validation or train, got {split!r}")


def _packed(state: Mapping[str, Any]) -> bytes:
    """Parameters as the bytes of a safetensors file."""
    from safetensors.torch import save

    return save({name: tensor.contiguous().cpu() for name, tensor in state.items()})


def _open_lock(path: Path) -> TextIO:
    try:
        return open(path, "a+")
    except OSError as error:
        raise UsageError(f"cannot write into run folder {path.parent}: {error.strerror}") from error


def _lock(file: TextIO) -> bool:
    """Take the lock if it is free; whether it is ours."""
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def create(recipe: Recipe, config: FitConfig, path: Path | None = None) -> Run:
    """A new run folder.

    Args:
        recipe: what will be trained.
        config: with which settings.
        path: the folder; by default `runs/<recipe>-<number>`, the next number that is free.

    Raises:
        UsageError: the folder already holds something, or cannot be written.
    """
    run = Run(new_folder(path, recipe.name), recipe, {})
    run.update(
        format=FORMAT,
        recipe=recipe.name,
        status="running",
        config=config_to_json(config),
        seed=config.seed,
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        environment=environment(),
    )
    return run
