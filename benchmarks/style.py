"""How long neural style takes at 256×256 with VGG-19, and what going from coarse to fine saves.

    python benchmarks/style.py

Content and style are the two photos that come with scikit-learn, their middle squares. Where the
published weights are not on this machine VGG-19 has random ones: the time is the same, the losses
are not those of a picture worth looking at, and the results say so. Three rounds; medians.

- preview: seconds until the first image stands under the name of the result
- evaluation: seconds for a loss and its gradient, at each size
- coarse to fine, whole size only: the same number of evaluations at 256×256, with the smaller sizes
  before them and without; seconds, and the share of the loss that is left

Writes benchmarks/results/style.json and prints it. Run it on a quiet machine.
"""

import json
import statistics
import tempfile
import time
from itertools import pairwise
from pathlib import Path
from typing import Any
from unittest.mock import patch

import torch
from PIL import Image
from sklearn.datasets import load_sample_image

from gradus.core.download import status
from gradus.core.run import environment
from gradus.data.weights import WEIGHTS
from gradus.vision import VGG
from gradus.vision.style import descent
from gradus.vision.style.config import StyleConfig
from gradus.vision.style.files import paint
from gradus.vision.style.networks import CONTENT, STYLE, StyleNetwork, network_of, vgg_network

RESULTS = Path(__file__).parent / "results" / "style.json"
SIDE, STEPS, ROUNDS = 256, 50, 3


def main() -> None:
    """Measure, write and print."""
    network, weights = judge()
    with tempfile.TemporaryDirectory() as folder:
        pictures = squares(Path(folder))
        rounds = [measure(pictures, Path(folder), network) for _ in range(ROUNDS)]
    found = environment()
    document = {
        "size": f"{SIDE}×{SIDE}",
        "steps at each size": STEPS,
        "weights": weights,
        "rounds": ROUNDS,
        "threads": torch.get_num_threads(),
        "processor": found["processor"],
        "torch": torch.__version__,
        "results": median(rounds),
    }
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps(document, indent=2, ensure_ascii=False) + "\n")
    print(RESULTS.read_text())


def judge() -> tuple[StyleNetwork, str]:
    """VGG-19, and which weights it has."""
    if status(WEIGHTS["vgg19"])[0].ok:
        return vgg_network(), "published"
    torch.manual_seed(0)
    net = VGG(19, shape=(3, 32, 32), units=8)  # the dense layers are never reached
    return network_of(net, "VGG-19", content=CONTENT, style=STYLE), "random"


def squares(folder: Path) -> tuple[Path, Path]:
    """The middle squares of the two photos, as files."""
    made = []
    for name in ("china", "flower"):
        picture = Image.fromarray(load_sample_image(f"{name}.jpg"))
        side = min(picture.size)
        left, top = (picture.width - side) // 2, (picture.height - side) // 2
        path = folder / f"{name}.png"
        picture.crop((left, top, left + side, top + side)).resize((SIDE, SIDE)).save(path)
        made.append(path)
    return made[0], made[1]


def measure(pictures: tuple[Path, Path], folder: Path, network: StyleNetwork) -> dict[str, Any]:
    """One round."""
    config = StyleConfig(size=SIDE, steps=STEPS, keep_every=STEPS)
    moments: list[float] = []
    started = time.perf_counter()
    preview = 0.0
    out = folder / f"{time.monotonic_ns()}.png"

    class Clock:
        """Hears of every evaluation."""

        def step(self, loss: float) -> None:
            nonlocal preview
            moments.append(time.perf_counter())
            if not preview and out.exists():
                preview = moments[-1] - started

        def __getattr__(self, name: str) -> Any:
            return lambda *_: None

    whole = paint(*pictures, out, network, config, reporter=Clock())
    gaps = {}
    for number, frame in enumerate(whole.frames):
        part = moments[number * STEPS : (number + 1) * STEPS]
        gaps[frame.name.split("-")[1]] = [b - a for a, b in pairwise(part)]
    with patch.object(descent, "COARSEST", SIDE):
        only = paint(*pictures, folder / f"{time.monotonic_ns()}.png", network, config)
    return {
        "preview (s)": preview,
        **{f"evaluation at {size} (s)": statistics.median(gap) for size, gap in gaps.items()},
        "coarse to fine (s)": whole.seconds,
        "coarse to fine, loss left": 1 - whole.fall,
        "whole size only (s)": only.seconds,
        "whole size only, loss left": 1 - only.fall,
    }


def median(rounds: list[dict[str, float]]) -> dict[str, float]:
    """The median of each number, three digits."""
    return {k: float(f"{statistics.median(r[k] for r in rounds):.3g}") for k in rounds[0]}


if __name__ == "__main__":
    main()
