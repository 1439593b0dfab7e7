"""The neural n-gram tagger: a word and its neighbours in, one of the tags out.

Source: the book's chapter 7, "Implementing a Part-of-Speech Tagger" (figure 7-3); the sum of a
word's parts: Bojanowski et al. 2017, "Enriching Word Vectors with Subword Information".
"""

from collections.abc import Sequence

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from gradus.core.errors import UsageError
from gradus.sequence.tagging.features import LEXICAL, UNKNOWN


class Tagger(nn.Module):
    """A feed-forward network over the vectors of a window of words.

        x_w = Σ_f E[f]  (+ V[w])        f: the rows of the word's features
        h₁  = f(BN(W₁ [x_{i−b} … x_i … x_{i+a}]))
        z   = W_out h_n + b_out

    Attributes:
        parts: E, "rows dimensions"; row 0, a feature that the training did not have, is zero.
        given: V, vectors from elsewhere that stay as they are; None without them.
        first: W₁; batch normalisation has a shift of its own, so there is no bias.
        rest: what follows: normalisation, ReLU and dropout, then a dense layer, and so on.
    """

    def __init__(
        self,
        rows: int,
        dimensions: int,
        window: int,
        hidden: Sequence[int],
        tags: int,
        *,
        dropout: float = 0.0,
        word_dropout: float = 0.0,
        given: int = 0,
        std: float = 0.1,
    ) -> None:
        """Make the network.

        Args:
            rows: different features, the two special rows among them, ≥ 2.
            dimensions: numbers in a word's vector, ≥ 1.
            window: words in a window, ≥ 1.
            hidden: neurons in each hidden layer, at least one layer.
            tags: ≥ 1.
            dropout: probability that a hidden neuron is silenced in training, in [0, 1).
            word_dropout: probability that a place in a window forgets which word it has, in
                training, and knows its other features alone, in [0, 1).
            given: how many vectors come from elsewhere; each word's last column says which it has.
            std: standard deviation of the features' vectors at the start.

        Raises:
            UsageError: a number is out of its range.
        """
        super().__init__()
        if min(rows - 1, dimensions, window, tags, *hidden) < 1 or not hidden:
            raise UsageError(
                "rows must be ≥ 2, dimensions, window, tags and each of one or more hidden layers "
                f"≥ 1, got {rows}, {dimensions}, {window}, {tags} and {tuple(hidden)}"
            )
        for name, p in {"dropout": dropout, "word_dropout": word_dropout}.items():
            if not 0 <= p < 1:
                raise UsageError(f"{name} must be in [0, 1), got {p}")
        self.word_dropout = word_dropout
        self.parts = nn.EmbeddingBag(rows, dimensions, mode="sum", padding_idx=UNKNOWN)
        nn.init.normal_(self.parts.weight, std=std)
        with torch.no_grad():
            self.parts.weight[UNKNOWN] = 0
        self.given = None
        if given:
            self.given = nn.Embedding(given, dimensions).requires_grad_(False)
            nn.init.zeros_(self.given.weight)
        self.first = nn.Linear(window * dimensions, hidden[0], bias=False)
        layers: list[nn.Module] = []
        for n, m in zip(hidden, [*hidden[1:], tags], strict=True):
            layers += [nn.BatchNorm1d(n), nn.ReLU(), nn.Dropout(dropout), nn.Linear(n, m)]
        self.rest = nn.Sequential(*layers)

    def vectors(self, words: Int[Tensor, "words columns"]) -> Float[Tensor, "words dimensions"]:
        """x_w of some words, each given by the rows of its features."""
        if self.given is None:
            return self.parts(words)
        return self.parts(words[:, :-1].contiguous()) + self.given(words[:, -1])

    def forward(self, windows: Int[Tensor, "batch window columns"]) -> Float[Tensor, "batch tags"]:
        """The logits z of each window's tags."""
        batch, _, columns = windows.shape
        words = windows.reshape(-1, columns)
        if self.training and self.word_dropout:
            words = words.clone()
            forgotten = torch.rand(len(words), 1, device=words.device) < self.word_dropout
            words[:, :LEXICAL].masked_fill_(forgotten, UNKNOWN)
        return self.rest(self.first(self.vectors(words).reshape(batch, -1)))

    def project(self, words: Int[Tensor, "types columns"]) -> Float[Tensor, "window types hidden"]:
        """What each of some words adds to the first layer's logits at each place of a window.

        W₁ x is a sum over these places. In a text, whose words are repeated, that is computed once
        for each different word instead of wherever it stands (Chen and Manning 2014, "A Fast and
        Accurate Dependency Parser using Neural Networks", section 3.2).
        """
        x = self.vectors(words)
        blocks = self.first.weight.unflatten(1, (-1, x.shape[1]))  # "hidden window dimensions"
        return x @ blocks.permute(1, 2, 0)

    def score(
        self,
        projected: Float[Tensor, "window types hidden"],
        places: Int[Tensor, "tokens window"],
    ) -> Float[Tensor, "tokens tags"]:
        """The logits of windows, as `forward` gives them.

        Args:
            projected: of the different words, by `project`.
            places: which of them each window has.
        """
        logit = projected[0].index_select(0, places[:, 0])
        for at, part in enumerate(projected[1:], 1):
            logit += part.index_select(0, places[:, at])
        return self.rest(logit)
