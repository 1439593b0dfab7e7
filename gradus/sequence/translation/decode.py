"""From the network to a sentence: the likeliest token at each step, or the best of several paths.

Sources: Graves 2012, "Sequence Transduction with Recurrent Neural Networks", section 3.3 (beam
search); Wu et al. 2016, section 7 (scores divided by a power of the length).
"""

from collections.abc import Sequence
from typing import NamedTuple, Protocol, runtime_checkable

import torch
from jaxtyping import Float, Int
from torch import Tensor

from gradus.core.errors import UsageError
from gradus.sequence.translation.seq2seq import Memory, Seq2Seq, State
from gradus.sequence.translation.tokens import EOS, GO, PAD

AT_ONCE = 64
"""Sentences decoded side by side."""


@runtime_checkable
class Decoder(Protocol):
    """What can be decoded from, in evaluation mode: `Seq2Seq`, or what has these of its methods."""

    @property
    def bias(self) -> Tensor:
        """A number for each token: it is where the network is."""

    def encode(self, source: Tensor, lengths: Tensor) -> tuple[Memory, State]:
        """Read sentences."""

    def decode(
        self, given: Tensor, memory: Memory, state: State
    ) -> tuple[Tensor, Tensor | None, State]:
        """Step on."""

    def output(self, said: Tensor) -> Tensor:
        """The logits of the next token."""


class Said(NamedTuple):
    """A decoded sentence.

    Attributes:
        tokens: without GO and EOS.
        score: log-probability, EOS included where it was said, divided by tokensᵅ.
        ended: whether EOS was said.
    """

    tokens: list[int]
    score: float
    ended: bool


def longest_answer(lengths: Int[Tensor, "*batch"]) -> Int[Tensor, "*batch"]:
    """Tokens after which decoding stops: twice the source's and ten more."""
    return 2 * lengths + 10


@torch.inference_mode()
def greedy(
    model: Decoder, source: Int[Tensor, "batch positions"], lengths: Int[Tensor, "batch"]
) -> list[Said]:
    """Say the likeliest token at each step, until EOS.

    Args:
        model: what to decode from.
        source: sentences, filled up with PAD.
        lengths: tokens of each.
    """
    memory, state = model.encode(source, lengths)
    limits = longest_answer(lengths)
    alive = torch.arange(len(source), device=source.device)
    token = torch.full_like(source[:, :1], GO)
    said: list[list[int]] = [[] for _ in source]
    scores = torch.zeros(len(source), device=source.device)
    ended = [False] * len(source)
    for step in range(1, int(limits.max()) + 1):
        features, _, state = model.decode(token, memory, state)
        found, best = model.output(features[:, 0]).log_softmax(1).max(1)
        scores[alive] += found
        for row, number in zip(alive.tolist(), best.tolist(), strict=True):
            if number == EOS:
                ended[row] = True
            else:
                said[row].append(number)
        left = ((best != EOS) & (limits[alive] > step)).nonzero().squeeze(1)
        if not len(left):
            break
        token = best.unsqueeze(1)
        if len(left) < len(alive):
            alive, token, memory = alive[left], token[left], memory.rows(left)
            state = tuple(part.index_select(1, left) for part in state)
    totals = scores.tolist()
    return [
        Said(words, total / max(len(words) + done, 1), done)
        for words, total, done in zip(said, totals, ended, strict=True)
    ]


