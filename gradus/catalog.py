"""Every recipe and figure by name: strings only, nothing is imported until it is asked for."""

import json
from collections.abc import Callable, Mapping
from importlib.resources import files
from typing import Any

from gradus.core.errors import UsageError
from gradus.core.recipe import Recipe, nearest, resolve

RECIPES = {
    "exam-perceptron": "gradus.neurons.recipes:EXAM_PERCEPTRON",
    "fast-food": "gradus.neurons.recipes:FAST_FOOD",
    "planar-net": "gradus.neurons.recipes:PLANAR_NET",
    "digits-mlp": "gradus.neurons.recipes:DIGITS_MLP",
    "mnist-logistic": "gradus.neurons.recipes:MNIST_LOGISTIC",
    "mnist-mlp": "gradus.neurons.recipes:MNIST_MLP",
    "mnist-deep-sigmoid": "gradus.surface.recipes:MNIST_DEEP_SIGMOID",
    "digits-cnn": "gradus.vision.recipes:DIGITS_CNN",
    "mnist-cnn": "gradus.vision.recipes:MNIST_CNN",
    "mnist-cnn-fast": "gradus.vision.recipes:MNIST_CNN_FAST",
    "mnist-cnn-best": "gradus.vision.recipes:MNIST_CNN_BEST",
    "cifar10-cnn": "gradus.vision.recipes:CIFAR10_CNN",
    "cifar10-cnn-bn": "gradus.vision.recipes:CIFAR10_CNN_BN",
    "cifar10-vgg": "gradus.vision.recipes:CIFAR10_VGG",
    "cifar10-modern": "gradus.vision.recipes:CIFAR10_MODERN",
    "moving-digits": "gradus.vision.beyond.recipes:MOVING_DIGITS",
    "spoken-tones": "gradus.vision.beyond.recipes:SPOKEN_TONES",
    "text-cnn": "gradus.vision.beyond.recipes:TEXT_CNN",
    "circles-autoencoder": "gradus.embed.recipes:CIRCLES_AUTOENCODER",
    "mnist-autoencoder": "gradus.embed.recipes:MNIST_AUTOENCODER",
    "mnist-denoising": "gradus.embed.recipes:MNIST_DENOISING",
    "mnist-sparse": "gradus.embed.recipes:MNIST_SPARSE",
    "mnist-ksparse": "gradus.embed.recipes:MNIST_KSPARSE",
    "mnist-hashing": "gradus.embed.recipes:MNIST_HASHING",
    "word2vec": "gradus.embed.words.recipes:WORD2VEC",
    "word2vec-cbow": "gradus.embed.words.recipes:WORD2VEC_CBOW",
    "word2vec-book": "gradus.embed.words.recipes:WORD2VEC_BOOK",
    "imdb-lstm": "gradus.sequence.sentiment.recipes:IMDB_LSTM",
    "imdb-lstm-small": "gradus.sequence.sentiment.recipes:IMDB_LSTM_SMALL",
    "region-attention": "gradus.sequence.attending.recipes:REGION_ATTENTION",
    "translate-book": "gradus.sequence.translation.recipes:TRANSLATE_BOOK",
    "translate-best": "gradus.sequence.translation.recipes:TRANSLATE_BEST",
    "reverse-attention": "gradus.sequence.translation.recipes:REVERSE_ATTENTION",
    "tagger-book": "gradus.sequence.tagging.recipes:TAGGER_BOOK",
    "tagger-best": "gradus.sequence.tagging.recipes:TAGGER_BEST",
    "skip-thought": "gradus.sequence.translation.recipes:SKIP_THOUGHT",
    "parser-greedy": "gradus.sequence.parsing.recipes:PARSER_GREEDY",
    "parser-global": "gradus.sequence.parsing.recipes:PARSER_GLOBAL",
    "ntm-copy": "gradus.memory.recipes:NTM_COPY",
    "ntm-repeat-copy": "gradus.memory.recipes:NTM_REPEAT_COPY",
    "ntm-recall": "gradus.memory.recipes:NTM_RECALL",
    "ntm-ngrams": "gradus.memory.recipes:NTM_NGRAMS",
    "ntm-sort": "gradus.memory.recipes:NTM_SORT",
    "dnc-copy": "gradus.memory.recipes:DNC_COPY",
    "dnc-series-copy": "gradus.memory.recipes:DNC_SERIES_COPY",
    "babi-dnc": "gradus.memory.recipes:BABI_DNC",
    "babi-dnc-stable": "gradus.memory.recipes:BABI_DNC_STABLE",
    "babi-lstm": "gradus.memory.recipes:BABI_LSTM",
    "maze-tabular": "gradus.agents.recipes:MAZE_TABULAR",
    "cartpole-pg": "gradus.agents.recipes:CARTPOLE_PG",
    "cartpole-a2c": "gradus.agents.recipes:CARTPOLE_A2C",
    "cartpole-dqn": "gradus.agents.recipes:CARTPOLE_DQN",
    "minatar-dqn": "gradus.agents.recipes:MINATAR_DQN",
    "breakout-dqn": "gradus.agents.recipes:BREAKOUT_DQN",
    "breakout-a2c": "gradus.agents.recipes:BREAKOUT_A2C",
    "cartpole-drqn": "gradus.agents.beyond.recipes:CARTPOLE_DRQN",
    "vizdoom-drqn": "gradus.agents.beyond.recipes:VIZDOOM_DRQN",
    "cartpole-a3c": "gradus.agents.beyond.recipes:CARTPOLE_A3C",
    "breakout-a3c": "gradus.agents.beyond.recipes:BREAKOUT_A3C",
    "maze-unreal": "gradus.agents.beyond.recipes:MAZE_UNREAL",
}
"""Name of a recipe -> where it is defined."""

