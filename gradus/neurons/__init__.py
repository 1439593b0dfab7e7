"""Chapters 1–3: neurons, training and regularisation.

Reading order: `perceptron`, `neuron`, `delta_rule`, `backprop`, `gradus.nn.mlp`, `regularise`; then
`recipes` (the named experiments), `train` (config → task), `predict` and `figures`.
"""

from typing import TYPE_CHECKING

from gradus.core.lazy import lazy

if TYPE_CHECKING:
    from gradus.neurons.neuron import Layer, Neuron
    from gradus.neurons.perceptron import Perceptron
    from gradus.nn.mlp import MLP

__all__ = ["MLP", "Layer", "Neuron", "Perceptron"]

__getattr__ = lazy(
    __name__,
    {
        "MLP": ".nn.mlp:MLP",
        "Layer": "neuron:Layer",
        "Neuron": "neuron:Neuron",
        "Perceptron": "perceptron:Perceptron",
    },
)
