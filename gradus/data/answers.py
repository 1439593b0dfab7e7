"""Answers about new inputs: reading what the user gives, the likeliest classes of it."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn

from gradus.core.errors import UsageError
from gradus.data.images import prepare_digit, read_image
from gradus.data.tensors import Prepare, pixels

Answer = dict[str, Any]
Predictor = Callable[..., list[Answer]]
TOP = 3
DIGITS = list("0123456789")
LARGEST = torch.finfo(torch.float32).max


def image_predictor(
    model: nn.Module, facts: Mapping[str, Any], prepare: Prepare = pixels
) -> Predictor:
    """What is on an image: takes image files, or arrays "height width *channels" of bytes.

    Where the classes are the ten digits, a picture is brought into the form that digits have in
    MNIST; of others the largest middle part of the right proportions is scaled. Each answer has
    `input`, `label`, `probability` and `top`, the most probable classes.

    Args:
        model: inputs -> logits "batch classes"; in evaluation mode.
        facts: `classes` and `shape`, as `gradus.data.tensors.ImageParts.facts` gives them.
        prepare: makes the model's inputs of images, as in training.
    """

    def predict(*inputs: str | Path | np.ndarray) -> list[Answer]:
        found = probabilities(model, read_inputs(inputs, facts, prepare))
        return [
            {"input": name_of(i), **answer(p, facts["classes"])}
            for i, p in zip(inputs, found, strict=True)
        ]

    return predict


def read_inputs(
    inputs: Sequence[str | Path | np.ndarray], facts: Mapping[str, Any], prepare: Prepare = pixels
) -> Tensor:
    """A model's inputs from image files, or arrays of bytes, as `image_predictor` takes them."""
    shape = tuple(facts["shape"])
    digits = facts["classes"] == DIGITS and len(shape) == 2
    images = np.stack([_image(i, shape, digits) for i in inputs])
    return prepare(torch.from_numpy(images))


def read_numbers(inputs: Sequence[Any], names: Sequence[str]) -> Float[Tensor, "n features"]:
    """Each input as one row of numbers; text is cut at commas and spaces.

    Raises:
        UsageError: an input is not one finite number for each name.
    """
    rows = []
    for given in inputs:
        parts = given.replace(",", " ").split() if isinstance(given, str) else list(given)
        try:
            row = [float(p) for p in parts]
        except (TypeError, ValueError):
            row = []
        if len(row) != len(names) or not all(abs(x) <= LARGEST for x in row):
            example = ",".join(str(i + 2) for i in range(len(names)))
            raise UsageError(
                f"input {given!r} must be {len(names)} finite numbers ({', '.join(names)}), "
                f"such as {example}"
            )
        rows.append(row)
    return torch.tensor(rows, dtype=torch.float32)


@torch.inference_mode()
def probabilities(model: nn.Module, inputs: Tensor) -> Float[Tensor, "batch classes"]:
    """The softmax of the model's logits."""
    return model(inputs).softmax(1)


def answer(found: Float[Tensor, "classes"], classes: Sequence[str]) -> Answer:
    """The likeliest class with its probability, and under `top` the likeliest three."""
    best = found.argsort(descending=True)[:TOP].tolist()
    top = [{"label": classes[i], "probability": float(found[i])} for i in best]
    return {**top[0], "top": top}


def _image(source: str | Path | np.ndarray, shape: tuple[int, ...], digits: bool) -> np.ndarray:
    """Bytes of the run's own shape: an array as it is, a file fitted to it."""
    if isinstance(source, np.ndarray):
        if source.shape != shape or source.dtype != np.uint8:
            raise UsageError(
                f"an image must be bytes (uint8) of shape {shape}, "
                f"got {source.dtype} of shape {source.shape}"
            )
        return source
    if digits:
        return prepare_digit(read_image(source), shape[0])
    return _middle(read_image(source, grey=len(shape) == 2), shape[0], shape[1])


def _middle(picture: np.ndarray, height: int, width: int) -> np.ndarray:
    """The largest middle part with the proportions asked for, scaled to that size."""
    from PIL import Image, ImageOps

    return np.array(
        ImageOps.fit(Image.fromarray(picture), (width, height), Image.Resampling.BICUBIC)
    )


def name_of(source: object) -> str:
    """What an input is called in its answer."""
    return "array" if isinstance(source, np.ndarray) else str(source)
