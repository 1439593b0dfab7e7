"""How a tagger fares: on words that are new to it, and tag by tag."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from jaxtyping import Bool, Int64
from torch import nn

from gradus.core.batches import BatchSource


@torch.inference_mode()
def answers(
    model: nn.Module, batches: BatchSource
) -> tuple[Int64[np.ndarray, "tokens"], Int64[np.ndarray, "tokens"], Bool[np.ndarray, "tokens"]]:
    """Of each word the true tag, the model's, and whether the training had the word.

    A true tag below 0 is one that the model does not have.
    """
    found = [
        (labels, model(windows).argmax(1), seen) for (windows, labels, seen), _ in batches.epoch(0)
    ]
    true, predicted, known = (
        torch.cat(column).cpu().numpy() for column in zip(*found, strict=True)
    )
    return true, predicted, known


def shares(model: nn.Module, batches: BatchSource) -> dict[str, float]:
    """Accuracy on the words that the training had and on those that it had not, where there are."""
    true, predicted, known = answers(model, batches)
    hit = true == predicted
    kinds = {"accuracy, known words": known, "accuracy, new words": ~known}
    return {name: float(hit[which].mean()) for name, which in kinds.items() if which.any()}


def per_tag(model: nn.Module, batches: BatchSource, tags: Sequence[str]) -> list[dict[str, Any]]:
    """A row for each tag that stands in the examples or is answered, the most frequent first.

    Returns:
        `tag`, `words` (how many have it), `precision` (share of those called so that are),
        `recall` (share of those that are which are called so), their harmonic mean `F1`, and
        `taken for`, the tag it is most often taken for, "" where it never is.
    """
    true, predicted, _ = answers(model, batches)
    matrix = confusions(true, predicted, len(tags))
    rows = []
    for number in np.argsort(-matrix.sum(1), kind="stable"):
        own, called, hit = matrix[number].sum(), matrix[:, number].sum(), matrix[number, number]
        if not own and not called:
            continue
        misses = matrix[number].copy()
        misses[number] = 0
        rows.append(
            {
                "tag": tags[number],
                "words": int(own),
                "precision": float(hit / called) if called else 0.0,
                "recall": float(hit / own) if own else 0.0,
                "F1": float(2 * hit / (own + called)),
                "taken for": tags[int(misses.argmax())] if misses.any() else "",
            }
        )
    return rows


def confusions(
    true: Int64[np.ndarray, "tokens"], predicted: Int64[np.ndarray, "tokens"], tags: int
) -> Int64[np.ndarray, "tags tags"]:
    """How often each tag (row) is called each tag (column); words without a known tag left out."""
    matrix = np.zeros((tags, tags), dtype=np.int64)
    there = true >= 0
    np.add.at(matrix, (true[there], predicted[there]), 1)
    return matrix
