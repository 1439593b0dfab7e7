"""What a user should expect of each recipe: score and time, measured over seeds.

    GRADUS_DATA=... python benchmarks/bands.py [RECIPE ...] [--seeds 10] [--full-seeds 3]

Writes gradus/expected.json, which `gradus list` and `gradus train --quick` quote: for the quick
and the full settings the test metric's mean, standard deviation (n − 1), the band mean ± 3
standard deviations (cut at what the metric can be; a return has no bounds of its own, so its band
may pass what the game can pay), the number of training examples (of what learns by acting, none),
and the median wall time of the whole command. Where the archive of CIFAR-10 at GRADUS_DATA is a
part of the published one, its recipes are measured on that part.

    python benchmarks/bands.py --runs RUN ...

takes the full settings' scores from finished runs of a recipe, each with a seed of its own: of
trainings too long to be made one after another. No time is told of them.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from math import inf
from pathlib import Path
from statistics import mean, median, stdev
from typing import Any

import gradus
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
    parser.add_argument("--runs", nargs="+", type=Path, help="finished runs to take instead")
    args = parser.parse_args()
    if args.runs:
        keep(*of_runs(args.runs))
        return
    for name in args.recipes or catalog.RECIPES:
        for kind, seeds in (("full", args.full_seeds), ("quick", args.seeds)):
            if seeds:
                keep(name, kind, measure(name, kind, seeds))


def keep(name: str, kind: str, measured: dict[str, Any]) -> None:
    """Lay what was measured over what stands, and tell it."""
    known = json.loads(EXPECTED.read_text())
    known.setdefault(name, {})[kind] = measured
    EXPECTED.write_text(json.dumps(known, indent=2, ensure_ascii=False) + "\n")
    print(name, kind, json.dumps(measured, ensure_ascii=False), flush=True)


def measure(name: str, kind: str, seeds: int) -> dict[str, Any]:
    """Train a recipe once a seed through the real command."""
    infos, seconds = [], []
    options = part_of_cifar10(name) + (["--quick"] if kind == "quick" else [])
    for seed in range(seeds):
        with tempfile.TemporaryDirectory() as folder:
            run = Path(folder) / "run"
            words = [sys.executable, "-m", "gradus", "train", name, "--seed", str(seed)]
            words += ["--run-dir", str(run), *options]
            started = time.perf_counter()
            subprocess.run(words, check=True, capture_output=True)
            seconds.append(time.perf_counter() - started)
            infos.append(json.loads((run / "run.json").read_text()))
    return told(infos, round(median(seconds), 2))


def of_runs(folders: list[Path]) -> tuple[str, str, dict[str, Any]]:
    """What runs of the same settings came to that differ in their seeds, and their recipe."""
    runs = [gradus.open(folder) for folder in folders]
    name = runs[0].recipe.name
    free = {"device": "auto", "precision": "float32"}
    wanted = replace(catalog.recipe(name).config, seed=0)
    for run in runs:
        if run.status != "complete" or replace(run.config, seed=0, **free) != wanted:
            raise SystemExit(f"{run.path} is no finished run of {name} as it stands: train it anew")
    if len({run.config.seed for run in runs}) < len(runs):
        raise SystemExit("two runs have the same seed: train each with another --seed")
    return name, "full", told([run.info for run in runs], None)


def told(infos: list[dict[str, Any]], seconds: float | None) -> dict[str, Any]:
    """What finished runs came to, from their run.json."""
    recipe, info = catalog.recipe(infos[0]["recipe"]), infos[-1]
    scores = [i["results"]["test"][recipe.metric] for i in infos]
    spread = stdev(scores) if len(scores) > 1 else 0.0
    precision = {i["config"]["precision"] for i in infos} - {"float32"}
    return {
        "metric": recipe.metric,
        "mean": mean(scores),
        "sd": spread,
        "band": band(recipe.metric, mean(scores), spread),
        "seeds": len(scores),
        "examples": None if recipe.run else info["results"]["examples"],
        "seconds": seconds,
        "machine": ", ".join([processor(), info["device"], *precision]),
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