FIGURES = (
    "gradus.neurons.figures:FIGURES",
    "gradus.surface.figures:FIGURES",
    "gradus.vision.figures:FIGURES",
    "gradus.embed.figures:FIGURES",
    "gradus.embed.words.figures:FIGURES",
    "gradus.sequence.translation.figures:FIGURES",
    "gradus.sequence.recurrent_figures:FIGURES",
    "gradus.sequence.tagging.figures:FIGURES",
    "gradus.sequence.parsing.figures:FIGURES",
    "gradus.sequence.parsing.figures_learning:FIGURES",
    "gradus.memory.figures:FIGURES",
    "gradus.agents.figures:FIGURES",
)
"""Where the book's figures are drawn: mappings from number to function."""


def recipe(name: str) -> Recipe:
    """The recipe of this name.

    Raises:
        UsageError: there is none; the nearest names are given.
    """
    if name not in RECIPES:
        raise UsageError(f"no recipe is called {name!r}{nearest(name, RECIPES)} (see: gradus list)")
    return resolve(RECIPES[name])


def recipes() -> list[Recipe]:
    """All recipes, in the order of the book."""
    return [resolve(reference) for reference in RECIPES.values()]


def figures() -> dict[str, Callable[[], Any]]:
    """The book's figures that can be redrawn: number -> function that draws it."""
    return {name: draw for mapping in FIGURES for name, draw in resolve(mapping).items()}


def row(recipe: Recipe) -> dict[str, Any]:
    """What `gradus list` tells of a recipe."""
    return {
        "name": recipe.name,
        "summary": recipe.summary,
        "source": recipe.source,
        "data": recipe.data,
        "target": recipe.target,
        "expected": expected(recipe.name),
    }


def expected(name: str) -> dict[str, Any]:
    """What was measured of a recipe, written by benchmarks/bands.py.

    Returns:
        for `quick` and `full`, where measured: the metric, its mean, standard deviation and band
        (mean ± 3 standard deviations, cut at what the metric can be) over seeds, the numbers of
        seeds and of training examples, median seconds (None where the machine had other work as
        well), machine.
    """
    return json.loads(files("gradus").joinpath("expected.json").read_text()).get(name, {})


def verdict(recipe: Recipe, results: Mapping[str, Any]) -> str:
    """Whether a quick run's score is what was measured for it, in one line.

    Args:
        recipe: what was trained.
        results: of the run, as run.json has them.
    """
    from gradus.core.report import show

    measured = expected(recipe.name).get("quick")
    if not measured:
        return "no score was measured for this recipe yet"
    low, high = (show(recipe.metric, v) for v in measured["band"])
    told = f"the expected band {low} to {high} ({measured['seeds']} seeds)"
    known, here = measured.get("examples"), results.get("examples")
    if known and known != here:
        return f"{told} was measured with {known:,} training examples, this run had {here:,}"
    value = results["test"][recipe.metric]
    fell = "inside" if measured["band"][0] <= value <= measured["band"][1] else "OUTSIDE"
    return f"{fell} {told}"
