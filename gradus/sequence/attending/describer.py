"""A network that says, word by word, what it looks at.

Source: Xu et al. 2015, "Show, Attend and Tell", sections 3.1 and 4.2 (soft attention); the score
is Bahdanau's.
"""

import torch
from jaxtyping import Float, Int64
from torch import Tensor, nn

from gradus.nn.attention import AdditiveAttention
from gradus.nn.recurrent import GRUCell


class PictureRegions(nn.Module):
    """A vector for each region of a picture, which tells of that region alone.

    Attributes:
        cell: pixels of a region, each way.
        network: two convolutions and a dense layer, the same for every region.

    Args:
        cell: ≥ 2.
        size: numbers in a vector.
    """

    def __init__(self, cell: int, size: int) -> None:
        super().__init__()
        self.cell = cell
        self.network = nn.Sequential(
            nn.Conv2d(1, 16, 3, padding=1),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Conv2d(16, 32, 3, padding=1),
            nn.ReLU(),
            nn.Flatten(),
            nn.Linear(32 * (cell // 2) ** 2, size),
            nn.ReLU(),
        )

    def forward(
        self, pictures: Float[Tensor, "batch 1 height width"]
    ) -> Float[Tensor, "batch regions size"]:
        """The vectors, row by row from the upper left."""
        patches = pictures.unfold(2, self.cell, self.cell).unfold(3, self.cell, self.cell)
        patches = patches.flatten(1, 3)  # "batch regions cell cell"
        return self.network(patches.reshape(-1, 1, self.cell, self.cell)).unflatten(
            0, (len(pictures), -1)
        )


class SoundFrames(nn.Module):
    """A vector for each frame of a spectrogram, which tells of that frame alone.

    Attributes:
        network: two dense layers, the same for every frame.

    Args:
        frequencies: of the spectrogram.
        size: numbers in a vector.
    """

    def __init__(self, frequencies: int, size: int) -> None:
        super().__init__()
        self.network = nn.Sequential(
            nn.Linear(frequencies, size), nn.ReLU(), nn.Linear(size, size), nn.ReLU()
        )

    def forward(
        self, sounds: Float[Tensor, "batch frequencies frames"]
    ) -> Float[Tensor, "batch frames size"]:
        """The vectors, in time."""
        return self.network(sounds.mT)


class Describer(nn.Module):
    """Looks at regions one after the other, and names what it sees.

    At step t, with m_i the vectors of the regions, h the decoder's state and y its words:

        α = attention of h_{t-1} over m,    c_t = Σ_i α_i m_i
        h_t = GRU([E y_{t-1}; c_t], h_{t-1}),    z_t = W [h_t; c_t] + b

    The state begins as a learned vector: what is in the picture reaches it through α alone.

    Attributes:
        regions: picture or sound -> vectors of its regions.
        places: a learned vector for each region, added to its own, that tells where it is.
        attention: Bahdanau's.
        words: E, a vector for each word, and one for the beginning.
        decoder: our GRU cell.
        start: h_0.
        output: W, b.

    Args:
        regions: makes the vectors.
        count: how many regions there are.
        size: numbers in a vector, and in the state.
        words: how many words there are, the last of them the end.
        steps: words in the longest description, the end among them.
    """

    def __init__(
        self, regions: PictureRegions | SoundFrames, count: int, size: int, words: int, steps: int
    ) -> None:
        super().__init__()
        self.steps, self.begin = steps, words
        self.regions = regions
        self.places = nn.Parameter(torch.randn(count, size) * size**-0.5)
        self.attention = AdditiveAttention(size, size, size)
        self.words = nn.Embedding(words + 1, size)
        self.decoder = GRUCell(2 * size, size)
        self.start = nn.Parameter(torch.zeros(size))
        self.output = nn.Linear(2 * size, words)

    def forward(
        self, inputs: Tensor, said: Int64[Tensor, "batch steps"] | None = None
    ) -> tuple[Float[Tensor, "batch steps words"], Float[Tensor, "batch steps regions"]]:
        """Describe pictures or sounds.

        Args:
            inputs: as `regions` takes them.
            said: the right words, each of which is read at the step after; None: its own words.

        Returns:
            logits z of each word, and the attention α by which it was found.
        """
        memory = self.regions(inputs) + self.places
        keys = self.attention.keys(memory)
        h = self.start.expand(len(inputs), -1)
        word = torch.full((len(inputs),), self.begin, device=inputs.device)
        logits, looked = [], []
        for step in range(self.steps):
            context, weights = self.attention(h.unsqueeze(1), memory, keys=keys)
            context = context[:, 0]
            h, _ = self.decoder(torch.cat([self.words(word), context], 1), (h,))
            logits.append(self.output(torch.cat([h, context], 1)))
            looked.append(weights[:, 0])
            word = logits[-1].argmax(1) if said is None else said[:, step].clamp(min=0)
        return torch.stack(logits, 1), torch.stack(looked, 1)
