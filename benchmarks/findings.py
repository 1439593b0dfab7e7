"""What the benchmarks measured, as tables: a function for each file in results/.

benchmarks/table.py puts them into the pages. Where a benchmark was not run there is no file, and
its table is empty or says how to make it.
"""

import json
from pathlib import Path
from statistics import mean, median, stdev
from typing import Any

RESULTS = Path(__file__).parent / "results"


def benchmark(name: str) -> dict[str, Any]:
    """What a benchmark wrote; empty if it was not run."""
    file = RESULTS / f"{name}.json"
    return json.loads(file.read_text()) if file.exists() else {}


def speed() -> str:
    """What was measured of speed: contests of training loops, changes of images, CIFAR-10."""
    parts = [
        contest(
            "mlp",
            "The net 784-256-256-10 on MNIST: seconds for one epoch of {images:,} images in "
            "batches of 100, with a look at 5,000 validation images.",
        ),
        contest(
            "convnet",
            "The convolutional network of `mnist-cnn`: seconds for one epoch of {images:,} images "
            "in batches of 100, with a look at 1,000 validation images. Ours does its "
            "arithmetic at {share_of_gemm:.0%} of the speed of the fastest product of matrices.",
        ),
        image_changes(),
        cifar10(),
        word2vec(),
        sentiment(),
        computers(),
    ]
    told = "\n".join(part for part in parts if part)
    return f"## Speed\n\n{told}" if told else ""


def contest(name: str, what: str) -> str:
    """A contest of training loops, as benchmarks/contest.py ran it."""
    found = benchmark(name)
    if not found:
        return ""
    medians, machine = found["medians"], found["machine"]
    bare = medians["bare PyTorch loop"]
    rows = [
        [one, f"{value:.3f}", f"{found['images'] / value:,.0f}", f"{value / bare:.2f}"]
        for one, value in sorted(medians.items(), key=lambda item: item[1])
    ]
    return f"""{what.format(**found)}
`gradus` is the whole command: progress bar, TensorBoard, checkpoints. `benchmarks/{name}.py` runs
all in turn, {found["rounds"]} times, each in a process of its own, and takes medians
({machine["processor"]}, {machine["cores"]} cores).

{table(["contestant", "s/epoch", "images/s", "× bare loop"], rows)}
"""


def image_changes() -> str:
    """Images a second of each change, as benchmarks/augment.py measured them."""
    found = benchmark("augment")
    if not found:
        return ""
    rows = [[name, f"{rate:,}"] for name, rate in found["images_per_second"].items()]
    return f"""Random changes of photos of 32×32 in batches of {found["batch"]}, with
{found["threads"]} threads, as `benchmarks/augment.py` measured them
({found["machine"]["processor"]}).

{table(["change", "images/s"], rows)}
"""


def painting() -> str:
    """How long neural style takes, as benchmarks/style.py measured it."""
    found = benchmark("style")
    if not found:
        return "Not measured yet: `python benchmarks/style.py` does it.\n"
    rows = [[name, f"{value:g}"] for name, value in found["results"].items()]
    weights = "random weights: the times are those of the published ones, the losses are not"
    judge = weights if found["weights"] == "random" else "the published weights"
    return f"""{table(["", "median"], rows)}

{found["size"]} with VGG-19 ({judge}); {found["steps at each size"]} evaluations at each size;
medians of {found["rounds"]} rounds, {found["processor"]}, {found["threads"]} threads.
`benchmarks/style.py` measures it.
"""


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


def sentiment() -> str:
    """Reviews in batches of like length against padding, as benchmarks/sentiment.py measured."""
    found = benchmark("sentiment")
    if not found:
        return ""
    rates = {k: median(r["reviews_per_second"] for r in v) for k, v in found["found"].items()}
    slowest = min(rates.values())
    rows = [
        [
            name,
            f"{rates[name]:,.0f}",
            f"{rates[name] / slowest:.2f}",
            f"{mean(r['accuracy'] for r in runs):.2%}",
            f"{max(r['peak_mb'] for r in runs):,.0f}",
            str(len(runs)),
        ]
        for name, runs in found["found"].items()
    ]
    head = ["reviews", "reviews/s", "×", "accuracy", "peak MB", "seeds"]
    settings, machine = found["settings"], found["machine"]
    return f"""Reviews a second that an LSTM of {settings["hidden"]} learns from: in batches of like
lengths, without padding, against batches in which each review is filled up to 500 words;
{settings["reviews"]:,} reviews of IMDB, {settings["epochs"]} epochs, the accuracy on 2,000 test
reviews. `benchmarks/sentiment.py` runs both in turn, each in a process of its own; reviews/s are
medians ({machine["processor"]}, {settings["threads"]} threads).

{table(head, rows)}
"""


