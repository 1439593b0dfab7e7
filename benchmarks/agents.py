"""Steps of the environment a second, of agents: against stable-baselines3, in one run.

    python benchmarks/agents.py [--rounds 3] [--only breakout-dqn ...] [--threads 2] [--seconds 20]

Four settings, each with the same network, rewards, batch and ratio of updates to steps on both
sides, ε constant at 0.05: DQN in one game of Breakout (train_freq 4, batch 32, replay of 10,000)
and A2C in 16, ours in half precision too; A2C in 8 games of CartPole (A2C makes five steps an
update, by Adam), and DQN in CartPole (4 games, an update of 64 every 4 steps). Every contestant
runs in a process of its own, in turn, warmed up first; told are medians of the rounds. Beside
steps a second of wall time stands the same of processor time, which other work on the machine
moves less. Results go to benchmarks/results/agents.json.

`--replay` measures the replay, `--soak` 200,000 steps of Breakout with the memory's growth.
"""

import argparse
import contextlib
import json
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

RESULTS = Path(__file__).parent / "results" / "agents.json"
SETTINGS = ("breakout-dqn", "breakout-a2c", "cartpole-a2c", "cartpole-dqn")
REPLAY, EPSILON, SEED, ENDLESS = 10_000, 0.05, 0, 2_000_000
HALF = "gradus, bf16-mixed"
WARM = {"breakout-dqn": 400, "breakout-a2c": 800, "cartpole-a2c": 2_000, "cartpole-dqn": 2_000}


def main() -> None:
    """Run everyone in turn, tell and keep the results."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--rounds", type=int, default=3, help="runs of each")
    parser.add_argument("--only", nargs="*", default=list(SETTINGS), help="settings")
    parser.add_argument("--threads", type=int, default=2, help="of torch and the emulators")
    parser.add_argument("--seconds", type=float, default=20.0, help="of a run")
    parser.add_argument("--replay", action="store_true", help="measure the replay instead")
    parser.add_argument("--soak", action="store_true", help="look for growing memory instead")
    parser.add_argument("--run", nargs=2, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.run:
        who, setting = args.run
        print("RESULT", json.dumps(CONTESTANTS[who](setting, args.threads, args.seconds)))
    elif args.replay:
        keep("replay", measure_replay())
    elif args.soak:
        keep("soak", soak(args.threads))
    else:
        for setting in args.only:
            keep(setting, contest(setting, args))


def contest(setting: str, args: argparse.Namespace) -> dict[str, Any]:
    """All rounds of a setting."""
    here = [who for who in CONTESTANTS if who != HALF or setting.startswith("breakout")]
    found: dict[str, list[dict[str, float]]] = {who: [] for who in here}
    for _ in range(args.rounds):
        for who in here:
            words = ["--run", who, setting, "--threads", str(args.threads)]
            words += ["--seconds", str(args.seconds)]
            done = subprocess.run(
                [sys.executable, __file__, *words], capture_output=True, text=True
            )
            if done.returncode:
                raise SystemExit(f"{who} failed:\n{done.stderr[-3000:]}")
            line = next(x for x in done.stdout.splitlines() if x.startswith("RESULT"))
            found[who].append(json.loads(line[7:]))
            print(setting, who, line[7:], flush=True)
    medians = {
        who: {key: median(r[key] for r in runs) for key in runs[0]} for who, runs in found.items()
    }
    theirs = medians[here[-1]]["steps_per_second"]
    for who in here[:-1]:
        times = medians[who]["steps_per_second"] / theirs
        print(f"{setting}: {who} makes {times:.2f} times the steps/s", flush=True)
    return {"medians": medians, "rounds": args.rounds, "threads": args.threads}


def keep(part: str, found: dict[str, Any]) -> None:
    """Add a part to the file."""
    from gradus.core.run import environment

    print(part, json.dumps(found), flush=True)
    old = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
    record = {**old, part: found, "machine": environment()}
    RESULTS.write_text(json.dumps(record, indent=1) + "\n")


class Over(Exception):
    """The time to be measured is over."""


class Clock:
    """Steps a second from the end of a warm-up on; `tick` raises `Over` when it is enough."""

    def __init__(self, setting: str, seconds: float) -> None:
        self.warm, self.seconds = WARM[setting], seconds
        self.done, self.started, self.busy, self.before = 0, 0.0, 0.0, 0

    def tick(self, steps: int, loss: float = 0.0) -> None:
        """So many steps were made."""
        self.done += steps
        if not self.started and self.done >= self.warm:
            self.started, self.busy = time.perf_counter(), time.process_time()
            self.before = self.done
        elif self.started and time.perf_counter() - self.started >= self.seconds:
            raise Over

    def told(self) -> dict[str, float]:
        """What came of it."""
        wall, cpu = time.perf_counter() - self.started, time.process_time() - self.busy
        done = self.done - self.before
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        return {
            "steps_per_second": done / wall,
            "steps_per_cpu_second": done / cpu,
            "peak_mb": peak,
        }


def ours(
    setting: str, threads: int, seconds: float, precision: str = "float32"
) -> dict[str, float]:
    """Gradus: the recipe's own loop."""
    import torch

    from gradus import catalog
    from gradus.core.practice import build_practice

    torch.set_num_threads(threads)
    same: dict[str, Any] = {"seed": SEED, "steps": ENDLESS, "check_episodes": 0}
    same["precision"] = precision
    same |= {
        "breakout-dqn": {
            "games": 1,
            "replay": REPLAY,
            "learning_starts": 100,
            "explore": f"epsilon-{EPSILON}",
            "double": False,
            "n_step": 1,
            "lr": 1e-4,
        },
        "breakout-a2c": {"games": 16, "unroll": 5, "schedule": "constant"},
        "cartpole-a2c": {
            "games": 8,
            "unroll": 5,
            "hidden": (64, 64),
            "apart": True,
            "schedule": "constant",
            "lr": 7e-4,
        },
        "cartpole-dqn": {
            "games": 4,
            "batch_size": 64,
            "train_every": 4,
            "learning_starts": 100,
            "double": False,
            "explore": f"epsilon-{EPSILON}",
            "hidden": (64, 64),
        },
    }[setting]
    recipe = catalog.recipe(setting)
    practice = build_practice(recipe, recipe.configure(**same), torch.device("cpu"))
    clock = Clock(setting, seconds)
    with contextlib.suppress(Over):
        practice.epoch(0, clock.tick)
    return clock.told()


