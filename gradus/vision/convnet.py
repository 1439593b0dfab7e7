"""Convolutional networks from one description (book figure 5-14): images, clips, sound, text."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from math import floor, prod

from jaxtyping import Float
from torch import Tensor, nn

from gradus.core.errors import UsageError
from gradus.nn.init import initialise
from gradus.vision.arithmetic import output_size
from gradus.vision.layers import (
    Activation,
    Conv,
    Dense,
    Dropout,
    Fractional,
    Layer,
    Norm,
    Padding,
    Pool,
    Residual,
    Sizes,
    parse,
)
from gradus.vision.pooling import FractionalPool

Shape = tuple[int, ...]  # channels, then one size for each axis; or units alone
Maker = Callable[..., nn.Module]
ACTIVATIONS: Mapping[str, Maker] = {
    "relu": nn.ReLU,
    "tanh": nn.Tanh,
    "sigmoid": nn.Sigmoid,
    "gelu": nn.GELU,
    "silu": nn.SiLU,
}
CONVS: Mapping[int, Maker] = {1: nn.Conv1d, 2: nn.Conv2d, 3: nn.Conv3d}
NORMS: Mapping[int, Maker] = {
    0: nn.BatchNorm1d,
    1: nn.BatchNorm1d,
    2: nn.BatchNorm2d,
    3: nn.BatchNorm3d,
}
POOLS: Mapping[str, Mapping[int, Maker]] = {
    "pool": {1: nn.MaxPool1d, 2: nn.MaxPool2d, 3: nn.MaxPool3d},
    "average": {1: nn.AvgPool1d, 2: nn.AvgPool2d, 3: nn.AvgPool3d},
}
POOLS_ALL: Mapping[str, Mapping[int, Maker]] = {
    "pool": {1: nn.AdaptiveMaxPool1d, 2: nn.AdaptiveMaxPool2d, 3: nn.AdaptiveMaxPool3d},
    "average": {1: nn.AdaptiveAvgPool1d, 2: nn.AdaptiveAvgPool2d, 3: nn.AdaptiveAvgPool3d},
}


class ConvNet(nn.Module):
    """A network of convolutions, pools and dense layers, applied one after the other.

    It works along 1 axis (text, waves), 2 (images, spectrograms) or 3 (clips): as many as its
    shape has. The layers are children named by their kind and number, in the order of the
    description: `conv_1`, `norm_1`, `relu_1`, `pool_1`, ..., `dense_1`, ..., and `output`, which is
    always there and gives the logits. `flatten` stands before the first dense layer.

    Attributes:
        shape: of one input: channels, then the size along each axis.
        classes: how many logits there are.
        shapes: name of each child -> shape of one example's output.
    """

    output: nn.Linear

    def __init__(
        self, layers: str | Sequence[Layer], shape: Sequence[int], classes: int, init: str = "he"
    ) -> None:
        """Make the network.

        Args:
            layers: what stands between input and output, as text or as a list: see
                `gradus.vision.layers`, the one place where the language is explained.
            shape: of one input: channels, then 1 to 3 sizes, such as (1, 28, 28); each ≥ 1.
            classes: ≥ 1.
            init: how all weights start, a key of `gradus.nn.init.INITIALISERS`; biases start at 0.

        Raises:
            UsageError: the description is not understood, a layer does not fit its input, or a
                name is unknown.
        """
        super().__init__()
        if len(shape) - 1 not in CONVS or min(shape) < 1:
            raise UsageError(
                f"shape must be channels and 1 to 3 sizes, all ≥ 1, got {tuple(shape)}"
            )
        if classes < 1:
            raise UsageError(f"classes must be ≥ 1, got {classes}")
        self.shape, self.classes = tuple(shape), classes
        self.shapes: dict[str, Shape] = {}
        now: Shape = self.shape
        numbers: Counter[str] = Counter()
        for layer in parse(layers) if isinstance(layers, str) else layers:
            kind = _kind(layer)
            if isinstance(layer, Dense) and len(now) > 1:
                now = self._add("flatten", nn.Flatten(), (prod(now),))
            numbers[kind] += 1
            name = f"{kind}_{numbers[kind]}"
            try:
                now = self._add(name, *_build(layer, now))
            except UsageError as error:
                raise UsageError(f"layers: {name}, whose input is {show(now)}: {error}") from None
        if len(now) > 1:
            now = self._add("flatten", nn.Flatten(), (prod(now),))
        self._add("output", nn.Linear(now[0], classes), (classes,))
        for module in self.modules():
            if isinstance(module, nn.Linear | nn.Conv1d | nn.Conv2d | nn.Conv3d):
                initialise(module.weight, init)
                if module.bias is not None:
                    nn.init.zeros_(module.bias)

    def forward(self, x: Float[Tensor, "batch channels *size"]) -> Float[Tensor, "batch classes"]:
        """The logits z of each example's classes; softmax makes them probabilities."""
        for layer in self.children():
            x = layer(x)
        return x

    def _add(self, name: str, module: nn.Module, shape: Shape) -> Shape:
        self.add_module(name, module)
        self.shapes[name] = shape
        return shape


