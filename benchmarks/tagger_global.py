"""What the tags before are worth to a tagger, and what training whole sequences adds.

    GRADUS_DATA=... python benchmarks/tagger_global.py RUN [--seeds 3] [--beam 8] [--epochs 2]

RUN is a finished run of tagger-book or tagger-best; its data, settings and weights are the start.
For each seed a chain (`gradus.sequence.tagging.chain`) is trained from there: one local epoch, then
as many more in two ways, locally, each word after its right tags, and globally, with a beam and
early update. Adam with a rate that falls to 0, sentences in random order. The accuracy of the run
itself, of the local chain with a beam of 1 and of B, and of the global one with B is measured on
the validation and the test sentences. Results are added to benchmarks/results/tagger_global.json.
"""

import argparse
import copy
import json
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

import gradus
from gradus.core.run import environment
from gradus.data.conll import Tagged
from gradus.sequence.tagging.chain import TagChain, decode, local_loss, sequence_loss
from gradus.sequence.tagging.data import load_text
from gradus.sequence.tagging.predict import TrainedTagger, open_tagger

RESULTS = Path(__file__).parent / "results" / "tagger_global.json"
BATCH = 32


def main() -> None:
    """Train and measure both chains for each seed, tell and keep the results."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("run", type=Path)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--beam", type=int, default=8)
    parser.add_argument("--epochs", type=int, default=2)
    parser.add_argument("--sentences", type=int, default=0, help="to learn from (0: all; kept)")
    parser.add_argument("--lr", type=float, default=3e-4)
    args = parser.parse_args()
    run = gradus.open(args.run)
    config: Any = run.config
    text = load_text(config.data, config.validation, config.sentences, config.tags)
    train = text.train[: args.sentences or None]
    exams = {"validation": text.validation, "test": text.test()}
    tagger = open_tagger(run)
    found: dict[str, list[dict[str, float]]] = {}
    for seed in range(args.seeds):
        start = TagChain(tagger.model, len(tagger.tags))
        before = fitted(start, tagger, train, "local", 1, args, seed)
        plans = {
            "run": ("", [1]),
            "local": ("local", [1, args.beam]),
            "global": ("global", [args.beam]),
        }
        for name, (kind, widths) in plans.items():
            begin = time.process_time()
            chain = fitted(before, tagger, train, kind, args.epochs, args, seed) if kind else start
            seconds = time.process_time() - begin
            for width in widths:
                row = {p: accuracy(chain, tagger, s, width, kind) for p, s in exams.items()}
                label = f"{name}, beam {width}" if kind else name
                found.setdefault(label, []).append({**row, "seconds": seconds})
                told = f"validation {row['validation']:.3%}  test {row['test']:.3%}"
                print(f"{label:16} seed {seed}  {told}  {seconds:.0f} s", flush=True)
    if not args.sentences:
        old = json.loads(RESULTS.read_text()) if RESULTS.exists() else {"found": {}}
        default: Any = run.recipe.config
        name = run.recipe.name
        if config.after != default.after:
            name += f" --after {config.after}"
        record = {**old["found"], name: found}
        RESULTS.write_text(json.dumps({"found": record, "machine": environment()}, indent=1) + "\n")


def numbers_of(tagger: TrainedTagger, sentences: Sequence[Tagged]) -> list[np.ndarray]:
    """The tags of sentences as numbers; one that the tagger does not have is −1."""
    numbers = {tag: number for number, tag in enumerate(tagger.tags)}
    return [np.array([numbers.get(tag, -1) for tag in s.tags]) for s in sentences]


def fitted(
    start: TagChain,
    tagger: TrainedTagger,
    sentences: Sequence[Tagged],
    kind: str,
    epochs: int,
    args: argparse.Namespace,
    seed: int,
) -> TagChain:
    """A copy of a chain after some epochs of local or global training."""
    chain = copy.deepcopy(start).train()
    generator = torch.Generator().manual_seed(seed)
    torch.manual_seed(seed)
    optimizer = torch.optim.Adam(chain.parameters(), args.lr)
    steps = epochs * -(-len(sentences) // BATCH)
    falling = torch.optim.lr_scheduler.LinearLR(optimizer, 1.0, 0.0, total_iters=steps)
    gold = numbers_of(tagger, sentences)
    for _ in range(epochs):
        for chosen in torch.randperm(len(sentences), generator=generator).split(BATCH):
            some = [sentences[i].words for i in chosen.tolist()]
            right = [gold[i] for i in chosen.tolist()]
            logits = chain.tagger(tagger.reader.windows(some).rows())
            if kind == "local":
                loss = local_loss(chain, logits, right)
            else:
                loss = sequence_loss(chain, logits, right, args.beam).mean()
            optimizer.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(chain.parameters(), 1.0)
            optimizer.step()
            falling.step()
    return chain.eval()


@torch.no_grad()
def accuracy(
    chain: TagChain, tagger: TrainedTagger, sentences: Sequence[Tagged], beam: int, kind: str
) -> float:
    """Share of the words whose tag is right."""
    chain.eval()
    gold, hits, words = numbers_of(tagger, sentences), 0, 0
    for first in range(0, len(sentences), 256):
        some = sentences[first : first + 256]
        logits = chain.tagger(tagger.reader.windows([s.words for s in some]).rows())
        lengths = np.array([len(s.words) for s in some])
        tags = decode(chain, logits, lengths, beam, normalise=kind != "global")
        for ours, right in zip(tags, gold[first : first + 256], strict=True):
            hits += int((ours == right).sum())
            words += len(right)
    return hits / words


if __name__ == "__main__":
    main()
