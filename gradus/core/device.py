"""Devices, number formats and processes: the one file that uses Accelerate."""

import contextlib
import os
import warnings
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import torch
from accelerate import Accelerator
from accelerate.state import AcceleratorState
from accelerate.utils import broadcast_object_list, gather_object
from torch import Tensor, nn

from gradus.core.errors import UsageError
from gradus.core.launch import in_group

MIXED_PRECISION = {"float32": "no", "bf16-mixed": "bf16", "16-mixed": "fp16"}


@dataclass(frozen=True)
class Device:
    """Where a training computes, and its place among the processes that share the work.

    Attributes:
        torch: the device of this process's tensors.
        rank: number of this process, in [0, world).
        world: how many processes train together.
        accelerator: Accelerate's handle, for what goes beyond one process in float32.
    """

    torch: torch.device
    rank: int
    world: int
    accelerator: Accelerator

    @cached_property
    def plain(self) -> bool:
        """One process in float32: nothing has to be wrapped."""
        return self.world == 1 and self.accelerator.mixed_precision == "no"

    @property
    def leads(self) -> bool:
        """Whether this process is the one that writes files."""
        return self.rank == 0

    def prepare(self, model: nn.Module, optimizer: Any) -> tuple[nn.Module, Any]:
        """Model and optimiser made ready for several processes and mixed precision."""
        return (model, optimizer) if self.plain else self.accelerator.prepare(model, optimizer)

    def release(self, model: nn.Module) -> None:
        """Undo what `prepare` did to the model: it computes in its parameters' precision again."""
        if not self.plain:
            self.accelerator.unwrap_model(model, keep_fp32_wrapper=False)

    def backward(self, loss: Tensor) -> None:
        """Gradients of the loss, scaled as the number format asks."""
        if self.plain:
            loss.backward()
        else:
            self.accelerator.backward(loss)

    def autocast(self) -> contextlib.AbstractContextManager[Any]:
        """The context in which the loss is computed."""
        return contextlib.nullcontext() if self.plain else self.accelerator.autocast()

    def clip(self, model: nn.Module, norm: float) -> None:
        """Shorten the gradient to `norm` if it is longer; unscales it first where scaled."""
        self.accelerator.clip_grad_norm_(model.parameters(), norm)

    def sum(self, values: list[float]) -> list[float]:
        """Each value summed over all processes (float64)."""
        if self.world == 1:
            return values
        total = torch.tensor(values, dtype=torch.float64, device=self.torch)
        torch.distributed.all_reduce(total)
        return total.tolist()

    def gather(self, value: Any) -> list[Any]:
        """This value of every process, by rank."""
        return [value] if self.world == 1 else gather_object([value])

    def broadcast(self, value: Any) -> Any:
        """The first process's value, on every process."""
        return value if self.world == 1 else broadcast_object_list([value])[0]

    def report(self) -> str:
        """Where the work goes, in words: device, its name, processes."""
        name = str(self.torch)
        if self.torch.type == "cuda":
            name += f" ({torch.cuda.get_device_name(self.torch)})"
        if self.torch.type == "cpu":
            count = torch.get_num_threads()
            name += f" ({count} thread{'s' if count > 1 else ''})"
        return name + (f" × {self.world} processes" if self.world > 1 else "")


def present_devices() -> list[str]:
    """The names of the devices of this machine, the CPU first."""
    names = ["cpu", *(f"cuda:{i}" for i in range(torch.cuda.device_count()))]
    return names + (["mps"] if torch.backends.mps.is_available() else [])


def choose(name: str, fallback: bool = False) -> torch.device:
    """The torch device that `name` means.

    Args:
        name: `auto` (the first accelerator, else the CPU), or a device such as `cuda:1`.
        fallback: take the CPU for an absent device (the book's soft placement).

    Raises:
        UsageError: the device is unknown or absent; the message names those present.
    """
    present = present_devices()
    if name == "auto":
        return torch.device(present[1] if len(present) > 1 else "cpu")
    wanted = "cuda:0" if name == "cuda" else name
    if wanted in present:
        return torch.device(wanted)
    if fallback:
        warnings.warn(f"no device {name}: computing on the CPU", stacklevel=2)
        return torch.device("cpu")
    raise UsageError(
        f"device {name!r} is not here; present: {', '.join(present)} "
        "(--device auto picks one, --fallback takes the CPU)"
    )


def open_device(name: str = "auto", precision: str = "float32", fallback: bool = False) -> Device:
    """The device of a training; under `torchrun` also this process's place in the group.

    Args:
        name: see `choose`; under torchrun each process takes the GPU of its local rank.
        precision: float32, bf16-mixed or 16-mixed.
        fallback: see `choose`.

    Raises:
        UsageError: the device is absent or cannot compute in this precision.
    """
    device = choose(name, fallback)
    if precision == "16-mixed" and device.type == "cpu":
        raise UsageError("precision 16-mixed needs a GPU: use float32 or bf16-mixed on the CPU")
    if device.type == "cuda" and not in_group():
        torch.cuda.set_device(device)
    present, place = torch.cuda.device_count(), int(os.environ.get("LOCAL_RANK", 0))
    if device.type == "cuda" and in_group() and place >= present:
        raise UsageError(f"process {place} of this machine has no GPU left, there are {present}")
    # A process may train twice, on other devices or in another precision; a group stays a group.
    AcceleratorState._reset_state(reset_partial_state=not in_group())
    accelerator = Accelerator(cpu=device.type == "cpu", mixed_precision=MIXED_PRECISION[precision])
    return Device(
        accelerator.device, accelerator.process_index, accelerator.num_processes, accelerator
    )


def leave_group() -> None:
    """End this process's part in its group; a group still joined at exit may abort the process."""
    if torch.distributed.is_available() and torch.distributed.is_initialized():
        torch.distributed.destroy_process_group()
