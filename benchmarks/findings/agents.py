"""Chapter 9: speed against another library, the replay, and agents with a memory over seeds."""

from math import inf
from statistics import mean, median
from typing import Any

from findings.common import benchmark, spread, table, unmeasured, where


def contests() -> str:
    """Steps a second of agents and of stable-baselines3's, as benchmarks/agents.py measured."""
    whole = benchmark("agents")
    found = {name: one for name, one in whole.items() if "medians" in one}
    if not found:
        return ""
    rows = []
    for setting, one in found.items():
        slowest = min(r["steps_per_second"] for r in one["medians"].values())
        rows += [
            [
                f"`{setting}`",
                who,
                f"{r['steps_per_second']:,.0f}",
                f"{r['steps_per_second'] / slowest:.2f}",
                f"{r['steps_per_cpu_second']:,.0f}",
                f"{r['peak_mb']:,.0f}",
                f"{one['threads']}, {one['rounds']}",
            ]
            for who, r in one["medians"].items()
        ]
    head = ["agent", "contestant", "steps/s", "×", "steps/s of processor time", "peak MB"]
    return f"""Agents in training, steps of the environment a second: same network, batch and ratio
of updates to steps on both sides. `benchmarks/agents.py` runs both in turn, each in a process of
its own, and takes medians ({where(whole["machine"])}).

{table([*head, "threads, rounds"], rows)}
"""


def replay() -> str:
    """What a replay of Breakout takes, and whether memory grows, as benchmarks/agents.py found."""
    whole, told = benchmark("agents"), []
    if found := whole.get("replay"):
        told.append(
            f"A replay of Breakout takes {found['bytes_per_step']:,.0f} bytes a step, "
            f"{found['gb_of_a_million']:.2f} GB for 1,000,000 steps; 100,000 steps made the "
            f"process {found['measured_gb_of_100000']:.2f} GB larger. To draw 32 takes "
            f"{found['milliseconds_to_draw_32']:.2f} ms."
        )
    if found := whole.get("soak"):
        told.append(
            f"In {found['steps']:,} steps of training, the first quarter left out, the process "
            f"grew by {found['mb_per_100000_steps']:.1f} MB in 100,000 steps, to "
            f"{found['mb'][-1]:,.0f} MB at the end."
        )
    if not told:
        return unmeasured("agents.py --replay")
    return "\n".join([*told, f"`benchmarks/agents.py` measures it ({where(whole['machine'])}).\n"])


def breakout() -> str:
    """Breakout by DQN, A2C and A3C at equal seconds, as benchmarks/breakout.py found."""
    found = benchmark("breakout")
    if not found:
        return unmeasured("breakout.py RUN ...")
    longest = max(one["seconds"] for one in found.values()) / 60
    minutes = [m for m in (10, 20, 30, 45, 60) if m <= longest]
    rows = [
        [
            f"`{name}`",
            f"{one['steps']:,}",
            f"{one['seconds'] / 60:.0f}",
            *(at_minute(one["curve"], m) for m in minutes),
            f"{one['test']['return']:.1f} ± {one['test']['standard error']:.1f}",
            one["precision"],
        ]
        for name, one in found.items()
    ]
    head = ["agent", "steps", "minutes of a core", *(f"after {m}" for m in minutes), "test"]
    machines = {where(one["machine"]) for one in found.values()}
    return f"""Breakout at equal minutes of a core: mean return of the last hundred episodes of
training, and of the test's with its standard error. One training of each
({", ".join(sorted(machines))}); `benchmarks/breakout.py` reads it from the runs.

{table([*head, "arithmetic"], rows)}
"""


def at_minute(curve: list[list[float]], minute: int) -> str:
    """What the curve had come to by then; a dash once it has ended."""
    till = [value for seconds, value in curve if seconds <= 60 * minute]
    return f"{till[-1]:.1f}" if till and curve[-1][0] >= 60 * minute else "–"


