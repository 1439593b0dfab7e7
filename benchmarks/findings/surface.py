"""Chapter 4: starts, momentum, methods of second order, looks at the surface, rules of rates."""

from statistics import mean, median, stdev

from findings.common import benchmark, spread, table, unmeasured


def starts() -> str:
    """The deep sigmoid net from several starts, as benchmarks/pretraining.py measured it."""
    whole = benchmark("pretraining")
    if not whole:
        return unmeasured("pretraining.py")
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
        return unmeasured("momentum.py")
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
        return unmeasured("surface.py")
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
        return unmeasured("lr_range.py")
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
