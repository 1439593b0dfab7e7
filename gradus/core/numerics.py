"""The numerics microscope: it names the first tensor of a step that is NaN or infinite.

It looks at what enters and leaves every module, at every parameter, and at the gradients of all of
these. Inside nested modules the innermost speaks first. Looking makes a step several times slower.

Two things are left alone: an input that needs no gradient may hold -∞ (it is then an attention
mask), and with loss scaling ("16-mixed") infinite gradients in the first steps are the scaler's
normal search for its scale, which is reported all the same.
"""

import contextlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Literal

import torch
from torch import Tensor, nn
from torch.utils.hooks import RemovableHandle

from gradus.core.checkpoint import random_state, set_random_state
from gradus.core.errors import RunError, UsageError

Direction = Literal["forward", "backward"]


@dataclass(frozen=True)
class Statistics:
    """Where the values of a finite tensor lie.

    Attributes:
        name: which tensor, such as `input` or `input[1]`.
        minimum: the smallest value.
        maximum: the largest.
        mean: the mean.
        std: the standard deviation, dividing by the number of values.
    """

    name: str
    minimum: float
    maximum: float
    mean: float
    std: float

    def __str__(self) -> str:
        return (
            f"{self.name} min {self.minimum:.4g}, max {self.maximum:.4g}, "
            f"mean {self.mean:.4g}, std {self.std:.4g}"
        )


class NonFinite(RunError):
    """A tensor of the model holds a NaN or an infinity.

    Attributes:
        module: path of the module it belongs to, such as `hidden_2`; "" for the model itself.
        tensor: which of its tensors, such as `output`, `parameter hidden_2.weight` or
            `gradient of input`.
        direction: the pass that it was found in.
        inputs: the last finite statistics of that module's inputs.
    """

    def __init__(
        self,
        message: str,
        *,
        module: str,
        tensor: str,
        direction: Direction,
        inputs: tuple[Statistics, ...],
    ) -> None:
        super().__init__(message)
        self.module = module
        self.tensor = tensor
        self.direction = direction
        self.inputs = inputs


@contextlib.contextmanager
def check_numerics(model: nn.Module) -> Iterator[None]:
    """Inside this context the model's first NaN or infinity raises, forward or backward.

    The model computes the same numbers, draws the same random numbers and keeps its modes; all
    hooks are gone at the end.

    Raises:
        NonFinite: with the module, the tensor, the pass and the last finite inputs.
    """
    with _watching(model):
        yield


def diagnose(model: nn.Module, loss: Callable[[], Tensor]) -> str:
    """Why a loss is not finite, in one sentence.

    One forward and one backward pass run under the microscope with the parameters as they are.
    Afterwards the model is as before: gradients, buffers, modes and random numbers are put back.

    Args:
        model: the model that `loss` uses.
        loss: computes the loss, one number, on the batch in question.

    Returns:
        The first parameter, tensor or gradient that is not finite; or that the loss function
        itself makes the NaN or infinity; or that nothing was found.

    Raises:
        UsageError: the loss is not one number.
    """
    broken = [(name, p) for name, p in model.named_parameters() if _bad(p)]
    if broken:
        name, parameter = broken[0]
        others = f" (and so do {len(broken) - 1} more)" if broken[1:] else ""
        return f"parameter {name} already holds {_count(parameter)}{others}"
    with _put_back(model), torch.enable_grad(), _watching(model) as watch:
        try:
            value = loss()
            if value.numel() != 1:
                raise UsageError(f"the loss must be one number, got shape {tuple(value.shape)}")
            if _bad(value):
                seen = f" ({'; '.join(map(str, watch.outputs))})" if watch.outputs else ""
                return (
                    f"every module's output is finite{seen}, but the loss is {value.item()}: "
                    "the loss function itself makes it"
                )
            if value.requires_grad:
                value.backward()
        except NonFinite as found:
            return str(found)
    return f"nothing found: outputs, gradients and the loss ({value.item():.4g}) are all finite"


@dataclass(frozen=True)
class _Given:
    """The view of an input that a module was given.

    Attributes:
        view: the same values, a tensor of its own.
        version: how often it had been changed in place by then.
        hook: what looks at its gradient.
    """

    view: Tensor
    version: int
    hook: RemovableHandle


