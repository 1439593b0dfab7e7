"""What a translator learns by: cross-entropy, smoothed or over a sample of the vocabulary.

Sources: Szegedy et al. 2016, "Rethinking the Inception Architecture", section 7 (label smoothing);
Jean, Cho, Memisevic, Bengio 2015, "On Using Very Large Target Vocabulary for Neural Machine
Translation" (sampled softmax); the book's listing takes 512 samples, log-uniformly.
"""

from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Float64, Int
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from gradus.core.batches import Batch
from gradus.core.task import Loss, Metrics
from gradus.sequence.translation.average import chosen
from gradus.sequence.translation.batches import Bucket


def log_uniform(vocabulary: int) -> Float64[np.ndarray, "vocabulary"]:
    """P(k) = log((k + 2) / (k + 1)) / log(V + 1): about the frequency of the k-th frequent word."""
    k = np.arange(vocabulary)
    return np.log((k + 2) / (k + 1)) / np.log(vocabulary + 1)


def expected_counts(p: Float64[np.ndarray, "vocabulary"], samples: int) -> np.ndarray:
    """How probable it is that each word is among `samples` different ones drawn by p.

    It is Q(k) = 1 − (1 − p_k)ⁿ, where n is the number of draws, repeats included, that gives
    `samples` different words on average: Σ_k Q(k) = samples, solved by halving.
    """
    low, high = float(samples), 1e9
    for _ in range(200):
        middle = (low * high) ** 0.5
        found = -np.expm1(middle * np.log1p(-p))
        low, high = (middle, high) if found.sum() < samples else (low, middle)
    return -np.expm1(low * np.log1p(-p))


class Sampler(nn.Module):
    """Draws different words of a vocabulary that is in order of frequency, log-uniformly.

    Attributes:
        samples: how many, in [1, vocabulary).
        log_p: log P of each word.
        log_q: log Q of each word, the correction.
    """

    log_p: Tensor
    log_q: Tensor

    def __init__(self, vocabulary: int, samples: int) -> None:
        super().__init__()
        self.samples = samples
        p = log_uniform(vocabulary)
        for name, values in (("log_p", p), ("log_q", expected_counts(p, samples))):
            self.register_buffer(name, torch.from_numpy(np.log(values)).float(), persistent=False)

    def forward(self) -> Int[Tensor, "samples"]:
        """Different words: the largest of log P plus Gumbel noise."""
        noise = torch.empty_like(self.log_p).exponential_().log()
        return (self.log_p - noise).topk(self.samples).indices


def sampled_losses(
    true: Float[Tensor, "tokens"],
    others: Float[Tensor, "tokens samples"],
    wanted: Int[Tensor, "tokens"],
    words: Int[Tensor, "samples"],
    log_q: Float[Tensor, "vocabulary"],
) -> Float[Tensor, "tokens"]:
    """−log softmax of the true word among itself and the sampled ones.

    From each logit log Q of its word is taken: frequent words are sampled more often, and this
    makes up for it, so that the gradient's expectation is about the full softmax's. A sampled word
    that is the true one does not count.

    Args:
        true: logit of the true word.
        others: logits of the sampled words.
        wanted: the true words.
        words: the sampled words.
        log_q: of `Sampler`.
    """
    met = wanted.unsqueeze(1) == words
    others = (others - log_q[words]).masked_fill(met, float("-inf"))
    true = true - log_q[wanted]
    return torch.logsumexp(torch.cat([true.unsqueeze(1), others], 1), 1) - true


def translation_loss(
    smoothing: float = 0.0, sampler: Sampler | None = None, buckets: Sequence[Bucket] = ()
) -> Loss:
    """(model, batch) -> mean loss over the batch's tokens, in nats; in evaluation the plain one.

    Args:
        smoothing: share of the target's probability that goes to all words alike, in [0, 1).
        sampler: train on a sample of the vocabulary.
        buckets: of which nats and tokens are measured; see `bucket_metrics`.
    """

    def loss(model: nn.Module, batch: Batch) -> tuple[Tensor, Metrics]:
        wanted, source, lengths, given, steps = batch
        said = model(source, given, lengths, steps)
        net = chosen(model)
        if sampler is not None and model.training:
            losses = _sampled(net, said, wanted, sampler)
        else:
            logits = net.output(said)
            if smoothing and model.training:
                return cross_entropy(logits, wanted, label_smoothing=smoothing), {}
            losses = cross_entropy(logits, wanted, reduction="none")
        if not buckets:
            return losses.mean(), {}
        return losses.mean(), bucket_metrics(losses.detach(), lengths, steps, buckets)

    return loss


def _sampled(net: Any, said: Tensor, wanted: Tensor, sampler: Sampler) -> Tensor:
    sampler.to(said.device)
    words = sampler()
    weight = net.target_words.weight if net.weight is None else net.weight
    true = (said * weight[wanted]).sum(1) + net.bias[wanted]
    return sampled_losses(true, net.output(said, words), wanted, words, sampler.log_q)


def bucket_metrics(
    losses: Float[Tensor, "tokens"],
    lengths: Int[Tensor, "batch"],
    steps: Int[Tensor, "batch"],
    buckets: Sequence[Bucket],
) -> Metrics:
    """For each bucket, "nats a-b" and "tokens a-b": of every token, 0 where it is in another one.

    The means of the two over any tokens divide into the bucket's nats for a token, and the
    exponential of that is its perplexity.
    """
    where = torch.full_like(lengths, len(buckets) - 1)
    for number, (source, target) in reversed(list(enumerate(buckets[:-1]))):
        where[(lengths <= source) & (steps <= target)] = number
    of_token = where.repeat_interleave(steps)

    def nats(number: int) -> Tensor:
        return losses * (of_token == number)

    def tokens(number: int) -> Tensor:
        return (of_token == number).float()

    found: Metrics = {}
    for number, name in enumerate(bucket_names(buckets)):
        found[f"nats {name}"] = partial(nats, number)
        found[f"tokens {name}"] = partial(tokens, number)
    return found


def bucket_names(buckets: Sequence[Bucket]) -> list[str]:
    """Each bucket as "source-target"."""
    return [f"{source}-{target}" for source, target in buckets]


def perplexity(nats: float, tokens: float) -> float:
    """Exp of the nats for a token; NaN where there are no tokens."""
    return float(np.exp(nats / tokens)) if tokens else float("nan")
