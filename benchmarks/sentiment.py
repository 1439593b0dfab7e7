"""Reviews a second, accuracy and memory: like lengths together against padding to 500 words.

    GRADUS_DATA=... python benchmarks/sentiment.py [--reviews 4000] [--epochs 3] [--hidden 128]

The same network, started from the same weights, learns from the same IMDB reviews with the same
settings, those of imdb-lstm-small but for the sizes given. Once in batches of like lengths, of
which the LSTM reads no padding, as `gradus train` does; once in batches of random lengths, each
review filled up to 500 words, all of which the LSTM goes over, with the filled-up steps left out
afterwards. Each contestant and seed runs in a process of its own, in turn. The time is that of the
training steps alone. Results go to benchmarks/results/sentiment.json.
"""

import argparse
import json
import resource
import subprocess
import sys
import time
from pathlib import Path
from statistics import mean, median
from typing import Any

RESULTS = Path(__file__).parent / "results" / "sentiment.json"
CONTESTANTS = ("like lengths", "padded to 500")
LONGEST, TESTED = 500, 2000


def main() -> None:
    """Run both for each seed, in turn; tell and keep the results."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--reviews", type=int, default=4000, help="to learn from")
    parser.add_argument("--epochs", type=int, default=3, help="passes over them")
    parser.add_argument("--hidden", type=int, default=128, help="numbers in the LSTM's memory")
    parser.add_argument("--seeds", type=int, default=3, help="trainings of each")
    parser.add_argument("--threads", type=int, default=2, help="of torch")
    parser.add_argument("--run", nargs=2, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.run:
        print("RESULT", json.dumps(measured(args, args.run[0], int(args.run[1]))))
        return
    found: dict[str, list[dict[str, float]]] = {name: [] for name in CONTESTANTS}
    for seed in range(args.seeds):
        for name in CONTESTANTS:
            found[name].append(one_run(name, seed))
            print(name, seed, json.dumps(found[name][-1]), flush=True)
    rates = {name: median(r["reviews_per_second"] for r in runs) for name, runs in found.items()}
    for name, runs in found.items():
        accuracy, peak = (mean(r[k] for r in runs) for k in ("accuracy", "peak_mb"))
        print(f"{name:14} {rates[name]:8,.0f} reviews/s  {accuracy:.2%}  {peak:,.0f} MB")
    print(f"{rates[CONTESTANTS[0]] / rates[CONTESTANTS[1]]:.2f} times as many reviews a second")
    keep(vars(args), found)


def keep(settings: dict[str, Any], found: dict[str, list[dict[str, float]]]) -> None:
    """Write the results."""
    from gradus.core.run import environment

    del settings["run"]
    record = {"settings": settings, "found": found, "machine": environment()}
    RESULTS.write_text(json.dumps(record, indent=1) + "\n")


def one_run(name: str, seed: int) -> dict[str, float]:
    """One contestant's result, from a process of its own."""
    command = [sys.executable, __file__, *sys.argv[1:], "--run", name, str(seed)]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"{name} failed:\n{done.stderr[-3000:]}")
    return json.loads(next(x for x in done.stdout.splitlines() if x.startswith("RESULT"))[7:])


def measured(args: argparse.Namespace, name: str, seed: int) -> dict[str, float]:
    """Train, then test on some of the test reviews."""
    import torch
    from torch.nn.functional import cross_entropy

    from gradus.sequence.sentiment.batches import ReviewBatches
    from gradus.sequence.sentiment.build import build
    from gradus.sequence.sentiment.recipes import IMDB_LSTM_SMALL
    from gradus.sequence.sentiment.reviews import load_reviews
    from gradus.sequence.sentiment.train import some

    torch.set_num_threads(args.threads)
    config: Any = IMDB_LSTM_SMALL.configure(longest=LONGEST, hidden=args.hidden, seed=seed)
    read = load_reviews("imdb", config.vocabulary)
    torch.manual_seed(seed)
    model = build(config, len(read.words))
    forward = model if name == CONTESTANTS[0] else lambda numbers: padded(model, numbers)
    part = some(read.train, args.reviews)
    optimizer = torch.optim.Adam(model.parameters(), config.lr / 2)
    seconds = words = 0.0
    for epoch in range(args.epochs):
        for numbers, labels in batches(name, part, config, seed, epoch):
            started = time.perf_counter()
            loss = cross_entropy(forward(numbers), labels)
            optimizer.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), config.clip_norm)
            optimizer.step()
            seconds += time.perf_counter() - started
            words += int((numbers > 0).sum())
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024  # KiB on Linux
    model.eval()
    right: list[Any] = []
    with torch.inference_mode():
        for (numbers, labels), _ in ReviewBatches(some(read.test, TESTED), 100, LONGEST).epoch(0):
            right.append(model(numbers).argmax(1) == labels)
    return {
        "reviews_per_second": args.epochs * len(part) / seconds,
        "words_per_second": words / seconds,
        "seconds": seconds,
        "accuracy": float(torch.cat(right).float().mean()),
        "peak_mb": peak,
    }


def batches(name: str, part: Any, config: Any, seed: int, epoch: int) -> Any:
    """The batches of an epoch: of like lengths, or at random and filled up."""
    import torch

    from gradus.sequence.sentiment.batches import ReviewBatches

    if name == CONTESTANTS[0]:
        made = ReviewBatches(part, config.batch_size, LONGEST, seed=seed)
        yield from (batch for batch, _ in made.epoch(epoch))
        return
    generator = torch.Generator().manual_seed(1000 * seed + epoch)
    for rows in torch.randperm(len(part), generator=generator).split(config.batch_size):
        made = ReviewBatches(part.pick(rows), len(rows), LONGEST, width=LONGEST)
        yield made.tensors


def padded(model: Any, numbers: Any) -> Any:
    """The same network over every step there is; what was filled up is left out afterwards."""
    from torch.nn.functional import batch_norm, dropout

    from gradus.sequence.sentiment.reader import pooled
    from gradus.sequence.sentiment.reviews import UNKNOWN

    there = numbers > 0
    dropped = there.new_empty(there.shape).bernoulli_(model.drop_words)
    x = model.embedding(numbers.masked_fill(dropped & there, UNKNOWN))
    outputs, _ = model.lstm(dropout(x, model.drop))
    v = pooled(outputs * there.unsqueeze(2), there.sum(1), model.pool)
    z = model.output(dropout(v, model.drop))
    return batch_norm(z, model.mean, model.variance, model.gain, model.shift, training=True)


if __name__ == "__main__":
    main()
