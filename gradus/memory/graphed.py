"""A DNC's time steps as CUDA graphs: a GPU waits for Python no longer (book ch. 8).

One step is some two hundred small kernels, each done sooner than Python can ask for the next. A
graph holds those of several steps and is asked for at once. What lies between the states before
and after them is computed again for the backward pass, as `gradus.memory.dnc.DNC.recompute` does.
"""

import copy
from collections.abc import Callable, Sequence
from typing import Any, Protocol, runtime_checkable

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from gradus.memory.controller import unroll

STEPS = 8
"""Steps in a graph, if nothing else is asked for."""
WARM_UP = 3
"""Runs before a graph is captured, in which libraries make what they keep."""


@runtime_checkable
class Network(Protocol):
    """What is needed of a network that goes through time."""

    def step(self, projected: Tensor, state: Any) -> tuple[Tensor, Any, Any]:
        """One time step, in tensors of fixed shapes and without a look at their values."""

    def stepped(self) -> list[nn.Parameter]:
        """The parameters that a step uses."""


class Graph:
    """A computation on tensors that stay where they are, to be done again with other numbers.

    On a GPU its kernels are captured and replayed; elsewhere it is simply run again.
    """

    def __init__(
        self, run: Callable[[], Sequence[Tensor]], device: torch.device, pool: Any
    ) -> None:
        """Capture it.

        Args:
            run: computes from tensors that are changed in place between two runs.
            device: where these are.
            pool: memory that graphs share which are never replayed at once.
        """
        self._run = run
        self._captured: torch.cuda.CUDAGraph | None = None
        if device.type != "cuda":
            return
        aside = torch.cuda.Stream(device)
        aside.wait_stream(torch.cuda.current_stream(device))
        with torch.cuda.stream(aside):
            for _ in range(WARM_UP):
                run()
        torch.cuda.current_stream(device).wait_stream(aside)
        self._captured = torch.cuda.CUDAGraph()
        with torch.cuda.graph(self._captured, pool):
            self._results = run()

    def __call__(self) -> list[Tensor]:
        """Copies of what it computes from what its tensors hold now."""
        if self._captured is None:
            return [result.clone() for result in self._run()]
        self._captured.replay()
        return [result.clone() for result in self._results]


class Piece:
    """So many time steps of so many sequences, forward and backward."""

    def __init__(
        self,
        network: Network,
        given: Sequence[Tensor],
        form: Any,
        pool: Any = None,
    ) -> None:
        """Capture both.

        Args:
            network: its parameters may change in place, not move.
            given: the projected inputs of the steps and the tensors of a state, for their shapes.
            form: a state, for how these tensors are arranged.
            pool: as of `Graph`.
        """
        network = twin(network)
        self._given = [torch.zeros_like(tensor).requires_grad_() for tensor in given]

        def steps() -> list[Tensor]:
            projected, *state = self._given
            hidden, reads, new = unroll(network.step, projected, arranged(state, form))
            return [hidden, reads, *flat(new)]

        def forward() -> list[Tensor]:
            with torch.no_grad():
                return steps()

        self._gradients = [torch.zeros_like(result) for result in forward()]

        def backward() -> list[Tensor]:
            with torch.enable_grad():
                wanted = [*self._given, *learned(network)]
                found = torch.autograd.grad(
                    steps(), wanted, self._gradients, allow_unused=True, materialize_grads=True
                )
            return list(found)

        device = self._given[0].device
        self._forward = Graph(forward, device, pool)
        self._backward = Graph(backward, device, pool)

    def forward(self, given: Sequence[Tensor]) -> list[Tensor]:
        """H and r of each step, and the tensors of the state after the last."""
        fill(self._given, given)
        return self._forward()

    def backward(self, given: Sequence[Tensor], gradients: Sequence[Tensor]) -> list[Tensor]:
        """The gradients at what was given and at the parameters, from those at what came out."""
        fill(self._given, given)
        fill(self._gradients, gradients)
        return self._backward()


class _Steps(torch.autograd.Function):
    """A piece as one operation. Parameters are its inputs so that autograd asks for them."""

    @staticmethod
    def forward(ctx: Any, piece: Piece, count: int, *tensors: Tensor) -> tuple[Tensor, ...]:
        ctx.piece = piece
        ctx.save_for_backward(*tensors[:count])
        return tuple(piece.forward(tensors[:count]))

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        return None, None, *ctx.piece.backward(ctx.saved_tensors, gradients)


class Pieces:
    """The captured pieces of one network, made as they are needed; a copy of it has none."""

    def __init__(self) -> None:
        self._made: dict[tuple[torch.Size, ...], Piece] = {}
        self._parameters: list[tuple[int, bool]] = []
        self._pool = torch.cuda.graph_pool_handle() if torch.cuda.is_available() else None

    def __reduce__(self) -> tuple[type["Pieces"], tuple[()]]:
        """Captured kernels are of one network on one device: neither copied nor saved."""
        return Pieces, ()

    def unroll(
        self,
        network: Network,
        projected: Float[Tensor, "batch time projected"],
        state: Any,
        count: int = STEPS,
    ) -> tuple[Float[Tensor, "batch time hidden"], Float[Tensor, "batch time reads"], Any]:
        """As `gradus.memory.controller.unroll`, `count` steps at a time.

        Args:
            network: what takes the steps.
            projected: `project` of the inputs.
            state: before the first step.
            count: steps in a piece, ≥ 1; what is left at the end is a shorter one.
        """
        held = [(parameter.data_ptr(), parameter.requires_grad) for parameter in network.stepped()]
        if held != self._parameters:  # they moved, or were frozen: what was captured is of no use
            self._made, self._parameters = {}, held
        parameters = learned(network)
        hidden, reads = [], []
        for now in projected.split(count, 1):
            given = [now, *flat(state)]
            shapes = tuple(tensor.shape for tensor in given)
            if shapes not in self._made:
                with torch.inference_mode(False):
                    self._made[shapes] = Piece(network, given, state, self._pool)
            h, r, *new = _Steps.apply(self._made[shapes], len(given), *given, *parameters)
            state = arranged(new, state)
            hidden.append(h)
            reads.append(r)
        return torch.cat(hidden, 1), torch.cat(reads, 1), state


def learned(network: Network) -> list[nn.Parameter]:
    """The parameters of its steps that a gradient is asked for."""
    return [parameter for parameter in network.stepped() if parameter.requires_grad]


def twin(network: Network) -> Network:
    """Another network on the same numbers in memory.

    Autograd remembers with each parameter the stream it was first used in. That of training is not
    the one that is captured, and a capture which waits for another stream fails.
    """
    other = copy.deepcopy(network)
    for new, parameter in zip(other.stepped(), network.stepped(), strict=True):
        new.data, new.grad = parameter.data, None
    return other


def flat(state: Any) -> list[Tensor]:
    """The tensors of a state, whose last part is the controller's tuple of them."""
    return [*state[:-1], *state[-1]]


def arranged(tensors: Sequence[Tensor], form: Any) -> Any:
    """The same tensors as a state again, of the kind of `form`."""
    own = len(form) - 1
    return type(form)(*tensors[:own], tuple(tensors[own:]))


@torch.no_grad()
def fill(places: Sequence[Tensor], values: Sequence[Tensor]) -> None:
    """Put numbers where a graph reads them."""
    for place, value in zip(places, values, strict=True):
        place.copy_(value)
