"""Target tokens a second of a translator: training against padded batches, decoding at 1 and 64.

    GRADUS_DATA=... python benchmarks/translation.py [--rounds 5] [--steps 12]

Training: the network of translate-best on Multi30k. Ours cuts batches by length, calls torch's
layers once for a whole sequence and the output layer for real tokens alone. "padded" is the same
network, parameter by parameter, as one writes it first: torch's layers, random batches filled up to
their longest sentence, the output layer at every place. "padded to the longest" fills up to the
longest sentence of the corpus, "step by step" runs the decoder one token after the other. All take
the same sentences a batch on average, and take turns. Decoding: greedy and a beam of 5, 64
sentences one by one and side by side, tokens that were said; the weights are random, which decides
where sentences end but not what a step costs. Writes results/translation.json.
"""

import argparse
import json
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import torch
from torch.nn.functional import cross_entropy

from gradus.core.run import environment
from gradus.sequence.translation.average import chosen
from gradus.sequence.translation.batches import by_length, make_batch
from gradus.sequence.translation.decode import in_batches
from gradus.sequence.translation.recipes import TRANSLATE_BEST
from gradus.sequence.translation.tokens import PAD
from gradus.sequence.translation.train import read_corpus, translator

RESULTS = Path(__file__).parent / "results" / "translation.json"
Step = Callable[[Any], torch.Tensor]


def main() -> None:
    """Measure and write."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--steps", type=int, default=12, help="minibatches a turn")
    args = parser.parse_args()
    config = TRANSLATE_BEST.config
    corpus = read_corpus(config)
    torch.manual_seed(0)
    net = chosen(translator(config, tuple(len(t) for t in corpus.tokenizers)))
    found = {
        "training": training(net, corpus.parts["train"], config.batch_size, args),
        "decoding": decoding(net.eval(), corpus.parts["test"]),
        "rounds": args.rounds,
        "steps": args.steps,
        "threads": torch.get_num_threads(),
        "machine": environment(),
    }
    RESULTS.write_text(json.dumps(found, indent=2) + "\n")
    print(json.dumps({k: found[k] for k in ("training", "decoding")}, indent=1))


def training(net: Any, pairs: Any, size: int, args: argparse.Namespace) -> dict[str, float]:
    """Median target tokens a second of each contestant."""
    net.train()
    optimizer = torch.optim.Adam(net.parameters(), 1e-4)
    ours = by_length(pairs.lengths, size, 0).rows(0)
    mixed = np.array_split(np.random.default_rng(0).permutation(len(pairs)), len(ours))
    longest = [int(lengths.max()) for lengths in pairs.lengths]
    contestants: dict[str, tuple[list[np.ndarray], Step]] = {
        "gradus": (ours, lambda batch: real_tokens(net, batch)),
        "step by step": (ours, lambda batch: real_tokens(net, batch, one_by_one=True)),
        "padded": (mixed, lambda batch: all_places(net, batch)),
        "padded to the longest": (mixed, lambda batch: all_places(net, batch, longest)),
    }
    rates: dict[str, list[float]] = {name: [] for name in contestants}
    for round_ in range(args.rounds + 1):
        first = round_ * args.steps
        for name, (order, step) in contestants.items():
            batches = [make_batch(pairs, rows) for rows in order[first : first + args.steps]]
            started = time.perf_counter()
            for batch in batches:
                optimizer.zero_grad()
                step(batch).backward()
                optimizer.step()
            seconds = time.perf_counter() - started
            if round_:  # the first is to warm up
                rates[name].append(sum(len(batch[0]) for batch in batches) / seconds)
    return {name: median(values) for name, values in rates.items()}


def real_tokens(net: Any, batch: Any, one_by_one: bool = False) -> torch.Tensor:
    """The loss as the recipe computes it; or with a decoder that steps token by token."""
    wanted, source, lengths, given, steps = batch
    if not one_by_one:
        return cross_entropy(net.output(net(source, given, lengths, steps)), wanted)
    memory, state = net.encode(source, lengths)
    said = []
    for token in given.split(1, 1):
        features, _, state = net.decode(token, memory, state)
        said.append(features)
    there = torch.arange(given.shape[1]) < steps.unsqueeze(1)
    return cross_entropy(net.output(torch.cat(said, 1)[there]), wanted)


def all_places(net: Any, batch: Any, longest: list[int] | None = None) -> torch.Tensor:
    """The loss with everything filled up and computed, PAD left out of the mean alone."""
    wanted, source, _, given, steps = batch
    if longest is not None:
        source, given = (
            torch.nn.functional.pad(t, (0, most - t.shape[1]), value=PAD)
            for t, most in zip((source, given), longest, strict=True)
        )
    targets = torch.full_like(given, -100)
    targets[torch.arange(given.shape[1]) < steps.unsqueeze(1)] = wanted
    return cross_entropy(net.output(net(source, given)).flatten(0, 1), targets.flatten())


def decoding(net: Any, pairs: Any) -> dict[str, float]:
    """Tokens said a second, of the first 64 test sentences."""
    sentences = [pairs.source[row].tolist() for row in range(64)]
    found = {}
    for name, width in (("greedy", 1), ("beam 5", 5)):
        for at_once in (1, 64):
            in_batches(net, sentences[:4], width, at_once=at_once)
            started = time.perf_counter()
            said = in_batches(net, sentences, width, at_once=at_once)
            tokens = sum(len(answer.tokens) + answer.ended for answer in said)
            found[f"{name}, {at_once} at once"] = tokens / (time.perf_counter() - started)
    return found


if __name__ == "__main__":
    main()
