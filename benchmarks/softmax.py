"""Seconds of an output layer of 40,000 words, full and sampled softmax, in turns; medians.

    python benchmarks/softmax.py [--rounds 7] [--words 40000] [--samples 512]

Each step is the loss of 960 tokens (64 sentences of 15) and its gradient, from vectors of 256
numbers. Writes results/softmax.json.
"""

import argparse
import json
import time
from pathlib import Path
from statistics import median

import torch
from torch.nn.functional import cross_entropy

from gradus.core.run import environment
from gradus.sequence.translation.losses import Sampler, sampled_losses

RESULTS = Path(__file__).parent / "results" / "softmax.json"
TOKENS, WIDTH = 960, 256


def main() -> None:
    """Measure and write."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--words", type=int, default=40_000)
    parser.add_argument("--samples", type=int, default=512)
    args = parser.parse_args()
    torch.manual_seed(0)
    weight = torch.randn(args.words, WIDTH, requires_grad=True)
    said = torch.randn(TOKENS, WIDTH, requires_grad=True)
    wanted = torch.randint(0, args.words, (TOKENS,))
    sampler = Sampler(args.words, args.samples)

    def full() -> None:
        cross_entropy(said @ weight.T, wanted).backward()

    def sampled() -> None:
        words = sampler()
        true = (said * weight[wanted]).sum(1)
        losses = sampled_losses(true, said @ weight[words].T, wanted, words, sampler.log_q)
        losses.mean().backward()

    seconds: dict[str, list[float]] = {"full": [], "sampled": []}
    for round_ in range(args.rounds + 1):
        for name, step in (("full", full), ("sampled", sampled)):
            weight.grad = said.grad = None
            started = time.perf_counter()
            step()
            if round_:  # the first is to warm up
                seconds[name].append(time.perf_counter() - started)
    medians = {name: median(values) for name, values in seconds.items()}
    found = {
        "medians": medians,
        "speed_up": medians["full"] / medians["sampled"],
        "words": args.words,
        "samples": args.samples,
        "tokens": TOKENS,
        "width": WIDTH,
        "threads": torch.get_num_threads(),
        "rounds": args.rounds,
        "machine": environment(),
    }
    RESULTS.write_text(json.dumps(found, indent=2) + "\n")
    print(f"full {medians['full']:.4f} s, sampled {medians['sampled']:.4f} s, "
          f"{found['speed_up']:.1f} times as fast")  # fmt: skip


if __name__ == "__main__":
    main()
