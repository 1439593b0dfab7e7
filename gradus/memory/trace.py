"""Everything that a memory does with one sequence, step by step, as arrays."""

from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from gradus.core.files import save_arrays
from gradus.core.run import Run
from gradus.memory.dnc import DNC, DNCState, Interface
from gradus.memory.ntm import NTM, NTMHeads, NTMState

Trace = dict[str, np.ndarray]
"""Name -> array, time first."""


@torch.inference_mode()
def trace(model: NTM | DNC, inputs: Float[Tensor, "time inputs"]) -> Trace:
    """Run one sequence and keep what the memory does.

    Args:
        model: in evaluation mode.
        inputs: of each time step.

    Returns:
        name -> array "time …", as they are after each step. Of both kinds: `inputs`, `outputs`
        (before the sigmoid), `memory` "time N W", `write_weightings` "time heads N",
        `read_weightings`, `reads` "time heads W", `add` "time heads W", `erase`, `strengths`. Of an
        NTM: `gates` (interpolation), `shifts`, `gammas`. Of a DNC: `usage` "time N", `links`
        "time N N", `precedence`, `free` "time heads", `allocation_gate`, `write_gate`, `modes`
        "time heads 3".
    """
    kept: dict[str, list[Tensor]] = {}
    told: Any
    state: Any = model.start(1)
    for projected in model.controller.project(inputs.unsqueeze(0)).unbind(1):
        h, told, state = model.step(projected, state)
        output = model.output(torch.cat([h, state.reads], 1))
        now = _of_ntm(told, state) if isinstance(model, NTM) else _of_dnc(told, state)
        for name, value in {"outputs": output, **now}.items():
            kept.setdefault(name, []).append(value[0])
    arrays = {name: torch.stack(values).cpu().numpy() for name, values in kept.items()}
    arrays["reads"] = arrays["reads"].reshape(len(inputs), -1, model.width)
    return {"inputs": inputs.cpu().numpy(), **arrays}


def _of_ntm(told: NTMHeads, state: NTMState) -> dict[str, Tensor]:
    """What is kept of a step of an NTM."""
    writes = told.add.shape[1]
    return {
        "memory": state.memory,
        "write_weightings": state.weightings[:, -writes:],
        "read_weightings": state.weightings[:, :-writes],
        "reads": state.reads,
        "add": told.add,
        "erase": told.erase,
        "strengths": told.strengths,
        "gates": told.gates,
        "shifts": told.shifts,
        "gammas": told.gammas,
    }


def _of_dnc(told: Interface, state: DNCState) -> dict[str, Tensor]:
    """What is kept of a step of a DNC."""
    return {
        "memory": state.memory,
        "write_weightings": state.write_weighting.unsqueeze(1),
        "read_weightings": state.read_weightings,
        "reads": state.reads,
        "add": told.add.unsqueeze(1),
        "erase": told.erase.unsqueeze(1),
        "strengths": told.strengths,
        "usage": state.usage,
        "links": state.links,
        "precedence": state.precedence,
        "free": told.free,
        "allocation_gate": told.allocation_gate,
        "write_gate": told.write_gate,
        "modes": told.modes,
    }


def save_trace(run: Run, arrays: Trace) -> None:
    """Write a trace into the run's folder as trace.npz, which `numpy.load` reads."""
    save_arrays(run.path / "trace.npz", **arrays)
