"""What an answer over time is measured by: bits, and words."""

import math
from functools import partial

import torch
from jaxtyping import Bool, Float, Int64
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits, cross_entropy

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


def answer_loss(model: nn.Module, batch: Batch) -> tuple[Float[Tensor, ""], Metrics]:
    """Cross-entropy of the words that are asked for, in nats, mean over them; no other step counts.

    The metric is of each story: `error`, the share of its questions that are answered wrong.

    Args:
        model: word numbers -> logits "batch time words".
        batch: words, answers, questions and tasks, as `gradus.memory.babi.tensors` makes them.
    """
    words, answers, questions, _ = upto_last_answer(batch)
    logits = model(words)
    asked = answers >= 0
    loss = cross_entropy(logits[asked], answers[asked])

    def error() -> Tensor:
        wrong, there = judged(logits.detach(), answers, questions)
        return (wrong & there).sum(1) / there.sum(1)

    return loss, {"error": error}


def upto_last_answer(batch: Batch) -> Batch:
    """The batch without the steps after the last answer, which nobody asks about."""
    time = int((batch[1] >= 0).any(0).nonzero().max()) + 1
    return (*(t[:, :time] for t in batch[:3]), *batch[3:])


def judged(
    logits: Float[Tensor, "batch time words"],
    answers: Int64[Tensor, "batch time"],
    questions: Int64[Tensor, "batch time"],
) -> tuple[Bool[Tensor, "batch questions"], Bool[Tensor, "batch questions"]]:
    """Which questions have a word wrong, and which there are: the stories have differently many."""
    wrong = (logits.argmax(2) != answers) & (answers >= 0)
    count = int(questions.max()) + 1
    of_question = questions.unsqueeze(1) == torch.arange(count, device=answers.device)[:, None]
    return (of_question & wrong.unsqueeze(1)).any(2), of_question.any(2)
