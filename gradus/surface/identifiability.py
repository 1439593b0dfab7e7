"""Networks that differ in their weights and not in what they compute (model identifiability).

Two symmetries give every solution of a feed-forward net equivalent ones, so that its error
surface has many minima that are equally good:

- the n units of a hidden layer can stand in any order, so l such layers have (n!)ˡ equivalents;
- a ReLU unit's incoming weights and bias can be multiplied by any k > 0 and its outgoing weights
  by 1/k, since max(0, k·z) = k·max(0, z). The book says any nonzero k; with k < 0 the unit answers
  to the other side, and the network computes something else.

Source: book ch. 4, "Model Identifiability", figure 4-2.
"""

import copy
from collections.abc import Sequence
from typing import TypeVar

import torch
from torch import nn

from gradus.core.errors import UsageError

Model = TypeVar("Model", bound=nn.Module)


def permute_units(model: Model, layer: int, order: Sequence[int]) -> Model:
    """Make an equivalent network whose hidden units stand in another order.

    Args:
        model: a chain of linear layers with element-wise activations, such as an MLP.
        layer: which hidden layer, from 1.
        order: `order[i]` is the old place of the unit that comes to place i; each place once.

    Returns:
        A copy of the model.

    Raises:
        UsageError: the model is no such chain, has no such layer, or `order` is no order of its
            units.
    """
    twin = copy.deepcopy(model)
    into, out_of = _around(twin, layer)
    if sorted(order) != list(range(into.out_features)):
        raise UsageError(
            f"order must hold each of the numbers 0 to {into.out_features - 1} once, "
            f"got {list(order)}"
        )
    places = torch.as_tensor(order, device=into.weight.device)
    with torch.no_grad():
        into.weight.copy_(into.weight[places])
        if into.bias is not None:
            into.bias.copy_(into.bias[places])
        out_of.weight.copy_(out_of.weight[:, places])
    return twin


def rescale_unit(model: Model, layer: int, unit: int, k: float) -> Model:
    """Make an equivalent ReLU network: incoming weights and bias times k, outgoing times 1/k.

    Args:
        model: a chain of linear layers with ReLUs between them.
        layer: which hidden layer, from 1.
        unit: which of its units, from 0.
        k: the factor, > 0; a power of two changes nothing in the rounding either.

    Returns:
        A copy of the model.

    Raises:
        UsageError: the model is no such chain, has no such layer or unit, or k is not positive.
    """
    if not 0 < k < float("inf"):
        raise UsageError(
            f"k must be > 0 and finite, since max(0, kz) = k max(0, z) for k > 0 only; got {k}"
        )
    twin = copy.deepcopy(model)
    into, out_of = _around(twin, layer)
    if not 0 <= unit < into.out_features:
        raise UsageError(f"unit must be from 0 to {into.out_features - 1}, got {unit}")
    with torch.no_grad():
        into.weight[unit] *= k
        if into.bias is not None:
            into.bias[unit] *= k
        out_of.weight[:, unit] /= k
    return twin


def _around(model: nn.Module, layer: int) -> tuple[nn.Linear, nn.Linear]:
    """The linear layers before and after a hidden layer's units."""
    linear = [module for module in model.modules() if isinstance(module, nn.Linear)]
    others = [
        type(module).__name__
        for module in model.modules()
        if not isinstance(module, nn.Linear) and list(module.parameters(recurse=False))
    ]
    if others:
        raise UsageError(f"the model must be a chain of linear layers; it has a {others[0]}")
    if not 1 <= layer < len(linear):
        raise UsageError(
            f"layer must be from 1 to {len(linear) - 1}, the number of hidden layers, got {layer}"
        )
    into, out_of = linear[layer - 1 : layer + 1]
    if into.out_features != out_of.in_features:
        raise UsageError(
            f"layer {layer} has {into.out_features} units and the next takes "
            f"{out_of.in_features}: the model is no chain"
        )
    return into, out_of
