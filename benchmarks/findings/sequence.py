"""Chapter 7: tagging, parsing, sentiment, translation."""

from statistics import mean, median

from findings.common import benchmark, spread, table, unmeasured, where


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


def translation() -> str:
    """A translator's tokens a second, as benchmarks/translation.py measured them."""
    found = benchmark("translation")
    if not found:
        return ""
    slowest = min(found["training"].values())
    training = [[k, f"{r:,.0f}", f"{r / slowest:.2f}"] for k, r in found["training"].items()]
    decoding = [[name, f"{rate:,.0f}"] for name, rate in found["decoding"].items()]
    return f"""The network of `translate-best` on Multi30k, target tokens a second in training: as
it is, with a decoder that goes step by step, and with batches filled up to their longest sentence
or the corpus's. `benchmarks/translation.py` gives each {found["steps"]} batches in turn,
{found["rounds"]} times, and takes medians ({where(found["machine"])}, {found["threads"]} threads).

{table(["training", "tokens/s", "×"], training)}

Tokens a second of 64 sentences in decoding, with random weights:

{table(["search", "tokens/s"], decoding)}
"""


def softmax() -> str:
    """A full softmax and a sampled one, as benchmarks/softmax.py measured them."""
    found = benchmark("softmax")
    if not found:
        return unmeasured("softmax.py")
    slowest = max(found["medians"].values())
    rows = [[k, f"{1000 * s:.1f}", f"{slowest / s:.1f}"] for k, s in found["medians"].items()]
    return f"""{table(["softmax", "ms", "× as fast"], rows)}

Loss and gradient of {found["tokens"]} tokens, from vectors of {found["width"]} numbers to
{found["words"]:,} words, {found["samples"]} of them sampled; medians of {found["rounds"]} rounds,
{where(found["machine"])}, {found["threads"]} threads. `benchmarks/softmax.py` measures it.
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


def tag_chains() -> str:
    """What the tags before are worth to a tagger, as benchmarks/tagger_global.py found."""
    found = benchmark("tagger_global")
    if not found:
        return unmeasured("tagger_global.py RUN")
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
    took = f"; training took {times}" if times else ""
    crossed = ", ".join(
        f"{n:,} of {all_:,} in {part}" for part, (n, all_) in found["not projective"].items()
    )
    return f"""UD English-EWT's test set, {runs} seed{"s"[: runs > 1]}, {found["threads"]} threads,
medians of speed{took} (`benchmarks/parsing.py`,
{found["machine"]["processor"]}). Sentences whose tree is not projective: {crossed}.

{table(head, rows)}
"""
