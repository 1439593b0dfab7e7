"""TensorBoard: scalars, parameter histograms, images and the graph of a run."""

import contextlib
import io
import warnings
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import torch
from tensorboard.summary.writer.record_writer import RecordWriter
from torch import Tensor, nn
from torch.utils.tensorboard import SummaryWriter

from gradus.core.errors import RunError


class EventFile:
    """An event file that is written in the caller's thread.

    TensorBoard's own writer has a thread, and a full disk ends that thread with a traceback.
    """

    def __init__(self, path: Path) -> None:
        """Go on writing at the end of the file at `path`."""
        self.path = path
        self.file = open(path, "ab")  # noqa: SIM115
        self.records = RecordWriter(self.file)

    def get_logdir(self) -> str:
        """The folder of the file."""
        return str(self.path.parent)

    def add_event(self, event: Any) -> None:
        """Write an event (a protocol buffer)."""
        self.records.write(event.SerializeToString())

    def flush(self) -> None:
        """Hand what was written to the system."""
        self.file.flush()

    def close(self) -> None:
        """Close the file."""
        self.file.close()


class EventLog:
    """Writes a run's `tensorboard` folder; every call is cheap next to a training step.

    Every method raises RunError where the folder cannot be written.
    """

    def __init__(self, folder: Path, resumed_at: int | None = None) -> None:
        """Open the folder.

        Args:
            folder: where the event files go.
            resumed_at: the step a resumed run goes on from; later events are taken back.
        """
        self.folder = folder
        with self._writing():
            self.writer = SummaryWriter(
                str(folder), purge_step=None if resumed_at is None else resumed_at + 1
            )
            file_writer: Any = self.writer.file_writer
            threaded = file_writer.event_writer
            threaded.close()
            self.file = file_writer.event_writer = EventFile(Path(threaded._file_name))

    def scalars(self, values: Mapping[str, Any], step: int) -> None:
        """Record numbers, at this many steps of training."""
        with self._writing():
            for name, value in values.items():
                self.writer.add_scalar(name, value, step)

    def histograms(self, model: nn.Module, step: int) -> None:
        """Record the distribution of every parameter."""
        with self._writing():
            for name, parameter in model.named_parameters():
                self.writer.add_histogram(name, parameter.detach().cpu(), step)

    def images(self, pictures: Mapping[str, Tensor], step: int) -> None:
        """Record named batches of images, "image channel height width" in [0, 1]."""
        with self._writing():
            for name, batch in pictures.items():
                self.writer.add_images(name, batch, step)

    def graph(self, model: nn.Module, sample: Tensor) -> None:
        """Record the model's graph, where torch can trace it."""
        training = model.training
        model.eval()
        with (
            self._writing(),
            warnings.catch_warnings(),
            contextlib.suppress(RuntimeError),
            contextlib.redirect_stdout(io.StringIO()),  # torch prints what it cannot trace
            torch.no_grad(),
        ):
            warnings.simplefilter("ignore")
            self.writer.add_graph(model, sample)
        model.train(training)

    def flush(self) -> None:
        """Hand what was recorded to the system, so that it outlives this process."""
        with self._writing():
            self.writer.flush()

    def close(self) -> None:
        """Write what is left."""
        with self._writing(), contextlib.closing(self.file):
            self.writer.close()

    @contextlib.contextmanager
    def _writing(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise RunError(
                f"cannot write {self.folder} ({error.strerror}); make room and go on with --resume"
            ) from error
