"""Networks with a memory: LSTMs over what is seen, for values (DRQN, DARQN) and policies.

All take stretches, time first, and the memory before them (none: empty), and give that after them.
"""

from collections.abc import Callable
from typing import Any, cast

import numpy as np
import torch
from jaxtyping import Bool, Float, Shaped
from torch import Tensor, nn

from gradus.agents.networks import Pixels, body

Memory = tuple[Float[Tensor, "batch hidden"], Float[Tensor, "batch hidden"]]
"""h and c of an LSTM."""


class RecurrentQ(nn.Module):
    """DRQN: Q(s_1 … s_t, ·), by an LSTM between body and values.

    Source: Hausknecht and Stone 2015, section 4: the LSTM takes the place of DQN's dense layer.

    Args:
        shape: of an observation, see `gradus.agents.networks.body`.
        actions: how many.
        hidden: widths of the dense layers of the body; the last is also the LSTM's.
    """

    def __init__(self, shape: tuple[int, ...], actions: int, hidden: tuple[int, ...]) -> None:
        super().__init__()
        self.body = body(shape, hidden)
        self.lstm = nn.LSTM(hidden[-1], hidden[-1])
        self.advantage = nn.Linear(hidden[-1], actions)
        self.width = hidden[-1]

    def forward(
        self, x: Shaped[Tensor, "time batch *shape"], memory: Memory | None = None
    ) -> tuple[Float[Tensor, "time batch actions"], Memory]:
        """The values of every action after each observation."""
        features, memory = _through(self.body, self.lstm, x, memory)
        return self.advantage(features), memory


class RecurrentActorCritic(nn.Module):
    """Policy and value of what was seen so far, by an LSTM over one body.

    Arguments are those of `RecurrentQ`. Source: Mnih et al. 2016, section 5.1.
    """

    def __init__(self, shape: tuple[int, ...], actions: int, hidden: tuple[int, ...]) -> None:
        super().__init__()
        self.body = body(shape, hidden)
        self.lstm = nn.LSTM(hidden[-1], hidden[-1])
        self.policy = nn.Linear(hidden[-1], actions)
        self.value = nn.Linear(hidden[-1], 1)
        self.width = hidden[-1]
        nn.init.orthogonal_(self.policy.weight, 0.01)

    def forward(
        self, x: Shaped[Tensor, "time batch *shape"], memory: Memory | None = None
    ) -> tuple[tuple[Float[Tensor, "time batch actions"], Float[Tensor, "time batch"]], Memory]:
        """Logits of the policy and values, after each observation."""
        features, memory = _through(self.body, self.lstm, x, memory)
        return (self.policy(features), self.value(features).squeeze(2)), memory


class AttentiveQ(nn.Module):
    """DARQN with soft attention: the LSTM reads a weighted mean of the places of the picture.

    With maps v_i of place i and h of the step before, g_i = softmax_i w·tanh(A v_i + B h) and
    z = Σ_i g_i v_i. Source: Sorokin et al. 2015, section 3.1.

    Args:
        shape: "channels height width" of an observation.
        actions: how many.
        hidden: the last width is the LSTM's; others are not used.

    Attributes:
        grid: rows and columns of places.
        looked: the weights of the last step that was seen.
    """

    def __init__(self, shape: tuple[int, ...], actions: int, hidden: tuple[int, ...]) -> None:
        super().__init__()
        channels, height, width = shape
        if min(height, width) >= 36:
            self.eye = nn.Sequential(
                Pixels(),
                nn.Conv2d(channels, 32, 8, 4),
                nn.ReLU(),
                nn.Conv2d(32, 32, 4, 2),
                nn.ReLU(),
            )
        else:
            self.eye = nn.Sequential(Pixels(255), nn.Conv2d(channels, 32, 3, padding=1), nn.ReLU())
        with torch.no_grad():
            maps, rows, columns = self.eye(torch.zeros(1, *shape)).shape[1:]
        self.grid, self.width = (rows, columns), hidden[-1]
        self.of_place = nn.Linear(maps, 64)
        self.of_memory = nn.Linear(self.width, 64, bias=False)
        self.weight = nn.Linear(64, 1, bias=False)
        self.lstm = nn.LSTMCell(maps, self.width)
        self.advantage = nn.Linear(self.width, actions)

    def forward(
        self, x: Shaped[Tensor, "time batch channels height width"], memory: Memory | None = None
    ) -> tuple[Float[Tensor, "time batch actions"], Memory]:
        """The values of every action after each observation."""
        values, memory, weights = self.attend(x, memory)
        self.looked = weights[-1].detach()
        return values, memory

    def attend(
        self, x: Shaped[Tensor, "time batch channels height width"], memory: Memory | None = None
    ) -> tuple[
        Float[Tensor, "time batch actions"], Memory, Float[Tensor, "time batch rows columns"]
    ]:
        """The same, and the weight of each place, which sum to 1."""
        maps = self.eye(x.flatten(0, 1)).unflatten(0, x.shape[:2])
        memory = memory or _empty(maps, self.width)
        places = maps.flatten(3).transpose(2, 3)  # "time batch places maps"
        keys = self.of_place(places)
        hidden, weights = [], []
        for place, key in zip(places, keys, strict=True):
            asked = torch.tanh(key + self.of_memory(memory[0])[:, None])
            weight = self.weight(asked).squeeze(2).softmax(1)
            memory = self.lstm((weight[:, :, None] * place).sum(1), memory)
            hidden.append(memory[0])
            weights.append(weight)
        return (
            self.advantage(torch.stack(hidden)),
            memory,
            torch.stack(weights).unflatten(2, self.grid),
        )


