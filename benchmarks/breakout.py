"""Breakout by DQN, A2C and A3C, side by side at equal seconds, from finished trainings.

    gradus train breakout-dqn --run-dir runs/dqn     (and breakout-a2c, breakout-a3c)
    python benchmarks/breakout.py runs/dqn runs/a2c runs/a3c

Each training takes half an hour or more, so they are made one by one beforehand; a run that was
stopped and resumed will do. The clock counts seconds of a core: an epoch is taken to last as long
as the run's median epoch, times its threads or workers, since a pause would count otherwise.
Draws the curves into figures/breakout.png and writes results/breakout.json.
"""

import argparse
import json
import re
from pathlib import Path
from statistics import median
from typing import Any

import gradus
from gradus.core import plot

RESULTS = Path(__file__).parent / "results" / "breakout.json"
FIGURES = Path("figures")


def main() -> None:
    """Read the runs, tell, write and draw what became of them."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("runs", nargs="+", type=Path, help="folders of finished runs")
    found = {}
    for folder in parser.parse_args().runs:
        run = gradus.open(folder)
        if run.info["status"] != "complete":
            parser.error(f"{folder} is not finished: go on with {run.resume_command()}")
        found[run.recipe.name] = read(run)
        print(run.recipe.name, {k: v for k, v in found[run.recipe.name].items() if k != "curve"})
    RESULTS.write_text(json.dumps(found, indent=1) + "\n")
    draw(found)


def read(run: gradus.Run) -> dict[str, Any]:
    """The curve over seconds of a core, and how it ended."""
    config: Any = run.config
    threads = re.search(r"(\d+) thread", run.info["device"])
    cores = getattr(config, "workers", 1) * int(threads[1] if threads else 1)
    lines = (run.path / "timing.jsonl").read_text().splitlines()
    seconds = cores * median(json.loads(line)["seconds"] for line in lines)
    records = run.records()
    return {
        "seed": run.info["seed"],
        "precision": config.precision,
        "machine": run.info["environment"],
        "cores": cores,
        "steps": records[-1]["step"],
        "seconds": seconds * len(records),
        "curve": [
            (record["epoch"] * seconds, record["train/return"])
            for record in records
            if record["train/return"] is not None
        ],
        "test": run.results["test"],
    }


def draw(found: dict[str, Any]) -> None:
    """Returns in training over minutes of a core."""
    with plot.style():
        fig, (ax,) = plot.new_figure()
        for number, (name, one) in enumerate(found.items()):
            minutes, returns = zip(*((s / 60, value) for s, value in one["curve"]), strict=True)
            ax.plot(minutes, returns, color=plot.PALETTE[number], label=name)
        ax.set(xlabel="minutes of a core", ylabel="return, mean of the last 100 episodes")
        first = max(found, key=lambda name: found[name]["curve"][-1][1])
        best = found[first]["curve"][-1]
        plot.title(
            fig,
            f"{first} is ahead: {best[1]:.0f} after {best[0] / 60:.0f} minutes of a core",
            "Breakout, one training of each, exploration included; at random about 1.2",
        )
        plot.end_labels(ax)
        FIGURES.mkdir(exist_ok=True)
        plot.save(fig, FIGURES / "breakout.png")


if __name__ == "__main__":
    main()
