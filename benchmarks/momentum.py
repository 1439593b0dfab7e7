"""How many minibatches momentum saves on MNIST: figure 4-9 in numbers.

    GRADUS_DATA=... python benchmarks/momentum.py

Trains the net 784-256-256-10 with and without momentum from five seeds, each until its cost is
below 0.1, or takes the costs that figure 4-9 has kept. Writes benchmarks/results/momentum.json and
prints a table. Nothing is timed: the numbers are those of the method, not of the machine.
"""

import json
from pathlib import Path
from statistics import mean

import torch

from gradus.surface.figures_momentum import BOOK, CASES, LEVEL, SEEDS, WINDOW, measure

RESULTS = Path(__file__).parent / "results" / "momentum.json"


def main() -> None:
    """Measure, write and print."""
    steps = {}
    for case in CASES:
        steps[case] = measure(case)
        print(f"{case:<22} {mean(steps[case]):>8,.0f}  {steps[case]}", flush=True)
    document = {
        "level": LEVEL,
        "window": WINDOW,
        "seeds": SEEDS,
        "torch": torch.__version__,
        "settings": CASES,
        "book": BOOK,
        "steps": steps,
    }
    RESULTS.write_text(json.dumps(document, indent=2, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()
