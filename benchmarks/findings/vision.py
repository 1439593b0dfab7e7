"""Chapter 5: changes of images, CIFAR-10, neural style."""

from statistics import median

from findings.common import benchmark, spread, table, unmeasured


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


def cifar10() -> str:
    """The networks for CIFAR-10 on a GPU, as benchmarks/cifar10_gpu.py measured them."""
    found = benchmark("cifar10_gpu")
    if not found:
        return ""
    rows = []
    for name, one in found["results"].items():
        reached = len(one["seconds_to_goal"]) == len(one["test"])
        soon = f"{median(one['seconds_to_goal']):.1f} s" if reached else "not in every run"
        rows.append([name, spread(one["test"]), f"{median(one['seconds']):.1f} s", soon])
    train, test = found["images"]
    return f"""CIFAR-10 on {found["device"]}, {train:,} photos to learn and choose from, {test:,} to
test, as `benchmarks/cifar10_gpu.py` measured it: seconds of training, and until {found["goal"]:.0%}
of the validation photos are right.

{table(["network", "test accuracy", "training", f"to {found['goal']:.0%}"], rows)}
"""


def painting() -> str:
    """How long neural style takes, as benchmarks/style.py measured it."""
    found = benchmark("style")
    if not found:
        return unmeasured("style.py")
    rows = [[name, f"{value:g}"] for name, value in found["results"].items()]
    weights = "random weights: the times are those of the published ones, the losses are not"
    judge = weights if found["weights"] == "random" else "the published weights"
    return f"""{table(["", "median"], rows)}

{found["size"]} with VGG-19 ({judge}); {found["steps at each size"]} evaluations at each size;
medians of {found["rounds"]} rounds, {found["processor"]}, {found["threads"]} threads.
`benchmarks/style.py` measures it.
"""
