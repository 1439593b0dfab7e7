"""Writes the tables of the documentation from what was measured and from the code itself.

    python benchmarks/table.py            (write)
    python benchmarks/table.py --check    (exit 1 if something would change)

From gradus/expected.json come the results in README.md, docs/results.md and the recipes' pages;
from the recipes their settings; from the catalogue the list of the book's figures. A test runs
the check, so run this after bands.py and after changing a recipe or a figure.
"""

import argparse
import json
import sys
from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from statistics import mean, median, stdev
from typing import Any

from gradus import catalog
from gradus.core.recipe import MACHINE_SETTINGS, FitConfig, Recipe
from gradus.core.report import show

ROOT = Path(__file__).parents[1]
START, END = "<!-- results: written by benchmarks/table.py -->", "<!-- end of results -->"
BOOK = {
    "mnist-logistic": "91.9% within 100 epochs",
    "mnist-mlp": "98.2% in 300 epochs",
    "mnist-cnn": "99.4%",
    "cifar10-cnn": "92.3%",
    "cifar10-cnn-bn": "96.7%",
    "tagger-book": "over 96% within 100 epochs",
    "mnist-autoencoder": "4.78 on validation in about 200 epochs",
}
"""Result that the book's text gives for its own listing."""
IN_README = (
    "mnist-logistic",
    "mnist-mlp",
    "mnist-cnn",
    "mnist-cnn-fast",
    "mnist-cnn-best",
    "cifar10-cnn",
    "cifar10-cnn-bn",
    "cifar10-modern",
    "mnist-autoencoder",
)
"""The recipes that the README's table shows; docs/results.md has all of them."""
ALWAYS_SHOWN = ("epochs", "batch_size", "optimizer", "lr")
NOT_SHOWN = MACHINE_SETTINGS | {"seed", "precision", "checkpoint_seconds"}

Measured = Mapping[str, Mapping[str, Any]]
"""A recipe's part of expected.json: "quick" or "full" -> what was measured."""


def main() -> None:
    """Write what differs, or with --check only name it."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--check", action="store_true", help="write nothing")
    check = parser.parse_args().check
    stale = {path: text for path, text in pages().items() if read(path) != text}
    for path, text in stale.items():
        if not check:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        print("out of date:" if check else "wrote", path.relative_to(ROOT))
    sys.exit(check and bool(stale))


def pages() -> dict[Path, str]:
    """Every generated file with the text it should have."""
    generated = ROOT / "docs" / "_generated"
    recipes = [(r, catalog.expected(r.name)) for r in catalog.recipes()]
    readme = ROOT / "README.md"
    return {
        readme: between_markers(read(readme), summary(recipes)),
        ROOT / "docs" / "results.md": results_page(recipes),
        generated / "recipes.md": recipe_list([r for r, _ in recipes]),
        generated / "figures.md": figure_list(),
        generated / "starts.md": starts(),
        generated / "momentum.md": momentum(),
        generated / "second-order.md": second_order(),
        generated / "surface.md": surface(),
        generated / "lr-find.md": rate_rules(),
        generated / "stylize.md": painting(),
        generated / "codes.md": codes(),
        generated / "denoising.md": denoising(),
        generated / "sparse.md": sparse(),
        generated / "hashing.md": hashing(),
        generated / "tagging.md": tagging(),
        generated / "tagger-global.md": tag_chains(),
        generated / "parsing.md": parsing(),
        **{generated / f"{r.name}.md": recipe_page(r, found) for r, found in recipes},
    }


def read(path: Path) -> str:
    """The file's text; empty if it is not there."""
    return path.read_text() if path.exists() else ""


def between_markers(page: str, table: str) -> str:
    """The page with `table` in place of what stands between the two markers."""
    before, _, rest = page.partition(START)
    _, marker, after = rest.partition(END)
    if not marker:
        raise SystemExit(f"README.md must hold the lines {START!r} and {END!r}")
    return f"{before}{START}\n{table}\n{END}{after}"


