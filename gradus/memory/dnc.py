"""The Differentiable Neural Computer (book ch. 8)."""

from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.functional import dropout
from torch.utils.checkpoint import checkpoint

from gradus.core.recipe import check_setting
from gradus.memory.addressing import (
    content_weighting,
    erase_and_add,
    inverse_length,
    masked_content_weighting,
    oneplus,
    read,
)
from gradus.memory.allocation import allocation, retention, usage
from gradus.memory.controller import State, at_least_1, make_controller, unroll
from gradus.memory.graphed import STEPS, Pieces
from gradus.memory.links import follow_links, precedence, sharpen_links


class DNCState(NamedTuple):
    """What is carried from one time step to the next.

    Attributes:
        memory: M.
        inverse: 1 / ‖M[i]‖, needed by the reading of this step and the writing of the next.
        usage: u in [0, 1].
        links: L[i, j] in [0, 1], how far i was written right after j.
        precedence: p, how far each location is the last one written.
        write_weighting: w of the write head.
        read_weightings: w of each read head.
        reads: r of all read heads, one after the other.
        controller: state of the controller.
    """

    memory: Float[Tensor, "batch locations width"]
    inverse: Float[Tensor, "batch locations"]
    usage: Float[Tensor, "batch locations"]
    links: Float[Tensor, "batch locations locations"]
    precedence: Float[Tensor, "batch locations"]
    write_weighting: Float[Tensor, "batch locations"]
    read_weightings: Float[Tensor, "batch heads locations"]
    reads: Float[Tensor, "batch reads"]
    controller: State


class Interface(NamedTuple):
    """What the controller says to the memory in one time step: the interface vector ξ.

    Attributes:
        keys: k of each read head, then that of the write head.
        strengths: β ≥ 1, in the same order.
        add: v, what to write.
        erase: e in (0, 1).
        free: f in (0, 1), whether what a head just read may be used again.
        allocation_gate: g_a in (0, 1), to a free location (1) or by content (0).
        write_gate: g_w in (0, 1), whether to write at all.
        modes: π, of each read head: backward, by content, forward; sums to 1.
        masks: m in (0, 1) of each key, if the keys are masked.
        sharpness: s ≥ 1 of the forward, then the backward weightings, if they are sharpened.
    """

    keys: Float[Tensor, "batch keys width"]
    strengths: Float[Tensor, "batch keys"]
    add: Float[Tensor, "batch width"]
    erase: Float[Tensor, "batch width"]
    free: Float[Tensor, "batch heads"]
    allocation_gate: Float[Tensor, "batch 1"]
    write_gate: Float[Tensor, "batch 1"]
    modes: Float[Tensor, "batch heads 3"]
    masks: Float[Tensor, "batch keys width"] | None
    sharpness: Float[Tensor, "batch 2*heads"] | None


