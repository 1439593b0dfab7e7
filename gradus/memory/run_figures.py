"""The figures of a finished run with a memory: functions of the run."""

from typing import Any

import numpy as np
import torch
from matplotlib.figure import Figure

from gradus.core import plot
from gradus.core.run import Run
from gradus.memory.babi import tensors
from gradus.memory.dnc import DNC
from gradus.memory.drawing import dnc_figure, gates_over_time, ntm_figure, over_time
from gradus.memory.losses import wrong_bits
from gradus.memory.tasks import PROBLEMS, examples
from gradus.memory.trace import save_trace, trace
from gradus.memory.train import error_at, read_stories
from gradus.nn.run_figures import curves

SHOWN = 4_000
"""Seed of the sequence that is drawn."""
BOOK = (
    0.0, 0.1188, 0.2780, 0.0140, 0.0170, 0.0050, 0.0490, 0.0210, 0.0080, 0.0170,
    0.0010, 0.0000, 0.0040, 0.1180, 0.4544, 0.5643, 0.3902, 0.0868, 0.9821, 0.0271,
)  # fmt: skip
"""Error by task that the book reports for its DNC."""
PAPER = (
    0.090, 0.392, 0.396, 0.004, 0.015, 0.069, 0.098, 0.055, 0.077, 0.096,
    0.033, 0.050, 0.031, 0.110, 0.272, 0.536, 0.324, 0.042, 0.646, 0.000,
)  # fmt: skip
"""Mean error by task of the paper's DNC (Graves et al. 2016, extended data table 1)."""


@plot.style()
def memory(run: Run) -> Figure:
    """What the memory does with one sequence; the arrays are kept in trace.npz."""
    config: Any = run.config
    model = run.task().model
    problem, length = PROBLEMS[config.problem], config.longest
    batch = examples(problem, (length,), 1, config.bits, SHOWN)
    model.eval()
    found = trace(model, batch[0][0])
    save_trace(run, found)
    asked = batch[2][0].numpy()[:, None]
    outputs = asked / (1 + np.exp(-found["outputs"]))
    wrong = int(wrong_bits(torch.from_numpy(found["outputs"])[None], *batch[1:]).sum())
    fig = dnc_figure(found, outputs) if isinstance(model, DNC) else ntm_figure(found, outputs)
    bits = int(asked.sum()) * outputs.shape[1]
    said = "All" if wrong == 0 else f"{bits - wrong:,} of"
    plot.title(
        fig,
        f"{said} {bits:,} bits are said right; where the memory is written and read",
        f"{run.recipe.name}, {problem.length}: {length}; time to the right; weightings from 0, "
        "white, to 1, ink",
    )
    return fig


@plot.style()
def lengths(run: Run) -> Figure:
    """How many sequences are said exactly, by their length, in training and beyond."""
    config: Any = run.config
    model = run.task().model
    model.eval()
    longest = max(config.longest, *config.longer, 1)
    points = np.unique(np.linspace(config.shortest, longest, 25).round().astype(int))
    errors = np.array([error_at(config, model, int(n)) for n in points])
    fig, (ax,) = plot.new_figure()
    ax.axvspan(config.shortest, config.longest, color=plot.GRID)
    ax.plot(points, 100 * errors, "o-", markersize=5)
    ax.set(ylim=(-4, 104), ylabel="sequences with a bit wrong (%)")
    ax.set_xlabel(PROBLEMS[config.problem].length)
    exact = points[np.minimum.accumulate(errors == 0)]
    plot.title(
        fig,
        f"Without an error up to length {exact[-1]}" if len(exact) else "No length is exact yet",
        f"{run.recipe.name}; 20 sequences of each length, up to the first length with an error; "
        "shaded: the lengths of the training",
    )
    return fig