def summary(recipes: list[tuple[Recipe, Measured]]) -> str:
    """The README's table: a row for each recipe of `IN_README`."""
    head = ["recipe", "learns from", "test", "`--quick`", "time", "in full", "time", "book"]
    rows = [
        [
            f"`{recipe.name}`",
            examples(m, "full"),
            recipe.metric,
            *(cell for kind in ("quick", "full") for cell in (score(m, kind), seconds(m, kind))),
            BOOK.get(recipe.name, "–"),
        ]
        for recipe, m in recipes
        if recipe.name in IN_README
    ]
    return table(head, rows)


def results_page(recipes: list[tuple[Recipe, Measured]]) -> str:
    """docs/results.md: every measurement with its band, seeds and machine."""
    head = ["recipe", "settings", "learns from", "test", "mean ± sd"]
    head += ["band", "seeds", "time", "book"]
    rows = [
        [
            f"[{r.name}](recipes/{r.name}.md)",
            label,
            examples(m, kind),
            r.metric,
            score(m, kind),
            band(m, kind),
            str(m[kind]["seeds"]) if kind in m else "–",
            seconds(m, kind),
            BOOK.get(r.name, "–") if kind == "full" else "",
        ]
        for r, m in recipes
        for kind, label in (("quick", "`--quick`"), ("full", "full"))
    ]
    machines = sorted({k["machine"] for _, m in recipes for k in m.values()})
    measured_on = "\n".join(f"- {m}" for m in machines) or "- nothing was measured yet"
    return f"""---
hide: [toc]
---

# Results

`benchmarks/bands.py` trains each recipe once a seed through the command line and notes the score
on the test set. `benchmarks/table.py` writes this page from what it noted. A dash means that it
was not measured. The band is the mean ± 3 standard deviations, inside what the metric can be.
`gradus train RECIPE --quick` tells whether your run fell into it. The time is the median wall
time of the whole command, start and figures included.

{table(head, rows)}

Measured on:

{measured_on}

The column "book" is what the book's text gives for its own listing. The recipes' pages say where
ours differs from it.

{speed()}"""


def benchmark(name: str) -> dict[str, Any]:
    """What a benchmark wrote; empty if it was not run."""
    text = read(ROOT / "benchmarks" / "results" / f"{name}.json")
    return json.loads(text) if text else {}


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
    """Differentiable Neural Computers in training, as benchmarks/dnc.py measured them."""
    found = benchmark("dnc")
    if not found:
        return ""
    rows = []
    for one in found["results"].values():
        rates, size = one["steps_per_second"], one["size"]
        sizes = f"N {size['locations']}, W {size['width']}, R {size['reads']}"
        peer = rates["dnc (PyPI)"]
        rows += [[sizes, who, f"{r:,.0f}", f"{r / peer:.2f}"] for who, r in rates.items()]
    return f"""A DNC in training (forward, backward, update), batches of 16 sequences: time steps of
one sequence a second, as `benchmarks/dnc.py` measured them in {found["rounds"]} rounds
({found["machine"]["processor"]}, {found["machine"]["cores"]} cores).

{table(["memory", "contestant", "steps/s", "× dnc (PyPI)"], rows)}
"""


def starts() -> str:
    """The deep sigmoid net from several starts, as benchmarks/pretraining.py measured it."""
    file = ROOT / "benchmarks" / "results" / "pretraining.json"
    if not file.exists():
        return "Not measured yet: `python benchmarks/pretraining.py` does it.\n"
    found = json.loads(file.read_text())["mnist"]
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
    file = ROOT / "benchmarks" / "results" / "momentum.json"
    if not file.exists():
        return "Not measured yet: `python benchmarks/momentum.py` does it.\n"
    found = json.loads(file.read_text())
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
    found = json.loads((ROOT / "benchmarks" / "results" / "optimisers.json").read_text())
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
    file = ROOT / "benchmarks" / "results" / "surface.json"
    if not file.exists():
        return "Not measured yet: `python benchmarks/surface.py` does it.\n"
    found = json.loads(file.read_text())
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
    file = ROOT / "benchmarks" / "results" / "lr_range.json"
    if not file.exists():
        return "Not measured yet: `python benchmarks/lr_range.py` does it.\n"
    measured = json.loads(file.read_text())
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


