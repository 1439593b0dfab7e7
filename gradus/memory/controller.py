"""The networks that run a memory: they see the input and what was just read (book ch. 8).

Both have the same three methods. `project` is the part of the work that depends on the input
alone, done for all time steps in one product; `forward` does one step; `start` gives the state.
"""

from collections.abc import Callable
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.functional import layer_norm, linear

from gradus.core.errors import UsageError

State = tuple[Tensor, ...]


class FeedForward(nn.Module):
    """One hidden layer, h = tanh(W [x; r] + b): nothing is remembered but in the memory.

    Attributes:
        weight_x: the columns of W for x, "hidden inputs".
        weight_r: those for r, "hidden reads".
        bias: b.
        norm: layer normalisation of what the tanh is given, if asked for.
    """

    def __init__(self, inputs: int, reads: int, hidden: int, normalised: bool = False) -> None:
        """Make the controller.

        Args:
            inputs: numbers in x, ≥ 1.
            reads: numbers read from the memory in the step before, of all heads.
            hidden: neurons, ≥ 1.
            normalised: use layer normalisation (Ba et al. 2016).
        """
        super().__init__()
        self.hidden = hidden
        made = nn.Linear(inputs + reads, hidden)
        self.weight_x, self.weight_r = _columns(made.weight, inputs)
        self.bias = made.bias
        self.norm = nn.LayerNorm(hidden) if normalised else nn.Identity()

    @property
    def recurrent(self) -> Tensor:
        """The weights of what comes from the step before."""
        return self.weight_r

    def start(self, batch: int) -> State:
        """There is no state."""
        return ()

    def project(self, x: Float[Tensor, "*any inputs"]) -> Float[Tensor, "*any projected"]:
        """W_x x + b."""
        return linear(x, self.weight_x, self.bias)

    def forward(
        self, projected: Float[Tensor, "batch projected"], reads: Tensor, state: State
    ) -> tuple[Float[Tensor, "batch hidden"], State]:
        """One time step: h, and the new state."""
        z = torch.addmm(projected, reads, self.weight_r.T)
        return self.norm(z).tanh(), ()


class LSTM(nn.Module):
    """One layer of long short-term memory, [i, f, o, g] = W [x; h; r] + b.

    c ← σ(f) c + σ(i) tanh(g), h = σ(o) tanh(c). With layer normalisation each of the four, and c
    before its tanh, is brought to mean 0 and variance 1 (Ba et al. 2016, section 3.1, as Franke et
    al. 2018, "Robust and Scalable Differentiable Neural Computer", section 3, use it).

    Attributes:
        weight_x: the columns of W for x, "4*hidden inputs".
        weight_hr: those for h and r, "4*hidden hidden+reads".
        bias: b; that of f starts at 1.
        gains, shifts: of the normalised four and of c, "5 hidden", if asked for.
    """

    def __init__(self, inputs: int, reads: int, hidden: int, normalised: bool = False) -> None:
        """Make the controller; arguments as `FeedForward`."""
        super().__init__()
        self.hidden = hidden
        weight = nn.init.xavier_uniform_(torch.empty(4 * hidden, inputs + hidden + reads))
        self.weight_x, self.weight_hr = _columns(weight, inputs)
        self.bias = nn.Parameter(torch.zeros(4 * hidden))
        nn.init.ones_(self.bias.data[hidden : 2 * hidden])
        self.gains = nn.Parameter(torch.ones(5, hidden)) if normalised else None
        self.shifts = nn.Parameter(torch.zeros(5, hidden)) if normalised else None

    @property
    def recurrent(self) -> Tensor:
        """The weights of what comes from the step before."""
        return self.weight_hr

    def start(self, batch: int) -> State:
        """H and c of zeros."""
        zeros = self.bias.new_zeros(batch, self.hidden)
        return zeros, zeros

    def project(self, x: Float[Tensor, "*any inputs"]) -> Float[Tensor, "*any projected"]:
        """W_x x + b."""
        return linear(x, self.weight_x, self.bias)

    def forward(
        self, projected: Float[Tensor, "batch projected"], reads: Tensor, state: State
    ) -> tuple[Float[Tensor, "batch hidden"], State]:
        """One time step: h, and the new state h and c."""
        h, c = state
        z = torch.addmm(projected, torch.cat([h, reads], 1), self.weight_hr.T)
        if self.gains is not None:
            z = self._normalise(z.unflatten(1, (4, -1)), slice(4)).flatten(1)
        i, f, o = z[:, : 3 * self.hidden].sigmoid().chunk(3, 1)
        c = f * c + i * z[:, 3 * self.hidden :].tanh()
        seen = c if self.gains is None else self._normalise(c, 4)
        h = o * seen.tanh()
        return h, (h, c)

    def _normalise(self, z: Tensor, which: int | slice) -> Tensor:
        """Mean 0 and variance 1, then the learned gain and shift."""
        assert self.gains is not None
        assert self.shifts is not None
        return layer_norm(z, (self.hidden,)) * self.gains[which] + self.shifts[which]


def _columns(weight: Tensor, first: int) -> tuple[nn.Parameter, nn.Parameter]:
    """The first columns and the others, apart: a step needs the others alone."""
    left, right = weight.detach().split([first, weight.shape[1] - first], 1)
    return nn.Parameter(left.clone()), nn.Parameter(right.clone())


CONTROLLERS: dict[str, type[FeedForward] | type[LSTM]] = {"feed-forward": FeedForward, "lstm": LSTM}
"""Name -> kind of controller."""

Controller = FeedForward | LSTM


def make_controller(
    kind: str, inputs: int, reads: int, hidden: int, normalised: bool = False
) -> Controller:
    """The controller of this name.

    Raises:
        UsageError: there is none, or a number is below 1.
    """
    if kind not in CONTROLLERS:
        raise UsageError(f"controller must be one of {', '.join(CONTROLLERS)}, got {kind!r}")
    at_least_1(inputs=inputs, hidden=hidden)
    return CONTROLLERS[kind](inputs, reads, hidden, normalised)


def unroll(
    step: Callable[[Tensor, Any], tuple[Tensor, Any, Any]],
    projected: Float[Tensor, "batch time projected"],
    state: Any,
) -> tuple[Float[Tensor, "batch time hidden"], Float[Tensor, "batch time reads"], Any]:
    """Several time steps of a network with a memory: h and r of each, the state after the last.

    Args:
        step: of (projected input, state): h, what the memory was told, the new state.
        projected: `project` of the inputs.
        state: before the first step.
    """
    hidden, reads = [], []
    for now in projected.unbind(1):
        h, _, state = step(now, state)
        hidden.append(h)
        reads.append(state.reads)
    return torch.stack(hidden, 1), torch.stack(reads, 1), state


def at_least_1(**numbers: int) -> None:
    """Refuse a size below 1.

    Raises:
        UsageError: naming it.
    """
    for name, number in numbers.items():
        if number < 1:
            raise UsageError(f"{name} must be ≥ 1, got {number}")
