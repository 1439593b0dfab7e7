"""Reading a story word by word: one-hot words, a network with memory, the answer as a word."""

from jaxtyping import Float, Int64
from torch import Tensor, nn
from torch.nn.functional import one_hot


class StoryReader(nn.Module):
    """Word numbers → one-hot vectors → a recurrent network → logits of the words.

    Attributes:
        network: "batch time words" -> ("batch time words", state).
        words: size of the vocabulary.
    """

    def __init__(self, network: nn.Module, words: int) -> None:
        super().__init__()
        self.network = network
        self.words = words

    def forward(self, numbers: Int64[Tensor, "batch time"]) -> Float[Tensor, "batch time words"]:
        """The logits of the word that should be said at each step."""
        weight = next(self.network.parameters())
        return self.network(one_hot(numbers, self.words).to(weight.dtype))[0]


class LSTMNet(nn.Module):
    """A layer of long short-term memory and a linear one: what there is to beat."""

    def __init__(self, inputs: int, outputs: int, hidden: int) -> None:
        super().__init__()
        self.lstm = nn.LSTM(inputs, hidden, batch_first=True)
        self.output = nn.Linear(hidden, outputs)

    def forward(
        self, x: Float[Tensor, "batch time inputs"]
    ) -> tuple[Float[Tensor, "batch time outputs"], tuple[Tensor, Tensor]]:
        """The outputs of all time steps, and the state after the last."""
        hidden, state = self.lstm(x)
        return self.output(hidden), state
