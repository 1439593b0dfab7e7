"""Skip-thought vectors: a sentence's vector must do to say the sentences around it (figure 7-25).

Source: Kiros et al. 2015, "Skip-Thought Vectors". As in the book, the vector is the first state of
both decoders; the paper also gives it to each of their steps. From a small text the decoders alone
teach little; a second task helps: among the sentences of a minibatch, the one after must be known
by its vector (Logeswaran and Lee 2018, "An efficient framework for learning sentence
representations").
"""

import math
from functools import partial
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn import functional

from gradus.core.batches import Batch, BatchSource
from gradus.core.run import Run
from gradus.core.task import Loss, Metrics, Task
from gradus.data.answers import Answer
from gradus.sequence.translation.average import chosen
from gradus.sequence.translation.batches import (
    Order,
    RowBatches,
    Rows,
    by_length,
    make_batch,
    padded,
    reaches,
)
from gradus.sequence.translation.corpus import Pairs
from gradus.sequence.translation.losses import Sampler, translation_loss
from gradus.sequence.translation.passages import (
    Passages,
    learn_words,
    number_passages,
    read_passages,
    sentences_of,
)
from gradus.sequence.translation.probe import bags, found_among, probe_accuracy
from gradus.sequence.translation.recipes import SkipThoughtConfig
from gradus.sequence.translation.tokens import Listed, read_tokenizer

AT_ONCE = 512
"""Sentences whose vectors are computed together."""
SHOWN = 5
"""Sentences nearest to one that is asked about."""
KEPT = 2000
"""Sentences of the test that a run keeps for this."""
TEMPERATURE = 0.1
"""What cosines are divided by before their softmax."""


