"""Answers from a finished run of chapter 5, from its folder alone."""

from typing import Any

from gradus.core.errors import UsageError
from gradus.core.run import Run
from gradus.data.answers import Predictor, image_predictor
from gradus.vision.build import net
from gradus.vision.classifier import Classifier
from gradus.vision.data import planes


def load_images(run: Run) -> Predictor:
    """What is on an image: see `gradus.data.answers.image_predictor`."""
    return image_predictor(classifier(run), run.info["facts"], planes)


def classifier(run: Run) -> Classifier:
    """The network of a run that names images, with its best parameters, in evaluation mode.

    Raises:
        UsageError: the run's recipe does something else.
    """
    if run.recipe.load != f"{__name__}:load_images":
        raise UsageError(
            f"{run.path} is a run of {run.recipe.name}, which is no convolutional network for "
            "images: take one of a recipe such as mnist-cnn or cifar10-cnn"
        )
    facts = run.info["facts"]
    config: Any = run.config
    model = net(config, facts["shape"], len(facts["classes"]))
    model.load_state_dict(run.load_weights())
    return model.eval()
