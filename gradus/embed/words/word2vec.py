"""Word2vec as a module: two vectors for each word, one to stand for it and one to predict it.

Source: Mikolov et al. 2013, "Efficient Estimation of Word Representations in Vector Space"; the
book's chapter 6, The Word2Vec Framework.
"""

import math

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn


class Word2Vec(nn.Module):
    """Skip-gram and CBOW: which they are depends on what goes in, a word or the words around it.

    Attributes:
        inputs: v_w, the embedding, "words dimensions".
        outputs: u_w, "words dimensions".
        biases: b_w, "words"; None without biases.

    Args:
        words: V, size of the vocabulary.
        dimensions: d, numbers in a vector.
        biases: whether the output layer has biases, which NCE and softmax need.
        input_range: input vectors begin uniform in ± this; by default 1 / (2 d), as word2vec has
            it; the book has 1.
        output_std: output vectors begin normal with this deviation, cut off at twice it; by default
            0, as word2vec has it; the book has 1 / √d.
    """

    def __init__(
        self,
        words: int,
        dimensions: int,
        *,
        biases: bool = False,
        input_range: float | None = None,
        output_std: float = 0.0,
    ) -> None:
        super().__init__()
        reach = 1 / (2 * dimensions) if input_range is None else input_range
        self.inputs = nn.Embedding(words, dimensions)
        self.outputs = nn.Embedding(words, dimensions)
        self.biases = nn.Parameter(torch.zeros(words)) if biases else None
        nn.init.uniform_(self.inputs.weight, -reach, reach)
        nn.init.zeros_(self.outputs.weight)
        if output_std:
            cut = 2 * output_std
            nn.init.trunc_normal_(self.outputs.weight, std=output_std, a=-cut, b=cut)

    def forward(self, inputs: Int[Tensor, "batch width"]) -> Float[Tensor, "batch dimensions"]:
        """The hidden vectors h: the mean of the input words' vectors.

        Args:
            inputs: word numbers, at least one in a row; −1 fills a row up. A single column is
                skip-gram.
        """
        if inputs.shape[1] == 1:
            return self.inputs(inputs[:, 0])
        there = (inputs >= 0).unsqueeze(2)
        total = (self.inputs(inputs.clamp(min=0)) * there).sum(1)
        return total / there.sum(1)

    def scores(
        self, hidden: Float[Tensor, "batch dimensions"], words: Int[Tensor, "batch n"]
    ) -> Float[Tensor, "batch n"]:
        """h·u_w + b_w for some words of each row."""
        found = (self.outputs(words) @ hidden.unsqueeze(2)).squeeze(2)
        return found if self.biases is None else found + self.biases[words]

    def all_scores(
        self, hidden: Float[Tensor, "batch dimensions"]
    ) -> Float[Tensor, "batch vocabulary"]:
        """h·u_w + b_w for every word: the logits of the full softmax."""
        return nn.functional.linear(hidden, self.outputs.weight, self.biases)


def book_start(dimensions: int) -> dict[str, float]:
    """The book's initial values, as arguments of `Word2Vec`."""
    return {"input_range": 1.0, "output_std": 1 / math.sqrt(dimensions)}
