"""Whether the machines with a memory ever become NaN: long trainings to copy, from many seeds.

    python benchmarks/memory_stability.py [--seeds 10] [--steps 10000] [--only ntm-copy] [--jobs 1]

Each recipe trains on sequences of up to 50 vectors and without an end at the goal. A loss or
parameter that is not finite ends a training with an error, which is counted. Each training is kept
in results/memory_stability.json as it ends, and those kept there are not made again.
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
    for name in args.only:
        kept = {each["seed"]: each for each in read(args.steps).get(name, [])}
        seeds = [seed for seed in range(args.seeds) if seed not in kept]
        with ProcessPoolExecutor(args.jobs) as pool:
            for found in pool.map(one, repeat(name), seeds, repeat(args.steps)):
                keep(name, found, args.steps)
        kept = {each["seed"]: each for each in read(args.steps)[name]}
        broken = [seed for seed, each in kept.items() if "error" in each]
        print(f"{name}: {len(broken)} of {len(kept)} broke off {broken or ''}")


def read(steps: int) -> dict[str, list[dict]]:
    """Name -> what became of its trainings of so many updates, as far as they were made."""
    record = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
    return record["results"] if record.get("steps") == steps else {}


def keep(name: str, found: dict, steps: int) -> None:
    """Add what became of a training; results of another number of updates give way."""
    results = read(steps)
    results[name] = sorted([*results.get(name, []), found], key=lambda each: each["seed"])
    record = {"steps": steps, "results": results, "machine": environment()}
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
