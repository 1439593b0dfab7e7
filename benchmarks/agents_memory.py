"""UNREAL against its base, A3C with one and two workers, DRQN against DQN: each over seeds.

    python benchmarks/agents_memory.py unreal [--seeds 5] [--jobs 2] [--steps 100000]
    python benchmarks/agents_memory.py a3c [--seeds 10]
    python benchmarks/agents_memory.py scaling [--rounds 3]
    python benchmarks/agents_memory.py drqn [--seeds 5] [--jobs 2]
    python benchmarks/agents_memory.py flicker [--seeds 3] [--jobs 2]
    python benchmarks/agents_memory.py doom [--seeds 3] [--jobs 2]

Every training is a process of its own with one thread, `--jobs` of them at a time. Kept are the
curves over environment steps, the steps until the mean return of the last hundred episodes of
training (of A3C's: of its greedy checks) first reached a threshold, and the test. `unreal` trains
the actor-critic alone, each task alone and all three, and draws the curves with bands into
figures/. Results go to benchmarks/results/agents_memory.json.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from statistics import mean, median
from typing import Any

from findings.agents import taken

from gradus import catalog
from gradus.core.run import environment

RESULTS = Path(__file__).parent / "results" / "agents_memory.json"
FIGURES = Path("figures")
OFF = {"pixel-control": "0", "reward-prediction": "0", "value-replay": "0"}
UNCHECKED = {"check-episodes": "0"}  # the goal is then one of the episodes that are counted
TASKS = {
    "actor-critic": {**OFF, **UNCHECKED},
    **{name: {k: v for k, v in OFF.items() if k != name} | UNCHECKED for name in OFF},
    "UNREAL": UNCHECKED,
    "actor-critic, 8 games": {**OFF, **UNCHECKED, "games": "8"},
}
"""The last: the base at the best of the numbers of games and rates that were tried for it."""
POLE = {"environment": "Masked/CartPole-v1"}
DARK = {"environment": "Flicker/0.5/MinAtar/breakout", "goal": "0"}
SCALING_STEPS = 204_800
TRAINING, CHECKS = "train/return", "validation/return"
"""By which returns a threshold is reached."""


def main() -> None:
    """Measure what is named, tell and keep it."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("what", choices=[*CONTESTS, "a3c", "scaling"])
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--jobs", type=int, default=2, help="trainings at a time")
    parser.add_argument("--steps", type=int, default=0, help="of the environment (0: the recipe's)")
    parser.add_argument("--maze", default="Maze/8", help="of unreal")
    parser.add_argument("--rounds", type=int, default=3, help="of the scaling")
    args = parser.parse_args()
    started = time.perf_counter()
    if args.what == "a3c":
        two = {"2 workers": ("cartpole-a3c", {"workers": "2"})}
        found = contest(two, args, 475.0, jobs=1, by=CHECKS)
    elif args.what == "scaling":
        found = scaling(args.rounds)
    else:
        entrants, threshold = CONTESTS[args.what]
        if args.what == "unreal":
            maze = {"environment": args.maze}
            entrants = {who: (name, {**maze, **given}) for who, (name, given) in entrants.items()}
        found = contest(entrants, args, threshold, args.jobs)
    if args.what == "unreal":
        found["maze"] = args.maze
    found |= {"minutes": (time.perf_counter() - started) / 60, "environment": environment()}
    kept = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
    RESULTS.write_text(json.dumps({**kept, args.what: found}, indent=1) + "\n")
    if args.what == "unreal":
        draw(found)


def contest(
    entrants: Mapping[str, tuple[str, Mapping[str, str]]],
    args: argparse.Namespace,
    threshold: float,
    jobs: int,
    by: str = TRAINING,
) -> dict[str, Any]:
    """All entrants over all seeds."""
    work = [(who, seed) for seed in range(args.seeds) for who in entrants]
    with ThreadPoolExecutor(jobs) as pool:
        done = list(
            pool.map(lambda w: train(*entrants[w[0]], w[1], args.steps, threshold, by), work)
        )
    found: dict[str, Any] = {who: [] for who in entrants}
    for (who, _), result in zip(work, done, strict=True):
        found[who].append(result)
    for who, results in found.items():
        reached = [r["steps to threshold"] for r in results]
        hits = [n for n in reached if n is not None]
        print(
            f"{who:20} test {mean(r['test']['return'] for r in results):8.3f}   "
            f"{len(hits)} of {len(results)} reach {threshold:g}, "
            f"mean {mean(hits) if hits else float('nan'):,.0f} steps, "
            f"{median(r['seconds'] for r in results):.0f} s",
            flush=True,
        )
    return {"threshold": threshold, "by": by, "entrants": found}


