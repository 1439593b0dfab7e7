"""A DNC on a GPU: sequence-steps a second, and a first part of bAbI by the stable variant.

    GRADUS_DATA=... python benchmarks/dnc_gpu.py [--minutes 8] [--recipe babi-dnc-stable]
    python benchmarks/dnc_gpu.py --tiny       (a check of seconds on a CPU, of told stories)

The contest is that of benchmarks/dnc_steps.py. Then the recipe is trained epoch by epoch until the
minutes are over, into runs/dnc-gpu; the same command with --resume goes on. It prints the error by
task, on the test set, and writes results/dnc_gpu.json.
"""

import argparse
import json
import time
from pathlib import Path
from statistics import median
from typing import Any

import torch
from dnc_steps import SIZES, contest

import gradus
from gradus.core.run import environment

RESULTS = Path(__file__).parent / "results" / "dnc_gpu.json"
TINY = {"data": "generated", "tasks": (1,), "stories": 20, "locations": 8, "width": 8, "hidden": 16}


def main() -> None:
    """Measure the speed, then train for so many minutes."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--minutes", type=float, default=8.0, help="of training")
    parser.add_argument("--recipe", default="babi-dnc-stable")
    parser.add_argument("--tiny", action="store_true", help="check the script; nothing is kept")
    parser.add_argument("--resume", action="store_true", help="go on with runs/dnc-gpu")
    args = parser.parse_args()
    device = "cuda" if torch.cuda.is_available() else "cpu"
    rates = {}
    for name in SIZES if device == "cuda" else ["small"]:
        size = SIZES[name]
        found = contest(size, 5, device)
        rates[name] = {who: size.batch * size.time / median(s) for who, s in found.items()}
        print(name, {who: f"{rate:,.0f}" for who, rate in rates[name].items()}, flush=True)
    settings: dict[str, Any] = TINY if args.tiny else {}
    run = train_for(args.recipe, 60 * args.minutes, args.resume, settings)
    for name, value in run.results["test"].items():
        print(f"{name:40} {value:.4f}")
    if not args.tiny:
        record = {
            "recipe": args.recipe,
            "steps_per_second": rates,
            "results": run.results,
            "device": torch.cuda.get_device_name() if device == "cuda" else device,
            "machine": environment(),
        }
        RESULTS.write_text(json.dumps(record, indent=2) + "\n")


def train_for(recipe: str, seconds: float, resume: bool, settings: dict[str, Any]) -> gradus.Run:
    """Train an epoch at a time until the next would end too late; tested after each."""
    started, path, epochs, longest = time.monotonic(), Path("runs", "dnc-gpu"), 0, 0.0
    if resume:
        epochs = gradus.open(path).info["config"]["epochs"]
    while True:
        epochs, began = epochs + 1, time.monotonic()
        again = resume or epochs > 1
        more = {} if again else settings
        run = gradus.train(recipe, run_dir=path, resume=again, epochs=epochs, **more)
        longest = max(longest, time.monotonic() - began)
        print(epochs, run.results["validation"], flush=True)
        if time.monotonic() - started + longest > seconds:
            return run


if __name__ == "__main__":
    main()
