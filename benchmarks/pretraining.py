"""Starts of the deep sigmoid net compared: pre-trained, random, and what is done today.

    GRADUS_DATA=... python benchmarks/pretraining.py [--data mnist] [--epochs 20] [--seeds 3]

For each start the learning rate is chosen from one grid, the same for all: the one with the highest
validation accuracy of the last epoch, seed 0. With it further seeds are trained. All have the same
epochs on the labels; the random start gets as many more as the pre-training costs, counted in
multiplications, which are kept apart. The test set stays closed. Writes
benchmarks/results/pretraining.json after every training, goes on from there if it was stopped, and
prints a table. Nothing is timed.
"""

import argparse
import json
from pathlib import Path
from statistics import mean, stdev
from typing import Any

from gradus import catalog
from gradus.core.errors import RunError
from gradus.core.fit import fit
from gradus.core.recipe import Recipe
from gradus.core.task import build_task

RESULTS = Path(__file__).parent / "results" / "pretraining.json"
RATES = (0.1, 0.3, 1.0, 3.0, 10.0)
STARTS: dict[str, dict[str, Any]] = {
    "pre-trained": {},
    "random": {"pretrain_epochs": 0},
    "random, Xavier's size": {"pretrain_epochs": 0, "init": "xavier"},
    "ReLU, He's size": {"pretrain_epochs": 0, "init": "he", "activation": "relu"},
}

Curve = list[float]


def main() -> None:
    """Train what is not in the file yet, then print the table."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--data", default="mnist", help="as the recipe's --data")
    parser.add_argument("--epochs", type=int, default=20, help="on the labels, for every start")
    parser.add_argument("--seeds", type=int, default=3, help="of the chosen rate")
    parser.add_argument("--out", type=Path, default=RESULTS, help="file to go on with")
    args = parser.parse_args()
    recipe = catalog.recipe("mnist-deep-sigmoid")
    known = json.loads(args.out.read_text()) if args.out.exists() else {}
    found: dict[str, Any] = {"epochs": args.epochs, "rates": RATES, "chosen": {}, "curves": {}}
    found["curves"] |= known.get(args.data, {}).get("curves", {})
    known[args.data] = found

    def curve(start: str, rate: float, seed: int) -> Curve:
        name, epochs = f"{start} | {rate:g} | {seed}", args.epochs
        if start == "random":
            epochs += extra_epochs(recipe, args.data)
        if name not in found["curves"]:
            settings = {**STARTS[start], "lr": rate, "seed": seed, "data": args.data}
            found["curves"][name] = train(recipe, epochs, settings)
            print(name, found["curves"][name][-1:], flush=True)
        args.out.write_text(json.dumps(known, indent=1, ensure_ascii=False) + "\n")
        return found["curves"][name]

    for start in STARTS:
        scores = {rate: (curve(start, rate, 0) or [0.0])[: args.epochs][-1] for rate in RATES}
        found["chosen"][start] = max(scores, key=lambda rate: scores[rate])
        for seed in range(1, args.seeds):
            curve(start, found["chosen"][start], seed)
    print(table(found))


def extra_epochs(recipe: Recipe, data: str) -> int:
    """The epochs on the labels that cost as many multiplications as the pre-training.

    An autoencoder goes through its layer's weights twice, there and back, where the net goes
    through all of its weights once; both three times, for the values and the two gradients.
    """
    config: Any = recipe.configure(data=data)
    model: Any = build_task(recipe, config).model
    *stack, output = [layer.weight.numel() for layer in model.layers]
    return round(config.pretrain_epochs * 2 * sum(stack) / (sum(stack) + output))


def train(recipe: Recipe, epochs: int, settings: dict[str, Any]) -> Curve:
    """The validation accuracy after each epoch; none if the loss did not stay finite."""
    config = recipe.configure(**settings, epochs=epochs)
    try:
        fitted = fit(build_task(recipe, config), config)
    except RunError:
        return []
    return [record["validation/accuracy"] for record in fitted.records]


def table(found: dict[str, Any]) -> str:
    """A row for each start: its rate, and the validation accuracy over the seeds."""
    lines = []
    for start, rate in found["chosen"].items():
        own = [c for name, c in found["curves"].items() if name.startswith(f"{start} | {rate:g} |")]
        last = [c[found["epochs"] - 1] for c in own]
        spread = stdev(last) if len(last) > 1 else 0.0
        lines.append(f"{start:24} {rate:5g}  {mean(last):.2%} ± {spread:.2%}  {len(last)} seeds")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
