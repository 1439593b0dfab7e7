"""Encoder and decoder, with or without attention (book figures 7-24, 7-26 and 7-27).

The encoder reads the source; its last state starts the decoder, which says the target token by
token, each from the token before it. With attention every step of the decoder also looks over all
states of the encoder. *Where* it looks from decides how fast training is:

- before: the query is the state at t − 1, and what was found goes into the recurrent layers
  (Bahdanau et al. 2015; book figure 7-27). Each step needs the one before: a loop over time.
- after: the query is the state at t, of all layers; what was found goes to the output alone (Luong
  et al. 2015). All steps of the known target are one call of the layers and one of the attention.
- between: the query is the state at t of the lower layers, and what was found goes into one more
  recurrent layer above, which so knows what was looked at (Wu et al. 2016, section 3). Still three
  calls for a whole sequence.
"""

from typing import NamedTuple

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from gradus.core.errors import UsageError
from gradus.nn.attention import AdditiveAttention, DotAttention
from gradus.sequence.translation.batches import reaches
from gradus.sequence.translation.tokens import GO

CELLS = {"gru": nn.GRU, "lstm": nn.LSTM}
PLACES = ("before", "after", "between")

State = tuple[Tensor, ...]
"""What the decoder remembers: tensors "layers batch hidden"."""
Tokens = Int[Tensor, "batch time"]


class Memory(NamedTuple):
    """What the encoder leaves behind.

    Attributes:
        states: of its top layer at each position.
        keys: what the attention compares with; None without attention.
        mask: true where there is a token; None where no sentence is filled up.
    """

    states: Float[Tensor, "batch positions hidden"]
    keys: Float[Tensor, "batch positions size"] | None
    mask: Bool[Tensor, "batch positions"] | None

    def rows(self, index: Int[Tensor, "rows"]) -> "Memory":
        """The memory of some sentences, each as often as it is named."""
        keys, mask = (p if p is None else p.index_select(0, index) for p in (self.keys, self.mask))
        return Memory(self.states.index_select(0, index), keys, mask)


