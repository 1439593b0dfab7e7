"""Images a second of the changes that CIFAR-10 is trained with, one by one and all together.

    make bench        (or: python benchmarks/augment.py [--batch 128] [--seconds 1])

Made images of 32×32 in three colours, in batches, on the CPU with as many threads as torch takes.
The target is 20,000 images a second for the whole pipeline on two cores. Keeps the fastest of
several turns: what slows a turn down is not the work.
"""

import argparse
import json
import time
from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor

from gradus.core.run import environment
from gradus.vision.augment import per_image_whitening
from gradus.vision.distort import FORMS, distortion

RESULTS = Path(__file__).parent / "results" / "augment.json"
TURNS = 5
BOOK = "crop 24, flip, brightness 0.25, contrast 0.2 1.8"
ALL = BOOK.replace("flip,", "flip, flip-up, transpose, saturation 0.5 1.5, hue 0.1,")
EXAMPLES = {
    "crop": "24", "shift": "4 reflect", "brightness": "0.25", "contrast": "0.2 1.8",
    "saturation": "0.5 1.5", "hue": "0.1", "cutout": "8", "warp": "10 0.1 1",
}  # fmt: skip


def main() -> None:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--batch", type=int, default=128, help="images in a batch")
    parser.add_argument("--seconds", type=float, default=1.0, help="length of each turn")
    args = parser.parse_args()
    work: dict[str, Callable[[Tensor], Tensor]] = {
        f"{name} {EXAMPLES.get(name, '')}".strip(): distortion(f"{name} {EXAMPLES.get(name, '')}")
        for name in FORMS
    }
    work["per-image whitening"] = per_image_whitening
    work["the book's, then whitening"] = lambda x: per_image_whitening(distortion(BOOK)(x))
    work["all nine of the book"] = lambda x: per_image_whitening(distortion(ALL)(x))
    images = torch.rand(args.batch, 3, 32, 32)
    rates = {}
    for name, change in work.items():
        rates[name] = max(rate(change, images, args.seconds) for _ in range(TURNS))
        print(f"{name:28} {rates[name]:12,.0f} images/s", flush=True)
    record = {
        "batch": args.batch,
        "threads": torch.get_num_threads(),
        "images_per_second": {name: round(value) for name, value in rates.items()},
        "machine": environment(),
    }
    RESULTS.write_text(json.dumps(record, indent=2) + "\n")


def rate(change: Callable[[Tensor], Tensor], images: Tensor, seconds: float) -> float:
    """Images a second over a turn, the first batch free."""
    change(images)
    started, batches = time.perf_counter(), 0
    while time.perf_counter() - started < seconds:
        change(images)
        batches += 1
    return batches * len(images) / (time.perf_counter() - started)


if __name__ == "__main__":
    main()
