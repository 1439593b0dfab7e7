"""Answers from a finished run of chapters 1–3, from its folder alone."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from gradus.core.errors import UsageError
from gradus.core.run import Run
from gradus.data.images import prepare_digit, read_image
from gradus.neurons.build import net
from gradus.neurons.data import pixels
from gradus.neurons.perceptron import Perceptron

Answer = dict[str, Any]
Predictor = Callable[..., list[Answer]]
TOP = 3
DIGITS = list("0123456789")
LARGEST = torch.finfo(torch.float32).max


def load_images(run: Run) -> Predictor:
    """What is on an image: takes image files, or arrays "height width" of bytes.

    Where the classes are the ten digits, a picture is brought into the form that digits have in
    MNIST; others are only scaled. Each answer has `input`, `label`, `probability` and `top`, the
    most probable classes.
    """
    classes, shape = run.info["facts"]["classes"], tuple(run.info["facts"]["shape"])
    config: Any = run.config
    model = _loaded(run, net(config, int(np.prod(shape)), len(classes)))
    digits = classes == DIGITS and len(shape) == 2

    def predict(*inputs: str | Path | np.ndarray) -> list[Answer]:
        images = np.stack([_image(i, shape, digits) for i in inputs])
        probabilities = _probabilities(model, pixels(torch.from_numpy(images)))
        return [
            {"input": _name(i), **_answer(p, classes)}
            for i, p in zip(inputs, probabilities, strict=True)
        ]

    return predict


def load_planar(run: Run) -> Predictor:
    """The class of a point; takes "x,y" or pairs of numbers."""
    classes = run.info["facts"]["classes"]
    config: Any = run.config
    model = _loaded(run, net(config, 2, len(classes)))

    def predict(*inputs: Any) -> list[Answer]:
        points = _numbers(inputs, ["x", "y"])
        return [
            {"input": x.tolist(), **_answer(p, classes)}
            for x, p in zip(points, _probabilities(model, points), strict=True)
        ]

    return predict


def load_exam(run: Run) -> Predictor:
    """Above or below the class average; takes "sleep,study" in hours or pairs of numbers."""
    model = _loaded(run, Perceptron(2))

    def predict(*inputs: Any) -> list[Answer]:
        hours = _numbers(inputs, run.info["facts"]["inputs"])
        with torch.inference_mode():
            logits = model(hours)
        return [
            {"input": x.tolist(), "label": "above" if z >= 0 else "below", "logit": z}
            for x, z in zip(hours, logits.tolist(), strict=True)
        ]

    return predict


def load_fast_food(run: Run) -> Predictor:
    """The price of a meal; takes "burgers,fries,sodas" or triples of numbers."""
    prices = run.load_weights()["output.weight"].squeeze(0)

    def predict(*inputs: Any) -> list[Answer]:
        servings = _numbers(inputs, run.info["facts"]["inputs"])
        return [{"input": x.tolist(), "price": round(float(x @ prices), 4)} for x in servings]

    return predict


def _loaded(run: Run, model: Any) -> Any:
    model.load_state_dict(run.load_weights())
    return model.eval()


@torch.inference_mode()
def _probabilities(model: nn.Module, inputs: Tensor) -> Tensor:
    return model(inputs).softmax(1)


def _answer(probabilities: Tensor, classes: list[str]) -> Answer:
    best = probabilities.argsort(descending=True)[:TOP].tolist()
    top = [{"label": classes[i], "probability": float(probabilities[i])} for i in best]
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
    return read_image(source, size=(shape[0], shape[1]), grey=len(shape) == 2)


def _name(source: object) -> str:
    return "array" if isinstance(source, np.ndarray) else str(source)


def _numbers(inputs: tuple[Any, ...], names: list[str]) -> Tensor:
    """Each input as one row of numbers; text is cut at commas and spaces."""
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
