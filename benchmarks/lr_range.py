"""Which rule reads the best learning rate off a range test, tried on small nets.

    python benchmarks/lr_range.py [--seeds 3]

For each recipe and each optimiser with a learning rate: one range test, then trainings from
several seeds at the rate of each rule, with the recipe's quick settings and a constant rate. What
counts is the lowest validation loss, as a multiple of that of the rule that did best there. Writes
benchmarks/results/lr_range.json; benchmarks/table.py makes the table. Nothing is timed.
"""

import argparse
import json
from dataclasses import replace
from pathlib import Path
from statistics import mean

import numpy as np

from gradus import catalog
from gradus.core.errors import RunError
from gradus.core.fit import fit
from gradus.core.recipe import FitConfig, Recipe
from gradus.core.rules import OPTIMISERS
from gradus.core.task import build_task
from gradus.surface.lr_range import RangeTest, range_test

RESULTS = Path(__file__).parent / "results" / "lr_range.json"
RECIPES = ("digits-mlp", "planar-net")
SHARES = (1, 2, 3, 5, 10, 20)
STEEPEST = "steepest fall"


def main() -> None:
    """Test, train, and write what came of it."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--seeds", type=int, default=3, help="trainings at each rate")
    seeds = parser.parse_args().seeds
    found = {
        name: {
            optimizer: measure(catalog.recipe(name), optimizer, seeds)
            for optimizer, rule in OPTIMISERS.items()
            if not rule.searches
        }
        for name in RECIPES
    }
    RESULTS.write_text(json.dumps({"seeds": seeds, "found": found}, indent=1) + "\n")


def measure(recipe: Recipe, optimizer: str, seeds: int) -> dict[str, dict[str, float]]:
    """Rule -> its rate, and the validation loss that it came to."""
    config = recipe.configure(quick=True, optimizer=optimizer, momentum=0.0)
    rates = read_off(range_test(recipe, config))
    found = {
        rule: {"lr": rate, "loss": mean(trained(recipe, config, rate, s) for s in range(seeds))}
        for rule, rate in rates.items()
    }
    print(recipe.name, optimizer, json.dumps(found), flush=True)
    return found


def read_off(test: RangeTest) -> dict[str, float]:
    """Rule -> learning rate."""
    if test.lowest is None:
        raise SystemExit("the range test found nothing")
    smoothed, rates = test.smoothed, test.rates[: test.tried]
    slopes = np.gradient(smoothed, np.log(rates))[: smoothed.argmin() + 1]
    shares = {f"lowest / {share}": test.lowest / share for share in SHARES}
    return {**shares, STEEPEST: float(rates[slopes.argmin()])}


def trained(recipe: Recipe, config: FitConfig, lr: float, seed: int) -> float:
    """The lowest validation loss of a training; infinite if it failed."""
    one = replace(config, lr=lr, seed=seed)
    try:
        return min(r["validation/loss"] for r in fit(build_task(recipe, one), one).records)
    except RunError:
        return float("inf")


if __name__ == "__main__":
    main()
