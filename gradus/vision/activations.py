"""What the layers of any network answer to an input, read by forward hooks."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from functools import partial

import numpy as np
import torch
from jaxtyping import Float
from matplotlib.figure import Figure
from torch import Tensor, nn

from gradus.core import plot
from gradus.core.charts import image_grid
from gradus.core.errors import UsageError
from gradus.core.recipe import nearest

MOST = 64
"""Feature maps of one layer that are drawn."""


class _Reached(Exception):
    """Every layer asked for has answered: the rest of the network need not run."""


def activations(model: nn.Module, inputs: Tensor, layers: Sequence[str]) -> dict[str, Tensor]:
    """The outputs of some layers for a batch of inputs.

    The network runs only as far as it must, so that one whose first layers take images of any size
    does, whatever its last layers ask for. Gradients flow through the outputs unless they are
    switched off around the call; the model stays in the mode it is in. A layer that answers more
    than once gives its first answer.

    Args:
        model: any network.
        inputs: what it takes.
        layers: names of its modules, as in `model.named_modules()`.

    Returns:
        name -> output, in the order in which the names were given.

    Raises:
        UsageError: a name is unknown, its module was not reached or gave no tensor.
    """
    found: dict[str, Tensor] = {}
    with _recorded(model, layers, found, stop=True), suppress(_Reached):
        model(inputs)
    return _all_of(found, layers)


def run_with(
    model: nn.Module, inputs: Tensor, layers: Sequence[str]
) -> tuple[Tensor, dict[str, Tensor]]:
    """The network's own output and, as from `activations`, those of some layers on the way to it.

    The output can be differentiated by the layers' outputs.
    """
    found: dict[str, Tensor] = {}
    with _recorded(model, layers, found, stop=False):
        output = model(inputs)
    return output, _all_of(found, layers)


def output_shapes(model: nn.Module, inputs: Tensor) -> dict[str, tuple[int, ...]]:
    """The shape of the first output of every module inside, in the order in which they answer.

    Args:
        model: any network.
        inputs: a batch that it takes.

    Returns:
        name -> shape, the batch's dimension first.
    """
    shapes: dict[str, tuple[int, ...]] = {}

    def note(name: str, module: nn.Module, given: object, output: object) -> None:
        if isinstance(output, Tensor):
            shapes.setdefault(name, tuple(output.shape))

    inner = [name for name, _ in model.named_modules() if name]
    with torch.no_grad(), _hooked(model, {name: partial(note, name) for name in inner}):
        model(inputs)
    return shapes


def spatial_layers(model: nn.Module, inputs: Tensor) -> list[str]:
    """Names of the layers whose output is a stack of maps, not all of a single pixel."""
    shapes = output_shapes(model, inputs)
    return [name for name, s in shapes.items() if len(s) == 4 and s[2] * s[3] > 1]


def check_spatial(model: nn.Module, inputs: Tensor, layer: str) -> None:
    """Refuse a layer whose output is no stack of maps.

    Raises:
        UsageError: naming the layers that have maps.
    """
    having = spatial_layers(model, inputs)
    if not having:
        raise UsageError("this network has no layer with maps: it is not a convolutional one")
    if layer not in having:
        known = layer in dict(model.named_modules())
        what = "has no spatial maps" if known else f"is unknown{nearest(layer, having)}"
        raise UsageError(f"layer {layer!r} {what}; those with maps: {', '.join(having)}")


@plot.style()
def draw_activations(maps: Float[np.ndarray, "channels height width"], layer: str) -> Figure:
    """The maps of one layer for one input, one grey scale for all: black 0 or less, white the top.

    The liveliest come first, at most `MOST` of them.

    Args:
        maps: the layer's output.
        layer: its name.

    Returns:
        A grid of maps; the title says how many of them the input leaves dark.
    """
    peaks = maps.max(axis=(1, 2))
    order = np.argsort(-maps.std(axis=(1, 2)), kind="stable")[:MOST]
    top = float(peaks.max())
    dark = int((peaks <= 0.01 * top).sum()) if top > 0 else len(maps)
    fig = image_grid(
        maps[order],
        columns=min(8, len(order)),
        captions=[str(i) for i in order],
        span=(0.0, top if top > 0 else 1.0),
    )
    plot.title(
        fig,
        f"{layer}: {len(maps) - dark} of {len(maps)} feature maps answer to this picture",
        f"Black: 0 or less; white: {top:.3g}. {len(order)} maps of {maps.shape[1]}×"
        f"{maps.shape[2]}, the most varied first; a map answers if it exceeds 1 % of white",
    )
    return fig


def activation_pictures(
    model: nn.Module, inputs: Tensor, layers: Sequence[str]
) -> dict[str, Float[Tensor, "maps 1 height width"]]:
    """The maps that some layers have for one input, for TensorBoard: `Task.pictures`.

    Args:
        model: any network.
        inputs: a batch of one.
        layers: names of layers with maps.

    Returns:
        "layer for an image" -> grey pictures in [0, 1], one scale for a layer; at most `MOST`.
    """
    with torch.no_grad():
        found = activations(model, inputs, layers)
    pictures = {}
    for name, output in found.items():
        maps = output[0, :MOST, None].clamp_min(0).cpu()
        pictures[f"{name} for an image"] = maps / maps.max().clamp_min(1e-12)
    return pictures


@contextmanager
def evaluating(model: nn.Module) -> Iterator[None]:
    """Hold a model in evaluation mode, then give it back in the mode it came in."""
    training = model.training
    model.eval()
    try:
        yield
    finally:
        model.train(training)


def _recorded(
    model: nn.Module, layers: Sequence[str], found: dict[str, Tensor], *, stop: bool
) -> AbstractContextManager[None]:
    """Note the first output of some layers; with `stop`, end the run once all are there."""

    def note(name: str, module: nn.Module, given: object, output: object) -> Tensor | None:
        if name in found or not isinstance(output, Tensor):
            return None
        found[name] = output
        if stop and len(found) == len(set(layers)):
            raise _Reached
        return output.clone()  # what follows may work in place, and must not write into ours

    return _hooked(model, {name: partial(note, name) for name in layers})


def _all_of(found: dict[str, Tensor], layers: Sequence[str]) -> dict[str, Tensor]:
    for name in layers:
        if name not in found:
            raise UsageError(f"layer {name} gave no tensor: it is not used, or returns several")
    return {name: found[name] for name in layers}


@contextmanager
def _hooked(model: nn.Module, hooks: Mapping[str, Callable[..., Tensor | None]]) -> Iterator[None]:
    """Hold forward hooks on modules by name."""
    modules = dict(model.named_modules())
    handles = []
    try:
        for name, hook in hooks.items():
            if name not in modules:
                raise UsageError(f"no layer is called {name!r}{nearest(name, modules)}")
            handles.append(modules[name].register_forward_hook(hook))
        yield
    finally:
        for handle in handles:
            handle.remove()
