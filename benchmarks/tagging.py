"""Tokens a second of a trained tagger: from words to tags, and from raw text to tags.

    GRADUS_DATA=... python benchmarks/tagging.py RUN [--rounds 5] [--threads 2]

RUN is a run folder of tagger-book or tagger-best. `words` tags CoNLL-2000's test sentences, which
are cut already; `text` cuts the same words, joined by spaces, first. Medians over rounds, with
the models loaded. Results for each recipe are added to benchmarks/results/tagging.json.
"""

import argparse
import json
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

import torch

import gradus
from gradus.core.run import environment
from gradus.data.conll import read_conll2000
from gradus.sequence.tagging.predict import load_tagger, open_tagger

RESULTS = Path(__file__).parent / "results" / "tagging.json"


def main() -> None:
    """Measure a run, tell and keep the result."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("run", type=Path)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=2)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    run = gradus.open(args.run)
    words = [sentence.words for sentence in read_conll2000("test")]
    text = "\n\n".join(" ".join(sentence) for sentence in words)
    tokens = sum(map(len, words))
    tagger, predict = open_tagger(run), load_tagger(run)
    found = {
        "words": rate(lambda: tagger.tag(words), tokens, args.rounds),
        "text": rate(lambda: predict(text), tokens, args.rounds),
    }
    for name, value in found.items():
        print(f"{run.recipe.name}, {name}: {value:,.0f} tokens/s, {args.threads} threads")
    old: dict[str, Any] = json.loads(RESULTS.read_text()) if RESULTS.exists() else {"found": {}}
    record = {**old["found"], run.recipe.name: {**found, "threads": args.threads}}
    RESULTS.write_text(json.dumps({"found": record, "machine": environment()}, indent=1) + "\n")


def rate(work: Callable[[], Any], tokens: int, rounds: int) -> float:
    """Tokens a second, the median of some rounds after one that is not counted."""
    work()
    seconds = []
    for _ in range(rounds):
        started = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - started)
    return tokens / median(seconds)


if __name__ == "__main__":
    main()
