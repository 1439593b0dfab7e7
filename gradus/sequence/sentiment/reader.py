"""The network: a vector for each word, an LSTM over them, and what it says of the review."""

import torch
from jaxtyping import Float, Int64
from torch import Tensor, nn
from torch.nn.functional import batch_norm, dropout

from gradus.core.errors import UsageError
from gradus.nn.fused import ragged
from gradus.sequence.sentiment.reviews import CLASSES, NONE, UNKNOWN

POOLS = ("last", "mean", "max", "mean-max")
"""How one vector is made of the LSTM's outputs over time."""


class ReviewReader(nn.Module):
    """Word numbers → word vectors → LSTM → one vector for the review → logits.

    The word vectors are parameters like the others, learned together with them. Of a review the
    LSTM reads its own words and no padding.

    Attributes:
        embedding: a vector for each number, of mean 0 and standard deviation 1/√vector; those of
            number 0, no word, are never read.
        lstm: torch's fused layer.
        output: W, b of the logits z = W v + b.
        gain, shift: γ, β of batch normalisation of z (the book's output layer); None without.
        mean, variance: running statistics of z.

    Args:
        words: size of the vocabulary with numbers 0 and 1, ≥ 2.
        vector: numbers in a word's vector, ≥ 1.
        hidden: numbers in the LSTM's memory, ≥ 1.
        drop: probability of dropout, of the LSTM's inputs and of the review's vector, in [0, 1).
        drop_words: probability that a word is read as an unknown one in training, in [0, 1).
        pool: the review's vector v: the LSTM's last output (the book's), the mean or the largest of
            its outputs over time, or both one after the other.
        normalised: whether the logits are batch-normalised.

    Raises:
        UsageError: `pool` is not one of these.
    """

    mean: Tensor
    variance: Tensor

    def __init__(
        self,
        words: int,
        vector: int,
        hidden: int,
        *,
        drop: float = 0.5,
        drop_words: float = 0.0,
        pool: str = "last",
        normalised: bool = True,
    ) -> None:
        super().__init__()
        if pool not in POOLS:
            raise UsageError(f"pool must be one of {', '.join(POOLS)}, got {pool!r}")
        self.drop, self.drop_words, self.pool = drop, drop_words, pool
        self.embedding = nn.Embedding(words, vector)
        nn.init.normal_(self.embedding.weight, std=vector**-0.5)
        self.lstm = nn.LSTM(vector, hidden, batch_first=True)
        self.lstm.get_parameter("bias_ih_l0").data[hidden : 2 * hidden] += 1.0  # keep much at first
        classes = len(CLASSES)
        self.output = nn.Linear(hidden * (2 if pool == "mean-max" else 1), classes)
        self.gain = nn.Parameter(torch.ones(classes)) if normalised else None
        self.shift = nn.Parameter(torch.zeros(classes)) if normalised else None
        if normalised:
            self.register_buffer("mean", torch.zeros(classes))
            self.register_buffer("variance", torch.ones(classes))

    def forward(self, numbers: Int64[Tensor, "batch time"]) -> Float[Tensor, "batch 2"]:
        """The logits of each review, negative and positive; 0 stands after its last word."""
        lengths = (numbers != NONE).sum(1)
        if self.training and self.drop_words:
            dropped = torch.rand(numbers.shape, device=numbers.device) < self.drop_words
            numbers = numbers.masked_fill(dropped, UNKNOWN)
        return self.judge(self.embedding(numbers), lengths)

    def judge(
        self, vectors: Float[Tensor, "batch time vector"], lengths: Int64[Tensor, "batch"]
    ) -> Float[Tensor, "batch 2"]:
        """The logits of reviews whose words are vectors already."""
        read = ragged(self.lstm, dropout(vectors, self.drop, self.training), lengths)
        v = dropout(pooled(read, lengths, self.pool), self.drop, self.training)
        z = self.output(v)
        if self.gain is None:
            return z
        here = self.training and len(z) > 1  # of a batch of one there is no variance
        return batch_norm(z, self.mean, self.variance, self.gain, self.shift, training=here)


def pooled(
    outputs: Float[Tensor, "batch time hidden"], lengths: Int64[Tensor, "batch"], pool: str
) -> Float[Tensor, "batch numbers"]:
    """One vector for each sequence, of its own steps alone; outputs are 0 after its end."""
    if pool == "last":
        return outputs[torch.arange(len(outputs), device=outputs.device), lengths - 1]
    mean = outputs.sum(1) / lengths[:, None]
    if pool == "mean":
        return mean
    steps = torch.arange(outputs.shape[1], device=outputs.device)
    outside = (steps >= lengths[:, None]).unsqueeze(2)
    largest = outputs.masked_fill(outside, -torch.inf).amax(1)
    return largest if pool == "max" else torch.cat([mean, largest], 1)
