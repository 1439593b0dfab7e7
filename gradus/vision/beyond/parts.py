"""The parts of a generated data set: each has random numbers of its own, always the same."""

import torch

from gradus.core.errors import UsageError

PARTS = ("train", "validation", "test")


def generator_of(part: str) -> torch.Generator:
    """The random numbers of a part.

    Raises:
        UsageError: there is no such part.
    """
    if part not in PARTS:
        raise UsageError(f"part must be one of {', '.join(PARTS)}, got {part!r}")
    return torch.Generator().manual_seed(PARTS.index(part))