class Seq2Seq(nn.Module):
    """A recurrent encoder and decoder.

    Attributes:
        hidden: numbers in a state, of encoder and decoder.
        target_words: vectors of the target's tokens; with `tied` also the output layer's weights.
        source_words: vectors of the source's tokens; None where the target's serve for both.
        encoder: recurrent layers, in one or both directions.
        attention: None, or one of `gradus.nn.attention`.
        decoder: recurrent layers of the decoder.
        upper: the layer above the attention, with place "between".
    """

    def __init__(
        self,
        source_vocabulary: int,
        target_vocabulary: int,
        embedding: int = 256,
        hidden: int = 256,
        layers: int = 1,
        cell: str = "gru",
        bidirectional: bool = True,
        score: str = "dot",
        place: str = "after",
        dropout: float = 0.0,
        tied: bool = False,
        shared: bool = False,
    ) -> None:
        """Make the network.

        Args:
            source_vocabulary: different tokens of the source, ≥ 1.
            target_vocabulary: different tokens of the target, ≥ 1.
            embedding: numbers in the vector of a token, ≥ 1.
            hidden: numbers in a state, ≥ 1; even, where the encoder reads in both directions,
                each of which has half of them.
            layers: recurrent layers of the encoder, and of the decoder, ≥ 1.
            cell: gru or lstm.
            bidirectional: the encoder reads from both ends.
            score: none (no attention), additive, dot, scaled or general.
            place: where the attention looks from: before, after or between.
            dropout: probability that a number of a token's vector, between layers or before the
                output is silenced in training, in [0, 1).
            tied: the output layer's weights are the vectors of the target's tokens.
            shared: source and target have one vocabulary, and one vector for each token.

        Raises:
            UsageError: a setting is out of its range, or two contradict each other.
        """
        super().__init__()
        _check(locals())
        self.hidden, self.place, self.dropout = hidden, place, dropout
        self.target_words = nn.Embedding(target_vocabulary, embedding)
        self.source_words = None if shared else nn.Embedding(source_vocabulary, embedding)
        for words in (self.target_words, self.source_words):
            if words is not None:
                nn.init.normal_(words.weight, std=embedding**-0.5)
        kind, between = CELLS[cell], dropout if layers > 1 else 0.0
        ways = 2 if bidirectional else 1
        self.encoder = kind(
            embedding,
            hidden // ways,
            layers,
            batch_first=True,
            dropout=between,
            bidirectional=bidirectional,
        )
        self.attention: AdditiveAttention | DotAttention | None
        if score == "none":
            self.attention = None
        elif score == "additive":
            self.attention = AdditiveAttention(hidden, hidden, hidden)
        else:
            self.attention = DotAttention(hidden, hidden, score)
        width = embedding + (hidden if self.attention and place == "before" else 0)
        self.decoder = kind(width, hidden, layers, batch_first=True, dropout=between)
        above = self.attention is not None and place == "between"
        self.upper = kind(2 * hidden, hidden, 1, batch_first=True) if above else None
        self.combine = nn.Linear(hidden * (2 if self.attention else 1), embedding)
        self.weight = None if tied else nn.Parameter(torch.empty(target_vocabulary, embedding))
        if self.weight is not None:
            nn.init.normal_(self.weight, std=embedding**-0.5)
        self.bias = nn.Parameter(torch.zeros(target_vocabulary))

    def forward(
        self,
        source: Int[Tensor, "batch positions"],
        given: Tokens | None = None,
        lengths: Int[Tensor, "batch"] | None = None,
        steps: Int[Tensor, "batch"] | None = None,
    ) -> Float[Tensor, "*shape embedding"]:
        """What the decoder has to say at each step; `output` makes logits of it.

        Args:
            source: the sentences to translate.
            given: what the decoder reads: GO and the target; None: GO alone.
            lengths: tokens of each source sentence; None: none is filled up.
            steps: tokens that the decoder reads of each target.

        Returns:
            "batch time embedding"; with `steps` "tokens embedding", the sentences in a row and
            nothing of what was filled up.
        """
        if given is None:
            given = torch.full_like(source[:, :1], GO)
        memory, state = self.encode(source, lengths)
        said, _, _ = self.decode(given, memory, state)
        return said if steps is None else said[reaches(steps, said.shape[1])]

    def output(
        self, said: Float[Tensor, "*shape embedding"], words: Int[Tensor, "n"] | None = None
    ) -> Float[Tensor, "*shape n"]:
        """The logits of all tokens of the target's vocabulary, or of some `words` of it."""
        weight = self.target_words.weight if self.weight is None else self.weight
        if words is None:
            return functional.linear(said, weight, self.bias)
        return functional.linear(said, weight[words], self.bias[words])

    def encode(
        self, source: Int[Tensor, "batch positions"], lengths: Int[Tensor, "batch"] | None = None
    ) -> tuple[Memory, State]:
        """Read the source; what is filled up is never read.

        Args:
            source: the sentences.
            lengths: tokens of each, ≥ 1; None: none is filled up.

        Returns:
            (what the attention looks at, the decoder's first state).
        """
        words = self.target_words if self.source_words is None else self.source_words
        vectors = self._silenced(words(source))
        if lengths is None or bool((lengths == source.shape[1]).all()):
            mask = None
            states, last = self.encoder(vectors)
        else:
            mask = reaches(lengths, source.shape[1])
            packed = pack_padded_sequence(
                vectors, lengths.cpu(), batch_first=True, enforce_sorted=False
            )
            found, last = self.encoder(packed)
            states, _ = pad_packed_sequence(found, batch_first=True, total_length=source.shape[1])
        keys = self.attention.keys(states) if self.attention else None
        return Memory(states, keys, mask), self._first_state(last)

    def _first_state(self, last: Tensor | tuple[Tensor, Tensor]) -> State:
        """The decoder's first state: each layer's last of the encoder, both directions in a row."""
        parts = (last,) if isinstance(last, Tensor) else last
        ways = 2 if self.encoder.bidirectional else 1
        state = tuple(
            part.unflatten(0, (-1, ways)).movedim(1, 2).flatten(2).contiguous() for part in parts
        )
        return state if self.upper is None else state + tuple(part[-1:] for part in state)

    def decode(
        self, given: Tokens, memory: Memory, state: State
    ) -> tuple[Float[Tensor, "batch time embedding"], Tensor | None, State]:
        """Some steps of the decoder, one or many.

        Args:
            given: the token before each step.
            memory: of `encode`.
            state: of `encode`, or of the steps before.

        Returns:
            (what it has to say, the attention's weights "batch time positions" or None, the state
            after the last step).
        """
        vectors = self._silenced(self.target_words(given))
        if self.attention is None:
            states, state = self._run(self.decoder, vectors, state)
            return self._silenced(torch.tanh(self.combine(states))), None, state
        if self.place == "before":
            states, contexts, weights, state = self._step_by_step(vectors, memory, state)
        elif self.upper is None:
            states, state = self._run(self.decoder, vectors, state)
            contexts, weights = self._look(states, memory)
        else:
            half = len(state) // 2
            states, lower = self._run(self.decoder, vectors, state[:half])
            contexts, weights = self._look(states, memory)
            both = self._silenced(torch.cat([states, contexts], 2))
            states, above = self._run(self.upper, both, state[half:])
            state = lower + above
        said = torch.tanh(self.combine(torch.cat([states, contexts], 2)))
        return self._silenced(said), weights, state

    def _step_by_step(
        self, vectors: Float[Tensor, "batch time embedding"], memory: Memory, state: State
    ) -> tuple[Tensor, Tensor, Tensor, State]:
        """Look from the state before each step, and step with what was found."""
        found = []
        for vector in vectors.split(1, 1):
            context, weights = self._look(state[0][-1].unsqueeze(1), memory)
            states, state = self._run(self.decoder, torch.cat([vector, context], 2), state)
            found.append((states, context, weights))
        states, contexts, weights = (torch.cat(parts, 1) for parts in zip(*found, strict=True))
        return states, contexts, weights, state

    def _look(
        self, queries: Float[Tensor, "batch time hidden"], memory: Memory
    ) -> tuple[Tensor, Tensor]:
        assert self.attention is not None
        return self.attention(queries, memory.states, memory.mask, memory.keys)

    @staticmethod
    def _run(layers: nn.GRU | nn.LSTM, inputs: Tensor, state: State) -> tuple[Tensor, State]:
        """Call torch's layers, whose state is a tensor or a pair of them."""
        states, after = layers(inputs, state[0] if len(state) == 1 else state)
        return states, (after,) if isinstance(after, Tensor) else tuple(after)

    def _silenced(self, values: Tensor) -> Tensor:
        return functional.dropout(values, self.dropout, self.training and self.dropout > 0)


def _check(given: dict) -> None:
    """Refuse settings that are out of range or contradict each other."""
    for name in ("source_vocabulary", "target_vocabulary", "embedding", "hidden", "layers"):
        if given[name] < 1:
            raise UsageError(f"{name} must be ≥ 1, got {given[name]}")
    if given["cell"] not in CELLS:
        raise UsageError(f"cell must be one of {', '.join(CELLS)}, got {given['cell']!r}")
    if given["place"] not in PLACES:
        raise UsageError(f"place must be one of {', '.join(PLACES)}, got {given['place']!r}")
    if given["bidirectional"] and given["hidden"] % 2:
        raise UsageError(f"hidden must be even for two directions, got {given['hidden']}")
    if not 0 <= given["dropout"] < 1:
        raise UsageError(f"dropout must be in [0, 1), got {given['dropout']}")
    if given["shared"] and given["source_vocabulary"] != given["target_vocabulary"]:
        raise UsageError(
            f"shared vectors need one vocabulary, got source_vocabulary="
            f"{given['source_vocabulary']} and target_vocabulary={given['target_vocabulary']}"
        )