def recipe_page(recipe: Recipe, measured: Measured) -> str:
    """The parts of a recipe's page that are not written by hand: facts, settings, results."""
    facts = {
        "data": recipe.data,
        "source": recipe.source,
        "score": f"{recipe.metric} on the test set",
        "target": recipe.target,
    }
    lines = "\n".join(f"- **{name}**: {text}" for name, text in facts.items() if text)
    return (
        "\n\n".join(
            section(name, text)
            for name, text in (
                ("facts", lines),
                ("settings", settings(recipe)),
                ("results", results(recipe, measured)),
            )
        )
        + "\n"
    )


def section(name: str, text: str) -> str:
    """A part that a page can include by its name."""
    return f"--8<-- [start:{name}]\n{text}\n--8<-- [end:{name}]"


def settings(recipe: Recipe) -> str:
    """The settings that make the recipe: its own, and those that are not everyone's default."""
    quick = recipe.configure(quick=True)
    own = {f.name for f in fields(recipe.config)} - {f.name for f in fields(FitConfig)}
    rows = []
    for f in fields(recipe.config):
        value, in_quick = getattr(recipe.config, f.name), getattr(quick, f.name)
        changed = f.name not in own and (value != f.default or in_quick != value)
        if f.name not in NOT_SHOWN and (f.name in own or f.name in ALWAYS_SHOWN or changed):
            option = "--" + f.name.replace("_", "-")
            rows.append([f"`{option}`", shown(value), shown(in_quick) if in_quick != value else ""])
    return table(["setting", "in full", "with `--quick`"], rows)


def results(recipe: Recipe, measured: Measured) -> str:
    """What was measured of one recipe, beside the book's result."""
    if not measured:
        return f"Not measured yet: `python benchmarks/bands.py {recipe.name}` does it."
    head = ["", "learns from", f"test {recipe.metric}", "band", "seeds", "time", "machine"]
    rows = [
        [
            label,
            examples(measured, kind),
            score(measured, kind),
            band(measured, kind),
            str(m["seeds"]),
            seconds(measured, kind),
            m["machine"],
        ]
        for kind, label in (("quick", "`--quick`"), ("full", "full"))
        if (m := measured.get(kind))
    ]
    if recipe.name in BOOK:
        rows.append(["book", "", BOOK[recipe.name], "", "", "", ""])
    return table(head, rows)


def recipe_list(recipes: list[Recipe]) -> str:
    """A table of all recipes."""
    rows = [[f"[`{r.name}`](recipes/{r.name}.md)", r.summary, r.source] for r in recipes]
    return table(["recipe", "what it does", "source"], rows) + "\n"


def figure_list() -> str:
    """A table of the book's figures that can be redrawn."""
    rows = []
    for name, draw in catalog.figures().items():
        what = (draw.__doc__ or "").split("\n")[0]
        file = draw.__module__.replace(".", "/") + ".py"
        rows.append([name, what, f"`gradus figure {name}`", f"`{file}`"])
    return table(["figure", "what it shows", "command", "drawn in"], rows) + "\n"


def score(measured: Measured, kind: str) -> str:
    """The mean with its standard deviation, or a dash."""
    if not (m := measured.get(kind)):
        return "–"
    mean = show(m["metric"], m["mean"])
    return mean if m["seeds"] == 1 else f"{mean} ± {show(m['metric'], m['sd'])}"


def examples(measured: Measured, kind: str) -> str:
    """The number of training examples, or a dash."""
    return f"{measured[kind]['examples']:,}" if kind in measured else "–"


def band(measured: Measured, kind: str) -> str:
    """The band that a run should fall into, or a dash."""
    if not (m := measured.get(kind)):
        return "–"
    low, high = (show(m["metric"], value) for value in m["band"])
    return f"{low} to {high}"


def seconds(measured: Measured, kind: str) -> str:
    """The time, or a dash where it was not measured or the machine had other work as well."""
    took = measured.get(kind, {}).get("seconds")
    return f"{took:.0f} s" if took else "–"


def shown(value: object) -> str:
    """A setting as one types it."""
    if isinstance(value, tuple):
        return f"`{' '.join(map(str, value))}`" if value else "none"
    return f"`{value}`"


def table(head: list[str], rows: list[list[str]]) -> str:
    """A Markdown table."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


if __name__ == "__main__":
    main()