@dataclass
class _Watch:
    """The hooks of one `check_numerics` and what they remember.

    Attributes:
        model: what is watched.
        active: whether hooks that hang on tensors still speak.
        inputs: module path -> statistics of its last finite inputs.
        given: module path -> its last inputs' views by id, with their gradient hooks.
        outputs: statistics of the whole model's last outputs.
    """

    model: nn.Module
    active: bool = True
    inputs: dict[str, tuple[Statistics, ...]] = field(default_factory=dict)
    given: dict[str, dict[int, _Given]] = field(default_factory=dict)
    outputs: tuple[Statistics, ...] = ()

    def before(self, path: str, module: nn.Module, args: Any, kwargs: Any) -> tuple[Any, Any]:
        """Look at a module's parameters and inputs; hand it inputs that report their gradient."""
        for name, parameter in module.named_parameters(path, recurse=False):
            if _bad(parameter):
                raise self.found(path, f"parameter {name}", parameter, "forward")
        named = _tensors("input", args if not kwargs else (*args, kwargs))
        for name, tensor in named:
            if _bad(tensor) and not _is_mask(tensor):
                raise self.found(path, name, tensor, "forward", self.origin(path, "before"))
        self.inputs[path] = tuple(_statistics(n, t) for n, t in named if not _bad(t) and t.numel())
        if not torch.is_grad_enabled():
            return args, kwargs
        names, self.given[path] = {id(tensor): name for name, tensor in named}, {}
        return _map_tensors(partial(self.give, path, names), (args, kwargs))

    def give(self, path: str, names: dict[int, str], tensor: Tensor) -> Tensor:
        """A view of an input, through which only the gradient of this one call comes back."""
        if not tensor.requires_grad or tensor.layout != torch.strided:
            return tensor
        given = self.given[path]
        if id(tensor) not in given:
            view = tensor.view_as(tensor)
            hook = self.hang(path, f"gradient of {names[id(tensor)]}", view)
            given[id(tensor)] = _Given(view, view._version, hook)
        return given[id(tensor)].view

    def after(self, path: str, module: nn.Module, args: Any, output: Any) -> None:
        """Look at a module's outputs, and have them report their gradient."""
        named = _tensors("output", output)
        for name, tensor in named:
            if _bad(tensor):
                for owned, parameter in module.named_parameters(path):
                    if _bad(parameter):
                        raise self.found(path, f"parameter {owned}", parameter, "forward")
                raise self.found(path, name, tensor, "forward")
            if tensor.requires_grad:
                self.pass_through(path, tensor)
                self.hang(path, f"gradient of {name}", tensor, self.origin(path, "after"))
        self.given.pop(path, None)
        if module is self.model:
            self.outputs = tuple(_statistics(n, t) for n, t in named if t.numel())

    def pass_through(self, path: str, output: Tensor) -> None:
        """A module that returns its input untouched is not to blame for the input's gradient."""
        for given in self.given.get(path, {}).values():
            if output is given.view and output._version == given.version:
                given.hook.remove()

    def hang(self, path: str, what: str, tensor: Tensor, origin: str = "") -> RemovableHandle:
        """Have `tensor` raise when its gradient is not finite."""
        inputs = self.inputs.get(path)

        def look(gradient: Tensor) -> None:
            if self.active and _bad(gradient):
                raise self.found(path, what, gradient, "backward", origin, inputs)

        return tensor.register_hook(look)

    def origin(self, path: str, when: str) -> str:
        """Where a bad tensor at a module's border can have been made."""
        if path == "":
            return " (the model was given it)" if when == "before" else " (the loss made it)"
        parent = self.label(path.rpartition(".")[0])
        loss = "" if when == "before" else " or by the loss"
        return f" (made {when} that module, in the forward of {parent}{loss})"

    def label(self, path: str) -> str:
        """A module's path and class."""
        kind = type(self.model.get_submodule(path)).__name__
        return f"{path} ({kind})" if path else f"the model ({kind})"

    def found(
        self,
        path: str,
        what: str,
        tensor: Tensor,
        direction: Direction,
        origin: str = "",
        inputs: tuple[Statistics, ...] | None = None,
    ) -> NonFinite:
        """The error that says it all."""
        inputs = self.inputs.get(path, ()) if inputs is None else inputs
        owner = "" if "parameter" in what else f" of {self.label(path)}"
        known = "; ".join(map(str, inputs)) or "none seen"
        message = (
            f"{direction} pass: {what}{owner} holds {_count(tensor)}{origin}; "
            f"last finite inputs there: {known}"
        )
        return NonFinite(message, module=path, tensor=what, direction=direction, inputs=inputs)


