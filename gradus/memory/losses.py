"""What an answer over time is measured by: bits, and words."""

import math
from functools import partial

from jaxtyping import Bool, Float
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits

from gradus.core.batches import Batch
from gradus.core.task import Metrics


def bits_loss(model: nn.Module, batch: Batch) -> tuple[Float[Tensor, ""], Metrics]:
    """Cross-entropy of each bit that is asked for, in nats, mean over bits and sequences.

    The metrics are of each sequence: `bits`, its whole cross-entropy in bits; `wrong`, how many
    bits are said wrong; `error`, 1 unless every bit is right.

    Args:
        model: inputs -> logits "batch time outputs", state.
        batch: inputs, targets and asked, as `gradus.memory.tasks` makes them.
    """
    inputs, targets, asked = batch
    logits, _ = model(inputs)
    each = binary_cross_entropy_with_logits(logits, targets, reduction="none").sum(2)
    nats = (each * asked).sum(1)
    loss = (nats / (asked.sum(1) * targets.shape[2])).mean()
    wrong = partial(wrong_bits, logits.detach(), targets, asked)
    return loss, {
        "bits": lambda: nats.detach() / math.log(2),
        "wrong": lambda: wrong().sum((1, 2)),
        "error": lambda: wrong().any(2).any(1),
    }


def wrong_bits(
    logits: Float[Tensor, "batch time outputs"],
    targets: Float[Tensor, "batch time outputs"],
    asked: Float[Tensor, "batch time"],
) -> Bool[Tensor, "batch time outputs"]:
    """Which bits that are asked for are said wrong; a bit is 1 where its logit is above 0."""
    return ((logits > 0) != (targets > 0.5)) & (asked > 0).unsqueeze(2)