def tagging() -> str:
    """How text is cut and how fast it is tagged, as benchmarks/tokenise.py and tagging.py found."""
    told = []
    if found := benchmark("tagging"):
        rows = [
            [f"`{name}`", f"{one['words']:,.0f}", f"{one['text']:,.0f}", str(one["threads"])]
            for name, one in found["found"].items()
        ]
        machine = found["machine"]
        head = ["recipe", "words to tags, tokens/s", "text to tags, tokens/s", "threads"]
        told.append(
            f"CoNLL-2000's test set, medians (`benchmarks/tagging.py`, {machine['processor']}):\n\n"
            f"{table(head, rows)}"
        )
    if found := benchmark("tokenise"):
        rows = [
            [part, name, *(f"{one[name][k]:.1%}" for k in ("precision", "recall", "F1"))]
            for part, one in found["found"].items()
            for name in ("words", "sentences")
        ]
        head = ["part of UD English-EWT", "what", "precision", "recall", "F1"]
        told.append(
            "Raw text cut into words and sentences, against the treebank's own cuts "
            "(`benchmarks/tokenise.py`); the rules were made while looking at its training part. "
            "Many sentences of its mails and weblogs end without a stop:\n\n"
            f"{table(head, rows)}"
        )
    return "\n\n".join(told) + "\n"


def parsing() -> str:
    """What each step of the parser gains and costs, as benchmarks/parsing.py measured it."""
    found = benchmark("parsing")
    if not found:
        return "\n"
    scores = ("UAS", "LAS", "UAS own tags", "LAS own tags")
    rows = [
        [name, *(spread(one[key]) for key in scores), f"{median(one['sentences/s']):,.0f}"]
        for name, one in found["steps"].items()
    ]
    head = ["search, training", "UAS", "LAS", "UAS, own tags", "LAS, own tags", "sentences/s"]
    runs = len(next(iter(found["steps"].values()))["UAS"])
    times = ", ".join(f"{median(s):.0f} s of {name}" for name, s in found["seconds"].items())
    crossed = ", ".join(
        f"{n:,} of {all_:,} in {part}" for part, (n, all_) in found["not projective"].items()
    )
    return f"""UD English-EWT's test set, {runs} seeds, {found["threads"]} threads, medians of speed
and time; training took {times} (`benchmarks/parsing.py`,
{found["machine"]["processor"]}). Sentences whose tree is not projective: {crossed}.

{table(head, rows)}
"""


def tag_chains() -> str:
    """What the tags before are worth to a tagger, as benchmarks/tagger_global.py found."""
    found = benchmark("tagger_global")
    if not found:
        return "Not measured yet.\n"
    rows = [
        [
            f"`{recipe}`",
            label,
            *(f"{mean(run[part] for run in runs):.2%}" for part in ("validation", "test")),
            str(len(runs)),
        ]
        for recipe, steps in found["found"].items()
        for label, runs in steps.items()
    ]
    return table(["run", "training, search", "validation", "test", "seeds"], rows) + "\n"


def cifar10() -> str:
    """The networks for CIFAR-10 on a GPU, as benchmarks/cifar10_gpu.py measured them."""
    found = benchmark("cifar10_gpu")
    if not found:
        return ""
    rows = []
    for name, one in found["results"].items():
        reached = len(one["seconds_to_goal"]) == len(one["test"])
        soon = f"{median(one['seconds_to_goal']):.1f} s" if reached else "not in every run"
        test = spread(one["test"]) if len(one["test"]) > 1 else f"{one['test'][0]:.2%}"
        rows.append([name, test, f"{median(one['seconds']):.1f} s", soon])
    train, test = found["images"]
    return f"""CIFAR-10 on {found["device"]}, {train:,} photos to learn and choose from, {test:,} to
test, as `benchmarks/cifar10_gpu.py` measured it: seconds of training, and until {found["goal"]:.0%}
of the validation photos are right.

{table(["network", "test accuracy", "training", f"to {found['goal']:.0%}"], rows)}
"""


