"""Chapter 8: networks with a memory, the Neural Turing Machine and the Differentiable NC.

Reading order: `addressing`, `ntm`, `allocation`, `links`, `dnc`, `controller`; `compiled` (the DNC
again, for speed) and `graphed` (its steps as CUDA graphs); then `recipes` (the named experiments),
`train` (config → task), `predict` and `figures`.
"""

from typing import TYPE_CHECKING

from gradus.core.lazy import lazy

if TYPE_CHECKING:
    from gradus.memory.dnc import DNC, DNCState
    from gradus.memory.ntm import NTM, NTMState

__all__ = ["DNC", "NTM", "DNCState", "NTMState"]

__getattr__ = lazy(
    __name__,
    {
        "DNC": "dnc:DNC",
        "DNCState": "dnc:DNCState",
        "NTM": "ntm:NTM",
        "NTMState": "ntm:NTMState",
    },
)