@torch.inference_mode()
def beam_search(
    model: Decoder,
    source: Int[Tensor, "batch positions"],
    lengths: Int[Tensor, "batch"],
    width: int = 5,
    power: float = 1.0,
) -> list[Said]:
    """Follow the `width` best beginnings of each sentence at once.

    A beginning's score is its log-probability. One that says EOS among the best `width` goes on
    ones is an answer, with score / tokensᵖᵒʷᵉʳ; a sentence is done when it has `width` answers,
    and the best of them is given. Width 1 is `greedy`.

    Args:
        model: what to decode from.
        source: sentences, filled up with PAD.
        lengths: tokens of each.
        width: beginnings that are followed, ≥ 1.
        power: α ≥ 0 of the length; 0 prefers short answers, 1 is the mean for a token.

    Raises:
        UsageError: a number is out of its range.
    """
    if width < 1 or power < 0:
        raise UsageError(f"width must be ≥ 1 and power ≥ 0, got {width} and {power}")
    memory, state = model.encode(source, lengths)
    batch, device = len(source), source.device
    each = torch.arange(batch, device=device).repeat_interleave(width)
    memory, state = memory.rows(each), tuple(part.index_select(1, each) for part in state)
    scores = torch.full((batch, width), float("-inf"), device=device)
    scores[:, 0] = 0.0  # at first all beginnings of a sentence are the same one
    said = torch.zeros(batch, width, 0, dtype=torch.int64, device=device)
    token = torch.full((batch * width, 1), GO, dtype=torch.int64, device=device)
    alive = list(range(batch))
    answers: list[list[Said]] = [[] for _ in range(batch)]
    limits = longest_answer(lengths).tolist()
    for step in range(1, max(limits) + 1):
        features, _, state = model.decode(token, memory, state)
        log_p = model.output(features[:, 0]).log_softmax(1).unflatten(0, (-1, width))
        paths, words, found = _extend(scores, log_p, width)
        going = _take_answers(alive, answers, said, paths, words, found, width, step**power)
        found = found.masked_fill(words == EOS, float("-inf"))
        scores, best = found.topk(width, dim=1)
        paths, words = paths.gather(1, best), words.gather(1, best)
        said = torch.cat(
            [said.gather(1, paths.unsqueeze(2).expand(-1, -1, said.shape[2])), words.unsqueeze(2)],
            2,
        )
        for i in [i for i in going if step == limits[alive[i]]]:
            going.remove(i)  # it never came to its end
            if not answers[alive[i]]:
                path, score = said[i, 0].tolist(), float(scores[i, 0])
                answers[alive[i]].append(Said(path, score / step**power, False))
        if not going:
            break
        kept = torch.tensor(going, device=device)
        rows = (paths[kept] + kept.unsqueeze(1) * width).flatten()
        alive = [alive[i] for i in going]
        scores, said, token = scores[kept], said[kept], words[kept].reshape(-1, 1)
        memory, state = memory.rows(rows), tuple(part.index_select(1, rows) for part in state)
    return [max(found, key=lambda answer: answer.score) for found in answers]


def _extend(
    scores: Float[Tensor, "batch width"], log_p: Float[Tensor, "batch width words"], width: int
) -> tuple[Tensor, Tensor, Tensor]:
    """The best 2 × width continuations: of which path, by which word, with what score."""
    totals = (scores.unsqueeze(2) + log_p).flatten(1)
    found, index = totals.topk(min(2 * width, totals.shape[1]), dim=1)
    return index // log_p.shape[2], index % log_p.shape[2], found


def _take_answers(
    alive: list[int],
    answers: list[list[Said]],
    said: Int[Tensor, "batch width step"],
    paths: Int[Tensor, "batch more"],
    words: Int[Tensor, "batch more"],
    found: Float[Tensor, "batch more"],
    width: int,
    by: float,
) -> list[int]:
    """Keep the answers among the best `width`; which of the sentences alive go on."""
    ends = (words[:, :width] == EOS) & found[:, :width].isfinite()
    for i, k in ends.nonzero().tolist():
        if len(answers[alive[i]]) < width:
            path = said[i, paths[i, k]].tolist()
            answers[alive[i]].append(Said(path, float(found[i, k]) / by, True))
    return [i for i, row in enumerate(alive) if len(answers[row]) < width]


@torch.inference_mode()
def attention_of(
    model: Seq2Seq, source: Int[Tensor, "positions"], tokens: Sequence[int]
) -> Float[Tensor, "steps positions"]:
    """Where the decoder looks as it says these tokens, and then EOS.

    Raises:
        UsageError: the network has no attention.
    """
    if model.attention is None:
        raise UsageError("this network was trained without attention: there is no map of it")
    memory, state = model.encode(source.unsqueeze(0))
    given = torch.tensor([[GO, *tokens]], device=source.device)
    _, weights, _ = model.decode(given, memory, state)
    assert weights is not None
    return weights[0]


def in_batches(
    model: Decoder,
    sentences: Sequence[Sequence[int]],
    width: int = 1,
    power: float = 1.0,
    at_once: int = AT_ONCE,
) -> list[Said]:
    """Decode any number of sentences, those of like length side by side.

    Args:
        model: what to decode from.
        sentences: tokens of each, turned round already if the network wants that; an empty one
            gives an empty answer.
        width: 1 is greedy.
        power: of the length, in `beam_search`.
        at_once: sentences side by side.
    """
    device = model.bias.device
    order = sorted((i for i, s in enumerate(sentences) if len(s)), key=lambda i: len(sentences[i]))
    said = [Said([], 0.0, True)] * len(sentences)
    for first in range(0, len(order), at_once):
        rows = order[first : first + at_once]
        lengths = torch.tensor([len(sentences[i]) for i in rows])
        source = torch.full((len(rows), int(lengths.max())), PAD)
        for line, i in zip(source, rows, strict=True):
            line[: len(sentences[i])] = torch.as_tensor(sentences[i])
        source, lengths = source.to(device), lengths.to(device)
        found = (
            greedy(model, source, lengths)
            if width == 1
            else beam_search(model, source, lengths, width, power)
        )
        for i, answer in zip(rows, found, strict=True):
            said[i] = answer
    return said