def computers() -> str:
    """Differentiable Neural Computers in training, as benchmarks/dnc_steps.py measured them."""
    found = benchmark("dnc_steps")
    if not found:
        return ""
    rows = []
    for one in found["results"].values():
        rates, size = one["steps_per_second"], one["size"]
        sizes = f"N {size['locations']}, W {size['width']}, R {size['reads']}"
        peer = rates["dnc (PyPI)"]
        rows += [[sizes, who, f"{r:,.0f}", f"{r / peer:.2f}"] for who, r in rates.items()]
    return f"""A DNC in training (forward, backward, update), batches of 16 sequences: time steps of
one sequence a second, as `benchmarks/dnc_steps.py` measured them in {found["rounds"]} rounds
({found["machine"]["processor"]}, {found["machine"]["cores"]} cores).

{table(["memory", "contestant", "steps/s", "× dnc (PyPI)"], rows)}
"""


def starts() -> str:
    """The deep sigmoid net from several starts, as benchmarks/pretraining.py measured it."""
    whole = benchmark("pretraining")
    if not whole:
        return "Not measured yet: `python benchmarks/pretraining.py` does it.\n"
    found = whole["mnist"]
    after = (1, found["epochs"] // 4, found["epochs"])
    rates = ", ".join(f"{rate:g}" for rate in found["rates"])
    rows = []
    for start, rate in found["chosen"].items():
        marked = f"{start} | {rate:g} |"
        curves = [c for name, c in found["curves"].items() if name.startswith(marked)]
        for more in sorted({0, min(map(len, curves)) - after[-1]}):
            last = f"{start}, {more} epochs more" if more else start
            cells = [spread([c[epoch - 1 + more] for c in curves]) for epoch in after]
            rows.append([last, f"{rate:g}", *(cells if not more else ["", "", cells[-1]])])
    head = ["start", "rate", *(f"after {epoch} epoch{'s'[: epoch > 1]}" for epoch in after)]
    return f"""{table(head, rows)}

Validation accuracy on MNIST, mean ± standard deviation over {len(curves)} seeds, by epochs on the
labels. For each start the rate is the one of {rates} that does best with seed 0. The row
with more epochs has as many multiplications as the pre-training. The test set stays closed.
`benchmarks/pretraining.py` measures it.
"""


def momentum() -> str:
    """Minibatches to a low cost on MNIST, as benchmarks/momentum.py measured them."""
    found = benchmark("momentum")
    if not found:
        return "Not measured yet: `python benchmarks/momentum.py` does it.\n"
    rows = []
    for case, steps in found["steps"].items():
        settings, book = found["settings"][case], found["book"].get(case)
        told = "–" if book is None else f"about {book:,}"
        m = f"{settings.get('momentum', 0.0):g}"
        cells = f"{mean(steps):,.0f} ± {stdev(steps):,.0f}", f"{min(steps):,} to {max(steps):,}"
        rows.append([f"{settings['lr']:g}", m, *cells, told])
    head = ["ε", "m", "minibatches", "range", "book"]
    return f"""{table(head, rows)}

Minibatches of {settings["batch_size"]} until the mean cost of the last {found["window"]} is below
{found["level"]}; mean ± standard deviation and range over {found["seeds"]} seeds. The net is
784-256-256-10. `benchmarks/momentum.py` measures it.
"""


def second_order() -> str:
    """The methods that search against SciPy's, as benchmarks/optimisers.py measured them."""
    found = benchmark("optimisers")
    names = list(next(iter(found["results"].values())))
    rows = [
        [method, *(f"{c['evaluations']:,} ({c['error']:.0e})" for c in cells.values())]
        for method, cells in found["results"].items()
    ]
    return f"""{table(["method", *names], rows)}

Evaluations of the loss with its gradient until no element of the gradient is above
{found["tolerance_grad"]:g}, and in brackets the largest distance of a parameter from the known
minimum. The quadratics have 50 parameters and curvatures from 1 to κ; float64. torch
{found["torch"].split("+")[0]}, SciPy {found["scipy"]}. `benchmarks/optimisers.py` measures it.
"""


def surface() -> str:
    """How long the looks at a surface take, as benchmarks/surface.py measured it."""
    found = benchmark("surface")
    if not found:
        return "Not measured yet: `python benchmarks/surface.py` does it.\n"
    took, machine = found["seconds"], found["machine"]
    rows = [
        ["line of 400 points", f"{took['line']:.0f} s"],
        ["the same points one by one", f"{took['line, one by one']:.0f} s"],
        ["plane of 41×41 points", f"{took['plane']:.0f} s"],
        [f"ten largest eigenvalues, {found['products']} products", f"{took['eigenvalues']:.0f} s"],
    ]
    return f"""{table(["look", "time"], rows)}

The MNIST net ({found["parameters"]:,} parameters) on {found["examples"]:,} test images, medians of
{found["rounds"]} rounds; {machine["processor"]}, {machine["threads"]} threads.
"""


def rate_rules() -> str:
    """Which rule reads the best rate off a range test, as benchmarks/lr_range.py measured it."""
    measured = benchmark("lr_range")
    if not measured:
        return "Not measured yet: `python benchmarks/lr_range.py` does it.\n"
    ratios: dict[str, list[float]] = {}
    for optimizers in measured["found"].values():
        for rules in optimizers.values():
            best = min(rule["loss"] for rule in rules.values())
            for name, rule in rules.items():
                ratios.setdefault(name, []).append(rule["loss"] / best)
    rows = [
        [name, f"{median(values):.2f}", f"{max(values):.2f}", str(sum(v < 1.1 for v in values))]
        for name, values in ratios.items()
    ]
    cases = len(next(iter(ratios.values())))
    head = ["rate", "median × best", "worst × best", f"within 10 % of the best, of {cases}"]
    recipes = " and ".join(f"`{name}`" for name in measured["found"])
    return f"""{table(head, rows)}

Lowest validation loss in trainings at the rate, mean of {measured["seeds"]} seeds, beside that of
the best of these rules; {recipes} with each optimiser that has a rate.
"""


def codes() -> str:
    """Autoencoder and PCA side by side, as benchmarks/codes.py measured them."""
    found = benchmark("codes").get("codes")
    if not found:
        return unmeasured("codes")
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
        return unmeasured("denoising")
    rows = [[name, *(averaged(found, name, key) for key in found[0][name])] for name in found[0]]
    return f"""{table(["autoencoder", "masked", "whole"], rows)}

Mean distance of what is rebuilt from the whole image, where the input was masked by half and where
it was whole; 10,000 test images, {seeds(found)}. `benchmarks/codes.py` measures it.
"""


def sparse() -> str:
    """How much of a code is on, as benchmarks/codes.py measured it."""
    found = benchmark("codes").get("sparse")
    if not found:
        return unmeasured("sparse")
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
        return unmeasured("hashing")
    ways = [name for name, one in found[0].items() if isinstance(one, dict)]
    counts = list(found[0][ways[0]])
    rows = [[name, *(averaged(found, name, n, "{:.1%}") for n in counts)] for name in ways]
    return f"""{table(["code", *(f"precision at {n}" for n in counts)], rows)}

2,000 test images searched among the training images; a bit carries
{mean(one["bits used"] for one in found):.2f} bit on average; {seeds(found)}.
`benchmarks/codes.py` measures it.
"""


def unmeasured(part: str) -> str:
    """What stands where a part of benchmarks/codes.py was not run."""
    return f"Not measured yet: `python benchmarks/codes.py {part}` does it.\n"


def averaged(found: list[dict[str, Any]], name: str, key: str, form: str = "{:.2f}") -> str:
    """The mean over the seeds, or a dash."""
    values = [one[name][key] for one in found]
    return "–" if None in values else form.format(mean(values))


def seeds(found: list[dict[str, Any]]) -> str:
    """Over how many seeds."""
    return "seed 0" if len(found) == 1 else f"mean of {len(found)} seeds"


def spread(values: list[float]) -> str:
    """Mean ± standard deviation of shares."""
    return f"{mean(values):.2%} ± {stdev(values):.2%}"


def table(head: list[str], rows: list[list[str]]) -> str:
    """A Markdown table."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
