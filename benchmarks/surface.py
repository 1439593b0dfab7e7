"""How long the looks of `gradus surface` take on the MNIST net, each from the start.

    GRADUS_DATA=... python benchmarks/surface.py [--threads 2] [--rounds 3]

Trains mnist-mlp (or takes the run of figure 4-3), then measures on its 10,000 test images: the line
of 400 points, the plane of 41×41, and the ten largest eigenvalues. Beside the line the same points
one after another, as a loop over `load_state_dict` would have them. Medians of the rounds. Writes
benchmarks/results/surface.json; benchmarks/table.py makes the table. To be run on a machine that
does nothing else.
"""

import argparse
import json
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

import torch

from gradus import catalog
from gradus.core.experiment import trained
from gradus.core.run import processor
from gradus.surface.curvature import expand_task
from gradus.surface.interpolation import alpha_grid, interpolate
from gradus.surface.lanczos import extreme_eigenvalues
from gradus.surface.plane import measure_plane, random_directions
from gradus.surface.site import Site, open_site

RESULTS = Path(__file__).parent / "results" / "surface.json"
POINTS, SIDE, EIGENVALUES = 400, 41, 10


def main() -> None:
    """Measure each look, and write the medians."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--threads", type=int, default=2, help="of torch")
    parser.add_argument("--rounds", type=int, default=3, help="medians of so many")
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    run = trained(catalog.recipe("mnist-mlp"))
    site = open_site(run, "test", run.path / "surface", "cpu")
    seconds: dict[str, list[float]] = {}
    facts: dict[str, Any] = {}
    for _ in range(args.rounds):
        for name, look in looks(site, facts).items():
            started = time.perf_counter()
            look()
            seconds.setdefault(name, []).append(time.perf_counter() - started)
            print(f"{name}: {seconds[name][-1]:.1f} s", flush=True)
    document = {
        "machine": {"processor": processor(), "threads": args.threads},
        "torch": torch.__version__,
        "rounds": args.rounds,
        "parameters": len(site.solution),
        "examples": site.batches.examples,
        **facts,
        "seconds": {name: round(median(times), 2) for name, times in seconds.items()},
    }
    RESULTS.write_text(json.dumps(document, indent=2) + "\n")


def looks(site: Site, facts: dict[str, Any]) -> dict[str, Callable[[], object]]:
    """Name -> a look from the start, nothing kept; what is worth noting goes into `facts`."""
    task, batches, solution = site.task, site.batches, site.solution
    alphas = alpha_grid(points=POINTS)[:POINTS]

    def eigenvalues() -> None:
        found = extreme_eigenvalues(expand_task(task, batches), EIGENVALUES)
        facts.update(products=found.steps, settled=found.settled, largest=found.largest.tolist())

    return {
        "line": lambda: interpolate(task, site.start, solution, alphas, batches),
        "line, one by one": lambda: interpolate(
            task, site.start, solution, alphas, batches, method="loop"
        ),
        "plane": lambda: measure_plane(
            task, solution, random_directions(task.model), batches, side=SIDE
        ),
        "eigenvalues": eigenvalues,
    }


if __name__ == "__main__":
    main()
