"""A feed-forward network over what stands in some places: Chen and Manning's, for any places.

Symbols: x the vector of what stands in a place, u the vector of a label, h the hidden layer.
"""

from collections.abc import Sequence
from itertools import pairwise

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
    vectors are added; and of its tag, whose vector is laid beside that sum: together x. With a
    context of c words, x + max(0, C [x₋c … x₊c] + c) takes the place of x: a convolution.

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
        context: int = 0,
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
            context: words to each side that a token is seen with, ≥ 0.

        Raises:
            UsageError: a number is outside its range.
        """
        super().__init__()
        if activation not in ACTIVATIONS:
            raise UsageError(f"activation must be relu or cube, got {activation!r}")
        check_setting(bool(hidden) and min(hidden) >= 1, "hidden", "units, ≥ 1 each", hidden)
        self.places, self.outputs, self.context = places, outputs, context
        self.activation, self.forget = activation, forget
        self.forms = nn.ModuleList(nn.Embedding(n, vector) for n in forms)
        self.tags = nn.Embedding(tags, tag_vector) if tags else None
        self.labels = nn.Embedding(labels, tag_vector) if seen else None
        width = vector + (tag_vector if tags else 0)
        inputs = places * width + seen * tag_vector
        self.around = nn.Linear((2 * context + 1) * width, width) if context else None
        self.first = nn.Parameter(torch.empty(width, places * hidden[0]))
        self.seen = nn.Parameter(torch.empty(tag_vector, seen * hidden[0])) if seen else None
        self.bias = nn.Parameter(torch.zeros(hidden[0]))
        layers: list[nn.Module] = []
        for before, after in pairwise(hidden):
            layers += [nn.Linear(before, after), nn.ReLU(), nn.Dropout(dropout)]
        last = nn.Linear(hidden[-1], outputs)
        self.rest = nn.Sequential(nn.Dropout(dropout), *layers, last)
        self.drop = nn.Dropout(dropout)
        self._start(inputs, last)

    def _start(self, inputs: int, last: nn.Linear) -> None:
        """The first parameters: sums of variance 1 for each token and for each hidden unit."""
        for table in self.forms.parameters():
            nn.init.normal_(table, std=len(self.forms) ** -0.5)
        for parameter in (self.first, self.seen):
            if parameter is not None:
                gain = 2.0 if self.activation == "relu" else 0.5
                nn.init.normal_(parameter, std=(gain / inputs) ** 0.5)
        nn.init.normal_(last.weight, std=0.1 * last.in_features**-0.5)
        nn.init.zeros_(last.bias)

    def vectors(self, tokens: Int[Tensor, "tokens columns"]) -> Float[Tensor, "tokens vector"]:
        """The vector x of each token: the sum of its forms' vectors, then its tag's."""
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

    def tables(
        self,
        tokens: Int[Tensor, "tokens columns"],
        around: Int[Tensor, "spots window"] | None = None,
    ) -> tuple[Tensor, Tensor | None]:
        """The rows that states add up, "rows hidden": W_p x of each token and place, V_q u.

        Args:
            tokens: the numbers of some tokens.
            around: where a token is seen with its context: for each word of the sentences the
                tokens before it, itself, those after it. There are rows for each of these then.
        """
        x = self.vectors(tokens)
        if self.around is not None and around is not None:
            together = x[around]
            x = together[:, self.context] + self.around(together.flatten(1)).relu()
        rows = (x @ self.first).view(len(x) * self.places, -1)
        if self.labels is None or self.seen is None:
            return rows, None
        return rows, (self.labels.weight @ self.seen).view(-1, rows.shape[1])

    def score(
        self,
        tables: tuple[Tensor, Tensor | None],
        where: Int[Tensor, "states places"],
        labels: Int[Tensor, "states seen"] | None = None,
        kept: Float[Tensor, "states hidden"] | None = None,
    ) -> Float[Tensor, "states outputs"]:
        """The scores of states.

        Args:
            tables: of `tables`.
            where: for each place which of those the tables were made for stands there.
            labels: the labels looked at.
            kept: factors of the hidden units, for a dropout that is drawn elsewhere.
        """
        z = _sum_of_rows(tables[0], where) + self.bias
        if tables[1] is not None and labels is not None:
            z = z + _sum_of_rows(tables[1], labels)
        h = z**3 if self.activation == "cube" else z.relu()
        return self.rest(h if kept is None else h * kept)

    def forward(self, features: Int[Tensor, "states features"]) -> Float[Tensor, "states outputs"]:
        """The scores of states that are told by numbers: of each place's token, then the labels.

        Where tokens are seen with their context, these come with it: those before, itself, after.
        """
        columns = len(self.forms) + (self.tags is not None)
        window = 2 * self.context + 1
        tokens = features[:, : self.places * window * columns].reshape(-1, columns)
        numbers = torch.arange(len(tokens), device=features.device)
        where = torch.arange(len(tokens) // window, device=features.device).view(-1, self.places)
        labels = features[:, self.places * window * columns :] if self.labels is not None else None
        return self.score(self.tables(tokens, numbers.view(-1, window)), where, labels)


def _sum_of_rows(
    table: Float[Tensor, "rows hidden"], numbers: Int[Tensor, "states columns"]
) -> Float[Tensor, "states hidden"]:
    """Σ_c of the row of each column's number; a number has a row for each column, side by side."""
    columns = numbers.shape[1]
    rows = numbers * columns + torch.arange(columns, device=numbers.device)
    return functional.embedding_bag(rows, table, mode="sum")
