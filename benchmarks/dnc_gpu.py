"""The DNC on a GPU: sequence-steps a second, and some minutes of bAbI, 20 tasks together.

    GRADUS_DATA=... python benchmarks/dnc_gpu.py [--minutes 4 4 1] [--only speed | stories]
    python benchmarks/dnc_gpu.py --tiny       (a check of seconds on a CPU, of told stories)

The contest is that of benchmarks/dnc_steps.py. Then the DNC as the paper has it, the stable one and
an LSTM are trained one after the other, each for its minutes: an epoch to see how long one takes,
then as many as fit. It prints the errors by task on the test set and writes results/dnc_gpu.json.
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
ON_GPU = {"batch_size": 64, "lr": 0.001, "optimizer": "adam"}
"""More stories side by side, because a step takes a GPU as long; so larger steps too."""
RECIPES: dict[str, dict[str, Any]] = {
    "babi-dnc": {**ON_GPU, "compiled": True},
    "babi-dnc-stable": {**ON_GPU, "compiled": True},
    "babi-lstm": ON_GPU,
}
"""Name -> settings that are not its own."""
TINY = {"data": "generated", "tasks": (1,), "stories": 20, "hidden": 16, "batch_size": 8}
PARTS = ("speed", "stories")


def main() -> None:
    """Measure the speed, then train for so many minutes."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument(
        "--minutes", type=float, nargs=len(RECIPES), default=[4, 4, 1], help="of each training"
    )
    parser.add_argument("--only", nargs="*", default=PARTS, choices=PARTS)
    parser.add_argument("--tiny", action="store_true", help="check the script; nothing is kept")
    args = parser.parse_args()
    device = "cuda" if torch.cuda.is_available() else "cpu"
    record: dict[str, Any] = {}
    if "speed" in args.only:
        record["steps_per_second"] = speed(device)
    if "stories" in args.only:
        record["results"] = {}
        for (recipe, settings), minutes in zip(RECIPES.items(), args.minutes, strict=True):
            more = TINY if args.tiny else {}
            run = train_for(recipe, 60 * minutes, {**settings, **more})
            record["results"][recipe] = run.results
            for name, value in run.results["test"].items():
                print(f"{name:40} {value:.4f}", flush=True)
    if not args.tiny:
        record["device"] = torch.cuda.get_device_name() if device == "cuda" else device
        record["machine"] = environment()
        before = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
        RESULTS.write_text(json.dumps({**before, **record}, indent=2) + "\n")


def speed(device: str) -> dict[str, dict[str, float]]:
    """Sequence-steps a second of each contestant, by size."""
    rates = {}
    for name in SIZES if device == "cuda" else ["small"]:
        size = SIZES[name]
        found = contest(size, 5, device)
        rates[name] = {who: size.batch * size.time / median(s) for who, s in found.items()}
        print(name, {who: f"{rate:,.0f}" for who, rate in rates[name].items()}, flush=True)
    return rates


def train_for(recipe: str, seconds: float, settings: dict[str, Any]) -> gradus.Run:
    """Train an epoch, then as many more as there is time for."""
    started, path = time.monotonic(), Path("runs", f"gpu-{recipe}")
    run = gradus.train(recipe, run_dir=path, epochs=1, **settings)
    left = seconds - (time.monotonic() - started)
    more = int(left / run.records("timing")[0]["seconds"])
    if more < 1:
        return run
    return gradus.train(recipe, run_dir=path, resume=True, epochs=1 + more)


if __name__ == "__main__":
    main()