def theirs(setting: str, threads: int, seconds: float) -> dict[str, float]:
    """stable-baselines3, with its own wrappers of Atari."""
    import torch
    from stable_baselines3 import A2C, DQN
    from stable_baselines3.common.callbacks import BaseCallback
    from stable_baselines3.common.env_util import make_atari_env, make_vec_env
    from stable_baselines3.common.vec_env import VecFrameStack

    torch.set_num_threads(threads)
    games = {"breakout-dqn": 1, "breakout-a2c": 16, "cartpole-a2c": 8, "cartpole-dqn": 4}[setting]
    if setting.startswith("breakout"):
        import ale_py
        import gymnasium

        gymnasium.register_envs(ale_py)
        env = make_atari_env("BreakoutNoFrameskip-v4", n_envs=games, seed=SEED)
        env, policy = VecFrameStack(env, 4), "CnnPolicy"
    else:
        env, policy = make_vec_env("CartPole-v1", n_envs=games, seed=SEED), "MlpPolicy"
    if setting.endswith("a2c"):
        model: Any = A2C(
            policy, env, n_steps=5, ent_coef=0.01, use_rms_prop=False, device="cpu", seed=SEED
        )
    else:
        one = setting == "breakout-dqn"
        model = DQN(
            policy,
            env,
            batch_size=32 if one else 64,
            train_freq=4 if one else 1,
            gradient_steps=1,
            buffer_size=REPLAY,
            learning_starts=100,
            exploration_initial_eps=EPSILON,
            exploration_final_eps=EPSILON,
            optimize_memory_usage=False,
            device="cpu",
            seed=SEED,
        )

    clock = Clock(setting, seconds)

    class Tick(BaseCallback):
        """The clock ticks at every step."""

        def _on_step(self) -> bool:
            clock.tick(games)
            return True

    with contextlib.suppress(Over):
        model.learn(ENDLESS, Tick())
    return clock.told()


def measure_replay() -> dict[str, float]:
    """Bytes of a step, memory of 100,000 stored ones, and the time to draw 32."""
    import numpy as np

    from gradus.agents.replay import Replay

    before = resident()
    replay = Replay(100_000, 1, (4, 84, 84), np.uint8, stack=4)
    draw, no = np.random.default_rng(0), np.array([False])
    seen = draw.integers(0, 256, (1, 4, 84, 84)).astype(np.uint8)
    for i in range(100_000):
        end = np.array([i % 700 == 0])
        replay.add(seen, np.array([1]), np.array([0.0]), end, end, no)
    times = []
    for _ in range(200):
        started = time.perf_counter()
        replay.sample(32, draw)
        times.append(time.perf_counter() - started)
    return {
        "bytes_per_step": replay.nbytes / 100_000,
        "gb_of_a_million": replay.nbytes / 100_000 / 1000,
        "measured_gb_of_100000": (resident() - before) / 1e9,
        "milliseconds_to_draw_32": 1000 * median(times),
    }


def soak(threads: int, steps: int = 200_000) -> dict[str, Any]:
    """Memory over many steps of Breakout, with updates now and then: its slope once all is full."""
    import numpy as np
    import torch

    from gradus import catalog
    from gradus.core.practice import build_practice

    torch.set_num_threads(threads)
    recipe = catalog.recipe("breakout-dqn")
    config = recipe.configure(
        games=8, steps=5_000, replay=20_000, train_every=400, learning_starts=1_000
    )
    practice = build_practice(recipe, config, torch.device("cpu"))
    memory = []
    for number in range(steps // config.steps):
        practice.epoch(number, lambda steps, loss: None)
        memory.append(resident() / 1e6)
    late = memory[len(memory) // 4 :]
    slope = float(np.polyfit(np.arange(len(late)) * config.steps / 1e5, late, 1)[0])
    return {"steps": steps, "mb": memory, "mb_per_100000_steps": slope}


def resident() -> int:
    """Memory that this process holds now, in bytes."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize()


CONTESTANTS: dict[str, Callable[[str, int, float], dict[str, float]]] = {
    "gradus": ours,
    HALF: partial(ours, precision="bf16-mixed"),
    "stable-baselines3": theirs,
}

if __name__ == "__main__":
    main()
