"""Chapter 6: word2vec and the codes of autoencoders."""

from statistics import mean, median

from findings.common import averaged, benchmark, seeds, table, unmeasured


def word2vec() -> str:
    """word2vec against gensim, as benchmarks/word2vec.py measured them."""
    found = benchmark("word2vec")
    if not found:
        return ""
    rows = []
    for noise, contestants in found["found"].items():
        rates = {k: median(r["words_per_second"] for r in v) for k, v in contestants.items()}
        for name, runs in contestants.items():
            similarity, syntactic = (mean(r[k] for r in runs) for k in ("similarity", "syntactic"))
            rows.append(
                [
                    f"{name}, {noise} noise words",
                    f"{rates[name]:,.0f}",
                    f"{rates[name] / rates['gensim']:.1f}",
                    f"{similarity:.3f}",
                    f"{syntactic:.1%}",
                    f"{max(r['peak_mb'] for r in runs):,.0f}",
                    str(len(runs)),
                ]
            )
    head = ["word2vec", "words/s", "× gensim", "similarity", "syntactic", "peak MB", "seeds"]
    machine = found["machine"]
    return f"""Skip-gram with negative sampling: one epoch of {found["words"]:,} words of IMDB's
reviews, 128 dimensions, two threads, equal settings; similarity is Spearman's ρ on WordSim-353,
syntactic the share of word2vec's syntactic analogies. `benchmarks/word2vec.py` runs both in
turn, each in a process of its own; words/s are medians ({machine["processor"]},
{machine["cores"]} cores).

{table(head, rows)}
"""


def codes() -> str:
    """Autoencoder and PCA side by side, as benchmarks/codes.py measured them."""
    found = benchmark("codes").get("codes")
    if not found:
        return unmeasured("codes.py codes")
    rows = [
        [name, averaged(found, name, "cost", "{:.3f}"), averaged(found, name, "knn", "{:.1%}")]
        for name in found[0]
    ]
    ours = [one for name, one in found[0].items() if "labels" in one]
    labels = [f"{n:,} labels" for n in ours[0]["labels"]]
    few = [
        [f"{name.split(', ')[1]} numbers", *(f"{share:.1%}" for share in one["from_codes"])]
        for name, one in found[0].items()
        if "labels" in one
    ] + [["pixels", *(f"{share:.1%}" for share in ours[0]["from_pixels"])]]
    return f"""{table(["method, numbers", "mean ‖x̂ − x‖", "10 nearest codes name"], rows)}

10,000 test images; {ours[0]["epochs"]} epochs, {seeds(found)}. A classifier that gets few labels
(softmax regression, mean of {ours[0]["draws"]} draws of the labelled images, seed 0):

{table(["from", *labels], few)}

`benchmarks/codes.py` measures it.
"""


def denoising() -> str:
    """Masked images rebuilt, as benchmarks/codes.py measured it."""
    found = benchmark("codes").get("denoising")
    if not found:
        return unmeasured("codes.py denoising")
    rows = [[name, *(averaged(found, name, key) for key in found[0][name])] for name in found[0]]
    return f"""{table(["autoencoder", "masked", "whole"], rows)}

Mean distance of what is rebuilt from the whole image, where the input was masked by half and where
it was whole; 10,000 test images, {seeds(found)}. `benchmarks/codes.py` measures it.
"""


def sparse() -> str:
    """How much of a code is on, as benchmarks/codes.py measured it."""
    found = benchmark("codes").get("sparse")
    if not found:
        return unmeasured("codes.py sparse")
    rows = [
        [
            name,
            f"{one['units']:,}",
            *(averaged(found, name, key, "{:.2%}") for key in ("active", "activation")),
            averaged(found, name, "cost"),
            averaged(found, name, "knn accuracy", "{:.1%}"),
        ]
        for name, one in found[0].items()
    ]
    head = ["code", "units", "active", "mean activation", "mean ‖x̂ − x‖", "10 nearest codes name"]
    return f"""{table(head, rows)}

The target of the penalty is a mean activation of {found[0]["penalty"]["target"]:.0%}. Active: above
½, and for the k largest not 0. Test images, {seeds(found)}. `benchmarks/codes.py` measures it.
"""


def hashing() -> str:
    """Precision of bits, as benchmarks/codes.py measured it."""
    found = benchmark("codes").get("hashing")
    if not found:
        return unmeasured("codes.py hashing")
    ways = [name for name, one in found[0].items() if isinstance(one, dict)]
    counts = list(found[0][ways[0]])
    rows = [[name, *(averaged(found, name, n, "{:.1%}") for n in counts)] for name in ways]
    return f"""{table(["code", *(f"precision at {n}" for n in counts)], rows)}

2,000 test images searched among the training images; a bit carries
{mean(one["bits used"] for one in found):.2f} bit on average; {seeds(found)}.
`benchmarks/codes.py` measures it.
"""
