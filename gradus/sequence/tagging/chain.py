"""Tags that depend on the tags before them: a chain, searched with a beam, trained as a whole.

    ρ(d₁ … dⱼ₋₁, dⱼ) = z_j[dⱼ] + T₁[dⱼ₋₁, dⱼ] + T₂[dⱼ₋₂, dⱼ]

z are the logits of the window tagger. Local training makes each word's scores probabilities, given
the right tags before it; global training those of the whole sequence, among the sequences that the
beam finds (`gradus.sequence.globally`).

Source: Andor et al. 2016, "Globally Normalized Transition-Based Neural Networks", sections 2 and 3,
whose tagger is of this kind.
"""

from collections.abc import Sequence

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from gradus.sequence.globally import global_loss
from gradus.sequence.search import NOTHING, beam_search
from gradus.sequence.tagging.tagger import Tagger


class TagChain(nn.Module):
    """A window tagger, and what the two tags before add to the score of a tag.

    Attributes:
        tagger: gives z.
        one: T₁, "tags+1 tags"; the last row is for the start of a sentence, where no tag is before.
        two: T₂, the same for the tag before that.
    """

    def __init__(self, tagger: Tagger, tags: int) -> None:
        super().__init__()
        self.tagger = tagger
        self.one, self.two = (nn.Embedding(tags + 1, tags) for _ in range(2))
        for table in (self.one, self.two):
            nn.init.zeros_(table.weight)

    def forward(
        self, logits: Float[Tensor, "rows tags"], before: Int[Tensor, "rows 2"]
    ) -> Float[Tensor, "rows tags"]:
        """ρ of every tag of some words.

        Args:
            logits: z of the words.
            before: the tag before each, and the one before that; `tags` where there is none.
        """
        return logits + self.one(before[:, 0]) + self.two(before[:, 1])


class TagStates:
    """How far the tagging of some sentences is, a row each: see `gradus.sequence.search.States`.

    Attributes:
        at: the number of the word that is tagged next, among all words of the minibatch.
        before: the last tag, and the one before it.
    """

    def __init__(self, at: Int[np.ndarray, "rows"], before: Int[np.ndarray, "rows 2"]) -> None:
        self.at, self.before = at, before

    def take(self, rows: Int[np.ndarray, "some"]) -> "TagStates":
        """Copies of some rows, in their order."""
        return TagStates(self.at[rows], self.before[rows])

    def advance(self, actions: Int[np.ndarray, "rows"]) -> None:
        """Give the next word a tag, in place; NOTHING leaves a row as it is."""
        some = actions != NOTHING
        self.before[some, 1] = self.before[some, 0]
        self.before[some, 0] = actions[some]
        self.at[some] += 1

    def describe(self) -> tuple[np.ndarray, np.ndarray]:
        """The word that is next, and the tags before it."""
        return self.at, self.before


def begin(lengths: Int[np.ndarray, "S"], tags: int) -> TagStates:
    """The first state of each sentence; their words are numbered one sentence after another."""
    at = np.cumsum(lengths) - lengths
    return TagStates(at.astype(np.int64), np.full((len(lengths), 2), tags, np.int64))


def local_loss(
    chain: TagChain, logits: Float[Tensor, "words tags"], gold: Sequence[Int[np.ndarray, "_"]]
) -> Float[Tensor, ""]:
    """−ln of each word's probability of its tag after the right tags, the mean over the words.

    Args:
        chain: the model.
        logits: z of the words of some sentences, one after another.
        gold: the tags of each sentence.
    """
    none = chain.one.num_embeddings - 1
    pairs = [
        np.stack([np.append([none], g)[:-1], np.append([none, none], g)[:-2]], 1) for g in gold
    ]
    before = torch.from_numpy(np.concatenate(pairs)).to(logits.device)
    right = torch.from_numpy(np.concatenate(list(gold))).to(logits.device)
    return cross_entropy(chain(logits, before), right)


def sequence_loss(
    chain: TagChain,
    logits: Float[Tensor, "words tags"],
    gold: Sequence[Int[np.ndarray, "_"]],
    beam: int,
) -> Float[Tensor, "S"]:
    """The loss of global training of each sentence: see `gradus.sequence.globally.global_loss`."""
    lengths = np.array([len(g) for g in gold])
    actions = np.full((len(gold), int(lengths.max(initial=0))), NOTHING, np.int64)
    actions[np.arange(actions.shape[1]) < lengths[:, None]] = np.concatenate(list(gold))

    def scorer(at: Tensor, before: Tensor, sentence: Tensor) -> Tensor:
        return chain(logits[at], before)

    states = begin(lengths, chain.one.num_embeddings - 1)
    return global_loss(states, actions, scorer, beam, logits.device)[0]


@torch.no_grad()
def decode(
    chain: TagChain,
    logits: Float[Tensor, "words tags"],
    lengths: Int[np.ndarray, "S"],
    beam: int,
    *,
    normalise: bool,
) -> list[Int[np.ndarray, "_"]]:
    """The best tags of each sentence that the beam finds; a beam of 1 is greedy.

    Args:
        chain: the model.
        logits: z of the words of the sentences, one after another.
        lengths: words of each.
        beam: its width, ≥ 1.
        normalise: whether scores are made probabilities for each word, as after local training.
    """

    def scorer(at: Tensor, before: Tensor, sentence: Tensor) -> Tensor:
        return chain(logits[at], before)

    states = _Remembering(begin(lengths, chain.one.num_embeddings - 1), int(lengths.max(initial=0)))
    found = beam_search(
        states, lengths, scorer, beam, normalise=normalise, device=logits.device
    ).best
    return [tags[:n] for tags, n in zip(found.done, lengths, strict=True)]


class _Remembering:
    """States that keep all their tags."""

    def __init__(self, states: TagStates, longest: int, done: np.ndarray | None = None) -> None:
        self.states, self.longest = states, longest
        empty = np.full((len(states.at), longest + 1), NOTHING)
        self.done = empty if done is None else done

    def take(self, rows: Int[np.ndarray, "some"]) -> "_Remembering":
        return _Remembering(self.states.take(rows), self.longest, self.done[rows])

    def advance(self, actions: Int[np.ndarray, "rows"]) -> None:
        at = np.argmax(self.done == NOTHING, axis=1)  # the last column is never filled
        some = actions != NOTHING
        self.done[some, at[some]] = actions[some]
        self.states.advance(actions)

    def describe(self) -> tuple[np.ndarray, np.ndarray]:
        return self.states.describe()
