"""Recurrent layers, written to be read: RNN, LSTM and GRU cells, stacked and unrolled (book ch. 7).

A cell does one time step: (x_t, state) -> (output, new state). `Recurrent` stacks cells and unrolls
them over time. Parameters have torch's names, shapes and order of gates, so that weights can be
copied both ways; `gradus.nn.fused` does so, and runs torch's fused layers, which are faster.

    cell = LSTMCell(inputs=10, hidden=20, peepholes=True)
    layer = Recurrent([cell, LSTMCell(20, 20)], output_dropout=0.5)
    outputs, state = layer(x, lengths)
"""

import itertools
from collections.abc import Sequence
from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn.functional import dropout, linear

from gradus.core.errors import UsageError

State = tuple[Tensor, ...]
"""What a cell remembers, each "batch numbers": (h,) of an RNN or GRU, (h, c) of an LSTM."""


class RNNCell(nn.Module):
    """A recurrent layer: h_t = tanh(W_in i_t + b_in + W_rec h_{t-1} + b_rec) (figure 7-14).

    Attributes:
        weight_ih: W_in, "hidden inputs".
        weight_hh: W_rec, "hidden hidden": every neuron is connected with every other and itself.
        bias_ih, bias_hh: b_in, b_rec, "hidden"; None without biases.
        outputs: numbers in an output, as many as hidden.
    """

    def __init__(self, inputs: int, hidden: int, *, relu: bool = False, bias: bool = True) -> None:
        """Make the cell; weights begin uniform in ± 1/√hidden, as torch's do.

        Args:
            inputs: numbers in i_t, ≥ 1.
            hidden: neurons r, ≥ 1.
            relu: max(0, z) instead of tanh z.
            bias: whether there are biases.

        Raises:
            UsageError: a size is below 1.
        """
        super().__init__()
        self.inputs, self.hidden, self.outputs, self.relu = inputs, hidden, hidden, relu
        made = fresh_weights(inputs, hidden, self.outputs, 1, bias)
        self.weight_ih, self.weight_hh, self.bias_ih, self.bias_hh = made

    def start(self, batch: int) -> State:
        """The state before the first step: zeros."""
        return (self.weight_hh.new_zeros(batch, self.hidden),)

    def forward(
        self, x: Float[Tensor, "batch inputs"], state: State
    ) -> tuple[Float[Tensor, "batch hidden"], State]:
        """One time step: the output h_t, and the state (h_t,)."""
        (h,) = state
        z = linear(x, self.weight_ih, self.bias_ih) + linear(h, self.weight_hh, self.bias_hh)
        h = z.relu() if self.relu else z.tanh()
        return h, (h,)


class LSTMCell(nn.Module):
    """A unit of long short-term memory (figures 7-17 to 7-20).

    With x the input, h the last output and c the memory cell:

        keep   f = σ(W_f [x; h] + p_f ∘ c + b_f)          which of the memory stays (7-18)
        write  i = σ(W_i [x; h] + p_i ∘ c + b_i)          which of it is written (7-19)
        new    g = tanh(W_g [x; h] + b_g)                  what is written
        memory c ← f ∘ c + i ∘ g, clipped to ± clip
        output o = σ(W_o [x; h] + p_o ∘ c + b_o)          which of it is told (7-20)
               h ← P (o ∘ tanh c)

    Peepholes p: Gers & Schmidhuber 2000. Projection P: Sak et al. 2014, whose clipped cells these
    are, too. Without them it is torch's LSTM.

    Attributes:
        weight_ih, weight_hh: W for x and for h, "4*hidden numbers": i, f, g, o one below the other.
        bias_ih, bias_hh: b, as a sum of two as in torch, "4*hidden"; None without biases.
        peepholes: p_i, p_f, p_o, "3 hidden"; None without.
        weight_hr: P, "projection hidden"; None without.
        outputs: numbers in an output: projection, or hidden where there is none.
    """

    def __init__(
        self,
        inputs: int,
        hidden: int,
        *,
        peepholes: bool = False,
        projection: int = 0,
        clip: float = 0.0,
        projection_clip: float = 0.0,
        forget_bias: float = 0.0,
        bias: bool = True,
    ) -> None:
        """Make the cell; weights begin uniform in ± 1/√hidden, as torch's do.

        Args:
            inputs: numbers in x, ≥ 1.
            hidden: numbers in the memory cell, ≥ 1.
            peepholes: whether the gates see the memory; they begin at 0.
            projection: numbers in the output (0: as many as hidden).
            clip: largest size of a number in the memory (0: any).
            projection_clip: largest size of a number in a projected output (0: any).
            forget_bias: is added to b_f at the beginning, so that at first much is kept; the book's
                TensorFlow cells have 1.
            bias: whether there are biases.

        Raises:
            UsageError: a size is below 1, a limit below 0, or a setting lacks what it is about.
        """
        super().__init__()
        for name, value in {
            "projection": projection,
            "clip": clip,
            "projection_clip": projection_clip,
        }.items():
            if value < 0:
                raise UsageError(f"{name} must be ≥ 0, got {value}")
        if projection_clip and not projection:
            raise UsageError(
                f"projection_clip={projection_clip} needs a projection, got projection=0"
            )
        if forget_bias and not bias:
            raise UsageError(f"forget_bias={forget_bias} needs biases, got bias=False")
        self.inputs, self.hidden, self.outputs = inputs, hidden, projection or hidden
        self.clip, self.projection_clip = clip, projection_clip
        made = fresh_weights(inputs, hidden, self.outputs, 4, bias)
        self.weight_ih, self.weight_hh, self.bias_ih, self.bias_hh = made
        self.peepholes = nn.Parameter(torch.zeros(3, hidden)) if peepholes else None
        self.weight_hr = uniform(hidden, projection, hidden) if projection else None
        if forget_bias and self.bias_ih is not None:
            self.bias_ih.data[hidden : 2 * hidden] += forget_bias

    def start(self, batch: int) -> State:
        """The state before the first step: h and c of zeros."""
        zeros = self.weight_hh.new_zeros
        return zeros(batch, self.outputs), zeros(batch, self.hidden)

    def forward(
        self, x: Float[Tensor, "batch inputs"], state: State
    ) -> tuple[Float[Tensor, "batch outputs"], State]:
        """One time step: the output h, and the state (h, c)."""
        h, c = state
        z = linear(x, self.weight_ih, self.bias_ih) + linear(h, self.weight_hh, self.bias_hh)
        write, keep, new, output = z.chunk(4, 1)
        if self.peepholes is not None:
            write, keep = write + self.peepholes[0] * c, keep + self.peepholes[1] * c
        c = keep.sigmoid() * c + write.sigmoid() * new.tanh()
        if self.clip:
            c = c.clamp(-self.clip, self.clip)
        if self.peepholes is not None:
            output = output + self.peepholes[2] * c
        h = output.sigmoid() * c.tanh()
        if self.weight_hr is not None:
            h = linear(h, self.weight_hr)
        if self.projection_clip:
            h = h.clamp(-self.projection_clip, self.projection_clip)
        return h, (h, c)