class ResidualBlock(nn.Module):
    """f(norm(conv(f(norm(conv x)))) + shortcut x), f the ReLU.

    The shortcut is x itself, or where the shape changes a 1×1 convolution and a norm.

    Source: He et al. 2015, "Deep Residual Learning for Image Recognition", figure 2 and equation 2.
    """

    def __init__(self, axes: int, channels: int, filters: int, stride: Sizes) -> None:
        """Make the block.

        Args:
            axes: 1, 2 or 3.
            channels: of the input, ≥ 1.
            filters: channels of the output, ≥ 1.
            stride: of the first convolution, along each axis, ≥ 1.
        """
        super().__init__()
        conv, norm = CONVS[axes], Norm()
        self.conv_1 = conv(channels, filters, 3, stride, 1, bias=False)
        self.norm_1 = _norm(norm, axes, filters)
        self.conv_2 = conv(filters, filters, 3, 1, 1, bias=False)
        self.norm_2 = _norm(norm, axes, filters)
        self.shortcut: nn.Module = nn.Identity()
        if channels != filters or max(stride) > 1:
            self.shortcut = nn.Sequential(
                conv(channels, filters, 1, stride, bias=False), _norm(norm, axes, filters)
            )

    def forward(self, x: Float[Tensor, "batch channels *size"]) -> Float[Tensor, "batch ..."]:
        """The block's output, "batch filters *size / stride"."""
        inner = self.norm_2(self.conv_2(self.norm_1(self.conv_1(x)).relu()))
        return (inner + self.shortcut(x)).relu()


def show(shape: Shape) -> str:
    """A shape in words, such as 64×7×7."""
    return "×".join(map(str, shape))


def _kind(layer: Layer) -> str:
    """The word that a layer is written with."""
    if isinstance(layer, Pool):
        return layer.kind
    return layer.name if isinstance(layer, Activation) else type(layer).__name__.lower()


def _build(layer: Layer, shape: Shape) -> tuple[nn.Module, Shape]:
    """The module of a layer for an input of this shape, and the shape of its output."""
    match layer:
        case Norm():
            return _norm(layer, len(shape) - 1, shape[0]), shape
        case Activation():
            return ACTIVATIONS[layer.name](), shape
        case Dropout():
            return nn.Dropout(layer.p), shape
        case Dense():
            return nn.Linear(shape[0], layer.units, bias=layer.bias), (layer.units,)
    channels, size = shape[0], shape[1:]
    if not size:
        raise UsageError("no axes are left to work along after a dense layer")
    match layer:
        case Conv():
            return _conv(layer, channels, size)
        case Residual():
            return _residual(layer, channels, size)
        case Pool():
            return _pool(layer, channels, size)
        case Fractional():
            return _fractional(layer, channels, size)


