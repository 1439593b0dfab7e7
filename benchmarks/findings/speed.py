"""What docs/results.md tells of speed."""

from findings import agents, embed, memory, sequence, vision
from findings.common import benchmark, table, where


def speed() -> str:
    """What was measured of speed, in the order of the chapters."""
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
        vision.image_changes(),
        vision.cifar10(),
        embed.word2vec(),
        sequence.sentiment(),
        sequence.translation(),
        memory.computers(),
        memory.computers_on_gpu(),
        agents.contests(),
    ]
    told = "\n".join(part for part in parts if part)
    return f"## Speed\n\n{told}" if told else ""


def contest(name: str, what: str) -> str:
    """A contest of training loops, as benchmarks/contest.py ran it."""
    found = benchmark(name)
    if not found:
        return ""
    medians = found["medians"]
    bare = medians["bare PyTorch loop"]
    rows = [
        [one, f"{value:.3f}", f"{found['images'] / value:,.0f}", f"{value / bare:.2f}"]
        for one, value in sorted(medians.items(), key=lambda item: item[1])
    ]
    return f"""{what.format(**found)}
`gradus` is the whole command: progress bar, TensorBoard, checkpoints. `benchmarks/{name}.py` runs
all in turn, {found["rounds"]} times, each in a process of its own, and takes medians
({where(found["machine"])}).

{table(["contestant", "s/epoch", "images/s", "× bare loop"], rows)}
"""
