"""Gradus: all of "Fundamentals of Deep Learning" as working PyTorch software.

    import gradus

    run = gradus.train("digits-mlp", quick=True)
    run.evaluate()
    run = gradus.open("runs/digits-mlp-1")

The models are plain `torch.nn.Module`s: `from gradus.neurons import MLP`.
"""

from typing import TYPE_CHECKING

from gradus.core.lazy import lazy

if TYPE_CHECKING:
    from gradus.api import open_run as open
    from gradus.api import train
    from gradus.core.errors import DataError, RunError, UsageError
    from gradus.core.run import Run

__version__ = "0.1.0"
__all__ = ["DataError", "Run", "RunError", "UsageError", "open", "train"]

__getattr__ = lazy(
    __name__,
    {
        "train": "api:train",
        "open": "api:open_run",
        "Run": "core.run:Run",
        "UsageError": "core.errors:UsageError",
        "RunError": "core.errors:RunError",
        "DataError": "core.errors:DataError",
    },
)
