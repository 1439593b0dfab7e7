"""What a user should expect of each recipe: score and time, measured over seeds.

    GRADUS_DATA=... python benchmarks/bands.py [RECIPE ...] [--seeds 10] [--full-seeds 3]

Writes gradus/expected.json, which `gradus list` and `gradus train --quick` quote: for the quick
and the full settings the test metric's mean, standard deviation (n − 1), the band mean ± 3
standard deviations (cut at what the metric can be; a return has no bounds of its own, so its band
may pass what the game can pay), the number of training examples (of what learns by acting, none),
and the median wall time of the whole command. Where the archive of CIFAR-10 at GRADUS_DATA is a
part of the published one, its recipes are measured on that part.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from math import inf
from pathlib import Path
from statistics import mean, median, stdev
from typing import Any

from gradus import catalog
from gradus.core.run import processor
from gradus.data.public import find_cifar10

EXPECTED = Path(__file__).parents[1] / "gradus" / "expected.json"
SHARES = ("accuracy", "error", "knn accuracy", "las", "attention right", "next found")
BOUNDS = {
    **dict.fromkeys(SHARES, (0.0, 1.0)),
    **dict.fromkeys(("loss", "bits", "wrong"), (0.0, inf)),
    "similarity": (-1.0, 1.0),
    "bleu": (0.0, 100.0),
    "return": (-inf, inf),
}
"""Least and greatest value of a metric, by its name up to a comma."""


def main() -> None:
    """Measure the recipes named, or all, and lay the results over what stands."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("recipes", nargs="*", help="names; all by default")
    parser.add_argument("--seeds", type=int, default=10, help="seeds of the quick settings")
    parser.add_argument("--full-seeds", type=int, default=3, help="seeds of the full settings")
    args = parser.parse_args()
    for name in args.recipes or catalog.RECIPES:
        for kind, seeds in (("full", args.full_seeds), ("quick", args.seeds)):
            if seeds:
                measured = measure(name, kind, seeds)
                known = json.loads(EXPECTED.read_text())
                known.setdefault(name, {})[kind] = measured
                EXPECTED.write_text(json.dumps(known, indent=2, ensure_ascii=False) + "\n")
                print(name, kind, json.dumps(measured, ensure_ascii=False), flush=True)


def measure(name: str, kind: str, seeds: int) -> dict[str, Any]:
    """Train a recipe once a seed through the real command."""
    metric = catalog.recipe(name).metric
    scores, seconds = [], []
    options = part_of_cifar10(name) + (["--quick"] if kind == "quick" else [])
    for seed in range(seeds):
        with tempfile.TemporaryDirectory() as folder:
            run = Path(folder) / "run"
            words = [sys.executable, "-m", "gradus", "train", name, "--seed", str(seed)]
            words += ["--run-dir", str(run), *options]
            started = time.perf_counter()
            subprocess.run(words, check=True, capture_output=True)
            seconds.append(time.perf_counter() - started)
            info = json.loads((run / "run.json").read_text())
            scores.append(info["results"]["test"][metric])
    spread = stdev(scores) if seeds > 1 else 0.0
    return {
        "metric": metric,
        "mean": mean(scores),
        "sd": spread,
        "band": band(metric, mean(scores), spread),
        "seeds": seeds,
        "examples": None if catalog.recipe(name).run else info["results"]["examples"],
        "seconds": round(median(seconds), 2),
        "machine": f"{processor()}, {info['device']}",
    }


def band(metric: str, middle: float, spread: float) -> list[float]:
    """Mean ± 3 standard deviations, cut at what the metric can be."""
    least, greatest = BOUNDS[metric.partition(",")[0]]
    return [max(middle - 3 * spread, least), min(middle + 3 * spread, greatest)]


def part_of_cifar10(name: str) -> list[str]:
    """The options that name a part of CIFAR-10, for a recipe of all of it that is not here."""
    data = getattr(catalog.recipe(name).config, "data", "")
    found = find_cifar10() if data == "cifar10" else data
    return [] if found == data else ["--data", found, "--validation", "2000"]


if __name__ == "__main__":
    main()
