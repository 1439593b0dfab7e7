"""What each step of chapter 7's parser gains and costs: greedy, beam, global training.

    GRADUS_DATA=... python benchmarks/parsing.py [--seeds 3] [--threads 2] [--runs runs/parsing]

For each seed three parsers are trained: parser-greedy as it is; the same with self-normalised
scores; and a parser-global that goes on from that one. A run that is there already is used as it
is, and its time not told. Each is measured on the test set with greedy search and with a beam of 8:
UAS and LAS with the treebank's tags and with the parser's own, and sentences a second from words
and tags to trees, the median of some rounds. Writes benchmarks/results/parsing.json.
"""

import argparse
import json
import statistics
import time
from functools import partial
from pathlib import Path
from typing import Any

import torch

from gradus import catalog
from gradus.core.experiment import train
from gradus.core.run import Run, environment
from gradus.sequence.parsing.course import PARTS, Part, make_course, read_part
from gradus.sequence.parsing.decode import guess_tags, parse
from gradus.sequence.parsing.evaluation import attached, labelled
from gradus.sequence.parsing.predict import open_parser
from gradus.sequence.parsing.train import named, parse_with_tags
from gradus.sequence.parsing.trees import is_projective

RESULTS = Path(__file__).parent / "results" / "parsing.json"
TRAININGS = {
    "local": "parser-greedy",
    "self-normalised": "parser-greedy",
    "global": "parser-global",
}
"""Name -> recipe, each trained after the one before."""
BEAMS = {"greedy": 1, "beam 8": 8}


def main() -> None:
    """Train what is missing, measure, tell and keep the result."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--runs", type=Path, default=Path("runs/parsing"))
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    found: dict[str, dict[str, list[float]]] = {}
    seconds: dict[str, list[float]] = {}
    for seed in range(args.seeds):
        runs, new = trained(seed, args.runs)
        config: Any = runs["local"].config
        part = make_course(config).part(2, torch.device("cpu"))
        for training, run in runs.items():
            if training in new:
                seconds.setdefault(training, []).append(run.results["seconds"])
            for search, beam in BEAMS.items():
                name = f"{search}, {training}"
                scores = measure(run, part, beam, args.rounds)
                told = "  ".join(f"{k} {v:.4g}" for k, v in scores.items())
                print(f"seed {seed}, {name}: {told}", flush=True)
                for key, value in scores.items():
                    found.setdefault(name, {}).setdefault(key, []).append(value)
    for name, kept in found.items():
        parts = (f"{key} {told_of(values)}" for key, values in kept.items())
        print(f"{name:<24}" + "  ".join(parts))
    record = {
        "steps": found,
        "not projective": shares(),
        "seconds": seconds,
        "threads": args.threads,
        "machine": environment(),
    }
    RESULTS.write_text(json.dumps(record, indent=1) + "\n")


def shares() -> dict[str, tuple[int, int]]:
    """For each part of the treebank how many sentences are not projective, of how many."""
    found = {}
    for part in PARTS:
        crossed = [not is_projective(sentence.heads) for sentence in read_part("ewt", part)]
        found[part] = (sum(crossed), len(crossed))
    return found


def trained(seed: int, folder: Path) -> tuple[dict[str, Run], set[str]]:
    """The run of each training with a seed, and which of them were not there and trained now."""
    runs: dict[str, Run] = {}
    new = set()
    for name, recipe in TRAININGS.items():
        entry, path = catalog.recipe(recipe), folder / f"{name}-{seed}"
        settings: dict[str, Any] = {"seed": seed}
        if name == "self-normalised":
            default: Any = catalog.recipe("parser-global").config
            settings["self_norm"] = default.self_norm
        if name == "global":
            settings["start"] = str(runs["self-normalised"].path)
        there = (path / "run.json").exists()
        if not there:
            new.add(name)
        runs[name] = train(entry, entry.configure(**settings), path=path, resume=there)
    return runs, new


@torch.inference_mode()
def measure(run: Run, part: Part, beam: int, rounds: int) -> dict[str, float]:
    """Scores of a run's parser on a part of the treebank, and its speed."""
    task = run.task()
    model: Any = task.model.eval()
    config: Any = run.config
    vocabulary = make_course(config).vocabulary
    decode = partial(parse, beam=beam, normalise=open_parser(run).normalise)
    times = []
    for _ in range(rounds + 1):
        started = time.perf_counter()
        parsed = decode(model, part.bank)
        times.append(time.perf_counter() - started)
    tags = guess_tags(model, part.bank, vocabulary.tags)
    own = parse_with_tags(model, part, tags, vocabulary, decode)
    scores = {}
    for name, trees in {"": named(parsed, vocabulary), " own tags": own}.items():
        right = attached(part.gold, trees)
        scores[f"UAS{name}"] = float(right.float().mean())
        scores[f"LAS{name}"] = float((right & labelled(part.gold, trees)).float().mean())
    return {**scores, "sentences/s": len(part.bank) / statistics.median(times[1:])}


def told_of(values: list[float]) -> str:
    """Mean and standard deviation."""
    mean = statistics.mean(values)
    spread = f" ± {statistics.stdev(values):.2g}" if len(values) > 1 else ""
    return f"{mean:.4g}{spread}"


if __name__ == "__main__":
    main()
