"""Whether the machines with a memory ever become NaN: long trainings to copy, from many seeds.

    python benchmarks/memory_stability.py [--seeds 10] [--steps 10000] [--only ntm-copy] [--jobs 1]

Each recipe trains on sequences of up to 50 vectors and without an end at the goal. A loss or
parameter that is not finite ends a training with an error, which is counted. Writes
results/memory_stability.json.
"""

import argparse
import json
import tempfile
from concurrent.futures import ProcessPoolExecutor
from itertools import repeat
from pathlib import Path
from typing import Any

import gradus
from gradus import catalog
from gradus.core.run import environment

RESULTS = Path(__file__).parent / "results" / "memory_stability.json"
LONGEST = 50
RECIPES: dict[str, dict[str, Any]] = {
    "ntm-copy": {},
    "dnc-copy": {"locations": 64, "compiled": True},
}
"""Name -> settings that are not its own: a place for each vector."""


def main() -> None:
    """Train all, print and write what became of them."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--steps", type=int, default=10_000, help="updates of each training")
    parser.add_argument("--only", nargs="*", default=list(RECIPES))
    parser.add_argument("--jobs", type=int, default=1, help="trainings side by side")
    args = parser.parse_args()
    found = {}
    for name in args.only:
        with ProcessPoolExecutor(args.jobs) as pool:
            seeds = range(args.seeds)
            found[name] = list(pool.map(one, repeat(name), seeds, repeat(args.steps)))
        broken = [each["seed"] for each in found[name] if "error" in each]
        print(f"{name}: {len(broken)} of {args.seeds} broke off {broken or ''}")
    if args.only == list(RECIPES):
        record = {"steps": args.steps, "results": found, "machine": environment()}
        RESULTS.write_text(json.dumps(record, indent=2) + "\n")


def one(name: str, seed: int, steps: int) -> dict:
    """What became of a training: bits a sequence at the end, when it was first under 0.01."""
    batches = catalog.recipe(name).config.batches  # type: ignore[attr-defined]
    epochs = -(-steps // batches)
    with tempfile.TemporaryDirectory() as folder:
        more = {**RECIPES[name], "longest": LONGEST, "longer": (), "goal": 0.0}
        try:
            run = gradus.train(name, run_dir=Path(folder) / "run", seed=seed, epochs=epochs, **more)
        except gradus.RunError as error:
            print(f"{name} seed {seed}: {error}", flush=True)
            return {"seed": seed, "error": str(error)}
        bits = [record["validation/bits"] for record in run.records()]
    under = next((epoch for epoch, value in enumerate(bits, 1) if value < 0.01), None)
    print(f"{name} seed {seed}: {bits[-1]:.5f} bits, under 0.01 at epoch {under}", flush=True)
    return {"seed": seed, "bits": bits[-1], "epoch_under_0.01": under}


if __name__ == "__main__":
    main()