class DNC(nn.Module):
    """A controller with a memory that knows what is free and in which order it was written.

    As made it is the paper's. The switches are later authors', each named at its argument. No
    parameter depends on N, so a trained machine runs with a larger memory: `start(batch, 40)`.

    Source: Graves et al. 2016, "Hybrid computing using a neural network with dynamic external
    memory", Methods.

    Attributes:
        controller: sees the input and what was read, runs the memory.
        interface: from the controller's h to ξ, R W + 3 W + 5 R + 3 numbers; one product.
        output: from h and r to the output: W_y h (pre-output) + W_r r + b.
    """

    def __init__(
        self,
        inputs: int,
        outputs: int,
        *,
        locations: int = 16,
        width: int = 16,
        reads: int = 1,
        hidden: int = 64,
        controller: str = "lstm",
        masked: bool = False,
        deallocate: bool = False,
        sharpened: bool = False,
        normalised: bool = False,
        bypass_dropout: float = 0.0,
        recompute: int = 0,
        compiled: bool = False,
    ) -> None:
        """Make the machine.

        Args:
            inputs: numbers in an input, ≥ 1.
            outputs: numbers in an output, ≥ 1.
            locations: N, ≥ 1.
            width: W, numbers in a location, ≥ 1.
            reads: R, read heads, ≥ 1.
            hidden: neurons of the controller, ≥ 1.
            controller: `feed-forward` or `lstm`.
            masked: every key has a mask of what it looks at (Csordás & Schmidhuber 2019, 3.1).
            deallocate: what is freed is wiped out as well (the same, 3.2).
            sharpened: forward and backward weightings are sharpened (the same, 3.3).
            normalised: layer normalisation in the controller (Franke et al. 2018).
            bypass_dropout: share of h dropped on its way to the output, but not to the memory, in
                [0, 1), so that the memory is used (Franke et al. 2018).
            recompute: keep only the state of every so many steps for the backward pass and compute
                what lies between again (0: keep all). T N² numbers become T N² / recompute + N²
                recompute, for one more forward pass.
            compiled: do all steps as one compiled operation where it can be: on the CPU, in
                float32, without masks and their like and without layer normalisation. The first use
                compiles, in some 15 s. On a GPU, with everything, several steps are one CUDA graph.
                Elsewhere PyTorch's operations are taken. Both recompute always, from every
                `recompute`-th step (0: every eighth); on the CPU M and L alone, which costs little.

        Raises:
            UsageError: naming the argument that is out of range.
        """
        super().__init__()
        at_least_1(outputs=outputs, locations=locations, width=width, reads=reads)
        check_setting(0 <= bypass_dropout < 1, "bypass_dropout", "in [0, 1)", bypass_dropout)
        check_setting(recompute >= 0, "recompute", "≥ 0", recompute)
        self.locations, self.width, self.n_reads = locations, width, reads
        self.masked, self.deallocate, self.sharpened = masked, deallocate, sharpened
        self.bypass_dropout, self.recompute = bypass_dropout, recompute
        self.compiled = compiled
        self.varied = masked or deallocate or sharpened or normalised
        self._graphs = Pieces()
        keys = reads + 1
        self.parts = {
            "keys": keys * width,
            "add": width,
            "gates": width + reads + 2 + keys * width * masked,
            "strengths": keys + 2 * reads * sharpened,
            "modes": 3 * reads,
        }
        self.controller = make_controller(controller, inputs, reads * width, hidden, normalised)
        self.interface = nn.Linear(hidden, sum(self.parts.values()))
        self.output = nn.Linear(hidden + reads * width, outputs)

    def start(self, batch: int, locations: int | None = None) -> DNCState:
        """The state before the first step: all zeros.

        Args:
            batch: sequences side by side.
            locations: N, if the memory should be of another size than it was made with.
        """
        n = self.locations if locations is None else locations
        at_least_1(locations=n)
        new = self.output.weight.new_zeros
        memory, weighting = new(batch, n, self.width), new(batch, n)
        return DNCState(
            memory,
            inverse_length(memory),
            weighting,
            new(batch, n, n),
            weighting,
            weighting,
            new(batch, self.n_reads, n),
            new(batch, self.n_reads * self.width),
            self.controller.start(batch),
        )

    def forward(
        self, x: Float[Tensor, "batch time inputs"], state: DNCState | None = None
    ) -> tuple[Float[Tensor, "batch time outputs"], DNCState]:
        """The outputs of all time steps, and the state after the last; in full precision always."""
        state = self.start(len(x)) if state is None else state
        with torch.autocast(x.device.type, enabled=False):
            projected = self.controller.project(x.to(self.output.weight.dtype))
            h, r, state = self._steps(projected, state)
            h = dropout(h, self.bypass_dropout, self.training)
            return self.output(torch.cat([h, r], 2)), state

    def _steps(
        self, projected: Float[Tensor, "batch time projected"], state: DNCState
    ) -> tuple[Tensor, Tensor, DNCState]:
        """All time steps: h and r of each, and the state after the last."""
        if self.compiled and projected.is_cuda and not torch.jit.is_tracing():
            return self._graphs.unroll(self, projected, state, self.recompute or STEPS)
        if self.compiled and not self.varied and _fits(projected) and _fits(state.memory):
            return self._steps_compiled(projected, state)
        if not (self.recompute and torch.is_grad_enabled()):
            return unroll(self.step, projected, state)
        hidden, reads = [], []
        for piece in projected.split(self.recompute, 1):
            h, r, state = checkpoint(unroll, self.step, piece, state, use_reentrant=False)
            hidden.append(h)
            reads.append(r)
        return torch.cat(hidden, 1), torch.cat(reads, 1), state

    def _steps_compiled(
        self, projected: Float[Tensor, "batch time projected"], state: DNCState
    ) -> tuple[Tensor, Tensor, DNCState]:
        """As `_steps`, in one operation."""
        from gradus.memory.compiled.sequence import steps  # numba is imported where it is used

        zeros = projected.new_zeros(len(projected), self.controller.hidden)
        h, c = state.controller or (zeros, zeros)
        rows = torch.stack([state.usage, state.precedence, state.write_weighting], 1)
        said, c, rows, memory, links = steps(
            projected,
            self.controller.recurrent,
            self.interface.weight,
            self.interface.bias,
            torch.cat([h, state.reads], 1),
            c,
            torch.cat([rows, state.read_weightings], 1),
            state.memory,
            state.links,
            self.recompute,
        )
        h, r = said.split([h.shape[1], state.reads.shape[1]], 2)
        used, last, where = rows[:, :3].unbind(1)
        inner = (h[:, -1], c) if state.controller else ()
        inverse = inverse_length(memory)
        new = (memory, inverse, used, links, last, where, rows[:, 3:], r[:, -1], inner)
        return h, r, DNCState(*new)

    def step(
        self, projected: Float[Tensor, "batch projected"], state: DNCState
    ) -> tuple[Float[Tensor, "batch hidden"], Interface, DNCState]:
        """One time step.

        Args:
            projected: `controller.project` of the input.
            state: after the step before.

        Returns:
            the controller's h, what it told the memory, and the new state.
        """
        h, inner = self.controller(projected, state.reads, state.controller)
        told = self.interpret(self.interface(h))
        return h, told, self.access(told, state)._replace(controller=inner)

    def stepped(self) -> list[nn.Parameter]:
        """The parameters that a step uses."""
        return [*self.controller.parameters(), *self.interface.parameters()]

    def access(self, told: Interface, state: DNCState) -> DNCState:
        """Write, then read."""
        retained = retention(told.free, state.read_weightings)
        used = usage(state.usage, state.write_weighting, retained)
        found = self._lookup(told, state.memory, state.inverse, slice(-1, None)).squeeze(1)
        where = torch.lerp(found, allocation(used), told.allocation_gate) * told.write_gate
        memory = state.memory * retained.unsqueeze(2) if self.deallocate else state.memory
        memory = erase_and_add(memory, where, told.erase, told.add)
        inverse = inverse_length(memory)

        links, forward, backward = follow_links(
            state.links, where, state.precedence, state.read_weightings
        )
        if told.sharpness is not None:
            sharp_forward, sharp_backward = told.sharpness.chunk(2, 1)
            forward = sharpen_links(forward, sharp_forward)
            backward = sharpen_links(backward, sharp_backward)
        content = self._lookup(told, memory, inverse, slice(-1))
        options = torch.stack([backward, content, forward], 2)  # "batch heads 3 locations"
        looked = (told.modes.unsqueeze(2) @ options).squeeze(2)
        return DNCState(
            memory,
            inverse,
            used,
            links,
            precedence(state.precedence, where),
            where,
            looked,
            read(memory, looked).flatten(1),
            state.controller,
        )

    def _lookup(self, told: Interface, memory: Tensor, inverse: Tensor, which: slice) -> Tensor:
        """The content weightings of some of the keys."""
        keys, strengths = told.keys[:, which], told.strengths[:, which]
        if told.masks is None:
            return content_weighting(memory, keys, strengths, inverse)
        return masked_content_weighting(memory, keys, strengths, told.masks[:, which])

    def interpret(self, raw: Float[Tensor, "batch interface"]) -> Interface:
        """Cut ξ into its parts, each brought into its range."""
        keys, add, gates, strengths, modes = raw.split(list(self.parts.values()), 1)
        count, width, reads = self.n_reads + 1, self.width, self.n_reads
        gates, strengths = gates.sigmoid(), oneplus(strengths)
        erase, free, allocation_gate, write_gate, masks = gates.split(
            [width, reads, 1, 1, gates.shape[1] - width - reads - 2], 1
        )
        return Interface(
            keys.unflatten(1, (count, width)),
            strengths[:, :count],
            add,
            erase,
            free,
            allocation_gate,
            write_gate,
            modes.unflatten(1, (reads, 3)).softmax(2),
            masks.unflatten(1, (count, width)) if self.masked else None,
            strengths[:, count:] if self.sharpened else None,
        )


def _fits(tensor: Tensor) -> bool:
    """Whether the compiled steps take such a tensor."""
    return tensor.device.type == "cpu" and tensor.dtype == torch.float32
