"""CIFAR-10 on a GPU: the book's two networks and the modern one; time to 94 % and final accuracy.

    GRADUS_DATA=... python benchmarks/cifar10_gpu.py [--seeds 3] [--only NAME ...]
    python benchmarks/cifar10_gpu.py --tiny        (a check of a minute on a CPU, of made images)

Trains whatever CIFAR-10 is at GRADUS_DATA, the published archive or a part of it, once a seed. The
seconds are those of training alone: starting, reading and measuring are not in them. "To 94 %" is
the end of the first epoch whose validation accuracy is 94 % or more. The test set is looked at
once, at the end. Writes results/cifar10_gpu.json.
"""

import argparse
import json
import tempfile
from itertools import accumulate
from pathlib import Path
from statistics import mean, median, stdev
from typing import Any

import numpy as np

import gradus
from gradus.core.device import choose
from gradus.core.run import environment
from gradus.data.public import find_cifar10, load_images

RESULTS = Path(__file__).parent / "results" / "cifar10_gpu.json"
GOAL = 0.94
GPU = {"precision": "bf16-mixed"}
CONTESTANTS: dict[str, tuple[str, dict[str, Any]]] = {
    "cifar10-cnn": ("cifar10-cnn", {}),
    "cifar10-cnn-bn": ("cifar10-cnn-bn", {}),
    "cifar10-modern": ("cifar10-modern", GPU),
    "cifar10-modern, twice the epochs": ("cifar10-modern", {**GPU, "epochs": 24}),
    "cifar10-modern, wide and long": (
        "cifar10-modern",
        {
            **GPU,
            "layers": "conv 2x2x24 pad valid gelu, "
            "conv 3x3x128 nobias pool 2 norm gelu residual 128, "
            "conv 3x3x384 nobias pool 2 norm gelu residual 384, "
            "conv 3x3x512 nobias pool 2 norm gelu residual 512, pool all",
            "distort": "flip, shift 4 reflect, cutout 12",
            "views": "flip-shifts",
            "epochs": 60,
        },
    ),
}
"""Name -> recipe and settings that are not its own."""
TINY = {
    "epochs": 2,
    "validation": 20,
    "batch_size": 20,
    "layers": "conv 2x2x24 pad valid relu, pool 4",
    "precision": "float32",
}


def main() -> None:
    """Train all, print a table, write it."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--seeds", type=int, default=3, help="trainings of each")
    parser.add_argument("--only", nargs="*", default=list(CONTESTANTS), help="contestants")
    parser.add_argument("--tiny", action="store_true", help="check the script; nothing is kept")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        data = made_set(Path(folder) / "made") if args.tiny else find_cifar10()
        more = TINY if args.tiny else {}
        results = {
            name: contestant(Path(folder), name, args.seeds, {"data": data, **more})
            for name in args.only
        }
        images = load_images(data)
    head = f"{'contestant':34} {'test':>16} {'seconds':>8} {'to 94 %':>8}"
    print(f"\n{head}")
    for name, found in results.items():
        test, reached = found["test"], found["seconds_to_goal"]
        spread = f" ± {stdev(test):.2%}" if len(test) > 1 else ""
        soon = f"{median(reached):8.1f}" if len(reached) == len(test) else "   never"
        print(f"{name:34} {mean(test):7.2%}{spread:9} {median(found['seconds']):8.1f} {soon}")
    if not args.tiny and args.only == list(CONTESTANTS):
        record = {
            "goal": GOAL,
            "images": [len(images.train_labels), len(images.test_labels)],
            "device": device_name(),
            "results": results,
            "machine": environment(),
        }
        RESULTS.write_text(json.dumps(record, indent=2) + "\n")


def contestant(folder: Path, name: str, seeds: int, settings: dict[str, Any]) -> dict[str, Any]:
    """Test accuracies, seconds, and seconds to the goal where it was reached, of all seeds."""
    recipe, own = CONTESTANTS[name]
    found: dict[str, Any] = {"test": [], "seconds": [], "seconds_to_goal": []}
    for seed in range(seeds):
        path = folder / f"{name.replace(' ', '-')}-{seed}"
        run = gradus.train(recipe, run_dir=path, seed=seed, **{**own, **settings})
        clock = list(accumulate(r["seconds"] for r in run.records("timing")))
        reached = [
            time
            for time, record in zip(clock, run.records(), strict=True)
            if record["validation/accuracy"] >= GOAL
        ]
        found["test"].append(run.results["test"]["accuracy"])
        found["seconds"].append(clock[-1])
        found["seconds_to_goal"] += reached[:1]
        print(f"{name:34} seed {seed}: {found['test'][-1]:.2%} in {clock[-1]:.1f} s", flush=True)
    return found


def made_set(folder: Path) -> str:
    """A few images of noise in the form of CIFAR-10."""
    folder.mkdir()
    draw = np.random.default_rng(0)
    for name in ("data_batch_1.bin", "test_batch.bin"):
        records = draw.integers(0, 256, (100, 3073), dtype=np.uint8)
        records[:, 0] %= 10
        (folder / name).write_bytes(records.tobytes())
    return str(folder)


def device_name() -> str:
    """What the trainings run on."""
    import torch

    device = choose("auto")
    return torch.cuda.get_device_name(device) if device.type == "cuda" else str(device)


if __name__ == "__main__":
    main()