class GRUCell(nn.Module):
    """A gated recurrent unit (Cho et al. 2014), in torch's form.

        reset  r = σ(W_r x + b + U_r h + b')
        update z = σ(W_z x + b + U_z h + b')               which of h stays
        new    n = tanh(W_n x + b + r ∘ (U_n h + b'))
               h ← (1 - z) ∘ n + z ∘ h

    Attributes:
        weight_ih, weight_hh: W and U, "3*hidden numbers": r, z, n one below the other.
        bias_ih, bias_hh: b, b', "3*hidden"; None without biases.
        outputs: numbers in an output, as many as hidden.
    """

    def __init__(self, inputs: int, hidden: int, *, bias: bool = True) -> None:
        """Make the cell; arguments and errors as `RNNCell`."""
        super().__init__()
        self.inputs, self.hidden, self.outputs = inputs, hidden, hidden
        made = fresh_weights(inputs, hidden, self.outputs, 3, bias)
        self.weight_ih, self.weight_hh, self.bias_ih, self.bias_hh = made

    def start(self, batch: int) -> State:
        """The state before the first step: zeros."""
        return (self.weight_hh.new_zeros(batch, self.hidden),)

    def forward(
        self, x: Float[Tensor, "batch inputs"], state: State
    ) -> tuple[Float[Tensor, "batch hidden"], State]:
        """One time step: the output h, and the state (h,)."""
        (h,) = state
        reset, update, new = linear(x, self.weight_ih, self.bias_ih).chunk(3, 1)
        old_reset, old_update, old = linear(h, self.weight_hh, self.bias_hh).chunk(3, 1)
        reset, update = (reset + old_reset).sigmoid(), (update + old_update).sigmoid()
        new = (new + reset * old).tanh()
        h = (1 - update) * new + update * h
        return h, (h,)


Cell = RNNCell | LSTMCell | GRUCell


