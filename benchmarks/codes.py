"""What the codes of chapter 6 are worth, from trainings in full.

    GRADUS_DATA=... python benchmarks/codes.py [codes denoising sparse hashing] [--seeds 1]

- codes: autoencoder and PCA with 2 and 30 numbers: cost, neighbours, accuracy with few labels
- denoising: masked images rebuilt by a denoising autoencoder and by a plain one
- sparse: shares of active units, and what they cost
- hashing: precision of 32 bits, of the same numbers before rounding, of pixels

Trained runs are kept under runs/figures, where the book's figures find them too. Writes
benchmarks/results/codes.json; benchmarks/table.py makes the tables of the pages from it.
"""

import argparse
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from gradus.core.experiment import trained
from gradus.core.run import processor
from gradus.embed.autoencoder import in_parts, l2_cost
from gradus.embed.compare import both
from gradus.embed.few_labels import few_labels
from gradus.embed.hashing import bit_entropy, precision_at
from gradus.embed.predict import encoder
from gradus.embed.recipes import (
    MNIST_AUTOENCODER,
    MNIST_DENOISING,
    MNIST_HASHING,
    MNIST_KSPARSE,
    MNIST_SPARSE,
)
from gradus.nn.corrupt import corrupt

RESULTS = Path(__file__).parent / "results" / "codes.json"
LENGTHS = (2, 30)
LABELS = (1, 3, 10, 30, 100)
DRAWS = 10
NEAREST = 100
QUERIES = 2000


def codes(seed: int) -> dict[str, Any]:
    """Both methods with codes of each length."""
    found = {}
    for length in LENGTHS:
        run = trained(MNIST_AUTOENCODER, code=length, seed=seed)
        for one in both(run)[:2]:
            found[f"{one.name}, {length}"] = {"cost": one.cost, "knn": one.agreement}
        few = few_labels(run, LABELS, DRAWS)
        found[f"autoencoder, {length}"] |= {
            "validation": run.results["validation"]["loss"],
            "epochs": run.results["epochs"],
            "draws": DRAWS,
            "labels": [n * few.classes for n in few.labels],
            "from_codes": few.code.mean(1).tolist(),
            "from_pixels": few.pixels.mean(1).tolist(),
        }
    return found


def denoising(seed: int) -> dict[str, Any]:
    """Cost on masked and on whole test images."""
    found = {}
    for name, settings in (("plain", {"mask": 0.0}), ("denoising", {})):
        run = trained(MNIST_DENOISING, seed=seed, **settings)
        images = run.task().test().tensors[0]
        masked = corrupt(images, MNIST_DENOISING.config.mask, torch.Generator().manual_seed(0))  # type: ignore[attr-defined]
        model = encoder(run)
        costs = [float(l2_cost(in_parts(model, x), images).mean()) for x in (masked, images)]
        found[name] = {"masked": costs[0], "whole": costs[1]}
    return found


def sparse(seed: int) -> dict[str, Any]:
    """How much of each code is on, with and without what makes it sparse."""
    found = {}
    for name, recipe, settings in (
        ("no penalty", MNIST_SPARSE, {"beta": 0.0}),
        ("penalty", MNIST_SPARSE, {}),
        ("k largest", MNIST_KSPARSE, {}),
    ):
        run = trained(recipe, seed=seed, **settings)
        test = run.results["test"]
        found[name] = {
            "units": run.info["config"]["code"],
            "target": run.info["config"].get("target"),
            "cost": test.get("cost", test["loss"]),
            **{key: test.get(key) for key in ("active", "activation", "knn accuracy")},
        }
    return found


def hashing(seed: int) -> dict[str, Any]:
    """Precision among the training images by three codes."""
    run = trained(MNIST_HASHING, seed=seed)
    model, task = encoder(run), run.task()
    items, queries = task.train.tensors, tuple(t[:QUERIES] for t in task.test().tensors)
    ways: dict[str, Callable[[torch.Tensor], torch.Tensor]] = {
        "bits": model.encode,
        "before rounding": model.encoder,
        "pixels": lambda x: x,
    }
    found: dict[str, Any] = {"bits used": bit_entropy(in_parts(model.encode, items[0]))}
    for name, way in ways.items():
        coded = [(in_parts(way, x), y) for x, y in (queries, items)]
        found[name] = {n: precision_at(n, *coded) for n in (1, 10, NEAREST)}
    return found


PARTS = {"codes": codes, "denoising": denoising, "sparse": sparse, "hashing": hashing}


def main() -> None:
    """Measure the parts named, or all, and lay them over what stands."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("parts", nargs="*", choices=[*PARTS, []], help="all by default")
    parser.add_argument("--seeds", type=int, default=1, help="trainings of each")
    args = parser.parse_args()
    known = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
    for name in args.parts or PARTS:
        known[name] = [PARTS[name](seed) for seed in range(args.seeds)]
        known["machine"] = {"processor": processor(), "threads": torch.get_num_threads()}
        RESULTS.write_text(json.dumps(known, indent=2) + "\n")
        print(name, json.dumps(known[name], indent=1), flush=True)


if __name__ == "__main__":
    main()
