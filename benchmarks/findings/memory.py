"""Chapter 8: machines with a memory."""

from collections.abc import Mapping

from findings.common import benchmark, spread, table, unmeasured, where

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
    """What some minutes on a GPU taught a DNC of bAbI, as benchmarks/dnc_gpu.py measured it."""
    found = benchmark("dnc_gpu")
    if not found:
        return unmeasured("dnc_gpu.py")
    results = found["results"]
    errors = {k: v for k, v in results["test"].items() if k.startswith("error ")}
    rows = [[name.removeprefix("error "), f"{error:.1%}"] for name, error in errors.items()]
    return f"""The beginning of a training of `{found["recipe"]}` on {found["device"]}:
{results["epochs"]} epochs in {results["seconds"] / 60:.0f} minutes, seed 0. On the test set the
mean error of the tasks is {results["test"]["error, mean of tasks"]:.1%},
{results["test"]["tasks failed"]:.0f} tasks failed (`benchmarks/dnc_gpu.py`).

{table(["task", "error"], rows)}
"""


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

Trainings of {found["steps"]:,} updates, a seed each; validation bits a sequence. A training breaks
off where its loss or a parameter is not finite.
`benchmarks/memory_stability.py` measures it ({where(found["machine"])}).
"""
