"""Convolution over text: a word becomes a vector, and windows slide over the words."""

from collections.abc import Sequence

from jaxtyping import Float, Int64
from torch import Tensor, nn

from gradus.nn.init import normal
from gradus.vision.convnet import ConvNet
from gradus.vision.layers import Layer


class TextCNN(nn.Module):
    """Word numbers → word vectors → a convolutional network of one axis.

    Source: Kim 2014, "Convolutional Neural Networks for Sentence Classification", figure 1.

    Attributes:
        embedding: a vector for each word; that of number 0, no word, is zero and stays so.
        network: takes "vector words", the vector as channels.
    """

    def __init__(
        self, words: int, vector: int, length: int, layers: str | Sequence[Layer], classes: int
    ) -> None:
        """Make the network.

        Args:
            words: size of the vocabulary with number 0, ≥ 1.
            vector: numbers in a word's vector, ≥ 1.
            length: words in a sentence, filled up with 0, ≥ 1.
            layers: as `ConvNet` takes them, of one axis: `conv 3x64 relu, pool all`.
            classes: ≥ 1.

        Raises:
            UsageError: as `ConvNet`.
        """
        super().__init__()
        self.network = ConvNet(layers, (vector, length), classes)
        self.embedding = nn.Embedding(words, vector, padding_idx=0)
        normal(self.embedding.weight.data[1:])

    def forward(self, numbers: Int64[Tensor, "batch length"]) -> Float[Tensor, "batch classes"]:
        """The logits z of each sentence's classes."""
        return self.network(self.embedding(numbers).mT)
