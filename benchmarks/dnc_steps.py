"""Sequence-steps a second of a DNC in training, against the PyPI package dnc.

    python benchmarks/dnc_steps.py [--rounds 5] [--only small large]

Both do forward, backward and a step of Adam on the same random sequences, with the same sizes, an
LSTM as controller, and in turns, so that a slow moment of the machine hits both; medians. A
sequence-step is one time step of one sequence. Writes results/dnc_steps.json.

The package is not among the project's dependencies: pip install --no-deps dnc==1.1.0.
"""

import argparse
import json
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from gradus.core.run import environment
from gradus.memory import DNC

RESULTS = Path(__file__).parent / "results" / "dnc_steps.json"


class Size(NamedTuple):
    """N, W, R, neurons of the controller, sequences side by side, time steps."""

    locations: int
    width: int
    reads: int
    hidden: int
    batch: int
    time: int


SIZES = {"small": Size(10, 10, 1, 64, 16, 40), "large": Size(256, 64, 4, 256, 16, 60)}
Machine = tuple[nn.Module, Callable[[Tensor], Tensor]]


def plain(size: Size, device: str, **settings: Any) -> Machine:
    """`gradus.memory.DNC`; its inputs and outputs have W numbers, as the package's."""
    model = DNC(
        size.width,
        size.width,
        locations=size.locations,
        width=size.width,
        reads=size.reads,
        hidden=size.hidden,
        **settings,
    )
    return model.to(device), lambda x: model(x)[0]


def compiled(size: Size, device: str) -> Machine:
    """The same, all steps one compiled operation."""
    return plain(size, device, compiled=True)


def recomputed(size: Size, device: str) -> Machine:
    """Compiled, and M and L of every 16th step only are kept, not of every eighth."""
    return plain(size, device, compiled=True, recompute=16)


def package(size: Size, device: str) -> Machine:
    """The PyPI package dnc."""
    from dnc import DNC as PyPIDNC

    model = PyPIDNC(
        size.width,
        size.hidden,
        rnn_type="lstm",
        num_layers=1,
        num_hidden_layers=1,
        nr_cells=size.locations,
        cell_size=size.width,
        read_heads=size.reads,
        batch_first=True,
        gpu_id=0 if device == "cuda" else -1,
    )
    return model.to(device), lambda x: model(x, (None, None, None), reset_experience=True)[0]


CONTESTANTS: dict[str, Callable[[Size, str], Machine]] = {
    "gradus": compiled,
    "gradus, recompute 16": recomputed,
    "gradus, not compiled": plain,
    "dnc (PyPI)": package,
}


def main() -> None:
    """Measure, print a table, write it."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--rounds", type=int, default=5, help="training steps of each, in turns")
    parser.add_argument("--only", nargs="*", default=list(SIZES), choices=list(SIZES))
    args = parser.parse_args()
    found = {}
    for name in args.only:
        size = SIZES[name]
        seconds = contest(size, args.rounds)
        rates = {who: size.batch * size.time / median(s) for who, s in seconds.items()}
        found[name] = {"size": size._asdict(), "steps_per_second": rates}
        print(f"\n{name}: {size}")
        for who, rate in rates.items():
            print(f"{who:22} {rate:9,.0f} steps/s  × {rate / rates['dnc (PyPI)']:.2f}", flush=True)
    if args.only == list(SIZES):
        record = {"rounds": args.rounds, "results": found, "machine": environment()}
        RESULTS.write_text(json.dumps(record, indent=2) + "\n")


def contest(size: Size, rounds: int, device: str = "cpu") -> dict[str, list[float]]:
    """Seconds of each training step of each contestant; the first, which warms up, left out."""
    x = torch.randn(size.batch, size.time, size.width, device=device)
    trained = {}
    for who, make in CONTESTANTS.items():
        torch.manual_seed(0)
        model, forward = make(size, device)
        trained[who] = (forward, torch.optim.Adam(model.parameters(), 1e-4))
    seconds: dict[str, list[float]] = {who: [] for who in trained}
    for _ in range(rounds + 1):
        for who, (forward, optimizer) in trained.items():
            seconds[who].append(train_step(forward, optimizer, x))
    return {who: values[1:] for who, values in seconds.items()}


def train_step(
    forward: Callable[[Tensor], Tensor], optimizer: torch.optim.Optimizer, x: Tensor
) -> float:
    """Forward, backward and update; the seconds they took."""
    started = time.perf_counter()
    loss = forward(x).square().mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if x.is_cuda:
        torch.cuda.synchronize()
    return time.perf_counter() - started


if __name__ == "__main__":
    main()
