"""From a config of attention beyond text to its task: the wiring."""

from jaxtyping import Bool, Float
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from gradus.core.batches import Batch, Batches, whole
from gradus.core.task import Metrics, Task
from gradus.sequence.attending.build import describer, examples, names_of
from gradus.sequence.attending.recipes import AttendingConfig


def describing(config: AttendingConfig) -> Task:
    """Naming, one after the other, what stands in a picture or sounds in a tune."""
    train = examples(config, config.examples, "train")
    return Task(
        model=describer(config),
        train=Batches(train, config.batch_size, config.seed),
        validation=whole(examples(config, config.held_out, "validation")),
        test=lambda: whole(examples(config, config.held_out, "test")),
        loss=described,
        sample=train[0][:1],
        watch="validation/accuracy",
        better="max",
        facts={"classes": names_of(config)},
    )


def described(model: nn.Module, batch: Batch) -> tuple[Float[Tensor, ""], Metrics]:
    """Cross-entropy of the right words, in nats, mean over words; attention has no part in it.

    In training each word is found after the right ones, in evaluation after the network's own. The
    metrics are of each example: `accuracy`, 1 if every word of its description is right;
    `accuracy, attention`, the share of its things at whose step the region looked at most is one
    where the thing is; `mass`, the attention that lies on such regions, mean over its things.

    Args:
        model: a `gradus.sequence.attending.describer.Describer`.
        batch: inputs, names and places, as `gradus.sequence.attending.scenes` makes them.
    """
    inputs, names, there = batch
    logits, looked = model(inputs, names if model.training else None)
    loss = cross_entropy(logits.flatten(0, 1), names.flatten(), ignore_index=-1)
    things = there.any(2)  # "batch steps": where a thing is named, not the end

    def accuracy() -> Tensor:
        return ((logits.argmax(2) == names) | (names < 0)).all(1)

    return loss, {
        "accuracy": accuracy,
        "accuracy, attention": lambda: mean_of_things(landed(looked, there), things),
        "mass": lambda: mean_of_things((looked * there).sum(2), things),
    }


def landed(looked: Float[Tensor, "batch steps regions"], there: Tensor) -> Tensor:
    """Whether the region looked at most is one where the thing is, "batch steps"."""
    return there.gather(2, looked.argmax(2, keepdim=True))[:, :, 0]


def mean_of_things(values: Tensor, things: Bool[Tensor, "batch steps"]) -> Float[Tensor, "batch"]:
    """The mean of each example's steps at which a thing is named."""
    return (values * things).sum(1) / things.sum(1).clamp(min=1)
