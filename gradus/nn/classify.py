"""Naming the class of an example: the loss of a softmax, and what it is measured by."""

from functools import partial

from jaxtyping import Float, Int64
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from gradus.core.batches import Batch
from gradus.core.task import Metrics


def classify(
    model: nn.Module, batch: Batch, smoothing: float = 0.0
) -> tuple[Float[Tensor, ""], Metrics]:
    """Cross-entropy of the softmax, its mean over the batch, and whether each answer is right.

    Args:
        model: inputs -> logits "batch classes".
        batch: inputs and class numbers.
        smoothing: share of the target that is spread over all classes alike, in [0, 1) (Szegedy et
            al. 2015, "Rethinking the Inception Architecture", section 7).
    """
    inputs, labels = batch
    logits = model(inputs)
    loss = cross_entropy(logits, labels, label_smoothing=smoothing)
    return loss, {"accuracy": partial(right, logits.detach(), labels)}


def right(logits: Float[Tensor, "batch classes"], labels: Int64[Tensor, "batch"]) -> Tensor:
    """Whether the largest logit of each example is that of its class."""
    return logits.argmax(1) == labels