class SkipThought(nn.Module):
    """One encoder and two decoders, which share the vectors of words and the output layer.

    Attributes:
        words: vectors of words.
        encoder: a GRU in both directions; its states make the vector of the sentence.
        before: the decoder of the sentence before.
        after: the decoder of the sentence after.
    """

    def __init__(
        self, vocabulary: int, embedding: int = 128, hidden: int = 256, pool: str = "mean"
    ) -> None:
        """Make the network.

        Args:
            vocabulary: different words, ≥ 1.
            embedding: numbers in the vector of a word, ≥ 1.
            hidden: numbers in the vector of a sentence, even, ≥ 2.
            pool: what becomes of the encoder's states: the last ones ("last"), their mean or the
                largest value of each number ("max").
        """
        super().__init__()
        self.pool = pool
        self.words = nn.Embedding(vocabulary, embedding)
        self.encoder = nn.GRU(embedding, hidden // 2, batch_first=True, bidirectional=True)
        self.before = nn.GRU(embedding, hidden, batch_first=True)
        self.after = nn.GRU(embedding, hidden, batch_first=True)
        self.weight = nn.Parameter(torch.empty(vocabulary, hidden))
        self.bias = nn.Parameter(torch.zeros(vocabulary))
        for weight in (self.words.weight, self.weight):
            nn.init.normal_(weight, std=weight.shape[1] ** -0.5)

    def encode(
        self, source: Int[Tensor, "batch time"], lengths: Int[Tensor, "batch"] | None = None
    ) -> Float[Tensor, "batch hidden"]:
        """The vector of each sentence; what is filled up is never read."""
        vectors: Any = self.words(source)
        if lengths is None:
            lengths = torch.full((len(source),), source.shape[1], device=source.device)
        packed = nn.utils.rnn.pack_padded_sequence(
            vectors, lengths.cpu(), batch_first=True, enforce_sorted=False
        )
        states, last = self.encoder(packed)
        if self.pool == "last":
            return torch.cat([last[0], last[1]], 1)
        fill = 0.0 if self.pool == "mean" else -math.inf
        states, _ = nn.utils.rnn.pad_packed_sequence(states, batch_first=True, padding_value=fill)
        if self.pool == "max":
            return states.amax(1)
        return states.sum(1) / lengths[:, None].to(states)

    def forward(
        self,
        source: Int[Tensor, "batch time"],
        given: Int[Tensor, "twice steps"] | None = None,
        lengths: Int[Tensor, "batch"] | None = None,
        steps: Int[Tensor, "twice"] | None = None,
    ) -> Float[Tensor, "*shape hidden"]:
        """What the decoders have to say; `output` makes logits of it.

        Args:
            source: sentences.
            given: what the decoders read: of all the sentences before, then of all those after.
            lengths: words of each sentence.
            steps: words that the decoders read of each.

        Returns:
            "tokens hidden", the sentences before in a row, then those after; without `given` the
            vectors of the sentences.
        """
        thought = self.encode(source, lengths)
        if given is None or steps is None:
            return thought
        state = thought.unsqueeze(0).contiguous()
        halves = zip((self.before, self.after), given.chunk(2), steps.chunk(2), strict=True)
        said = []
        for decoder, read, reach in halves:
            states, _ = decoder(self.words(read), state)
            said.append(states[reaches(reach, states.shape[1])])
        return torch.cat(said)

    def output(
        self, said: Float[Tensor, "tokens hidden"], words: Int[Tensor, "n"] | None = None
    ) -> Float[Tensor, "tokens n"]:
        """The logits of all words, or of some."""
        if words is None:
            return functional.linear(said, self.weight, self.bias)
        return functional.linear(said, self.weight[words], self.bias[words])


def skip_thought(config: SkipThoughtConfig) -> Task:
    """Learning vectors of sentences from running text."""
    passages = read_passages(config.data, config.passages)
    tokenizer = learn_words(passages, config.vocabulary)
    parts = number_passages(passages, tokenizer, config.longest)
    samples = min(config.samples, len(tokenizer) - 1)

    def batches(part: str, seed: int | None) -> RowBatches:
        return triplet_batches(parts[part], config.batch_size, seed)

    return Task(
        model=SkipThought(len(tokenizer), config.embedding, config.hidden, config.pool),
        train=batches("train", config.seed),
        validation=batches("validation", None),
        test=lambda: batches("test", None),
        loss=thought_loss(
            translation_loss(0.0, Sampler(len(tokenizer), samples) if samples else None),
            config.contrast,
        ),
        sample=torch.full((1, 3), len(tokenizer) - 1),
        report=partial(report, parts, len(tokenizer)),
        facts={"words": len(tokenizer)},
        files={"words.json": tokenizer.dump(), "sentences.txt": _written(parts["test"], tokenizer)},
    )


def thought_loss(say: Loss, contrast: float) -> Loss:
    """The loss of what the decoders say and, in training, of finding the sentence after.

    Args:
        say: the decoders' loss.
        contrast: weight of the other.
    """

    def loss(model: nn.Module, batch: Batch) -> tuple[Tensor, Metrics]:
        said, metrics = say(model, batch)
        if not contrast or not model.training:
            return said, metrics
        _, source, lengths, given, steps = batch
        net: Any = chosen(model)
        after, reach = given.chunk(2)[1][:, 1:], steps.chunk(2)[1] - 1  # without GO
        found = contrast_loss(net.encode(source, lengths), net.encode(after, reach))
        return said + contrast * found, metrics

    return loss


def contrast_loss(
    here: Float[Tensor, "batch hidden"], after: Float[Tensor, "batch hidden"]
) -> Float[Tensor, ""]:
    """Cross-entropy of knowing each sentence's neighbour among all other sentences of both.

    The likeness of two vectors is their cosine, after the mean of all was taken from each, as
    `gradus.sequence.translation.probe.found_among` has it, over a temperature. In this form it is
    the NT-Xent loss of Chen et al. 2020, "A simple framework for contrastive learning".
    """
    both = torch.cat([here, after])
    unit = functional.normalize(both - both.mean(0), dim=1)
    itself = torch.eye(len(both), dtype=torch.bool, device=both.device)
    likeness = (unit @ unit.T / TEMPERATURE).masked_fill(itself, -math.inf)
    neighbour = torch.arange(len(both), device=both.device).roll(len(here))
    return functional.cross_entropy(likeness, neighbour)


def _written(passages: Passages, tokenizer: Listed) -> str:
    """Sentences of the test, a line each, for the run to find the like of a new one among."""
    rows = range(min(KEPT, len(passages.sentences)))
    lines = [" ".join(tokenizer.pieces(passages.sentences[row].tolist())) for row in rows]
    return "\n".join(lines) + "\n"


def triplet_batches(passages: Passages, batch_size: int, seed: int | None) -> RowBatches:
    """Sentences with the one before and the one after, in minibatches of like length.

    A batch is (wanted, source, lengths, given, steps) as in `batches`, but given and steps have
    the sentences before and then those after, twice as many rows as the source.
    """
    middles = passages.middles()
    sizes = passages.sentences.lengths
    lengths = (sizes[middles], sizes[middles - 1] + sizes[middles + 1] + 2)
    order: Order = by_length(lengths, batch_size, seed)
    return RowBatches((passages, middles), make_triplets, lengths, order, batch_size)


def make_triplets(data: tuple[Passages, np.ndarray], rows: Rows) -> Batch:
    """The batch of some sentences; see `triplet_batches`."""
    passages, middles = data
    here, sentences = middles[rows], passages.sentences
    around = Pairs(sentences, sentences)
    wanted, _, _, given, steps = make_batch(around, np.concatenate([here - 1, here + 1]))
    sources = [sentences[row] for row in here.tolist()]
    source = torch.from_numpy(padded(sources))
    return wanted, source, torch.tensor([len(s) for s in sources]), given, steps


@torch.inference_mode()
def vectors_of(model: SkipThought, sentences: list[np.ndarray]) -> Float[np.ndarray, "n hidden"]:
    """The vector of each sentence; of one without a word zeros."""
    device = model.bias.device
    found = np.zeros((len(sentences), model.weight.shape[1]), np.float32)
    order = sorted((i for i, s in enumerate(sentences) if len(s)), key=lambda i: len(sentences[i]))
    for first in range(0, len(order), AT_ONCE):
        rows = order[first : first + AT_ONCE]
        some = [sentences[i] for i in rows]
        lengths = torch.tensor([len(s) for s in some])
        found[rows] = model.encode(torch.from_numpy(padded(some)).to(device), lengths).cpu().numpy()
    return found


@torch.inference_mode()
def report(
    parts: dict[str, Passages], words: int, model: nn.Module, batches: BatchSource
) -> dict[str, float]:
    """What the vectors are good for, beside bags of words with as many numbers.

    `next found`: share of sentences whose vector is nearest, among 50 vectors, to that of the
    sentence after it. `praise`: share of passages whose label, praise or blame, a linear
    classifier tells from the mean of their vectors. It learns from the training passages.
    """
    assert isinstance(model, SkipThought)
    assert isinstance(batches, RowBatches)
    judged = batches.data[0]
    size = model.weight.shape[1]
    found = {}
    for name, represent in (
        ("", partial(vectors_of, model)),
        (", bag of words", partial(bags, size=size, words=words)),
    ):
        rows = [judged.sentences[i] for i in range(len(judged.sentences))]
        found[f"next found{name}"] = found_among(represent(rows), judged.firsts)
        if (judged.labels >= 0).all() and len(set(judged.labels.tolist())) == 2:
            learned = parts["train"]
            known = [learned.sentences[i] for i in range(len(learned.sentences))]
            found[f"praise{name}"] = probe_accuracy(
                (represent(known), learned.firsts, learned.labels),
                (represent(rows), judged.firsts, judged.labels),
            )
    return found


class Thoughts:
    """Finds the sentences whose vectors are like that of a new one.

    Attributes:
        model: in evaluation mode.
        tokenizer: the run's words.
        sentences: those of the test that the run has kept.
    """

    def __init__(self, run: Run) -> None:
        config: Any = run.config
        self.tokenizer = read_tokenizer((run.path / "words.json").read_text(encoding="utf-8"))
        self.model = SkipThought(len(self.tokenizer), config.embedding, config.hidden, config.pool)
        self.model.load_state_dict(run.load_weights())
        self.model.eval()
        lines = (run.path / "sentences.txt").read_text(encoding="utf-8").splitlines()
        self.sentences = list(dict.fromkeys(lines))
        self._vectors = self.vectors(self.sentences)

    def vectors(self, texts: list[str]) -> Float[np.ndarray, "n hidden"]:
        """Vectors of length 1 of sentences."""
        found = vectors_of(self.model, list(map(np.array, self.tokenizer.encode(texts))))
        return found / np.maximum(np.linalg.norm(found, axis=1, keepdims=True), 1e-12)

    def __call__(self, *inputs: str) -> list[Answer]:
        """Each answer has `input` and `neighbours`, sentences with the cosine of each."""
        texts = [" ".join(sentences_of(str(given)) or [str(given).lower()]) for given in inputs]
        likeness = self.vectors(texts) @ self._vectors.T
        answers = []
        for given, row in zip(inputs, likeness, strict=True):
            near = np.argsort(-row)[:SHOWN]
            neighbours = [{"word": self.sentences[i], "similarity": float(row[i])} for i in near]
            answers.append({"input": str(given), "neighbours": neighbours})
        return answers


def load_thoughts(run: Run) -> Thoughts:
    """Finds sentences of like meaning: takes sentences; see `Thoughts`."""
    return Thoughts(run)
