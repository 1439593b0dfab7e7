"""Pictures in which several digits stand, to be named in reading order."""

import torch
from jaxtyping import Bool, Float, Int64
from torch import Tensor

from gradus.core.errors import UsageError
from gradus.data.digits import read_digits

PARTS = ("train", "validation", "test")
GRID = 4
"""Regions in a row of a picture, and rows of them."""
CELL = 10
"""Pixels of a region, each way; a digit has eight."""
SIDE = GRID * CELL
MOST = 4
"""Things in a scene or tune; it has two to four."""
STEPS = MOST + 1
"""Words in the longest description: a name each, and the end."""
HELD_OUT = 237
"""Digits of the training set that only the validation scenes have."""
NAMES = tuple("0123456789")
NOISE = 0.1
"""Standard deviation of the noise; a digit's brightest pixel is 1."""

Described = tuple[Tensor, Int64[Tensor, "n steps"], Bool[Tensor, "n steps regions"]]
"""Inputs; names in order, then the end, then −1; the regions where each named thing is."""


def scenes(n: int, part: str = "train") -> Described:
    """Pictures of two to four digits in different regions of a grid of four by four.

    A digit lies up to one pixel off the middle of its region. Validation and test show digits that
    the training scenes do not have.

    Args:
        n: how many, ≥ 1.
        part: `train`, `validation` or `test`; the scenes depend on it and n alone.

    Returns:
        pictures "n 1 40 40" in about [0, 1]; the digits from the upper left to the lower right, as
        indices into `NAMES`, then 10 for the end; and the region of each.
    """
    generator = generator_of(part)
    images, labels = _digits(part)
    many = torch.randint(2, MOST + 1, (n,), generator=generator)
    regions = torch.rand(n, GRID * GRID, generator=generator).argsort(1)[:, :MOST]
    chosen = torch.randint(len(images), (n, MOST), generator=generator)
    shifts = torch.randint(0, CELL - 8 + 1, (n, MOST, 2), generator=generator)
    pictures = NOISE * torch.randn(n, 1, SIDE, SIDE, generator=generator)
    names, there = blank(n, GRID * GRID)
    for i, k in enumerate(many.tolist()):
        for step, region in enumerate(regions[i, :k].sort().values.tolist()):
            top = region // GRID * CELL + int(shifts[i, step, 0])
            left = region % GRID * CELL + int(shifts[i, step, 1])
            pictures[i, 0, top : top + 8, left : left + 8] += images[chosen[i, step]]
            names[i, step] = labels[chosen[i, step]]
            there[i, step, region] = True
        names[i, k] = len(NAMES)
    return pictures, names, there


def blank(n: int, regions: int) -> tuple[Int64[Tensor, "n steps"], Bool[Tensor, "n steps regions"]]:
    """Descriptions in which nothing is said yet."""
    return torch.full((n, STEPS), -1), torch.zeros(n, STEPS, regions, dtype=torch.bool)


def generator_of(part: str) -> torch.Generator:
    """The random numbers of a part.

    Raises:
        UsageError: there is no such part.
    """
    if part not in PARTS:
        raise UsageError(f"part must be one of {', '.join(PARTS)}, got {part!r}")
    return torch.Generator().manual_seed(100 + PARTS.index(part))


def _digits(part: str) -> tuple[Float[Tensor, "m 8 8"], Int64[Tensor, "m"]]:
    """The digits that a part's scenes show."""
    kept = read_digits()
    images, labels = (
        (kept.test_images, kept.test_labels)
        if part == "test"
        else (kept.train_images, kept.train_labels)
    )
    there = {"train": slice(HELD_OUT, None), "validation": slice(HELD_OUT), "test": slice(None)}
    found = torch.from_numpy(images[there[part]]).float() / 255
    return found, torch.from_numpy(labels[there[part]])
