"""TensorBoard: scalars, parameter histograms, images and the graph of a run."""

import contextlib
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.tensorboard import SummaryWriter


class EventLog:
    """Writes a run's `tensorboard` folder; every call is cheap next to a training step."""

    def __init__(self, folder: Path, resumed_at: int | None = None) -> None:
        """Open the folder.

        Args:
            folder: where the event files go.
            resumed_at: the step a resumed run goes on from; later events are taken back.
        """
        self.writer = SummaryWriter(
            str(folder), purge_step=None if resumed_at is None else resumed_at + 1
        )

    def scalars(self, values: Mapping[str, Any], step: int) -> None:
        """Record numbers, at this many steps of training."""
        for name, value in values.items():
            self.writer.add_scalar(name, value, step)

    def histograms(self, model: nn.Module, step: int) -> None:
        """Record the distribution of every parameter."""
        for name, parameter in model.named_parameters():
            self.writer.add_histogram(name, parameter.detach().cpu(), step)

    def images(self, pictures: Mapping[str, Tensor], step: int) -> None:
        """Record named batches of images, "image channel height width" in [0, 1]."""
        for name, batch in pictures.items():
            self.writer.add_images(name, batch, step)

    def graph(self, model: nn.Module, sample: Tensor) -> None:
        """Record the model's graph, where torch can trace it."""
        training = model.training
        model.eval()
        with warnings.catch_warnings(), contextlib.suppress(RuntimeError), torch.no_grad():
            warnings.simplefilter("ignore")
            self.writer.add_graph(model, sample)
        model.train(training)

    def close(self) -> None:
        """Write what is left."""
        self.writer.close()
