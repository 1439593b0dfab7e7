"""Answers from a finished run of chapter 5, from its folder alone."""

from typing import Any

from gradus.core.run import Run
from gradus.data.answers import Predictor, image_predictor
from gradus.vision.build import net
from gradus.vision.data import planes


def load_images(run: Run) -> Predictor:
    """What is on an image: see `gradus.data.answers.image_predictor`."""
    facts = run.info["facts"]
    config: Any = run.config
    model = net(config, facts["shape"], len(facts["classes"]))
    model.load_state_dict(run.load_weights())
    return image_predictor(model.eval(), facts, planes)