def unreal() -> str:
    """UNREAL, each of its tasks alone, and the actor-critic."""
    found = benchmark("agents_memory").get("unreal")
    if not found:
        return unmeasured("agents_memory.py unreal")
    shares = (0.75, 0.9, 0.95)
    steps = {who: [taken(runs, n) for n in shares] for who, runs in found["entrants"].items()}
    rows = [
        [who, *(f"{'> ' if missed else ''}{n:,.0f}" for n, missed in means), fewer(means, steps)]
        for who, means in steps.items()
    ]
    head = ["agent", *(f"steps to {share:.0%}" for share in shares), "times UNREAL's, to 90%"]
    return f"""In `{found["maze"]}`:

{entrants("unreal")}
Means over the runs; a run that never came so far counts with all its steps (>):

{table(head, rows)}
"""


def taken(runs: list[dict[str, Any]], share: float) -> tuple[float, bool]:
    """Mean steps until a share was solved, and whether a run never came so far."""
    found = [next((n for n, value in r["curve"] if value >= share), None) for r in runs]
    ends = [n or r["curve"][-1][0] for n, r in zip(found, runs, strict=True)]
    return mean(ends), None in found


def fewer(means: list[tuple[float, bool]], everyone: dict[str, Any]) -> str:
    """How many times UNREAL's steps an agent takes to the second share."""
    if "UNREAL" not in everyone:
        return "–"
    steps, missed = means[1]
    return f"{'> ' if missed else ''}{steps / everyone['UNREAL'][1][0]:.1f}"


def a3c() -> str:
    """Two workers over seeds, and how much faster they play than one."""
    if not (found := benchmark("agents_memory").get("scaling")):
        return entrants("a3c") + "\n" + unmeasured("agents_memory.py scaling")
    rates = {workers: median(values) for workers, values in found["steps/s"].items()}
    rows = [[n, f"{rate:,.0f}", f"{rate / rates['1']:.2f}"] for n, rate in rates.items()]
    return f"""{entrants("a3c")}
Steps of the environment a second, medians of {len(found["steps/s"]["1"])} rounds
({where(found["environment"])}):

{table(["workers", "steps/s", "× one worker"], rows)}
"""


def drqn() -> str:
    """With and without memory: on the pole without velocities, and on flickering Breakout."""
    return f"""The pole whose velocities are hidden:

{entrants("drqn")}
MinAtar's Breakout, half of whose frames are dark:

{entrants("flicker")}"""


def doom() -> str:
    """DRQN in Doom."""
    return entrants("doom")


ALONE = ("a3c", "doom")
"""Contests whose trainings are measured one after another, with nothing beside them."""


def entrants(what: str) -> str:
    """A contest of benchmarks/agents_memory.py: the test, and steps until a return was reached.

    Seconds are told of those trainings alone that had the machine to themselves.
    """
    found = benchmark("agents_memory").get(what)
    if not found:
        return unmeasured(f"agents_memory.py {what}")
    rows = [[who, *outcome(runs)] for who, runs in found["entrants"].items()]
    goal = f"{found['threshold']:g}"
    head = ["agent", "test return", f"runs that reach {goal}", f"steps to {goal}", "training"]
    alone = what in ALONE
    what_is_told = "Steps and seconds" if alone else "Steps of the environment"
    columns = len(head) - (not alone)
    checks = found.get("by") == "validation/return"
    of = "of greedy episodes after an epoch" if checks else "of the last hundred of training"
    return f"""{table(head[:columns], [row[:columns] for row in rows])}

The return that is reached is the mean {of}. {what_is_told}
are medians over the runs, a dash where half of them or more do not reach it.
`benchmarks/agents_memory.py` trains each with one thread ({where(found["environment"])}).
"""


def outcome(runs: list[dict[str, Any]]) -> list[str]:
    """Test return, runs that reached the threshold, median steps to it, median seconds."""
    reached = [inf if r["steps to threshold"] is None else r["steps to threshold"] for r in runs]
    steps = median(reached)
    return [
        spread([r["test"]["return"] for r in runs], "{:.4g}".format),
        f"{sum(n < inf for n in reached)} of {len(runs)}",
        f"{steps:,.0f}" if steps < inf else "–",
        f"{median(r['training seconds'] for r in runs):,.0f} s",
    ]