def train(
    recipe: str, settings: Mapping[str, str], seed: int, steps: int, threshold: float, by: str
) -> dict[str, Any]:
    """One training through the command line."""
    words = [sys.executable, "-m", "gradus", "train", recipe, "--seed", str(seed)]
    for name, value in settings.items():
        words += [f"--{name}", value]
    if steps:
        words += ["--epochs", str(steps // catalog.recipe(recipe).config.steps)]  # type: ignore[attr-defined]
    with tempfile.TemporaryDirectory() as folder:
        run, started = Path(folder) / "run", time.perf_counter()
        threads = {**os.environ, "OMP_NUM_THREADS": "1"}
        done = subprocess.run(
            [*words, "--run-dir", str(run)], capture_output=True, text=True, env=threads
        )
        if done.returncode:
            raise SystemExit(f"{' '.join(words)} failed:\n{done.stderr[-3000:]}")
        seconds = time.perf_counter() - started
        records = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
        info = json.loads((run / "run.json").read_text())
    curve = [(r["step"], r[by]) for r in records if r[by] is not None]
    reached = next((step for step, value in curve if value >= threshold), None)
    result = {"seed": seed, "seconds": seconds, "steps to threshold": reached, "curve": curve}
    print(recipe, dict(settings), seed, reached, f"{seconds:.0f} s", flush=True)
    return {
        **result,
        "training seconds": info["results"]["seconds"],
        "test": info["results"]["test"],
    }


def scaling(rounds: int) -> dict[str, Any]:
    """Environment steps a second of A3C with 1 and 2 workers, in turn, once all have begun.

    Both are worker processes, the one too, and each plays as many steps; told are medians.
    """
    import torch

    from gradus.agents.beyond.a3c import Order, share, work
    from gradus.agents.beyond.supervise import Crew
    from gradus.agents.build import network
    from gradus.agents.envs import make_games
    from gradus.core.optim import make_optimizer

    rates: dict[int, list[float]] = {1: [], 2: []}
    for _ in range(rounds):
        for workers in rates:
            config: Any = catalog.recipe("cartpole-a3c").configure(
                workers=workers, steps=workers * SCALING_STEPS // 2, unroll=16, games=16
            )
            torch.manual_seed(0)
            games = make_games(config.environment, 1)
            model = network(config, games.shape, len(games.actions))
            optimizer = make_optimizer(config.optimizer, model.parameters(), config.lr)
            shared = share(config, model, optimizer, alone=False)
            crew = Crew(work, [shared] * workers)
            orders = [Order(0, worker) for worker in range(workers)]
            shared.done[0] = config.steps - 1  # a short order first: everyone has begun then
            crew.run(orders, lambda: None)
            shared.done.zero_()
            started = time.perf_counter()
            crew.run(orders, lambda: None)
            rates[workers].append(float(shared.done[0]) / (time.perf_counter() - started))
            crew.stop()
            print(workers, f"{rates[workers][-1]:,.0f} steps/s", flush=True)
    ratio = median(rates[2]) / median(rates[1])
    print(f"2 workers play {ratio:.2f} times as fast as 1")
    return {"steps/s": {str(n): values for n, values in rates.items()}, "ratio": ratio}


def draw(found: dict[str, Any]) -> None:
    """Curves of UNREAL, each task alone, and the base, with bands over seeds."""
    import numpy as np

    from gradus.agents.drawing import band
    from gradus.core import plot

    with plot.style():
        fig, (ax,) = plot.new_figure()
        steps = {}
        everyone = [run for results in found["entrants"].values() for run in results]
        grid = np.linspace(2_000, max(run["curve"][-1][0] for run in everyone), 60)
        for number, (who, results) in enumerate(found["entrants"].items()):
            runs = np.stack([np.interp(grid, *zip(*r["curve"], strict=True)) for r in results])
            band(ax, grid.tolist(), runs, who.replace("-", " "), number)
            steps[who] = taken(results, found["threshold"])
        ax.set(xlabel="steps of the environment", ylabel="share of mazes solved in training")
        fewer = [
            f"{'at least ' if missed else ''}{n / steps['UNREAL'][0]:.1f}"
            for n, missed in (steps["actor-critic"], steps["actor-critic, 8 games"])
        ]
        config: Any = catalog.recipe("maze-unreal").config
        plot.title(
            fig,
            f"UNREAL solves {found['threshold']:.0%} of mazes with {fewer[0]} times fewer "
            f"steps than without its tasks, {fewer[1]} times fewer than the best base",
            f"maze-unreal, {len(results)} seeds, mean ± one standard error; last 100 episodes. A "
            f"training ends at {config.goal:.0%} and keeps its last value here; one that never "
            "came so far counts with all its steps",
        )
        plot.end_labels(ax)
        plot.save(fig, FIGURES / "unreal.png")


CONTESTS: dict[str, tuple[dict[str, tuple[str, Mapping[str, str]]], float]] = {
    "unreal": ({who: ("maze-unreal", settings) for who, settings in TASKS.items()}, 0.9),
    "drqn": ({"DRQN": ("cartpole-drqn", {}), "DQN": ("cartpole-dqn", POLE)}, 450.0),
    "flicker": ({"DRQN": ("cartpole-drqn", DARK), "DQN": ("cartpole-dqn", DARK)}, 2.0),
    "doom": ({"DRQN": ("vizdoom-drqn", {})}, 80.0),
}

if __name__ == "__main__":
    main()
