"""What every table needs: the file a benchmark wrote, means over seeds, Markdown."""

import json
from collections.abc import Callable
from pathlib import Path
from statistics import mean, stdev
from typing import Any

RESULTS = Path(__file__).parents[1] / "results"


def benchmark(name: str) -> dict[str, Any]:
    """What a benchmark wrote; empty if it was not run."""
    file = RESULTS / f"{name}.json"
    return json.loads(file.read_text()) if file.exists() else {}


def unmeasured(command: str) -> str:
    """What stands where a benchmark was not run: how to run it, such as `codes.py hashing`."""
    return f"Not measured yet: `python benchmarks/{command}` does it.\n"


def averaged(found: list[dict[str, Any]], name: str, key: str, form: str = "{:.2f}") -> str:
    """The mean over the seeds, or a dash."""
    values = [one[name][key] for one in found]
    return "–" if None in values else form.format(mean(values))


def seeds(found: list[dict[str, Any]]) -> str:
    """Over how many seeds."""
    return "seed 0" if len(found) == 1 else f"mean of {len(found)} seeds"


def spread(values: list[float], show: Callable[[float], str] = "{:.2%}".format) -> str:
    """Mean ± standard deviation, or of a single value the value; shares, or as `show` has it."""
    last = f" ± {show(stdev(values))}" if len(values) > 1 else ""
    return show(mean(values)) + last


def where(machine: dict[str, Any]) -> str:
    """The processor and its cores, of what `environment` told."""
    return f"{machine['processor']}, {machine['cores']} cores"


def table(head: list[str], rows: list[list[str]]) -> str:
    """A Markdown table."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
