"""Words a second, quality and memory of word2vec, against gensim.

    GRADUS_DATA=... python benchmarks/word2vec.py [--noise-words 5] [--seeds 3] [--words 0]

Skip-gram with negative sampling on IMDB's reviews: 128 dimensions, window 5, the 30,000 most
frequent words that stand in the text five times, t = 1e-3, one epoch, two threads, rate 0.025
falling linearly; with more than 20 noise words ours rises to 0.035 first, gensim's stays. Both read
the same file, words between spaces and a review a line. Each contestant and seed runs in a process
of its own, in turn. The time is that of training alone: gensim's `train`, and the epoch of `gradus
train` with its checkpoints and TensorBoard; reading the text and counting its words is left out for
both. Both vocabularies are cut to the 29,000 most frequent words and asked the same questions by
the same code. Results for each number of noise words are added to benchmarks/results/word2vec.json.
"""

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import mean, median
from typing import Any

RESULTS = Path(__file__).parent / "results" / "word2vec.json"
DIMENSIONS, WINDOW, LEAST, VOCABULARY, ASKED = 128, 5, 5, 30_000, 29_000
SAMPLE, RATE, THREADS = 1e-3, 0.025, 2
MANY = {"lr": 0.035, "warmup": 0.3, "drawn": 128}
"""Our rate rises first where there are many noise words: a step is for all pairs of eight words."""


def main() -> None:
    """Write the text, run everyone for each seed, tell and keep the results."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--noise-words", type=int, default=5, help="K")
    parser.add_argument("--seeds", type=int, default=3, help="trainings of each")
    parser.add_argument("--words", type=int, default=0, help="words of the text (0: all; kept)")
    parser.add_argument("--only", nargs="*", default=list(CONTESTANTS), help="run these again")
    parser.add_argument("--run", nargs=4, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.run:
        name, path, noise, seed = args.run
        print("RESULT", json.dumps(CONTESTANTS[name](path, int(noise), int(seed))))
        return
    found: dict[str, list[dict[str, float]]] = {name: [] for name in args.only}
    with tempfile.TemporaryDirectory() as folder:
        path, words = write_text(Path(folder) / "text.txt", args.words)
        for seed in range(args.seeds):
            for name in args.only:
                result = one_run(name, path, args.noise_words, seed)
                found[name].append(result)
                print(name, seed, json.dumps(result), flush=True)
    for name, runs in found.items():
        rate = median(r["words_per_second"] for r in runs)
        similarity, syntactic = (mean(r[k] for r in runs) for k in ("similarity", "syntactic"))
        peak = max(r["peak_mb"] for r in runs)
        print(
            f"{name:8} {rate:12,.0f} words/s  ρ {similarity:.3f}  {syntactic:.1%}  {peak:,.0f} MB"
        )
    if not args.words:
        keep(args.noise_words, words, found)


def keep(noise: int, words: int, found: dict[str, list[dict[str, float]]]) -> None:
    """Add the results for a number of noise words to the file."""
    from gradus.core.run import environment

    old = json.loads(RESULTS.read_text()) if RESULTS.exists() else {"found": {}}
    both = {**old["found"].get(str(noise), {}), **found}
    record = {"words": words, "found": {**old["found"], str(noise): both}}
    RESULTS.write_text(json.dumps({**record, "machine": environment()}, indent=1) + "\n")


def write_text(path: Path, limit: int) -> tuple[Path, int]:
    """IMDB's reviews, or the first so many words of them, a review a line; how many words."""
    from gradus.data.texts import read_text
    from gradus.embed.words.corpus import load_corpus

    done = 0
    with open(path, "w", encoding="utf-8") as file:
        for words, _ in read_text("imdb"):
            file.write(" ".join(words) + "\n")
            done += len(words)
            if limit and done >= limit:
                break
    load_corpus(str(path), LEAST, VOCABULARY if not limit else 0)  # into the cache
    return path, done


def one_run(name: str, path: Path, noise: int, seed: int) -> dict[str, float]:
    """One contestant's result, from a process of its own."""
    command = [sys.executable, __file__, "--run", name, str(path), str(noise), str(seed)]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"{name} failed:\n{done.stderr[-3000:]}")
    return json.loads(next(x for x in done.stdout.splitlines() if x.startswith("RESULT"))[7:])


def ours(path: str, noise: int, seed: int) -> dict[str, float]:
    """`gradus train word2vec`."""
    import gradus
    from gradus.embed.words.predict import load_vectors

    text = Path(path).stat().st_size > 30_000_000  # all of it
    with tempfile.TemporaryDirectory() as folder:
        run = gradus.train(
            "word2vec",
            run_dir=Path(folder) / "run",
            data=path,
            min_count=LEAST,
            vocabulary=VOCABULARY if text else 0,
            dimensions=DIMENSIONS,
            window=WINDOW,
            sample=SAMPLE,
            noise_words=noise,
            **(MANY if noise > 20 else {"lr": RATE, "drawn": 32}),
            epochs=1,
            threads=THREADS,
            seed=seed,
        )
        (timing,) = run.records("timing")
        task = run.task()
        share = task.train.examples / len(task.train.text)
        words = run.info["facts"]["read"] * share
        vectors = load_vectors(run)
    return judged(vectors.words, vectors.vectors, words, timing["seconds"])


def gensim(path: str, noise: int, seed: int) -> dict[str, float]:
    """Word2Vec of gensim."""
    from gensim.models import Word2Vec
    from gensim.models.word2vec import LineSentence

    model = Word2Vec(
        vector_size=DIMENSIONS,
        window=WINDOW,
        min_count=LEAST,
        max_final_vocab=VOCABULARY,
        sg=1,
        negative=noise,
        sample=SAMPLE,
        alpha=RATE,
        workers=THREADS,
        seed=seed,
    )
    sentences = LineSentence(path)
    model.build_vocab(sentences)
    started = time.perf_counter()
    model.train(sentences, total_examples=model.corpus_count, epochs=1)
    seconds = time.perf_counter() - started
    return judged(model.wv.index_to_key, model.wv.vectors, model.corpus_total_words, seconds)


def judged(words: list[str], vectors: Any, read: float, seconds: float) -> dict[str, float]:
    """Speed, memory so far, and how well the vectors of the most frequent words answer."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024  # before we ask: KiB on Linux
    import torch

    from gradus.embed.words.questions import analogy_hits, load_questions, similarity

    questions = load_questions(words[:ASKED], "imdb")
    found = torch.from_numpy(vectors[:ASKED])
    hits = analogy_hits(found, questions)
    return {
        "words_per_second": read / seconds,
        "seconds": seconds,
        "similarity": float(similarity(found, questions)),
        "syntactic": float(hits[-questions.syntactic :].mean()),
        "analogies": float(hits.mean()),
        "peak_mb": peak,
    }


CONTESTANTS: dict[str, Callable[[str, int, int], dict[str, float]]] = {
    "gradus": ours,
    "gensim": gensim,
}

if __name__ == "__main__":
    main()
