"""What word2vec minimises: full softmax, noise-contrastive estimation, negative sampling.

Each takes scores and gives a loss for each pair of an input and a true output word, in nats.
"""

from jaxtyping import Bool, Float, Int
from torch import Tensor
from torch.nn.functional import cross_entropy, softplus


def softmax_loss(
    scores: Float[Tensor, "pairs words"], true: Int[Tensor, "pairs"]
) -> Float[Tensor, "pairs"]:
    """−log softmax(s)[c]: exact, and costs the whole vocabulary for each pair."""
    return cross_entropy(scores, true, reduction="none")


def negative_sampling(
    true: Float[Tensor, "pairs"],
    noise: Float[Tensor, "pairs noise"],
    counted: Bool[Tensor, "pairs noise"] | None = None,
    share: float = 1.0,
) -> Float[Tensor, "pairs"]:
    """−log σ(s_c) − Σₖ log σ(−s_k).

    Source: Mikolov et al. 2013, "Distributed Representations of Words and Phrases and their
    Compositionality", equation 4.

    Args:
        true: s_c, the scores of the true words.
        noise: s_k, the scores of the noise words.
        counted: False where a noise word is the true word, which word2vec leaves out.
        share: what each noise word counts: K / drawn where others are drawn than the K meant.
    """
    wrong = softplus(noise) if counted is None else softplus(noise) * counted
    return softplus(-true) + share * wrong.sum(1)


def nce(
    true: Float[Tensor, "pairs"],
    noise: Float[Tensor, "pairs noise"],
    true_log_expected: Float[Tensor, "pairs"],
    noise_log_expected: Float[Tensor, "pairs noise"],
    share: float = 1.0,
) -> Float[Tensor, "pairs"]:
    """−log σ(s_c − log K q(c)) − Σₖ log σ(−(s_k − log K q(k))).

    Each term is the log-probability that a word is told rightly to come from the text or from the
    noise. At the minimum s is the logarithm of the word's probability, with K noise words or many.

    Source: Gutmann and Hyvärinen 2010; Mnih and Teh 2012, equation 8.

    Args:
        true: s_c, the scores of the true words.
        noise: s_k, the scores of the noise words.
        true_log_expected: log(K q(c)): how often the true word is expected among the K noise words.
        noise_log_expected: log(K q(k)), the same for the noise words.
        share: what each noise word counts: K / drawn.
    """
    return negative_sampling(true - true_log_expected, noise - noise_log_expected, share=share)