class Recurrent(nn.Module):
    """Cells one above the other (figure 7-22), unrolled over time (figures 7-15 and 7-21).

    The input of each cell is the output of the one below it. Each cell has weights of its own.

    Attributes:
        cells: from the bottom up.
        start: the learned states before the first step, those of a cell one after the other; none
            where they are zeros.
    """

    cells: Any

    def __init__(
        self,
        cells: Sequence[Cell],
        *,
        input_dropout: float = 0.0,
        output_dropout: float = 0.0,
        learned_start: bool = False,
        time_major: bool = False,
    ) -> None:
        """Stack cells.

        Args:
            cells: at least one; each takes as many numbers as the one below it gives.
            input_dropout: probability that a number of a cell's input is left out in training,
                anew at each time step; the others are scaled up.
            output_dropout: the same of a cell's output. The state is left as it is.
            learned_start: whether the states before the first step are parameters.
            time_major: whether inputs and outputs are "time batch features" instead of
                "batch time features".

        Raises:
            UsageError: there is no cell, two do not fit or are one, or a probability is not in
                [0, 1).
        """
        super().__init__()
        if not cells:
            raise UsageError("cells must hold at least one cell, got none")
        if len(set(map(id, cells))) < len(cells):
            raise UsageError("cells must be different objects: one repeated shares its weights")
        for number, (below, above) in enumerate(itertools.pairwise(cells), 1):
            if below.outputs != above.inputs:
                raise UsageError(
                    f"cell {number} must take the {below.outputs} numbers that the one below it "
                    f"gives, got inputs={above.inputs}"
                )
        for name, p in (("input_dropout", input_dropout), ("output_dropout", output_dropout)):
            if not 0 <= p < 1:
                raise UsageError(f"{name} must be in [0, 1), got {p}")
        self.cells = nn.ModuleList(cells)
        self.input_dropout, self.output_dropout = input_dropout, output_dropout
        self.time_major = time_major
        starts = [s for cell in cells for s in cell.start(1)] if learned_start else []
        self.start = nn.ParameterList(nn.Parameter(s[0]) for s in starts)

    def forward(
        self,
        x: Float[Tensor, "one two inputs"],
        lengths: Int[Tensor, "batch"] | None = None,
        states: Sequence[State] | None = None,
    ) -> tuple[Float[Tensor, "one two outputs"], list[State]]:
        """Go over sequences.

        Args:
            x: "batch time inputs", or "time batch inputs" if `time_major`.
            lengths: steps of each sequence, in [0, time]; by default all. What comes after them is
                not read: outputs are 0 there, and the state stays what it was at the end.
            states: of each cell before the first step; by default the learned ones, or zeros.

        Returns:
            outputs of the uppermost cell, in the layout of x; and the last state of each cell.

        Raises:
            UsageError: a length is not in [0, time].
        """
        h = x if self.time_major else x.transpose(0, 1)
        time, batch = h.shape[:2]
        inside = None if lengths is None else self._inside(lengths, time)
        states = self._starts(batch) if states is None else states
        last = []
        for cell, start in zip(self.cells, states, strict=True):
            h = dropout(h, self.input_dropout, self.training)
            h, state = unroll(cell, h, start, inside)
            h = dropout(h, self.output_dropout, self.training)
            last.append(state)
        return h if self.time_major else h.transpose(0, 1), last

    def _inside(self, lengths: Int[Tensor, "batch"], time: int) -> Tensor:
        """Whether each step belongs to each sequence, "time batch 1"."""
        if lengths.numel() and not 0 <= int(lengths.min()) <= int(lengths.max()) <= time:
            raise UsageError(
                f"lengths must be in [0, {time}], the steps there are, got {lengths.tolist()}"
            )
        return (torch.arange(time, device=lengths.device)[:, None] < lengths)[:, :, None]

    def _starts(self, batch: int) -> list[State]:
        """The states before the first step."""
        states = [cell.start(batch) for cell in self.cells]
        if len(self.start):
            learned = iter(self.start)
            states = [tuple(next(learned).expand_as(s) for s in state) for state in states]
        return states


def unroll(
    cell: Cell, x: Float[Tensor, "time batch inputs"], state: State, inside: Tensor | None = None
) -> tuple[Float[Tensor, "time batch outputs"], State]:
    """One cell over time: the same weights at every step.

    Args:
        cell: does a step.
        x: the inputs.
        state: before the first step.
        inside: whether each step belongs to each sequence, "time batch 1"; None: all do.

    Returns:
        outputs, 0 after a sequence's end, and the state at its end.
    """
    outputs = []
    for t, x_t in enumerate(x):
        h, new = cell(x_t, state)
        if inside is not None:
            h = h * inside[t]
            new = tuple(torch.where(inside[t], a, b) for a, b in zip(new, state, strict=True))
        state = new
        outputs.append(h)
    return torch.stack(outputs) if outputs else x.new_zeros(0, x.shape[1], cell.outputs), state


Weights = tuple[nn.Parameter, nn.Parameter, nn.Parameter | None, nn.Parameter | None]


def fresh_weights(inputs: int, hidden: int, outputs: int, gates: int, bias: bool) -> Weights:
    """weight_ih, weight_hh, bias_ih and bias_hh of so many gates.

    Raises:
        UsageError: a size is below 1.
    """
    for name, size in (("inputs", inputs), ("hidden", hidden)):
        if size < 1:
            raise UsageError(f"{name} must be ≥ 1, got {size}")
    rows = gates * hidden
    return (
        uniform(hidden, rows, inputs),
        uniform(hidden, rows, outputs),
        uniform(hidden, rows) if bias else None,
        uniform(hidden, rows) if bias else None,
    )


def uniform(hidden: int, *shape: int) -> nn.Parameter:
    """A parameter that begins uniform in ± 1/√hidden."""
    reach = hidden**-0.5
    return nn.Parameter(torch.empty(*shape).uniform_(-reach, reach))
