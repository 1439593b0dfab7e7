"""Answers from a finished run of chapter 6, from its folder alone."""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from gradus.core.errors import UsageError
from gradus.core.run import Run
from gradus.data.answers import Answer, Predictor, name_of, read_inputs, read_numbers
from gradus.embed.autoencoder import Autoencoder, l2_cost
from gradus.embed.build import autoencoder, circle_net


def load_images(run: Run) -> Predictor:
    """The code of an image: takes image files, or arrays "height width *channels" of bytes.

    Pictures are brought into the form of the training images as in
    `gradus.data.answers.image_predictor`. Each answer has `input`, `code`, its numbers, and
    `cost`: ‖x̂ − x‖, how far the image rebuilt from its code is from the image.
    """
    model, facts = encoder(run), run.info["facts"]

    def predict(*inputs: str | Path | np.ndarray) -> list[Answer]:
        return _answers([name_of(i) for i in inputs], *_coded(model, read_inputs(inputs, facts)))

    return predict


def load_points(run: Run) -> Predictor:
    """The code of a point; takes "x,y" or pairs of numbers. Answers as `load_images`."""
    config: Any = run.config
    model = circle_net(config)
    model.load_state_dict(run.load_weights())
    model.eval()

    def predict(*inputs: Any) -> list[Answer]:
        points = read_numbers(inputs, run.info["facts"]["inputs"])
        return _answers(points.tolist(), *_coded(model, points))

    return predict


def encoder(run: Run) -> Autoencoder:
    """The autoencoder of a run on images, with its best parameters, in evaluation mode.

    Raises:
        UsageError: the run's recipe does something else.
    """
    if run.recipe.load != f"{__name__}:load_images":
        raise UsageError(
            f"{run.path} is a run of {run.recipe.name}, which is no autoencoder for images: take "
            "one of a recipe such as mnist-autoencoder or mnist-hashing"
        )
    config: Any = run.config
    model = autoencoder(config, math.prod(run.info["facts"]["shape"]))
    model.load_state_dict(run.load_weights())
    return model.eval()


@torch.inference_mode()
def _coded(model: Autoencoder, x: Tensor) -> tuple[Tensor, Tensor]:
    """Code and cost of each input."""
    code = model.encode(x)
    return code, l2_cost(model.decode(code), x)


def _answers(names: Sequence[Any], codes: Tensor, costs: Tensor) -> list[Answer]:
    return [
        {"input": name, "code": code, "cost": cost}
        for name, code, cost in zip(names, codes.tolist(), costs.tolist(), strict=True)
    ]
