"""The language in which a convolutional network is described.

For example:

    conv 5x5x32 relu, pool 2, conv 5x5x64 relu, pool 2, dense 1024 relu dropout 0.5

Layers are applied in the order in which they are written. A comma only groups them. The output
layer is not written: the network adds it for its classes. In square brackets: what may be left out.

    conv KxKxFILTERS [stride S] [pad same|valid|P] [nobias]
                                   a kernel size for each axis, then the number of filters
    pool SIZE [stride S] [pad same|valid|P]       maximum; `pool all` takes it over all positions
    average SIZE [stride S] [pad same|valid|P]    mean; `average all` takes it over all positions
    fractional SIZE [shrink R]     fractional max pooling: each side becomes R = √2 times shorter
    dense UNITS [nobias]           fully connected
    residual FILTERS [stride S]    two 3×3 convolutions with norms, and a shortcut around them
    norm [decay D] [epsilon E]     batch normalisation
    dropout P                      each value is silenced in training with probability P
    relu tanh sigmoid gelu silu    activations

A size, stride or padding is one number for all axes or one for each: `pool 1x2x2`. The stride of a
convolution is 1 and that of a pool its size unless said. Padding `same`, half the size, lets
stride 1 keep an input's size and is for odd sizes; a convolution has it unless said, and a pool
does not pad (`valid`).
"""

import re
import types
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Literal, get_args

from gradus.core.errors import UsageError
from gradus.core.recipe import check_setting, nearest

Sizes = tuple[int, ...]
Padding = Sizes | Literal["same", "valid"]
PoolName = Literal["pool", "average"]
ActivationName = Literal["relu", "tanh", "sigmoid", "gelu", "silu"]


@dataclass(frozen=True)
class Conv:
    """A convolution; `kernel` has one number for each axis, `stride` and `padding` one or each."""

    kernel: Sizes
    filters: int
    stride: Sizes = (1,)
    padding: Padding = "same"
    bias: bool = True

    def __post_init__(self) -> None:
        """Refuse values that cannot be meant."""
        _check_sizes(self.kernel, self.stride)
        check_setting(self.filters >= 1, "filters", "≥ 1", self.filters)


@dataclass(frozen=True)
class Pool:
    """Max or average pooling; no size: over all positions. No stride: the size."""

    kind: PoolName
    size: Sizes | None
    stride: Sizes | None = None
    padding: Padding = "valid"

    def __post_init__(self) -> None:
        """Refuse values that cannot be meant."""
        if self.size is None:
            bare = self.stride is None and self.padding == "valid"
            check_setting(bare, f"{self.kind} all", "without stride and pad", "them")
        else:
            _check_sizes(self.size, self.stride or (1,))


@dataclass(frozen=True)
class Fractional:
    """Fractional max pooling in regions of `size`; each side becomes ⌊side / shrink⌋ long."""

    size: Sizes
    shrink: float = 2**0.5

    def __post_init__(self) -> None:
        """Refuse values that cannot be meant."""
        check_setting(min(self.size) >= 1, "size", "≥ 1", min(self.size))
        check_setting(self.shrink > 1, "shrink", "> 1", self.shrink)


@dataclass(frozen=True)
class Dense:
    """A fully connected layer."""

    units: int
    bias: bool = True

    def __post_init__(self) -> None:
        """Refuse values that cannot be meant."""
        check_setting(self.units >= 1, "units", "≥ 1", self.units)


@dataclass(frozen=True)
class Residual:
    """A residual block."""

    filters: int
    stride: Sizes = (1,)

    def __post_init__(self) -> None:
        """Refuse values that cannot be meant."""
        check_setting(self.filters >= 1, "filters", "≥ 1", self.filters)
        check_setting(min(self.stride) >= 1, "stride", "≥ 1", min(self.stride))


@dataclass(frozen=True)
class Norm:
    """Batch normalisation; the averages keep `decay` of their old value at each step."""

    decay: float = 0.9
    epsilon: float = 1e-3

    def __post_init__(self) -> None:
        """Refuse values that cannot be meant."""
        check_setting(0 <= self.decay < 1, "decay", "in [0, 1)", self.decay)
        check_setting(self.epsilon > 0, "epsilon", "> 0", self.epsilon)


@dataclass(frozen=True)
class Dropout:
    """Dropout with probability `p`."""

    p: float

    def __post_init__(self) -> None:
        """Refuse values that cannot be meant."""
        check_setting(0 <= self.p < 1, "dropout", "in [0, 1)", self.p)


@dataclass(frozen=True)
class Activation:
    """A nonlinearity by name."""

    name: ActivationName


Layer = Conv | Pool | Fractional | Dense | Residual | Norm | Dropout | Activation


