"""Answers from a finished run of chapters 1–3, from its folder alone."""

import math
from typing import Any

import torch

from gradus.core.run import Run
from gradus.data.answers import (
    Answer,
    Predictor,
    answer,
    image_predictor,
    probabilities,
    read_numbers,
)
from gradus.neurons.build import net
from gradus.neurons.perceptron import Perceptron


def load_images(run: Run) -> Predictor:
    """What is on an image: see `gradus.data.answers.image_predictor`."""
    facts = run.info["facts"]
    config: Any = run.config
    model = _loaded(run, net(config, math.prod(facts["shape"]), len(facts["classes"])))
    return image_predictor(model, facts)


def load_planar(run: Run) -> Predictor:
    """The class of a point; takes "x,y" or pairs of numbers."""
    classes = run.info["facts"]["classes"]
    config: Any = run.config
    model = _loaded(run, net(config, 2, len(classes)))

    def predict(*inputs: Any) -> list[Answer]:
        points = read_numbers(inputs, ["x", "y"])
        return [
            {"input": x.tolist(), **answer(p, classes)}
            for x, p in zip(points, probabilities(model, points), strict=True)
        ]

    return predict


def load_exam(run: Run) -> Predictor:
    """Above or below the class average; takes "sleep,study" in hours or pairs of numbers."""
    model = _loaded(run, Perceptron(2))

    def predict(*inputs: Any) -> list[Answer]:
        hours = read_numbers(inputs, run.info["facts"]["inputs"])
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
        servings = read_numbers(inputs, run.info["facts"]["inputs"])
        return [{"input": x.tolist(), "price": round(float(x @ prices), 4)} for x in servings]

    return predict


def _loaded(run: Run, model: Any) -> Any:
    model.load_state_dict(run.load_weights())
    return model.eval()