@contextlib.contextmanager
def _watching(model: nn.Module) -> Iterator[_Watch]:
    """Hooks on every module and parameter of the model, for as long as the context lasts."""
    watch = _Watch(model)
    with contextlib.ExitStack() as stack:
        stack.callback(setattr, watch, "active", False)
        for path, module in model.named_modules():
            before, after = partial(watch.before, path), partial(watch.after, path)
            for handle in (
                module.register_forward_pre_hook(before, with_kwargs=True),
                module.register_forward_hook(after),
            ):
                stack.callback(handle.remove)
            for name, parameter in module.named_parameters(path, recurse=False):
                if parameter.requires_grad:
                    what = f"gradient of parameter {name}"
                    stack.callback(watch.hang(path, what, parameter).remove)
        yield watch


@contextlib.contextmanager
def _put_back(model: nn.Module) -> Iterator[None]:
    """Whatever a pass changes in the model, or in the random numbers, is undone at the end."""
    modes = [(module, module.training) for module in model.modules()]
    gradients = [(parameter, parameter.grad) for parameter in model.parameters()]
    buffers = [
        (module, name, buffer, buffer.clone())
        for module in model.modules()
        for name, buffer in module.named_buffers(recurse=False)
    ]
    random = random_state()
    try:
        for parameter, _ in gradients:
            parameter.grad = None
        yield
    finally:
        set_random_state(random)
        for module, name, buffer, values in buffers:
            with torch.no_grad():
                buffer.copy_(values)
            setattr(module, name, buffer)
        for parameter, gradient in gradients:
            parameter.grad = gradient
        for module, training in modes:
            module.training = training


def _bad(tensor: Tensor) -> bool:
    """Whether a tensor holds a NaN or an infinity."""
    return not bool(torch.isfinite(_values(tensor)).all())


def _values(tensor: Tensor) -> Tensor:
    """The values of a tensor; of a sparse one (an embedding's gradient) those it holds."""
    return tensor.coalesce().values() if tensor.is_sparse else tensor


def _is_mask(tensor: Tensor) -> bool:
    """Whether a tensor's only values that are not finite are -∞, in a constant."""
    constant = not (tensor.requires_grad or tensor.is_complex())
    return constant and not bool((tensor.isnan() | tensor.isposinf()).any())


def _count(tensor: Tensor) -> str:
    """How many values of a tensor are NaN and how many infinite."""
    values = _values(tensor)
    nan, infinite = int(values.isnan().sum()), int(values.isinf().sum())
    parts = [f"{n:,} {word}" for n, word in ((nan, "NaN"), (infinite, "infinite")) if n]
    return f"{' and '.join(parts)} of {tensor.numel():,} values"


def _statistics(name: str, tensor: Tensor) -> Statistics:
    """The statistics of a tensor that has values, all finite; of a complex one, its size."""
    values = tensor.detach().abs() if tensor.is_complex() else tensor.detach()
    values = values.to(torch.float32 if values.device.type == "mps" else torch.float64)
    low, high = values.aminmax()
    std = values.std(correction=0)
    return Statistics(name, low.item(), high.item(), values.mean().item(), std.item())


def _tensors(name: str, value: Any) -> list[tuple[str, Tensor]]:
    """The real or complex tensors inside tuples, lists and mappings, each with its name."""
    if isinstance(value, Tensor):
        return [(name, value)] if value.is_floating_point() or value.is_complex() else []
    if isinstance(value, Mapping):
        parts: list[tuple[Any, Any]] = list(value.items())
    elif isinstance(value, tuple | list):
        parts = list(enumerate(value))
    else:
        return []
    if len(parts) == 1:
        return _tensors(name, parts[0][1])
    return [found for key, part in parts for found in _tensors(f"{name}[{key}]", part)]


def _map_tensors(change: Callable[[Tensor], Tensor], value: Any) -> Any:
    """The same nest of tuples, lists and dicts with every tensor changed; the rest as it is."""
    if isinstance(value, Tensor):
        return change(value)
    if type(value) is dict:
        return {key: _map_tensors(change, part) for key, part in value.items()}
    if type(value) in (tuple, list):
        return type(value)(_map_tensors(change, part) for part in value)
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        return type(value)(*(_map_tensors(change, part) for part in value))
    return value
