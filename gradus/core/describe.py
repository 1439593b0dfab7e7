"""What a model is made of: its layers with output shapes, parameters and arithmetic."""

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

Shape = tuple[int, ...]


@dataclass(frozen=True)
class LayerRow:
    """One layer of a model.

    Attributes:
        path: The layer's name in the model, such as `hidden_1`; empty for the model itself.
        kind: The name of its class, such as `Linear`.
        output_shape: Shape of its first output for one example, without the batch dimension;
            None where it was not called or returned no tensor.
        parameters: Trainable and frozen numbers it holds. One that is shared counts where it
            comes first.
        flops: Floating-point operations of its forward pass for one example, a multiply-add as 2.
            Matrix products, convolutions and attention count; what is done element by element
            (biases, activations, normalisation) does not.
    """

    path: str
    kind: str
    output_shape: Shape | None
    parameters: int
    flops: int


def describe(model: nn.Module, sample_input: Tensor | Sequence[Tensor]) -> list[LayerRow]:
    """List a model's layers by running one example through it.

    The model runs in evaluation mode and without gradients; its mode is put back afterwards. A
    module that only contains others has no row, unless it does arithmetic of its own.

    Args:
        model: Any module.
        sample_input: What the model takes, batch dimension first, at least one example; a
            sequence for a model of several inputs. Only the first example is used.

    Returns:
        The layers in the order in which they are first called, then those never called that hold
        parameters. The rows' parameters and FLOPs sum to the model's.
    """
    inputs = (sample_input,) if isinstance(sample_input, Tensor) else tuple(sample_input)
    shapes, flops = _trace(model, [each[:1] for each in inputs])
    names = {module: name for name, module in model.named_modules()}
    uncalled = [module for module in names if module not in shapes]
    rows = []
    counted: set[nn.Parameter] = set()
    for module in [*shapes, *uncalled]:
        own = set(module.parameters(recurse=False)) - counted
        counted |= own
        parameters = sum(parameter.numel() for parameter in own)
        is_layer = module in shapes and not any(module.children())
        if is_layer or parameters or flops[module]:
            kind = type(module).__name__
            shape = shapes.get(module)
            rows.append(LayerRow(names[module], kind, shape, parameters, flops[module]))
    return rows


def totals(rows: Iterable[LayerRow]) -> tuple[int, int]:
    """The parameters and the FLOPs for one example of all rows together."""
    rows = list(rows)
    return sum(row.parameters for row in rows), sum(row.flops for row in rows)


def _trace(
    model: nn.Module, inputs: Sequence[Tensor]
) -> tuple[dict[nn.Module, Shape | None], Counter[nn.Module]]:
    """Run a model once; the output shape of each module called, in order, and the FLOPs of each.

    What is done between two calls or returns belongs to the innermost module then running.
    """
    shapes: dict[nn.Module, Shape | None] = {}
    flops: Counter[nn.Module] = Counter()
    running = [model]
    counter = FlopCounterMode(
        display=False, custom_mapping={torch.ops.aten.mkldnn_rnn_layer: _recurrent_flops}
    )

    def charge() -> None:
        flops[running[-1]] += counter.get_total_flops() - flops.total()

    def enter(module: nn.Module, _: Any) -> None:
        charge()
        running.append(module)
        shapes.setdefault(module, None)

    def leave(module: nn.Module, _: Any, output: Any) -> None:
        charge()
        running.pop()
        shapes[module] = _shape(output)

    modes = {module: module.training for module in model.modules()}
    hooks = [module.register_forward_pre_hook(enter) for module in modes]
    hooks += [module.register_forward_hook(leave) for module in modes]
    model.eval()
    try:
        with torch.no_grad(), _unfused_attention(), counter:
            model(*inputs)
    finally:
        for hook in hooks:
            hook.remove()
        for module, training in modes.items():
            module.training = training
    return shapes, flops


@contextmanager
def _unfused_attention() -> Iterator[None]:
    """Keep attention in the plain operations that torch's counter knows."""
    fast = torch.backends.mha.get_fastpath_enabled()
    torch.backends.mha.set_fastpath_enabled(False)
    try:
        with sdpa_kernel(SDPBackend.MATH):
            yield
    finally:
        torch.backends.mha.set_fastpath_enabled(fast)


def _recurrent_flops(
    inputs: Shape, input_weights: Shape, recurrent_weights: Shape, *_: Any, **__: Any
) -> int:
    """FLOPs of oneDNN's fused LSTM layer, which torch's counter does not know."""
    steps, batch = inputs[:2]
    return 2 * steps * batch * (math.prod(input_weights) + math.prod(recurrent_weights))


def _shape(output: Any) -> Shape | None:
    """The shape of a module's first output tensor, without the batch dimension."""
    if isinstance(output, tuple | list) and output:
        return _shape(output[0])
    return tuple(output.shape[1:]) if isinstance(output, Tensor) else None