def parse(text: str) -> list[Layer]:
    """The layers that a description names.

    Args:
        text: in the language above; nothing but spaces describes no layer.

    Raises:
        UsageError: a word is not understood; it is named with its part of the description, and
            what may stand there.
    """
    layers: list[Layer] = []
    for number, part in enumerate(text.split(",") if text.strip() else [], 1):
        try:
            layers += _part(part.split())
        except UsageError as error:
            raise UsageError(f"layers: part {number}, {part.strip()!r}: {error}") from None
    return layers


def _part(words: list[str]) -> list[Layer]:
    """The layers between two commas."""
    if not words:
        raise UsageError("expected a layer, found nothing")
    layers: list[Layer] = []
    allowed = [*FORMS]
    while words:
        name = words.pop(0)
        if name not in FORMS:
            raise UsageError(
                f"{name!r} must be one of {', '.join(allowed)}{nearest(name, allowed)}"
            )
        form = FORMS[name]
        settings = form.read(_next(words, name, form.example)) if form.read else {}
        while words and words[0] in form.options:
            option = words.pop(0)
            field, read = form.options[option]
            if field in settings:
                raise UsageError(f"{option} is given twice")
            settings[field] = read(_next(words, option, "a value")) if read else False
        layers.append(form.make(**settings))
        allowed = [*form.options, *FORMS]
    return layers


def _next(words: list[str], after: str, example: str) -> str:
    if not words:
        raise UsageError(f"expected {example} after {after}, found nothing")
    return words.pop(0)


def _sizes(word: str) -> Sizes:
    """One number or several joined by x."""
    if not re.fullmatch(r"\d{1,9}(x\d{1,9})*", word):
        raise UsageError(f"{word!r} must be a whole number or several joined by x, such as 3x3")
    return tuple(map(int, word.split("x")))


def _whole(word: str) -> int:
    sizes = _sizes(word)
    if len(sizes) > 1:
        raise UsageError(f"{word!r} must be one whole number")
    return sizes[0]


def _number(word: str) -> float:
    try:
        return float(word)
    except ValueError:
        raise UsageError(f"{word!r} must be a number") from None


def _padding(word: str) -> Padding:
    return word if word in ("same", "valid") else _sizes(word)  # type: ignore[return-value]


def _kernel_and_filters(word: str) -> dict[str, Any]:
    *kernel, filters = _sizes(word)
    if not kernel:
        raise UsageError(f"{word!r} must be kernel sizes and filters joined by x, such as 5x5x32")
    return {"kernel": tuple(kernel), "filters": filters}


def _check_sizes(size: Sizes, stride: Sizes) -> None:
    check_setting(min(size) >= 1, "size", "≥ 1", min(size))
    check_setting(min(stride) >= 1, "stride", "≥ 1", min(stride))


@dataclass(frozen=True)
class _Form:
    """How a layer is written.

    Attributes:
        make: the settings -> the layer.
        read: the word after the name -> settings; None: there is none.
        example: such a word.
        options: word -> (setting, how its value is read; None: it has no value and means False).
    """

    make: Callable[..., Layer]
    read: Callable[[str], dict[str, Any]] | None = None
    example: str = ""
    options: Mapping[str, tuple[str, Callable[[str], Any] | None]] = field(default_factory=dict)


_STRIDE = {"stride": ("stride", _sizes)}
_PAD = {"pad": ("padding", _padding)}
_NO_BIAS = {"nobias": ("bias", None)}


def _pool(kind: PoolName) -> _Form:
    def read(word: str) -> dict[str, Any]:
        return {"size": None if word == "all" else _sizes(word)}

    return _Form(partial(Pool, kind), read, "a size", {**_STRIDE, **_PAD})


FORMS: Mapping[str, _Form] = types.MappingProxyType(
    {
        "conv": _Form(Conv, _kernel_and_filters, "5x5x32", {**_STRIDE, **_PAD, **_NO_BIAS}),
        "pool": _pool("pool"),
        "average": _pool("average"),
        "fractional": _Form(
            Fractional, lambda w: {"size": _sizes(w)}, "a size", {"shrink": ("shrink", _number)}
        ),
        "dense": _Form(Dense, lambda w: {"units": _whole(w)}, "a number of units", _NO_BIAS),
        "residual": _Form(
            Residual, lambda w: {"filters": _whole(w)}, "a number of filters", _STRIDE
        ),
        "norm": _Form(Norm, options={"decay": ("decay", _number), "epsilon": ("epsilon", _number)}),
        "dropout": _Form(Dropout, lambda w: {"p": _number(w)}, "a probability"),
        **{name: _Form(partial(Activation, name)) for name in get_args(ActivationName)},
    }
)
"""Every layer by its word."""
