"""A task small enough to train in a test, and a recipe of it."""

from dataclasses import replace

import torch
from torch import nn
from torch.nn.functional import cross_entropy

from gradus.core.batches import Batches
from gradus.core.device import open_device
from gradus.core.recipe import FitConfig, Recipe
from gradus.core.task import Task


def tiny_task(config: FitConfig, n: int = 60, dropout: float = 0.3) -> Task:
    """Three classes in four dimensions, learnable, with dropout so that noise matters."""
    generator = torch.Generator().manual_seed(7)
    x = torch.randn(3 * n, 4, generator=generator)
    y = x[:, :3].argmax(1)
    parts = [(x[i * n : (i + 1) * n], y[i * n : (i + 1) * n]) for i in range(3)]
    model = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Dropout(dropout), nn.Linear(8, 3))

    def loss(model, batch):
        logits = model(batch[0])
        right = logits.detach().argmax(1) == batch[1]
        return cross_entropy(logits, batch[1]), {"accuracy": lambda: right}

    return Task(
        model=model,
        train=Batches(parts[0], config.batch_size, config.seed),
        validation=Batches(parts[1], n),
        test=lambda: Batches(parts[2], n),
        loss=loss,
        sample=x[:2],
        measure_every=1,
        watch="validation/accuracy",
        better="max",
    )


FIGURES: dict = {}

TINY = Recipe(
    name="tiny",
    summary="A tiny task.",
    source="this test",
    data="generated",
    config=FitConfig(epochs=6, batch_size=16, lr=0.3, momentum=0.5, checkpoint_seconds=0),
    task="tests.tiny:tiny_task",
    load="tests.tiny:load",
    figures="tests.tiny:FIGURES",
    metric="accuracy",
)


def calm_task(config: FitConfig) -> Task:
    """The tiny task without dropout: its loss is the same each time."""
    return tiny_task(config, dropout=0.0)


CALM = replace(TINY, name="calm", task="tests.tiny:calm_task")


def load(run):
    """Class numbers for rows of four numbers."""
    task = tiny_task(run.config)
    task.model.load_state_dict(run.load_weights())
    task.model.eval()
    return lambda *rows: [{"label": int(task.model(torch.tensor(r)).argmax())} for r in rows]


def cpu():
    """The CPU as a device."""
    return open_device("cpu")
