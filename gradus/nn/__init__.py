"""Blocks that two or more chapters use."""

from typing import TYPE_CHECKING

from gradus.core.lazy import lazy

if TYPE_CHECKING:
    from gradus.nn.recurrent import GRUCell, LSTMCell, Recurrent, RNNCell

__all__ = ["GRUCell", "LSTMCell", "RNNCell", "Recurrent"]

__getattr__ = lazy(
    __name__,
    {name: f"recurrent:{name}" for name in ("GRUCell", "LSTMCell", "RNNCell", "Recurrent")},
)