def _through(
    sight: nn.Module, lstm: nn.LSTM, x: Shaped[Tensor, "time batch *shape"], memory: Memory | None
) -> tuple[Float[Tensor, "time batch hidden"], Memory]:
    """Features of the observations, through an LSTM."""
    features = sight(x.flatten(0, 1)).unflatten(0, x.shape[:2])
    memory = memory or _empty(features, lstm.hidden_size)
    out, (h, c) = lstm(features, (memory[0][None], memory[1][None]))
    return out, (h[0], c[0])


def _empty(like: Float[Tensor, "time batch *features"], width: int) -> Memory:
    """A memory in which nothing is yet, for such features."""
    return like.new_zeros(like.shape[1], width), like.new_zeros(like.shape[1], width)


def blank(width: int, batch: int, device: Any = None) -> Memory:
    """A memory in which nothing is yet: zeros."""
    return torch.zeros(batch, width, device=device), torch.zeros(batch, width, device=device)


class Remembering(nn.Module):
    """A network with memory as one of single observations: it keeps its memory between the calls.

    Args:
        inner: (stretches, memory) -> (what it says, memory).
        count: games side by side.
        peeks: a call without gradients does not change the memory.

    Attributes:
        memory: of each game.
    """

    def __init__(self, inner: nn.Module, count: int, peeks: bool = False) -> None:
        super().__init__()
        self.inner, self.peeks = inner, peeks
        self.begin(count)

    def begin(self, count: int) -> None:
        """All games begin anew."""
        device, inner = next(self.inner.parameters()).device, cast(Any, self.inner)
        self.memory = blank(inner.width, count, device)

    def forget(self, which: Bool[Tensor, "games"]) -> None:
        """These games begin anew."""
        kept = (~which).to(self.memory[0])[:, None]
        self.memory = (self.memory[0] * kept, self.memory[1] * kept)

    def keep(self, which: Bool[Tensor, "games"]) -> None:
        """Only these games go on."""
        which = which.to(self.memory[0].device)
        self.memory = (self.memory[0][which], self.memory[1][which])

    def detach(self) -> None:
        """No gradient goes further back than this."""
        self.memory = (self.memory[0].detach(), self.memory[1].detach())

    def forward(self, x: Shaped[Tensor, "games *shape"]) -> Any:
        """What the network says of this observation after all it has seen."""
        said, memory = self.inner(x[None], self.memory)
        if torch.is_grad_enabled() or not self.peeks:
            self.memory = memory
        return tuple(s[0] for s in said) if isinstance(said, tuple) else said[0]


class Followed:
    """Games whose beginnings a memory is told of; otherwise as they are.

    Args:
        games: as `gradus.agents.envs.Games`.
        memory: forgets a game when a new episode of it begins.
        leaving: games are left when their episode is over, as `gradus.agents.loop.play` does: the
            memory keeps those that go on.
    """

    def __init__(self, games: Any, memory: Remembering, leaving: bool = False) -> None:
        self.games, self.memory, self.leaving = games, memory, leaving
        self.count, self.actions = games.count, games.actions
        self.shape, self.stacked = games.shape, games.stacked
        self.pictures: Callable[[], Any] = games.pictures

    def reset(self, seed: int) -> Any:
        """Begin anew everywhere."""
        self.memory.begin(self.count)
        self.going = np.ones(self.count, dtype=bool)
        return self.games.reset(seed)

    def step(self, actions: Any) -> Any:
        """One action in each game."""
        step = self.games.step(actions)
        if self.leaving:
            self.memory.keep(torch.as_tensor(~step.end[self.going]))
            self.going &= ~step.end
        elif step.skip.any():
            self.memory.forget(torch.as_tensor(step.skip))
        return step


def followed(games: Any, model: nn.Module, leaving: bool = True) -> Any:
    """The games themselves, or where the model remembers, games that its memory is told of."""
    return Followed(games, model, leaving) if isinstance(model, Remembering) else games


def with_memory(model: nn.Module) -> nn.Module:
    """The model itself, or where it takes stretches, one that keeps its memory between calls."""
    if isinstance(model, RecurrentQ | RecurrentActorCritic | AttentiveQ):
        return Remembering(model, 1)
    return model
