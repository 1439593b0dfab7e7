"""Answers from a finished run of chapter 4, from its folder alone."""

import math
from typing import Any

from gradus.core.run import Run
from gradus.data.answers import Predictor, image_predictor
from gradus.surface.build import deep_net


def load_deep_sigmoid(run: Run) -> Predictor:
    """What is on an image: see `gradus.data.answers.image_predictor`."""
    facts = run.info["facts"]
    config: Any = run.config
    model = deep_net(config, math.prod(facts["shape"]), len(facts["classes"]))
    model.load_state_dict(run.load_weights())
    return image_predictor(model.eval(), facts)
