"""The Neural Turing Machine (book ch. 8)."""

from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.functional import softplus

from gradus.core.errors import UsageError
from gradus.memory.addressing import (
    content_weighting,
    erase_and_add,
    interpolate,
    oneplus,
    read,
    rotate,
    sharpen,
)
from gradus.memory.controller import State, at_least_1, make_controller, unroll

START = 1e-6
"""What every number of the memory is at first (Collier & Beel 2018 found a constant best)."""


class NTMState(NamedTuple):
    """What is carried from one time step to the next.

    Attributes:
        memory: M.
        weightings: w of every head, those that read first; each sums to 1.
        reads: r of all read heads, one after the other.
        controller: state of the controller.
    """

    memory: Float[Tensor, "batch locations width"]
    weightings: Float[Tensor, "batch heads locations"]
    reads: Float[Tensor, "batch reads"]
    controller: State


class NTMHeads(NamedTuple):
    """What the controller says to the heads in one time step.

    Attributes:
        keys: k, what each head looks for.
        strengths: β ≥ 0, how sharply.
        gates: g in (0, 1), by content (1) or from where it stands (0).
        shifts: s, a distribution over moves.
        gammas: γ ≥ 1, how much the weighting is sharpened.
        erase: e in (0, 1) of each write head.
        add: v of each write head.
    """

    keys: Float[Tensor, "batch heads width"]
    strengths: Float[Tensor, "batch heads"]
    gates: Float[Tensor, "batch heads"]
    shifts: Float[Tensor, "batch heads shifts"]
    gammas: Float[Tensor, "batch heads"]
    erase: Float[Tensor, "batch writes width"]
    add: Float[Tensor, "batch writes width"]


class NTM(nn.Module):
    """A controller with a memory of N locations that it reads and writes by blurry attention.

    In a time step the controller sees the input and what was last read; every head finds its
    weighting in M_{t-1}; the write heads write, one after the other; the read heads read M_t; the
    output is W_y [h; r] + b. At first all numbers of the memory are equal and every head stands
    on location 0. No parameter depends on N, so a trained machine runs with a larger memory:
    `start(batch, locations)`.

    Source: Graves, Wayne, Danihelka 2014, "Neural Turing Machines".

    Attributes:
        controller: sees the input, runs the heads.
        heads: from the controller's h to everything the heads are told, one product.
        output: from h and r to the output.
    """

    def __init__(
        self,
        inputs: int,
        outputs: int,
        *,
        locations: int = 128,
        width: int = 20,
        reads: int = 1,
        writes: int = 1,
        hidden: int = 100,
        controller: str = "feed-forward",
        shift: int = 1,
    ) -> None:
        """Make the machine.

        Args:
            inputs: numbers in an input, ≥ 1.
            outputs: numbers in an output, ≥ 1.
            locations: N, ≥ 1.
            width: W, numbers in a location, ≥ 1.
            reads: read heads, ≥ 1.
            writes: write heads, ≥ 1.
            hidden: neurons of the controller, ≥ 1.
            controller: `feed-forward` or `lstm`.
            shift: the farthest a head moves in a step, in [0, N].

        Raises:
            UsageError: naming the argument that is out of range.
        """
        super().__init__()
        at_least_1(outputs=outputs, locations=locations, width=width, reads=reads, writes=writes)
        if not 0 <= shift <= locations:
            raise UsageError(f"shift must be in [0, {locations}], the locations, got {shift}")
        self.locations, self.width = locations, width
        self.n_reads, self.n_writes, self.moves = reads, writes, 2 * shift + 1
        count = reads + writes
        self.parts = (count * width, writes * width, writes * width, count, count, count)
        self.controller = make_controller(controller, inputs, reads * width, hidden)
        self.heads = nn.Linear(hidden, sum(self.parts) + count * self.moves)
        self.output = nn.Linear(hidden + reads * width, outputs)

    def start(self, batch: int, locations: int | None = None) -> NTMState:
        """The state before the first step.

        Args:
            batch: sequences side by side.
            locations: N, if the memory should be of another size than it was made with.
        """
        n = self.locations if locations is None else locations
        at_least_1(locations=n)
        new = self.output.weight.new_zeros
        weightings = new(batch, self.n_reads + self.n_writes, n)
        weightings[..., 0] = 1
        return NTMState(
            new(batch, n, self.width) + START,
            weightings,
            new(batch, self.n_reads * self.width),
            self.controller.start(batch),
        )

    def forward(
        self, x: Float[Tensor, "batch time inputs"], state: NTMState | None = None
    ) -> tuple[Float[Tensor, "batch time outputs"], NTMState]:
        """The outputs of all time steps, and the state after the last; in full precision always."""
        state = self.start(len(x)) if state is None else state
        with torch.autocast(x.device.type, enabled=False):
            projected = self.controller.project(x.to(self.output.weight.dtype))
            h, r, state = unroll(self.step, projected, state)
            return self.output(torch.cat([h, r], 2)), state

    def step(
        self, projected: Float[Tensor, "batch projected"], state: NTMState
    ) -> tuple[Float[Tensor, "batch hidden"], NTMHeads, NTMState]:
        """One time step.

        Args:
            projected: `controller.project` of the input.
            state: after the step before.

        Returns:
            the controller's h, what it told the heads, and the new state.
        """
        h, inner = self.controller(projected, state.reads, state.controller)
        told = self.interpret(self.heads(h))
        weightings = address(state.memory, state.weightings, told)
        memory = state.memory
        for i in range(self.n_writes):
            where = weightings[:, self.n_reads + i]
            memory = erase_and_add(memory, where, told.erase[:, i], told.add[:, i])
        found = read(memory, weightings[:, : self.n_reads]).flatten(1)
        return h, told, NTMState(memory, weightings, found, inner)

    def interpret(self, raw: Float[Tensor, "batch interface"]) -> NTMHeads:
        """Cut the vector of the heads into its parts, each brought into its range."""
        keys, add, erase, strengths, gammas, gates, shifts = raw.split(
            [*self.parts, raw.shape[1] - sum(self.parts)], 1
        )
        count = self.n_reads + self.n_writes
        return NTMHeads(
            keys.unflatten(1, (count, self.width)).tanh(),
            softplus(strengths),
            gates.sigmoid(),
            shifts.unflatten(1, (count, self.moves)).softmax(2),
            oneplus(gammas),
            erase.unflatten(1, (self.n_writes, self.width)).sigmoid(),
            add.unflatten(1, (self.n_writes, self.width)),
        )


def address(
    memory: Float[Tensor, "batch locations width"],
    before: Float[Tensor, "batch heads locations"],
    told: NTMHeads,
) -> Float[Tensor, "batch heads locations"]:
    """Where each head looks: content, interpolation, rotation, sharpening (figure 2 of the paper).

    Args:
        memory: M_{t-1}.
        before: w_{t-1}.
        told: keys, strengths, gates, shifts and sharpness.
    """
    content = content_weighting(memory, told.keys, told.strengths)
    gated = interpolate(content, before, told.gates)
    return sharpen(rotate(gated, told.shifts), told.gammas)
