"""Torch's fused recurrent layers beside ours: weights copied both ways, and many lengths at once.

`ragged` runs a fused layer over sequences of different lengths and reads no padding. It needs no
packed sequences, for which torch has no fused kernel on the CPU: 128 numbers in, 512 hidden and 64
sequences are ten times slower there when packed.
"""

from collections.abc import Iterator

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from gradus.core.errors import UsageError
from gradus.nn.recurrent import Cell, GRUCell, LSTMCell, Recurrent, RNNCell

Fused = nn.RNN | nn.LSTM | nn.GRU
NAMES = ("weight_ih", "weight_hh", "bias_ih", "bias_hh", "weight_hr")
"""Parameters of a cell that torch has too, under the name with `_l` and the layer's number."""


def to_torch(layer: Recurrent) -> Fused:
    """Torch's fused layer with the same weights; it gives the same outputs in evaluation.

    Raises:
        UsageError: torch's layers lack something that this one has, which is named.
    """
    cells: list[Cell] = list(layer.cells)
    first = cells[0]
    if len({type(cell) for cell in cells}) > 1:
        raise UsageError("a fused layer has cells of one kind: stack several layers")
    if any((c.hidden, c.outputs) != (first.hidden, first.outputs) for c in cells):
        raise UsageError("a fused layer has cells of one size: stack several layers")
    lacking = [what for cell in cells for what in _beyond(cell)]
    if len(layer.start):
        lacking.append("learned_start")
    if lacking:
        raise UsageError(f"torch's fused layers have no {lacking[0]}: keep the layer as it is")
    settings = {
        "num_layers": len(cells),
        "batch_first": not layer.time_major,
        "bias": first.bias_ih is not None,
    }
    fused: Fused
    if isinstance(first, LSTMCell):
        size = 0 if first.weight_hr is None else first.outputs
        fused = nn.LSTM(first.inputs, first.hidden, proj_size=size, **settings)
    elif isinstance(first, GRUCell):
        fused = nn.GRU(first.inputs, first.hidden, **settings)
    else:
        kind = "relu" if first.relu else "tanh"
        fused = nn.RNN(first.inputs, first.hidden, nonlinearity=kind, **settings)
    fused.to(first.weight_ih)
    _copy(cells, fused, to_fused=True)
    return fused


def from_torch(fused: Fused) -> Recurrent:
    """Our layer with the weights of torch's fused one; torch's dropout becomes none.

    Raises:
        UsageError: it goes in both directions.
    """
    if fused.bidirectional:
        raise UsageError("the layer must go in one direction, got bidirectional=True")
    size, hidden, bias = fused.input_size, fused.hidden_size, bool(fused.bias)
    cells: list[Cell] = []
    for _ in range(fused.num_layers):
        if isinstance(fused, nn.LSTM):
            cells.append(LSTMCell(size, hidden, projection=fused.proj_size, bias=bias))
        elif isinstance(fused, nn.GRU):
            cells.append(GRUCell(size, hidden, bias=bias))
        else:
            cells.append(RNNCell(size, hidden, relu=fused.nonlinearity == "relu", bias=bias))
        size = cells[-1].outputs
    layer = Recurrent(cells, time_major=not fused.batch_first)
    layer.to(fused.get_parameter("weight_ih_l0"))
    _copy(cells, fused, to_fused=False)
    return layer


def _beyond(cell: Cell) -> list[str]:
    """What a cell has that torch's has not."""
    if not isinstance(cell, LSTMCell):
        return []
    there = {
        "peepholes": cell.peepholes is not None,
        "clip": cell.clip,
        "projection_clip": cell.projection_clip,
    }
    return [name for name, has in there.items() if has]


@torch.no_grad()
def _copy(cells: list[Cell], fused: Fused, to_fused: bool) -> None:
    """Copy every parameter from ours to torch's, or the other way."""
    for number, cell in enumerate(cells):
        for name in NAMES:
            ours, theirs = getattr(cell, name, None), getattr(fused, f"{name}_l{number}", None)
            if ours is not None and theirs is not None:
                target, source = (theirs, ours) if to_fused else (ours, theirs)
                target.copy_(source)


def ragged(
    fused: nn.LSTM | nn.GRU | nn.RNN,
    x: Float[Tensor, "batch time inputs"],
    lengths: Int[Tensor, "batch"],
) -> Float[Tensor, "batch time outputs"]:
    """The outputs of a fused layer on sequences of different lengths, 0 after their ends.

    The sequences are sorted by length, and time is cut where one ends: from there on only the
    others are gone on with. So no step after an end is computed, in either direction of the
    gradient. It is fast where the lengths of a batch are alike, which leaves few cuts.

    Args:
        fused: goes forward only, batch first.
        x: the inputs, whatever stands after the ends.
        lengths: steps of each sequence, in [1, time].

    Raises:
        UsageError: a length is not in [1, time].
    """
    time = x.shape[1]
    if not 1 <= int(lengths.min()) <= int(lengths.max()) <= time:
        raise UsageError(
            f"lengths must be in [1, {time}], the steps there are, got {lengths.tolist()}"
        )
    ordered, order = lengths.sort(descending=True, stable=True)
    x, state, pieces = x[order.to(x.device)], None, []
    for first, after, alive in _cuts(ordered.tolist()):
        if state is not None:
            state = _first(state, alive)
        out, state = fused(x[:alive, first:after], state)
        pieces.append(nn.functional.pad(out, (0, 0, 0, 0, 0, len(x) - alive)))
    pieces.append(pieces[0].new_zeros(len(x), time - int(ordered[0]), pieces[0].shape[2]))
    return torch.cat(pieces, 1)[order.argsort().to(x.device)]


def _cuts(lengths: list[int]) -> Iterator[tuple[int, int, int]]:
    """(first step, the one after the last, how many sequences), of lengths from long to short."""
    first = 0
    for after in sorted(set(lengths)):
        yield first, after, sum(length >= after for length in lengths)
        first = after


def _first(state: Tensor | tuple[Tensor, ...], rows: int) -> Tensor | tuple[Tensor, ...]:
    """The state, "layers batch numbers", of the first sequences."""
    if isinstance(state, Tensor):
        return state[:, :rows].contiguous()
    return tuple(s[:, :rows].contiguous() for s in state)
