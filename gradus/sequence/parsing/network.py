"""A feed-forward network over what stands in some places: Chen and Manning's, for any places.

Symbols: x the vector of what stands in a place, u the vector of a label, h the hidden layer.
"""

from collections.abc import Sequence

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn import functional

from gradus.core.errors import UsageError
from gradus.core.recipe import check_setting

ACTIVATIONS = ("relu", "cube")
UNKNOWN = 1
"""The number of what the training did not have; 0 is for nothing at all."""


class PlaceNet(nn.Module):
    """Scores from what stands in some places and from some labels.

        h = f(Σ_p W_p x_p + Σ_q V_q u_q + b),   scores = W' h + b',

    with f(z) = max(0, z), or z³ as the paper has it, and as many further hidden layers as wanted.
    A token is a few numbers: of its word, its suffix, …, which say what it looks like and whose
    vectors are added; and of its tag, whose vector is laid beside that sum: together x.

    Most states of a parser share their words with others. So the products W_p x are made once for
    each different token (`tables`), and a state only adds up rows of them (`score`): the trick of
    the paper's section 3.2, "pre-computation".

    Source: Chen and Manning 2014, "A Fast and Accurate Dependency Parser Using Neural Networks",
    section 3.

    Attributes:
        forms, tags, labels: the vectors.
        first: every W_p, "vector places·hidden"; the places of one hidden unit are far apart.
        seen: every V_q, the same for labels.
        rest: the layers after the first hidden one.
    """

    def __init__(
        self,
        forms: Sequence[int],
        outputs: int,
        *,
        places: int,
        tags: int = 0,
        seen: int = 0,
        labels: int = 0,
        vector: int = 64,
        tag_vector: int = 32,
        hidden: Sequence[int] = (256,),
        activation: str = "relu",
        dropout: float = 0.0,
        forget: float = 0.0,
    ) -> None:
        """Make the network.

        Args:
            forms: how many numbers there are of each kind that says what a token looks like, words
                first, ≥ 2 each: 0 is nothing, 1 unknown.
            outputs: scores.
            places: tokens that are looked at.
            tags: how many tags there are, 0 and 1 among them; 0: a token has none.
            seen: labels that are looked at.
            labels: how many labels there are, 0 for none among them.
            vector: numbers in the vector of what a token looks like.
            tag_vector: numbers in the vectors of a tag and of a label.
            hidden: units of each hidden layer.
            activation: relu, or cube for the first layer.
            dropout: share of hidden units and of a token's numbers that are left out in training.
            forget: how often a word, or a tag, is made unknown in training, in [0, 1).

        Raises:
            UsageError: a number is outside its range.
        """
        super().__init__()
        if activation not in ACTIVATIONS:
            raise UsageError(f"activation must be relu or cube, got {activation!r}")
        check_setting(bool(hidden) and min(hidden) >= 1, "hidden", "units, ≥ 1 each", hidden)
        self.places, self.outputs = places, outputs
        self.activation, self.forget = activation, forget
        self.forms = nn.ModuleList(nn.Embedding(n, vector) for n in forms)
        self.tags = nn.Embedding(tags, tag_vector) if tags else None
        self.labels = nn.Embedding(labels, tag_vector) if seen else None
        width = vector + (tag_vector if tags else 0)
        inputs = places * width + seen * tag_vector
        self.first = nn.Parameter(torch.empty(width, places * hidden[0]))
        self.seen = nn.Parameter(torch.empty(tag_vector, seen * hidden[0])) if seen else None
        self.bias = nn.Parameter(torch.zeros(hidden[0]))
        layers: list[nn.Module] = []
        for before, after in zip(hidden, hidden[1:], strict=False):
            layers += [nn.Linear(before, after), nn.ReLU(), nn.Dropout(dropout)]
        self.rest = nn.Sequential(nn.Dropout(dropout), *layers, nn.Linear(hidden[-1], outputs))
        self.drop = nn.Dropout(dropout)
        self._start(inputs)

    def _start(self, inputs: int) -> None:
        """The first parameters: sums of variance 1 for each token and for each hidden unit."""
        for table in self.forms:
            nn.init.normal_(table.weight, std=len(self.forms) ** -0.5)
        for parameter in (self.first, self.seen):
            if parameter is not None:
                gain = 2.0 if self.activation == "relu" else 0.5
                nn.init.normal_(parameter, std=(gain / inputs) ** 0.5)
        last = self.rest[-1]
        nn.init.normal_(last.weight, std=0.1 * last.in_features**-0.5)
        nn.init.zeros_(last.bias)

    def vectors(self, tokens: Int[Tensor, "tokens columns"]) -> Float[Tensor, "tokens vector"]:
        """x of each token: the sum of its forms' vectors, then its tag's."""
        if self.training and self.forget:
            tokens = tokens.clone()
            last = tokens.shape[1] - 1
            for column in {0, last} if self.tags else {0}:
                lost = torch.rand(len(tokens), device=tokens.device) < self.forget
                tokens[:, column][lost & (tokens[:, column] > 0)] = UNKNOWN
        x = sum(table(tokens[:, column]) for column, table in enumerate(self.forms))
        if self.tags is not None:
            x = torch.cat([x, self.tags(tokens[:, len(self.forms)])], 1)
        return self.drop(x)

    def tables(self, tokens: Int[Tensor, "tokens columns"]) -> Float[Tensor, "rows hidden"]:
        """The rows that states add up: W_p x for each token and place p, then V_q u likewise."""
        rows = (self.vectors(tokens) @ self.first).view(len(tokens) * self.places, -1)
        if self.labels is None or self.seen is None:
            return rows
        of_labels = (self.labels.weight @ self.seen).view(-1, rows.shape[1])
        return torch.cat([rows, of_labels])

    def score(
        self,
        tables: Float[Tensor, "rows hidden"],
        tokens: int,
        where: Int[Tensor, "states places"],
        labels: Int[Tensor, "states seen"] | None = None,
    ) -> Float[Tensor, "states outputs"]:
        """The scores of states.

        Args:
            tables: of `tables`.
            tokens: how many tokens these were made for.
            where: for each place the number of its token.
            labels: the labels looked at.
        """
        rows = where * self.places + torch.arange(self.places, device=where.device)
        if labels is not None:
            seen = labels.shape[1]
            below = torch.arange(seen, device=where.device) + tokens * self.places
            rows = torch.cat([rows, labels * seen + below], 1)
        z = functional.embedding_bag(rows, tables, mode="sum") + self.bias
        return self.rest(z**3 if self.activation == "cube" else z.relu())

    def forward(self, features: Int[Tensor, "states features"]) -> Float[Tensor, "states outputs"]:
        """The scores of states that are told by numbers: of each place's token, then the labels."""
        columns = len(self.forms) + (self.tags is not None)
        tokens = features[:, : self.places * columns].reshape(-1, columns)
        where = torch.arange(len(tokens), device=features.device).view(-1, self.places)
        labels = features[:, self.places * columns :] if self.labels is not None else None
        return self.score(self.tables(tokens), len(tokens), where, labels)