@plot.style()
def bits(run: Run) -> Figure:
    """Bits a sequence over the epochs, and the goal, or what the best possible predictor needs."""
    config: Any = run.config
    records, tested = run.records(), run.results["test"]
    found = [record["validation/bits"] for record in records]
    fig, (ax,) = plot.new_figure()
    ax.plot([record["epoch"] for record in records], found, "o-", markersize=3)
    ax.set(xlabel=f"epoch of {config.batches} batches", ylabel="bits a sequence, validation")
    best = tested.get("bits of the best")
    line, name = (config.goal, "goal") if best is None else (best, "the best predictor")
    if line:
        ax.axhline(line, color=plot.PALETTE[1], linestyle="--")
        ax.annotate(name, (1, line), va="bottom", color=plot.readable(plot.PALETTE[1]))
    if best is None:
        ax.set_yscale("log")
        ax.yaxis.set_major_formatter("{x:g}")
    than = "" if best is None else f"; the best predictor needs {best:.1f}"
    plot.title(
        fig,
        f"A test sequence costs {tested['bits']:.3g} bits{than}",
        f"{run.recipe.name}; the curve is of the validation set; best epoch "
        f"{run.results['best_epoch']} of {run.results['epochs']}",
    )
    return fig


@plot.style()
def errors(run: Run) -> Figure:
    """Error by task, beside the book's and the paper's."""
    config: Any = run.config
    tested, names = run.results["test"], run.info["facts"]["tasks"]
    numbers = [int(task) for task in names]
    ours = np.array([tested[f"error {t}, {names[str(t)]}"] for t in numbers])
    fig, (ax,) = plot.new_figure(size=(8.5, 1.8 + 0.32 * len(numbers)))
    rows = np.arange(len(numbers))
    ax.barh(rows, 100 * ours, color=plot.PALETTE[0], height=0.6, label="ours")
    for values, mark, colour, label in (
        (BOOK, "D", plot.PALETTE[1], "the book's DNC"),
        (PAPER, "o", plot.PALETTE[2], "the paper's DNC, mean"),
    ):
        there = [100 * values[t - 1] for t in numbers]
        ax.plot(there, rows, mark, color=colour, markersize=6, label=label)
    ax.axvline(5, color=plot.GREY, linewidth=1, linestyle=":")
    ax.set_yticks(rows, [f"{t} {names[str(t)]}" for t in numbers])
    ax.set(xlim=(0, 100), xlabel="questions answered wrong (%)")
    ax.invert_yaxis()
    ax.legend(loc="lower right")
    plot.title(
        fig,
        f"{tested['error, mean of tasks']:.1%} of the questions are answered wrong, the mean of "
        f"{len(numbers)} tasks; {tested['tasks failed']:.0f} fail",
        f"{run.recipe.name}, test set, data {config.data}; "
        "a task fails above 5 %, dotted; the book's and the paper's are of bAbI en-10k",
    )
    return fig


@plot.style()
def story(run: Run) -> Figure:
    """Where the memory is written and read as a test story is told; arrays kept in trace.npz."""
    config: Any = run.config
    known, reader = run.info["facts"]["words"], run.task().model
    told = read_stories(config)["test"]
    one = min((s for part in told.values() for s in part), key=lambda s: len(s.words))
    numbers = tensors([one], known)[0]
    reader.eval()
    found = trace(reader.network, torch.nn.functional.one_hot(numbers[0], len(known)).float())
    save_trace(run, found)
    said = [known[i] for i in found["outputs"].argmax(1)]
    right = sum(said[place] == word for place, word, _ in one.answers)
    fig, axes = plot.new_figure(3, 1, (max(7, 0.19 * len(one.words)), 8))
    over_time(axes[0], found["write_weightings"][:, 0], "write weighting\nby location")
    over_time(axes[1], found["read_weightings"][:, 0], "read weighting\nof the first head")
    places = {place: said[place] for place, _, _ in one.answers}
    axes[2].set_xticks(
        range(len(one.words)),
        [f"[{places[i]}]" if i in places else word for i, word in enumerate(one.words)],
        rotation=90,
        size=8,
    )
    for ax in axes[:2]:
        ax.tick_params(labelbottom=False)
    gates = {"write": "write_gate", "allocation": "allocation_gate"}
    gates_over_time(axes[2], {name: found[key][:, 0] for name, key in gates.items()})
    plot.title(
        fig,
        f"{right} of {len(one.answers)} answers are right in this story",
        f"{run.recipe.name}; task {one.task}; in brackets what the network says; weightings from "
        "0, white, to 1, ink",
    )
    return fig


PREDICTION_RUN = {"learning-curves": bits}
EXACT_RUN = {**PREDICTION_RUN, "memory": memory, "lengths": lengths}
STORY_RUN = {"learning-curves": curves, "errors": errors}
STORY_DNC_RUN = {**STORY_RUN, "story": story}