def _norm(layer: Norm, axes: int, channels: int) -> nn.Module:
    return NORMS[axes](channels, eps=layer.epsilon, momentum=1 - layer.decay)


def _conv(layer: Conv, channels: int, size: Sizes) -> tuple[nn.Module, Shape]:
    axes = len(size)
    if len(layer.kernel) != axes:
        raise UsageError(
            f"the kernel must have a size for each of {axes} axes, such as "
            f"{'x'.join(['3'] * axes)}x{layer.filters}, got {'x'.join(map(str, layer.kernel))}"
        )
    stride = _each(layer.stride, axes)
    padding = _padding(layer.padding, layer.kernel)
    outputs = _outputs(size, layer.kernel, stride, padding)
    module = CONVS[axes](channels, layer.filters, layer.kernel, stride, padding, bias=layer.bias)
    return module, (layer.filters, *outputs)


def _residual(layer: Residual, channels: int, size: Sizes) -> tuple[nn.Module, Shape]:
    axes = len(size)
    stride = _each(layer.stride, axes)
    outputs = _outputs(size, _each((3,), axes), stride, _each((1,), axes))
    return ResidualBlock(axes, channels, layer.filters, stride), (layer.filters, *outputs)


def _pool(layer: Pool, channels: int, size: Sizes) -> tuple[nn.Module, Shape]:
    axes = len(size)
    if layer.size is None:
        return POOLS_ALL[layer.kind][axes](1), (channels, *_each((1,), axes))
    kernel = _each(layer.size, axes)
    stride = _each(layer.stride or layer.size, axes)
    padding = _padding(layer.padding, kernel)
    if any(2 * p > k for p, k in zip(padding, kernel, strict=True)):
        raise UsageError(f"pad must be at most half the size {show(kernel)}, got {show(padding)}")
    outputs = _outputs(size, kernel, stride, padding)
    return POOLS[layer.kind][axes](kernel, stride, padding), (channels, *outputs)


def _fractional(layer: Fractional, channels: int, size: Sizes) -> tuple[nn.Module, Shape]:
    kernel = _each(layer.size, len(size))
    outputs = tuple(floor(n / layer.shrink) for n in size)
    if any(not 1 <= o <= n - k + 1 for n, k, o in zip(size, kernel, outputs, strict=True)):
        raise UsageError(
            f"{show(outputs)} windows of {show(kernel)} do not fit; a smaller size or a larger "
            f"shrink than {layer.shrink:g} may"
        )
    return FractionalPool(kernel, outputs), (channels, *outputs)


def _each(numbers: Sizes, axes: int) -> Sizes:
    """One number for each axis."""
    if len(numbers) == 1:
        return numbers * axes
    if len(numbers) != axes:
        raise UsageError(f"expected 1 number or {axes}, got {'x'.join(map(str, numbers))}")
    return numbers


def _padding(padding: Padding, kernel: Sizes) -> Sizes:
    """Cells added at each end of each axis; `same` needs odd kernels, to add as many at both."""
    if padding == "valid":
        return _each((0,), len(kernel))
    if padding == "same":
        if any(k % 2 == 0 for k in kernel):
            raise UsageError(f"pad same needs odd sizes, got {show(kernel)}; give a number")
        return tuple((k - 1) // 2 for k in kernel)
    return _each(padding, len(kernel))


def _outputs(size: Sizes, kernel: Sizes, stride: Sizes, padding: Sizes) -> Sizes:
    """Positions along each axis."""
    if any(k > n + 2 * p for n, k, p in zip(size, kernel, padding, strict=True)):
        raise UsageError(
            f"a window of {show(kernel)} is larger than the input with padding {show(padding)}"
        )
    return tuple(
        output_size(n, k, s, p) for n, k, s, p in zip(size, kernel, stride, padding, strict=True)
    )
