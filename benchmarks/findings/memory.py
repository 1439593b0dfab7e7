"""Chapter 8: machines with a memory."""

from collections.abc import Mapping
from statistics import mean

from findings.common import benchmark, spread, table, unmeasured, where
from gradus.memory.run_figures import BOOK, PAPER

HEAD = ["memory", "contestant", "steps/s", "× dnc (PyPI)"]


def computers() -> str:
    """Differentiable Neural Computers in training, as benchmarks/dnc_steps.py measured them."""
    found = benchmark("dnc_steps")
    if not found:
        return ""
    rows = []
    for one in found["results"].values():
        size = one["size"]
        sizes = f"N {size['locations']}, W {size['width']}, R {size['reads']}"
        rows += against_peer(sizes, one["steps_per_second"])
    return f"""A DNC in training (forward, backward, update), batches of 16 sequences: time steps of
one sequence a second, as `benchmarks/dnc_steps.py` measured them in {found["rounds"]} rounds
({where(found["machine"])}).

{table(HEAD, rows)}
"""


def computers_on_gpu() -> str:
    """The same on a GPU, as benchmarks/dnc_gpu.py measured it."""
    found = benchmark("dnc_gpu")
    if not found:
        return ""
    rows = [row for k, v in found["steps_per_second"].items() for row in against_peer(k, v)]
    return f"""The same on {found["device"]}, as `benchmarks/dnc_gpu.py` measured it; the sizes are
those of `benchmarks/dnc_steps.py`.

{table(HEAD, rows)}
"""


def against_peer(memory: str, rates: Mapping[str, float]) -> list[list[str]]:
    """A row for each contestant."""
    peer = rates["dnc (PyPI)"]
    return [[memory, who, f"{rate:,.0f}", f"{rate / peer:.2f}"] for who, rate in rates.items()]


def stories_on_gpu() -> str:
    """What some minutes on a GPU taught of bAbI, as benchmarks/dnc_gpu.py measured it."""
    found = benchmark("dnc_gpu")
    if "results" not in found:
        return unmeasured("dnc_gpu.py")
    tests = {recipe: results["test"] for recipe, results in found["results"].items()}
    columns = [[by_task(test, task) for task in range(1, 21)] for test in tests.values()]
    columns += [BOOK, PAPER]
    first = next(iter(tests.values()))
    names = [name.removeprefix("error ") for name in first if name.startswith("error ")]
    rows = [[name, *map("{:.1%}".format, row)] for name, *row in zip(names, *columns, strict=True)]
    rows.append(["mean", *(f"{mean(column):.1%}" for column in columns)])
    head = ["task", *(f"`{recipe}`" for recipe in tests), "the book's DNC", "the paper's, mean"]
    told = ", ".join(f"`{recipe}` {one['epochs']}" for recipe, one in found["results"].items())
    return f"""How trainings of all 20 tasks together begin on {found["device"]}: epochs of {told};
seed 0, with the settings of `benchmarks/dnc_gpu.py`. The book's and the paper's were trained to the
end. Questions of the test set answered wrong:

{table(head, rows)}
"""


def by_task(test: Mapping[str, float], task: int) -> float:
    """The error of one task."""
    return next(error for name, error in test.items() if name.startswith(f"error {task},"))


def stability() -> str:
    """How many long trainings break off, as benchmarks/memory_stability.py found."""
    found = benchmark("memory_stability")
    if not found:
        return unmeasured("memory_stability.py")
    rows = []
    for recipe, runs in found["results"].items():
        whole = [run for run in runs if "error" not in run]
        learned = sum(run["epoch_under_0.01"] is not None for run in whole)
        bits = spread([run["bits"] for run in whole], "{:.4f}".format) if whole else "–"
        cells = (f"{n} of {len(runs)}" for n in (len(runs) - len(whole), learned))
        rows.append([f"`{recipe}`", *cells, bits])
    return f"""{table(["recipe", "broke off", "came under 0.01 bits", "bits at the end"], rows)}

Trainings of {found["steps"]:,} updates on sequences of up to 50 vectors, a seed each; validation
bits a sequence. A training breaks off where its loss or a parameter is not finite.
`benchmarks/memory_stability.py` measures it ({where(found["machine"])}).
"""
